/**
 * ONNX's test cases as vectors of this library: every node becomes a call, by tables that the onnx_*.ts files beside this one
 * hold. A case that does not fit is a reason instead.
 */
import type { DType } from "../../src/ir/dtype.ts";
import { folded } from "./onnx_folding.ts";
import type { OnnxAttribute, OnnxCase, OnnxNode, OnnxTensor, OnnxType } from "./onnx_reader.ts";
import { type Tensor, tensor, type Vector, vector } from "./tensors.ts";

/** An operand of a node: how to write it, its type, and its elements where the case gives them. */
export type Value = {
  readonly text: string;
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly data: readonly number[] | undefined;
};

export type Node = {
  readonly operator: string;
  readonly opset: number;
  /** An operand that is left out is undefined. */
  readonly inputs: readonly (Value | undefined)[];
  /** The results that are asked for; the shapes and types only of those that the model gives. */
  readonly outputs: readonly (OnnxTensor | undefined)[];
  readonly attributes: ReadonlyMap<string, OnnxAttribute>;
};

/** One way to compute one of the node's results. */
export type Call = {
  /** The library's operator that is tested; "" where the language itself is. */
  readonly operator: string;
  readonly text: string;
  /** Which result; the first. */
  readonly output?: number;
  /** The result's shape where it is not that of all operands broadcast, and its type where not the first operand's. */
  readonly dims?: readonly number[];
  readonly dtype?: DType;
};

/** The ways to compute the node's results, or why there is none. */
export type Translation = (node: Node) => readonly Call[] | Call | string;
export type Translations = { readonly [operator: string]: Translation };

export type OnnxVector = Vector & {
  /** All operators of the library that the vector runs. */
  readonly uses: readonly string[];
};

/** The vectors of a case, or why there are none. */
export function vectorsOf(given: OnnxCase | string, translations: Translations): readonly OnnxVector[] | string {
  if (typeof given === "string") return "sequences and optional values are not in the language";
  const nodes = given.nodes.filter(({ operator }) => operator !== "Constant");
  const values = new Map<string, Value>();
  for (const [name, found] of [...constantsOf(given), ...given.initializers, ...given.inputs]) {
    const operand = operandOf(found);
    if (typeof operand === "string") return operand;
    values.set(name, { text: `<${name}>`, ...operand, dims: operand.shape });
  }
  for (const found of given.outputs.values()) {
    const result = operandOf(found);
    if (typeof result === "string") return result;
  }
  const [only] = nodes;
  if (only && nodes.length === 1) {
    const calls = callsOf(only, given, values, translations);
    if (typeof calls === "string") return calls;
    return calls.flatMap((call) => finished(given, only.outputs[call.output ?? 0] as string, call.text, values, [call.operator]));
  }
  return vectorOfGraph(given, nodes, values, translations);
}

/** Several nodes: every value but the last ones is bound with `let`. */
function vectorOfGraph(
  given: OnnxCase,
  nodes: readonly OnnxNode[],
  values: Map<string, Value>,
  translations: Translations,
): readonly OnnxVector[] | string {
  const inputs = new Map(values);
  const lines: string[] = [];
  const uses: string[] = [];
  for (const node of nodes) {
    const known = folded(nodeOf(node, given, values));
    if (known) {
      const value = { ...known, text: `<${node.outputs[0]}>` };
      values.set(node.outputs[0] as string, value);
      inputs.set(node.outputs[0] as string, value);
      continue;
    }
    const calls = callsOf(node, given, values, translations);
    if (typeof calls === "string") return calls;
    for (const [i, name] of node.outputs.entries()) {
      if (name === "") continue;
      const call = calls.find(({ output }) => (output ?? 0) === i);
      if (!call) return `nothing computes result ${i} of ${node.operator}`;
      const operands = node.inputs.flatMap((input) => values.get(input) ?? []);
      const text = `v${lines.length}`;
      lines.push(`let ${text} = ${call.text}`);
      uses.push(call.operator);
      values.set(name, {
        text,
        dtype: call.dtype ?? operands[0]?.dtype ?? "f32",
        dims: call.dims ?? broadcast(operands.map(({ dims }) => dims)),
        data: undefined,
      });
    }
  }
  return [...given.outputs.keys()].flatMap((name) =>
    finished(given, name, [...lines, values.get(name)?.text].join("\n  "), inputs, [...new Set(uses)]),
  );
}

/** The vector whose call is the text, if the model gives that result. */
function finished(
  given: OnnxCase,
  output: string,
  text: string,
  values: ReadonlyMap<string, Value>,
  uses: readonly string[],
): OnnxVector[] {
  const wanted = given.outputs.get(output);
  if (!wanted) return [];
  const operands: Tensor[] = [];
  let call = text;
  for (const value of values.values()) {
    if (!call.includes(value.text)) continue;
    call = call.replaceAll(value.text, `x${operands.length}`);
    operands.push(tensor(value.dims, value.data ?? [], value.dtype));
  }
  return [{ ...vector(uses.at(-1) as string, call, operands, operandOf(wanted) as Tensor), uses }];
}

function callsOf(
  node: OnnxNode,
  given: OnnxCase,
  values: ReadonlyMap<string, Value>,
  translations: Translations,
): readonly Call[] | string {
  const translate = Object.hasOwn(translations, node.operator) ? translations[node.operator] : undefined;
  if (!translate) return `no operator of the library is ${node.operator}`;
  const calls = translate(nodeOf(node, given, values));
  return typeof calls === "string" || Array.isArray(calls) ? calls : [calls as Call];
}

function nodeOf({ operator, inputs, outputs, attributes }: OnnxNode, given: OnnxCase, values: ReadonlyMap<string, Value>): Node {
  return {
    operator,
    opset: given.opset,
    inputs: inputs.map((name) => values.get(name)),
    outputs: outputs.map((name) => given.outputs.get(name)),
    attributes,
  };
}

function constantsOf({ nodes }: OnnxCase): [string, OnnxTensor][] {
  return nodes
    .filter(({ operator }) => operator === "Constant")
    .map(({ outputs, attributes }) => {
      const [name = "", [kind, value] = ["", 0]] = [outputs[0], [...attributes][0]];
      if (typeof value === "object" && "data" in value) return [name, value];
      const data = typeof value === "number" ? [value] : typeof value === "string" ? [] : value;
      const type: OnnxType = kind.startsWith("value_float") ? "float32" : "int64";
      return [name, { name, type, dims: typeof value === "number" ? [] : [data.length], data }];
    });
}

const dtypeOf: { readonly [type in OnnxType]?: DType } = {
  float32: "f32",
  float64: "f32",
  int8: "i8",
  uint8: "u8",
  int32: "i32",
  int64: "i32",
  bool: "bool",
};

function operandOf({ type, dims, data }: OnnxTensor): Tensor | string {
  const dtype = dtypeOf[type];
  if (!dtype) return `elements of the type ${type}`;
  // What is beyond i32 are limits of slices and the like, which are compile-time values.
  return tensor(dims, dtype === "f32" ? data.map(Math.fround) : data, dtype);
}

export function broadcast(shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, d) =>
    shapes.reduce((extent, shape) => {
      const own = shape[d - rank + shape.length] ?? 1;
      return extent === 1 ? own : extent;
    }, 1),
  );
}

export function integer({ attributes }: Node, name: string, otherwise: number): number {
  return (attributes.get(name) as number | undefined) ?? otherwise;
}

export function integers({ attributes }: Node, name: string): readonly number[] | undefined {
  return attributes.get(name) as readonly number[] | undefined;
}

/** A float attribute, as it is written. */
export function float({ attributes }: Node, name: string, otherwise: number): string {
  return literal((attributes.get(name) as number | undefined) ?? otherwise);
}

export function word({ attributes }: Node, name: string, otherwise: string): string {
  return (attributes.get(name) as string | undefined) ?? otherwise;
}

export function literal(value: number): string {
  if (Number.isNaN(value)) return "nan";
  return Number.isFinite(value) ? `${value}` : value < 0 ? "-inf" : "inf";
}

/** How an operand is written. */
export function text(node: Node, i: number): string {
  const value = node.inputs[i];
  if (!value) throw new Error(`${node.operator} has no operand ${i}`);
  return value.text;
}

export function dimsOf(node: Node, i: number): readonly number[] {
  return node.inputs[i]?.dims ?? [];
}

/** The elements of an operand that the library takes as a compile-time value. */
export function elements(node: Node, i: number): readonly number[] | undefined {
  return node.inputs[i]?.data;
}

export function wrapped(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

export function range(count: number, from = 0): number[] {
  return Array.from({ length: count }, (_, i) => from + i);
}

/** ONNX has channels second, this library last. */
export function channelsLast(x: string, rank: number): string {
  return rank < 3 ? x : `transpose(${x}, order: [${[0, ...range(rank - 2, 2), 1]}])`;
}

export function channelsFirst(x: string, rank: number): string {
  return rank < 3 ? x : `transpose(${x}, order: [${[0, rank - 1, ...range(rank - 2, 1)]}])`;
}
