/**
 * Random instances of a rule: shapes, attributes and which operands are constant, drawn from its declaration until both
 * sides compile. Each side becomes a model of its own, written with the rule's own text.
 */
import { libraryFiles } from "../../src/compile.ts";
import type { AttributeParameter, RuleDeclaration, Syntax, TensorParameter } from "../../src/ir/declaration.ts";
import { librarySources } from "../../src/library/sources.ts";
import type { Span } from "../../src/support/diagnostic.ts";
import type { Random } from "../../src/support/random.ts";

export type Instance = {
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Extents and packs by name, as written in Quern: the right side may speak of them. */
  readonly dimensions: ReadonlyMap<string, string>;
  /** As written in Quern. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly constants: ReadonlySet<string>;
};

/** Declarations before the model, and where spans of the rule's file point. */
export type RuleSource = { readonly text: string; readonly declarations: string };

export function libraryRules(): { readonly rule: RuleDeclaration; readonly source: RuleSource }[] {
  return libraryFiles().flatMap((file) =>
    file.declarations.flatMap((declaration) =>
      declaration.kind === "rule"
        ? [
            {
              rule: declaration,
              source: { text: librarySources.find((source) => source.file === file.file)?.text ?? "", declarations: "" },
            },
          ]
        : [],
    ),
  );
}

/** The parts of a `where`: which operands it wants constant, which not, and the conditions on shapes and attributes. */
export type Wanted = { readonly constant: readonly string[]; readonly variable: readonly string[]; readonly conditions: readonly Syntax[] };

export function wantedBy(condition: Syntax | undefined): Wanted {
  if (!condition) return { constant: [], variable: [], conditions: [] };
  if (condition.kind === "binary" && condition.operator === "and") {
    const [left, right] = [wantedBy(condition.left), wantedBy(condition.right)];
    return {
      constant: [...left.constant, ...right.constant],
      variable: [...left.variable, ...right.variable],
      conditions: [...left.conditions, ...right.conditions],
    };
  }
  const operand = constantOperand(condition.kind === "not" ? condition.value : condition);
  if (operand === undefined) return { constant: [], variable: [], conditions: [condition] };
  return condition.kind === "not"
    ? { constant: [], variable: [operand], conditions: [] }
    : { constant: [operand], variable: [], conditions: [] };
}

/** The operand of `constant(x)`. */
function constantOperand(condition: Syntax): string | undefined {
  const argument = condition.kind === "call" && condition.callee === "constant" ? condition.arguments[0]?.value : undefined;
  return argument?.kind === "name" ? argument.name : undefined;
}

export function drawInstance(rule: RuleDeclaration, random: Random): Instance {
  const dimensions = new Map<string, readonly number[]>();
  const packs = new Set<string>();
  const extent = () => random.pick([1, 2, 3, 4, 5, 7, 8]);
  const shapeOf = ({ type }: TensorParameter): number[] =>
    type.dimensions.flatMap(({ name, value, spread }) => {
      if (value?.kind === "number") return [value.value];
      if (name === undefined) throw new Error("a dimension of a rule is a name, a pack or a number");
      if (spread) packs.add(name);
      const known = dimensions.get(name) ?? (spread ? Array.from({ length: random.integer(0, 3) }, extent) : [extent()]);
      dimensions.set(name, known);
      return known;
    });
  const shapes = new Map(rule.operands.map((operand) => [operand.name, shapeOf(operand)] as const));
  const written = new Map(
    [...dimensions].map(([name, extents]) => [name, packs.has(name) ? `[${extents.join(", ")}]` : String(extents[0])] as const),
  );
  const attributes = new Map(rule.attributes.map((attribute) => [attribute.name, drawAttribute(attribute, random)] as const));
  const wanted = wantedBy(rule.where);
  const free = rule.operands
    .map((operand) => operand.name)
    .filter((name) => !wanted.variable.includes(name) && !wanted.constant.includes(name));
  return {
    shapes,
    dimensions: written,
    attributes,
    constants: new Set([...wanted.constant, ...free.filter(() => random.uniform() < 0.3)]),
  };
}

function drawAttribute({ types }: AttributeParameter, random: Random): string {
  const type = random.pick(types);
  switch (type.kind) {
    case "int":
      return String(random.integer(0, 3));
    case "float":
      return String(random.integer(-3, 3) / 4);
    case "bool":
      return random.pick(["true", "false"]);
    case "symbol":
      return `"${type.name}"`;
    case "list": {
      const length = type.length?.kind === "number" ? type.length.value : random.integer(0, 3);
      return `[${Array.from({ length }, () => random.integer(0, 2)).join(", ")}]`;
    }
    default:
      throw new Error(`an attribute of kind ${type.kind} in a rule`);
  }
}

/** The model that computes one side: inputs for what varies, weights for what is constant. */
export function modelOf(
  side: string,
  rule: RuleDeclaration,
  instance: Instance,
  source: RuleSource,
  conditions: readonly string[] = [],
): string {
  const shown = (name: string) => `[${(instance.shapes.get(name) ?? []).join(", ")}]`;
  const names = rule.operands.map((operand) => operand.name);
  const inputs = names.filter((name) => !instance.constants.has(name));
  const weights = names.filter((name) => instance.constants.has(name));
  // A model has inputs; one that nothing reads does no harm.
  const parameters = [...inputs.map((name) => `${name}: f32${shown(name)}`), "unread: f32[1]"];
  const lines = [
    ...[...instance.dimensions].map(([name, value]) => `let ${name} = ${value}`),
    ...weights.map((name) => `let ${name} = @${name}: ${shown(name)} = uniform(-2, 2)`),
    ...[...instance.attributes].map(([name, value]) => `let ${name} = ${value}`),
    ...conditions.map((condition) => `require ${condition}`),
    side,
  ];
  return `${source.declarations}\nmodel side(${parameters.join(", ")}) -> y {\n  ${lines.join("\n  ")}\n}\n`;
}

export function textOf(span: Span, source: RuleSource): string {
  return source.text.slice(span.start, span.end);
}
