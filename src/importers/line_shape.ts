/** What two calls must share to be one line of a function: everything but the tensors, and the extents that operators pass on. */
import type { AttributeParameter, DimensionSyntax, OpDeclaration } from "../ir/declaration.ts";
import type { TensorType } from "../ir/dtype.ts";
import type { AttributeValue } from "../ir/nn.ts";
import type { Library } from "../semantics/instantiate.ts";
import { exactJson } from "../support/exact_json.ts";
import type { Line } from "./written_model.ts";

/** A dimension of an operand, as the operator declares it. */
export type Extent = {
  /** As the declaration names it. */
  readonly name: string | undefined;
  /** Whether it is a dimension of another operand or of a result too: only such an extent may differ between occurrences. */
  readonly passes: boolean;
};

/** The dimensions of the line's operand. */
export function extentsOf({ operator, operands, types }: Line, position: number, library: Library): readonly Extent[] {
  const declaration = library.operators.get(operator);
  const rank = types[position]?.shape.length ?? 0;
  const unknown = Array.from({ length: rank }, () => ({ name: undefined, passes: false }));
  const own = declaration?.operands[Math.min(position, declaration.operands.length - 1)];
  if (!declaration || !own || own.variadic || operands.length > declaration.operands.length) return unknown;
  const dimensions = own.type.dimensions;
  const pack = dimensions.findIndex(({ spread }) => spread);
  const after = pack < 0 ? 0 : dimensions.length - pack - 1;
  const elsewhere = namesBeside(declaration, own.name);
  return unknown.map((_, d) => {
    const inPack = pack >= 0 && d >= pack && d < rank - after;
    const dimension = inPack ? undefined : pack >= 0 && d >= rank - after ? dimensions[d - rank + dimensions.length] : dimensions[d];
    const name = dimension && plainName(dimension);
    return { name, passes: inPack || (name !== undefined && elsewhere.has(name)) };
  });
}

/** The dimensions of all tensors of the operator but one. */
function namesBeside({ operands, results }: OpDeclaration, own: string): ReadonlySet<string> {
  const others = operands.filter(({ name }) => name !== own).map(({ type }) => type);
  const types = [...others, ...results.flatMap(({ type }) => type ?? [])];
  return new Set(types.flatMap(({ dimensions }) => dimensions.flatMap((dimension) => plainName(dimension) ?? [])));
}

function plainName({ name, spread, value }: DimensionSyntax): string | undefined {
  if (spread) return undefined;
  return name ?? (value?.kind === "name" ? value.name : undefined);
}

/** Equal texts of two lines: the same operator with the same attributes, of operands alike. */
export type ShapeOptions = {
  /** Whether the operand is a weight of the line's own. */
  isWeight(position: number): boolean;
  /** Whether attributes of whole numbers may have other values, as a stride may. */
  readonly isLoose: boolean;
};

export function shapeOfLine(line: Line, library: Library, { isWeight, isLoose }: ShapeOptions): string {
  const { operator, operands, types, complete, results } = line;
  const alike = (type: TensorType | undefined) => [type?.dtype, type?.shape.length];
  const shown = operands.map((operand, i) => {
    if (typeof operand === "number") return operand;
    if (!isWeight(i)) return alike(types[i]);
    const fixed = extentsOf(line, i, library).map(({ passes }, d) => (passes ? "" : operand.type.shape[d]));
    return ["weight", operand.type.dtype, fixed];
  });
  const declaration = library.operators.get(operator);
  const attributes = Object.entries(complete).map(([name, value]) => {
    const isFree = isLoose && declaration?.attributes.some((attribute) => attribute.name === name && takesNumbers(attribute, value));
    return [name, isFree ? (Array.isArray(value) ? value.length : "") : value];
  });
  return exactJson([operator, attributes, shown, results.map(({ type }) => alike(type))]);
}

/** Whether the value is a whole number, or as many of them as the attribute always has. */
function takesNumbers({ types }: AttributeParameter, value: AttributeValue): boolean {
  if (typeof value === "number") return types.some(({ kind }) => kind === "int");
  return Array.isArray(value) && types.some((type) => type.kind === "list" && type.of === "int" && type.length !== undefined);
}
