/**
 * chooseAlgorithms: applies the rules that offer another algorithm (those with `when`), and expands what they put in its place.
 * It comes after all other rewriting, which by then has moved scales and biases into the operators whose algorithm is chosen.
 * Guarantees: those of rewrite and expand.
 */
import type { RuleDeclaration, Syntax } from "../ir/declaration.ts";
import type { NnProgram } from "../ir/nn.ts";
import { expand } from "./expand.ts";
import { rewrite } from "./rewrite.ts";

export function chooseAlgorithms(program: NnProgram, rules: readonly RuleDeclaration[]): NnProgram {
  return expand(
    rewrite(
      program,
      rules.filter((rule) => rule.when),
    ),
  );
}

/** The rules with one algorithm chosen wherever its `where` holds and all others left out; a name of none leaves out every one. */
export function forceAlgorithm(rules: readonly RuleDeclaration[], name: string): readonly RuleDeclaration[] {
  return rules.flatMap((rule) => {
    if (!rule.when) return [rule];
    const always: Syntax = { kind: "boolean", value: true, span: rule.when.span };
    return rule.name === name ? [{ ...rule, when: always }] : [];
  });
}

/** The rules with the algorithm of some values chosen, each by a rule's name wherever its `where` holds there; `direct` is none of them. */
export function chooseFor(rules: readonly RuleDeclaration[], choices: ReadonlyMap<string, string>): readonly RuleDeclaration[] {
  if (choices.size === 0) return rules;
  const chosen = new Set(choices.keys());
  return rules.flatMap((rule) => {
    if (!rule.when) return [rule];
    const own = new Set([...choices].flatMap(([value, name]) => (name === rule.name ? [value] : [])));
    const always: Syntax = { kind: "boolean", value: true, span: rule.when.span };
    return [
      { ...rule, when: always, at: { only: own } },
      { ...rule, at: { except: chosen } },
    ];
  });
}
