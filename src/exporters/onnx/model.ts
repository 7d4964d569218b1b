/**
 * An ONNX model as it grows. ONNX wants channels first and Quern's programs have them last, so every value has a layout: its
 * stored dimension i is the program's dimension layout[i]. An operator asks for its operands in the layout that it needs.
 */

import { attributeTypes, encodeMessage, type Message, tensorTypes } from "../../formats/onnx.ts";
import { elementCount, type TensorType } from "../../ir/dtype.ts";
import { isIdentity, permute, permuteShape } from "../../ir/permute.ts";
import { invariant } from "../../support/invariant.ts";
import type { Call, ExportGraph, Refusal } from "../exporter.ts";

export type Layout = readonly number[];
/** A list is of integers, a number a float where its name says so, a text a text. */
export type OnnxAttributes = { readonly [name: string]: number | string | readonly number[] };
export type Translate = (call: Call, model: Model) => Refusal;

export type Model = {
  readonly graph: ExportGraph;
  shape(value: string): readonly number[];
  constant(value: string): Float32Array | undefined;
  layout(value: string): Layout;
  /** The name of the value in this layout; transposed where it lies otherwise. */
  use(value: string, layout: Layout): string;
  /** A constant of the format's own; once for each name. */
  floats(name: string, shape: readonly number[], values: Float32Array): string;
  integers(values: readonly number[]): string;
  node(operator: string, operands: readonly string[], output: string, attributes?: OnnxAttributes): string;
  /** The value is what a node has given, in this layout; without a name, the value's own. */
  define(value: string, layout: Layout, stored?: string): void;
  bytes(): Uint8Array;
};

const irVersion = 8n;
const opset = 17n;

/** The attributes that are floats in ONNX, even where their value is whole. */
const floats: ReadonlySet<string> = new Set(["alpha", "beta", "epsilon"]);

export function createModel(graph: ExportGraph): Model {
  const nodes: {
    readonly operator: string;
    readonly inputs: readonly string[];
    readonly output: string;
    readonly attributes: OnnxAttributes;
  }[] = [];
  const initializers = new Map<string, Message>();
  const places = new Map<string, { readonly stored: string; readonly layout: Layout }>();
  const made = new Map<string, string>();

  const shape = (value: string): readonly number[] => {
    const type = graph.types.get(value);
    invariant(type, `${value} has no type`);
    return type.shape;
  };
  const place = (value: string) => places.get(value) ?? { stored: value, layout: identity(shape(value).length) };
  const node: Model["node"] = (operator, inputs, output, attributes = {}) => {
    nodes.push({ operator, inputs, output, attributes });
    return output;
  };
  const tensor = (name: string, dims: readonly number[], type: keyof typeof tensorTypes, data: Uint8Array) => {
    if (!initializers.has(name)) initializers.set(name, { name, dims: dims.map(BigInt), dataType: tensorTypes[type], rawData: data });
    return name;
  };
  const floatTensor: Model["floats"] = (name, dims, values) => tensor(name, dims, "f32", bytesOf(values));
  const integers: Model["integers"] = (values) =>
    tensor(`integers ${values.join(" ")}`, [values.length], "i64", bytesOf(BigInt64Array.from(values, BigInt)));

  const use: Model["use"] = (value, layout) => {
    const values = graph.constants.get(value);
    const own = shape(value);
    if (values) return floatTensor(suffixed(value, layout), permuteShape(own, layout), permute(values, own, layout));
    const { stored, layout: current } = place(value);
    const order = layout.map((dimension) => current.indexOf(dimension));
    if (isIdentity(order)) return stored;
    // Its own name is that of the value as it is stored.
    const name = isIdentity(layout) ? `${value} in order` : suffixed(value, layout);
    if (made.has(name)) return name;
    made.set(name, value);
    // Where only dimensions of extent 1 move, no element does.
    const moving = order.filter((position) => own[current[position] ?? 0] !== 1);
    if (moving.every((position, i) => i === 0 || position > (moving[i - 1] ?? 0)))
      return node("Reshape", [stored, integers(permuteShape(own, layout))], name);
    return node("Transpose", [stored], name, { perm: order });
  };
  const interfaceLayout = (rank: number): Layout => (graph.keepsInterface ? identity(rank) : imageLayout(rank));
  const valueInfo = (name: string, own: TensorType["shape"]): Message => {
    const dim = permuteShape(own, interfaceLayout(own.length)).map((extent) => ({ dimValue: BigInt(extent) }));
    return { name, type: { tensorType: { elemType: tensorTypes.f32, shape: { dim } } } };
  };
  for (const { name, type } of graph.inputs) places.set(name, { stored: name, layout: interfaceLayout(type.shape.length) });

  return {
    graph,
    shape,
    constant: (value) => graph.constants.get(value),
    layout: (value) => place(value).layout,
    use,
    floats: floatTensor,
    integers,
    node,
    define: (value, layout, stored = value) => void places.set(value, { stored, layout }),
    bytes() {
      const renamed = new Map<string, string>();
      const outputs = graph.outputs.map(({ name, value }) => {
        const stored = use(value, interfaceLayout(shape(value).length));
        const isFree = !renamed.has(stored) && nodes.some(({ output }) => output === stored);
        if (isFree) renamed.set(stored, name);
        else node("Identity", [stored], name);
        return valueInfo(name, shape(value));
      });
      const taken = new Set(renamed.values());
      const rename = (name: string) => renamed.get(name) ?? (taken.has(name) ? `${name} inner` : name);
      return encodeMessage("ModelProto", {
        irVersion,
        producerName: "quern",
        opsetImport: [{ domain: "", version: opset }],
        graph: {
          name: graph.name,
          node: nodes.map(({ operator, inputs, output, attributes }) => ({
            opType: operator,
            name: rename(output),
            input: inputs.map(rename),
            output: [rename(output)],
            attribute: Object.entries(attributes).map(([name, value]) => attributeMessage(name, value)),
          })),
          initializer: [...initializers.values()],
          input: graph.inputs.map(({ name, type }) => valueInfo(name, type.shape)),
          output: outputs,
        },
      });
    },
  };
}

export function identity(rank: number): Layout {
  return Array.from({ length: rank }, (_, d) => d);
}

/** [n, c, ...spatial] of [n, ...spatial, c]. */
export function channelsFirst(rank: number): Layout {
  return lastFirst(rank, 1);
}

/** The last `count` dimensions right after the first. */
export function lastFirst(rank: number, count: number): Layout {
  const all = identity(rank);
  return [...all.slice(0, 1), ...all.slice(rank - count), ...all.slice(1, rank - count)];
}

/** Images are channels first at the interface, as ONNX's users have them; all else is as in the program. */
function imageLayout(rank: number): Layout {
  return rank === 4 ? channelsFirst(rank) : identity(rank);
}

/** Scalars are constants of no dimensions. */
export function scalar(model: Model, value: number): string {
  return model.floats(`scalar ${value}`, [], Float32Array.of(value));
}

function suffixed(name: string, layout: Layout): string {
  return isIdentity(layout) ? name : `${name} as ${layout.join("")}`;
}

function attributeMessage(name: string, value: number | string | readonly number[]): Message {
  if (typeof value === "string") return { name, type: attributeTypes.string, s: new TextEncoder().encode(value) };
  if (typeof value !== "number") return { name, type: attributeTypes.ints, ints: value.map(BigInt) };
  return floats.has(name) ? { name, type: attributeTypes.float, f: value } : { name, type: attributeTypes.int, i: BigInt(value) };
}

function bytesOf(values: Float32Array | BigInt64Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** How many elements lie in a shape's dimensions from `first` on. */
export function elementsFrom(shape: readonly number[], first: number): number {
  return elementCount(shape.slice(first));
}
