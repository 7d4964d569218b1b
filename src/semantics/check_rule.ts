/** Rules, of which nothing else reports a mistake: one that names nothing never applies, or fails when it does. */
import type { RuleDeclaration, Syntax } from "../ir/declaration.ts";
import { isSourceDType } from "../ir/dtype.ts";
import { scalarFunctions } from "../ir/scalar_functions.ts";
import { type Diagnostic, errorDiagnostic } from "../support/diagnostic.ts";
import { nearest } from "../support/nearest.ts";
import { symbolsOf } from "./bind.ts";
import { builtins } from "./compile_time.ts";
import type { Module } from "./module.ts";
import { type Use, usesIn } from "./names_used.ts";

export function checkRule(rule: RuleDeclaration, module: Module): Diagnostic[] {
  const parameters = [...rule.operands, ...rule.attributes].map(({ name }) => name);
  const words = rule.attributes.flatMap(symbolsOf);
  const dimensions = rule.operands.flatMap(({ type }) => type.dimensions.flatMap(({ name }) => (name === undefined ? [] : [name])));
  const everything = new Set([...parameters, ...words, ...dimensions]);
  const sides: readonly (readonly [Syntax, ReadonlySet<string>])[] = [
    [rule.pattern, new Set([...parameters, ...words])],
    [rule.replacement, everything],
  ];
  const ofSides = sides.flatMap(([side, bound]) =>
    usesIn(side, bound).flatMap((use) => checkUse(use, rule, module, [...everything], "side")),
  );
  const conditions = [rule.where, rule.when].flatMap((condition) => (condition ? [condition] : []));
  const ofWhere = conditions.flatMap((condition) =>
    usesIn(condition, everything).flatMap((use) => checkUse(use, rule, module, [...everything], "where")),
  );
  // A name that means nothing stands where a parameter was meant.
  const unbound = ofSides.some(({ code }) => code === "unknown-name") ? [] : unboundParameters(rule);
  return [...ofSides, ...ofWhere, ...unbound];
}

function checkUse(use: Use, rule: RuleDeclaration, module: Module, names: readonly string[], where: "side" | "where"): Diagnostic[] {
  const { name, span } = use;
  if (module.broken?.has(name) || isSourceDType(name)) return [];
  if (use.kind === "name") {
    const callee = use.argumentOf === undefined ? undefined : module.operators.get(use.argumentOf);
    if (callee?.attributes.flatMap(symbolsOf).includes(name)) return [];
    if (names.includes(name))
      return [
        errorDiagnostic("dimension-in-pattern", `the pattern uses the dimension \`${name}\`, which is known only once it has matched`, {
          span,
          help: "leave the attribute to a parameter, and compare it in `where`",
        }),
      ];
    const suggestion = nearest(name, names);
    return [
      errorDiagnostic("unknown-name", `\`${name}\` is not a parameter of the rule \`${rule.name}\``, {
        span,
        help: suggestion ? `did you mean \`${suggestion}\`?` : `declare it: \`rule ${rule.name}(..., ${name}: [...])\``,
      }),
    ];
  }
  const plain = [...module.definitions.keys(), ...Object.keys(scalarFunctions), ...builtins];
  if (plain.includes(name) || module.operators.has(name) || (where === "where" && name === "constant")) return [];
  if (module.functions.has(name))
    return [
      errorDiagnostic("function-in-rule", `the rule \`${rule.name}\` calls the function \`${name}\`, and rules are about operators`, {
        span,
        help: "write what the function stands for",
      }),
    ];
  const suggestion = nearest(name, [...module.operators.keys(), ...(where === "where" ? ["constant"] : [])]);
  return [
    errorDiagnostic("unknown-operator", `there is no operator \`${name}\``, {
      span,
      help: suggestion ? `did you mean \`${suggestion}\`?` : "declare it with `op`",
    }),
  ];
}

/** What the pattern does not hold, a match says nothing of. */
function unboundParameters(rule: RuleDeclaration): Diagnostic[] {
  const inPattern = new Set(usesIn(rule.pattern, new Set()).map(({ name }) => name));
  return [...rule.operands, ...rule.attributes]
    .filter(({ name }) => !inPattern.has(name))
    .map(({ name, span }) =>
      errorDiagnostic("unbound-parameter", `the parameter \`${name}\` does not occur in the pattern of the rule \`${rule.name}\``, {
        span,
        notes: [{ message: "the pattern, which decides what every parameter is", span: rule.pattern.span }],
        help: "use it in the pattern, or leave it out",
      }),
    );
}
