/** The types within a function that is written for repeated lines: those of its operands, and the extents of its weights. */
import type { AttributeType, Syntax, TypeSyntax } from "../ir/declaration.ts";
import type { Attributes, AttributeValue } from "../ir/nn.ts";
import { exactJson } from "../support/exact_json.ts";
import { extentsOf } from "./line_shape.ts";
import type { Names } from "./names.ts";
import type { Lines, Repetition } from "./repeated_stretches.ts";
import { dimensionsSyntax, nameSyntax, numberSyntax } from "./syntax.ts";
import type { Line } from "./written_model.ts";

/** What a call gives beside tensors; a function that would take more is none. */
const mostGiven = 3;

/** What the calls give, one after the other. */
type Given = {
  readonly kind: "given";
  readonly name: string;
  readonly type: AttributeType;
  readonly values: readonly AttributeValue[];
  /** What a call need not give: the operator's own default. */
  readonly initial: AttributeValue | undefined;
};

/** One extent of a weight. */
type Size =
  | Given
  | { readonly kind: "number"; readonly value: number }
  /** The dimension of an operand. */
  | { readonly kind: "dimension"; readonly input: number; readonly dimension: number };

export type FunctionTypes = {
  readonly operands: readonly TypeSyntax[];
  readonly weights: readonly TypeSyntax[];
  /** Of each line; what the calls give stands there by its name, as words do. */
  readonly attributes: readonly Attributes[];
  readonly given: readonly Omit<Given, "kind">[];
};

/** Undefined where calls would have to give too much. */
export function functionTypes(repetition: Repetition, lines: Lines, names: Names): FunctionTypes | undefined {
  const sizes = sizesOf(repetition, lines);
  const attributes = attributesOf(repetition, lines);
  const wanted = new Map<string, Given>();
  for (const item of [...sizes.flat(), ...attributes.flatMap((of) => [...of.values()])])
    if (item.kind === "given" && !wanted.has(keyOf(item))) wanted.set(keyOf(item), item);
  if (wanted.size > mostGiven) return undefined;
  const operands = operandTypes(repetition, sizes, lines, names);
  const given = new Map([...wanted].map(([key, item]) => [key, { ...item, name: names.take(item.name) }]));
  const nameOf = (item: Given) => given.get(keyOf(item))?.name ?? "";
  const extent = (size: Size): Syntax => {
    if (size.kind === "number") return numberSyntax(size.value);
    return nameSyntax(size.kind === "given" ? nameOf(size) : (operands[size.input]?.names.get(size.dimension) ?? ""));
  };
  const [first] = repetition.stretches;
  return {
    operands: operands.map(({ type }) => type),
    weights: (first?.weights ?? []).map(({ type }, j) => dimensionsSyntax(type.dtype, (sizes[j] ?? []).map(extent))),
    attributes: attributes.map((of) =>
      Object.fromEntries([...of].map(([name, item]) => [name, item.kind === "given" ? nameOf(item) : item.value])),
    ),
    given: [...given.values()],
  };
}

function keyOf({ type, values }: Given): string {
  return exactJson([type.kind, values]);
}

type Attribute = Given | { readonly kind: "value"; readonly value: AttributeValue };

/** Of each line, the attributes that must be said. One that no call says has its default in the function as it had outside. */
function attributesOf({ stretches, length }: Repetition, { lines }: Lines): readonly ReadonlyMap<string, Attribute>[] {
  return Array.from({ length }, (_, i) => {
    const alike = stretches.flatMap(({ start }) => lines[start + i] ?? []);
    const said = Object.entries(alike[0]?.complete ?? {}).filter(([name]) => alike.some(({ attributes }) => name in attributes));
    return new Map(
      said.map(([name, value]): [string, Attribute] => {
        const values = alike.map(({ complete }) => complete[name] as AttributeValue);
        if (values.every((other) => exactJson(other) === exactJson(value))) return [name, { kind: "value", value }];
        const initial = alike.find(({ attributes }) => !(name in attributes))?.complete[name];
        const type: AttributeType = Array.isArray(value)
          ? { kind: "list", of: "int", length: numberSyntax(value.length) }
          : { kind: "int" };
        return [name, { kind: "given", name, type, values, initial }];
      }),
    );
  });
}

/** The extents of each weight: the same for all calls, or that of an operand, or what the calls give. */
function sizesOf(repetition: Repetition, { lines, library }: Lines): readonly (readonly Size[])[] {
  const { stretches } = repetition;
  const [first] = stretches;
  if (!first) return [];
  return first.weights.map(({ id, type }, j) => {
    const reader = readerOf(id, repetition, lines);
    const extents = reader && extentsOf(reader.line, reader.position, library);
    return type.shape.map((value, d): Size => {
      const values = stretches.map(({ weights }) => weights[j]?.type.shape[d] ?? 0);
      if (values.every((other) => other === value)) return { kind: "number", value };
      for (const [input, { type: flowing }] of first.inputs.entries())
        for (let dimension = flowing.shape.length - 1; dimension >= 0; dimension--)
          if (extentsAt(repetition, input, dimension) === String(values)) return { kind: "dimension", input, dimension };
      return { kind: "given", name: extents?.[d]?.name ?? "size", type: { kind: "int" }, values, initial: undefined };
    });
  });
}

/** One extent of an operand, of all calls. */
function extentsAt({ stretches }: Repetition, input: number, dimension: number): string {
  return String(stretches.map(({ inputs }) => inputs[input]?.type.shape[dimension] ?? 0));
}

/** The first line of the first stretch that reads the value. */
function readerOf(id: number, { stretches, length }: Repetition, lines: readonly Line[]) {
  const start = stretches[0]?.start ?? 0;
  for (const line of lines.slice(start, start + length)) {
    const position = line.operands.findIndex((operand) => typeof operand === "object" && operand.id === id);
    if (position >= 0) return { line, position };
  }
  return undefined;
}

type OperandType = { readonly type: TypeSyntax; readonly names: ReadonlyMap<number, string> };

/** Dimensions have the names that the operator has for them which reads the operand first; where it has none, only those that weights need. */
function operandTypes(
  repetition: Repetition,
  sizes: readonly (readonly Size[])[],
  { lines, library }: Lines,
  names: Names,
): readonly OperandType[] {
  const known = new Map<string, string>();
  return (repetition.stretches[0]?.inputs ?? []).map(({ id, type: { dtype, shape } }, input): OperandType => {
    const reader = readerOf(id, repetition, lines);
    const declared = reader ? extentsOf(reader.line, reader.position, library).map(({ name }) => name) : [];
    const needed = sizes.flat().flatMap((size) => (size.kind === "dimension" && size.input === input ? [size.dimension] : []));
    const isNamed = declared.length > 0 && declared.every((name) => name !== undefined) && new Set(declared).size === declared.length;
    const from = isNamed ? 0 : Math.min(shape.length, ...needed);
    const named = shape.slice(from).map((_, i) => {
      const wanted = declared[from + i] ?? "n";
      // The same name for two operands says that they have the same extent there.
      const key = `${wanted} ${extentsAt(repetition, input, from + i)}`;
      const name = (isNamed ? known.get(key) : undefined) ?? names.take(wanted);
      if (isNamed) known.set(key, name);
      return name;
    });
    const extents = named.map(nameSyntax);
    const type = isNamed ? dimensionsSyntax(dtype, extents) : dimensionsSyntax(dtype, extents, names.take("s"));
    return { type, names: new Map(named.map((name, i) => [from + i, name])) };
  });
}
