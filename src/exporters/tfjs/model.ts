/** A TensorFlow.js graph model as it grows: nodes of a TensorFlow graph as JSON, and the constants in one file beside it. */
import type { Call, ExportedFile, ExportGraph, Refusal } from "../exporter.ts";

/** Values of attributes, as the protobuf's JSON has them: integers are texts, texts are base64. */
export type Attribute =
  | { readonly i: string }
  | { readonly f: number }
  | { readonly b: boolean }
  | { readonly s: string }
  | { readonly type: "DT_FLOAT" | "DT_INT32" }
  | { readonly list: { readonly i: readonly string[] } | { readonly s: readonly string[] } };
export type Attributes = { readonly [name: string]: Attribute };
export type Translate = (call: Call, model: Model) => Refusal;

export type Model = {
  readonly graph: ExportGraph;
  shape(value: string): readonly number[];
  constant(value: string): Float32Array | undefined;
  /** A constant of the format's own; once for each name. */
  floats(name: string, shape: readonly number[], values: Float32Array): string;
  integers(values: readonly number[], shape?: readonly number[]): string;
  node(op: string, input: readonly string[], name: string, attributes?: Attributes): string;
  files(file: string): ExportedFile[];
};

type Weight = { readonly name: string; readonly shape: readonly number[]; readonly dtype: "float32" | "int32"; readonly data: Uint8Array };

export function createModel(graph: ExportGraph): Model {
  const nodes: object[] = graph.inputs.map(({ name, type }) => ({
    name,
    op: "Placeholder",
    attr: { dtype: float, shape: { shape: dimensions(type.shape) } },
  }));
  const weights = new Map<string, Weight>();
  const add = (weight: Weight) => {
    if (!weights.has(weight.name)) weights.set(weight.name, weight);
    return weight.name;
  };
  const shape = (value: string) => graph.types.get(value)?.shape ?? [];
  const floats: Model["floats"] = (name, dims, values) => add({ name, shape: dims, dtype: "float32", data: bytesOf(values) });
  /** A constant of the program becomes a weight when a node reads it. */
  const read = (value: string) => {
    const values = graph.constants.get(value);
    return values && !weights.has(value) ? floats(value, shape(value), values) : value;
  };
  return {
    graph,
    shape,
    constant: (value) => graph.constants.get(value),
    floats,
    integers: (values, dims = [values.length]) =>
      add({ name: `integers/${dims.join("x")}/${values.join("_")}`, shape: dims, dtype: "int32", data: bytesOf(Int32Array.from(values)) }),
    node(op, input, name, attributes = {}) {
      nodes.push({ name, op, input: input.map(read), attr: { T: float, ...attributes } });
      return name;
    },
    files(file) {
      for (const { value } of graph.outputs) read(value);
      const all = [...weights.values()];
      const data = `${file.replace(/\.json$/, "")}.bin`;
      const signature = {
        inputs: Object.fromEntries(graph.inputs.map(({ name, type }) => [name, tensorInfo(name, type.shape)])),
        outputs: Object.fromEntries(graph.outputs.map(({ name, value }) => [name, tensorInfo(value, shape(value))])),
      };
      const model = {
        format: "graph-model",
        generatedBy: "quern",
        convertedBy: null,
        signature,
        modelTopology: { node: [...all.map(constNode), ...nodes], library: {}, versions: {} },
        weightsManifest: [{ paths: [data], weights: all.map(({ name, shape: dims, dtype }) => ({ name, shape: dims, dtype })) }],
      };
      return [
        { name: file, contents: JSON.stringify(model) },
        { name: data, contents: joined(all.map((weight) => weight.data)) },
      ];
    },
  };
}

export const integer = (value: number): Attribute => ({ i: String(value) });
export const text = (value: string): Attribute => ({ s: btoa(value) });
export const integerList = (values: readonly number[]): Attribute => ({ list: { i: values.map(String) } });
export const textList = (values: readonly string[]): Attribute => ({ list: { s: values.map((value) => btoa(value)) } });

const float = { type: "DT_FLOAT" } as const;

function constNode({ name, shape, dtype }: Weight): object {
  const type = dtype === "float32" ? "DT_FLOAT" : "DT_INT32";
  return { name, op: "Const", attr: { dtype: { type }, value: { tensor: { dtype: type, tensorShape: dimensions(shape) } } } };
}

function tensorInfo(name: string, shape: readonly number[]): object {
  return { name: `${name}:0`, dtype: "DT_FLOAT", tensorShape: dimensions(shape) };
}

function dimensions(shape: readonly number[]): object {
  return { dim: shape.map((extent) => ({ size: String(extent) })) };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function bytesOf(values: Float32Array | Int32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
