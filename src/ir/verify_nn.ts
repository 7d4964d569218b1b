/**
 * Invariants of the nn level. docs/levels.md lists them with their codes. Shapes are checked as far as an operator's
 * declaration names them; what a body computes is instantiation's to say.
 */
import type { Diagnostic } from "../support/diagnostic.ts";
import type { AttributeType, OpDeclaration, TypeSyntax } from "./declaration.ts";
import { elementCount, formatType, isDType, type TensorType } from "./dtype.ts";
import type { AttributeValue, NnNode, NnProgram, NnValue } from "./nn.ts";
import { printNumber } from "./print_literal.ts";
import { holdsValue } from "./verify_expr.ts";
import { createReport, isShape, type Report, requireUnique } from "./verify_report.ts";

export function verifyNn(program: NnProgram): Diagnostic[] {
  const report = createReport();
  const types = new Map<string, TensorType>();
  const define = ({ name, type }: NnValue) => {
    if (types.has(name)) report.add("defined-twice", `the value \`%${name}\` is defined twice`);
    if (!isShape(type.shape)) report.add("type-extent", `\`%${name}\` is ${formatType(type)}: extents are whole and at least 0`);
    types.set(name, type);
  };
  for (const value of [...program.inputs, ...program.weights, ...program.constants]) define(value);
  for (const constant of program.constants) checkConstant(constant, report);
  requireUnique(
    program.weights.map((weight) => weight.path),
    "path-twice",
    "the weight",
    report,
  );
  const patterns = new Map([...program.operators].map(([name, operator]) => [name, patternOf(operator)]));
  for (const node of program.nodes) {
    for (const name of node.operands)
      if (!types.has(name)) report.add("undefined-value", `\`${node.operator}\` reads \`%${name}\`, which is not defined before it`);
    const pattern = patterns.get(node.operator);
    if (!pattern) report.add("unknown-operator", `\`${node.operator}\` is not among the program's operators`);
    else checkNode(node, pattern, types, report);
    for (const value of node.results) define(value);
  }
  requireUnique(
    program.outputs.map((output) => output.name),
    "output-twice",
    "the output",
    report,
  );
  for (const { name, value } of program.outputs)
    if (!types.has(value)) report.add("undefined-value", `the output \`${name}\` is \`%${value}\`, which is not defined`);
  for (const [kind, declarations] of [
    ["operator", program.operators],
    ["definition", program.definitions],
  ] as const)
    for (const [name, declaration] of declarations)
      if (declaration.name !== name) report.add("declaration-name", `the ${kind} \`${declaration.name}\` is known as \`${name}\``);
  return report.diagnostics;
}

function checkConstant({ name, type, data }: NnProgram["constants"][number], report: Report): void {
  if (data.length !== elementCount(type.shape))
    report.add("constant-size", `\`%${name}\` is ${formatType(type)} and has ${data.length} elements`);
  const wrong = data.find((value) => !holdsValue(type.dtype, value));
  if (wrong !== undefined) report.add("constant-value", `\`%${name}\` holds ${type.dtype}, and ${printNumber(wrong)} is none`);
}

/** A declaration with the names that its body or its attributes give a meaning of their own, which say nothing of dimensions. */
type Pattern = { readonly operator: OpDeclaration; readonly shadowed: ReadonlySet<string> };

function patternOf(operator: OpDeclaration): Pattern {
  const lets = operator.body.flatMap((statement) => (statement.kind === "let" ? statement.pattern.names : []));
  return { operator, shadowed: new Set([...lets, ...operator.attributes.map((attribute) => attribute.name)]) };
}

function checkNode(node: NnNode, { operator, shadowed }: Pattern, types: ReadonlyMap<string, TensorType>, report: Report): void {
  const call = `\`${node.operator}\` for \`%${node.results[0]?.name ?? ""}\``;
  const parameters = operator.operands;
  const variadic = parameters.at(-1)?.variadic ?? false;
  const fixed = variadic ? parameters.length - 1 : parameters.length;
  if (node.operands.length < fixed || (!variadic && node.operands.length > fixed))
    report.add("operand-count", `${call} takes ${variadic ? "at least " : ""}${fixed} operands, and has ${node.operands.length}`);
  if (node.results.length !== operator.results.length)
    report.add("result-count", `${call} gives ${operator.results.length} results, and ${node.results.length} are named`);
  checkAttributes(node, operator, call, report);
  const bound: Bound = { dtypes: new Map(), extents: new Map(), packs: new Map() };
  node.operands.forEach((name, i) => {
    const parameter = parameters[Math.min(i, parameters.length - 1)];
    const type = types.get(name);
    if (!parameter || !type) return;
    const mistake = matchType(parameter.type, type, bound, i < parameters.length);
    if (mistake) report.add("operand-type", `${call}: \`%${name}\` is ${formatType(type)}, and ${mistake}`);
  });
  node.results.forEach((value, i) => {
    const declared = operator.results[i]?.type;
    const mistake = declared && checkResult(declared, value.type, bound, shadowed, node);
    if (mistake) report.add("result-type", `${call}: \`%${value.name}\` is ${formatType(value.type)}, and ${mistake}`);
  });
}

/** What operands say of type variables (the dtype of types that name none has the key ""), dimensions and packs. */
type Bound = {
  readonly dtypes: Map<string, string>;
  readonly extents: Map<string, number>;
  readonly packs: Map<string, readonly number[]>;
};

/** Binds what a parameter's type names; a mistake is what was expected instead. Further variadic operands share the dtype only. */
function matchType(syntax: TypeSyntax, type: TensorType, bound: Bound, withShape: boolean): string | undefined {
  const dtype = syntax.dtype !== undefined && isDType(syntax.dtype) ? syntax.dtype : bound.dtypes.get(syntax.dtype ?? "");
  if (dtype === undefined) bound.dtypes.set(syntax.dtype ?? "", type.dtype);
  else if (dtype !== type.dtype) return `${dtype} is needed`;
  if (!withShape) return undefined;
  const { dimensions } = syntax;
  const spread = dimensions.find((dimension) => dimension.spread);
  const plain = dimensions.length - (spread ? 1 : 0);
  if (type.shape.length < plain || (!spread && type.shape.length > plain))
    return `${spread ? "at least " : ""}${plain} dimensions are needed`;
  let position = 0;
  for (const dimension of dimensions) {
    const length = dimension.spread ? type.shape.length - plain : 1;
    const extents = type.shape.slice(position, position + length);
    position += length;
    const mistake = dimension.spread ? bindPack(dimension.name, extents, bound) : bindExtent(dimension, extents[0] as number, bound);
    if (mistake) return mistake;
  }
  return undefined;
}

function bindPack(name: string | undefined, extents: readonly number[], { packs }: Bound): string | undefined {
  if (name === undefined) return undefined;
  const known = packs.get(name);
  if (known && known.join() !== extents.join()) return `\`...${name}\` is [${known.join(", ")}]`;
  packs.set(name, extents);
  return undefined;
}

function bindExtent({ name, value }: TypeSyntax["dimensions"][number], extent: number, { extents }: Bound): string | undefined {
  if (value) return value.kind === "number" && value.value !== extent ? `an extent of ${value.value} is needed` : undefined;
  if (name === undefined) return undefined;
  const known = extents.get(name);
  if (known !== undefined && known !== extent) return `\`${name}\` is ${known}`;
  extents.set(name, extent);
  return undefined;
}

/** A result against what the operands say of it: dimensions that the body works out may be anything. */
function checkResult(syntax: TypeSyntax, type: TensorType, bound: Bound, shadowed: ReadonlySet<string>, node: NnNode): string | undefined {
  const dtype = resultDType(syntax, bound, node);
  if (dtype !== undefined && dtype !== type.dtype) return `${dtype} is declared`;
  // Extents from the left and from the right, up to a pack whose length the operands do not give.
  for (const fromRight of [false, true]) {
    const dimensions = fromRight ? [...syntax.dimensions].reverse() : syntax.dimensions;
    const actual = fromRight ? [...type.shape].reverse() : type.shape;
    let position = 0;
    let open = false;
    for (const dimension of dimensions) {
      const known = knownExtents(dimension, bound, shadowed);
      if (!known) {
        open = true;
        break;
      }
      for (const extent of fromRight ? [...known].reverse() : known) {
        const found = actual[position++];
        if (found === undefined || (extent !== undefined && extent !== found))
          return `the declaration gives \`${dimension.name ?? "it"}\` other extents`;
      }
    }
    if (!open && position !== actual.length) return `${position} dimensions are declared`;
  }
  return undefined;
}

function resultDType(syntax: TypeSyntax, bound: Bound, node: NnNode): string | undefined {
  if (syntax.dtype === undefined) return bound.dtypes.get("") ?? "f32";
  if (isDType(syntax.dtype)) return syntax.dtype;
  const attribute = Object.hasOwn(node.attributes, syntax.dtype) ? node.attributes[syntax.dtype] : undefined;
  return bound.dtypes.get(syntax.dtype) ?? (typeof attribute === "string" ? attribute : undefined);
}

/** The extents that a dimension stands for, each unknown where the body gives it; undefined for a pack of unknown length. */
function knownExtents({ name, value, spread }: TypeSyntax["dimensions"][number], bound: Bound, shadowed: ReadonlySet<string>) {
  const isPlain = value === undefined && name !== undefined && !shadowed.has(name);
  if (spread) return isPlain ? bound.packs.get(name) : undefined;
  if (value?.kind === "number") return [value.value];
  return [isPlain ? bound.extents.get(name) : undefined];
}

function checkAttributes(node: NnNode, operator: OpDeclaration, call: string, report: Report): void {
  const declared = new Map(operator.attributes.map((attribute) => [attribute.name, attribute]));
  for (const [name, value] of Object.entries(node.attributes)) {
    const attribute = declared.get(name);
    if (!attribute) report.add("attribute-name", `${call} has no attribute \`${name}\``);
    else if (!attribute.types.some((type) => fits(value, type)))
      report.add("attribute-type", `${call}: ${JSON.stringify(value)} is no value of the attribute \`${name}\``);
  }
  for (const name of declared.keys())
    if (!Object.hasOwn(node.attributes, name))
      report.add("attribute-name", `${call} does not give its attribute \`${name}\`: calls are complete`);
}

function fits(value: AttributeValue, type: AttributeType): boolean {
  switch (type.kind) {
    case "int":
      return typeof value === "number" && Number.isInteger(value);
    case "float":
      return typeof value === "number";
    case "bool":
      return typeof value === "boolean";
    case "string":
      return typeof value === "string";
    case "dtype":
      return typeof value === "string" && isDType(value);
    case "symbol":
      return value === type.name;
    case "list":
      return typeof value === "object" && value.every((item) => fits(item, { kind: type.of }));
  }
}
