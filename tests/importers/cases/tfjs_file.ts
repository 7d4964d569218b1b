/** TensorFlow.js graph models of one node, made for a test. */
import { encodeElements } from "../../../src/cli/io/element_types.ts";
import { tfjs } from "../../../src/importers/tfjs/importer.ts";
import type { DType } from "../../../src/ir/dtype.ts";
import type { Tensor } from "../../operators/tensors.ts";
import type { CaseFile, ImportCase, Operand } from "./case.ts";
import type { Attribute } from "./tensorflow_calls.ts";

export type GraphNodeCase = {
  readonly operator: string;
  readonly of?: string;
  readonly operands: readonly Operand[];
  readonly attributes?: { readonly [name: string]: Attribute | readonly string[] };
  readonly results: readonly Tensor[];
  readonly tolerance?: number;
};

type Json = { readonly [key: string]: unknown };

const types: { readonly [dtype in DType]?: string } = {
  f32: "DT_FLOAT",
  i32: "DT_INT32",
  bool: "DT_BOOL",
  u8: "DT_UINT8",
  i8: "DT_INT8",
};

/** As protobuf's JSON has it. Whole numbers are `i`, others `f`; an element type is one by its name. */
function attributeJson(name: string, value: Attribute | readonly string[]): Json {
  if (typeof value === "boolean") return { b: value };
  if (typeof value === "string") return value in types ? { type: types[value as DType] } : { s: btoa(value) };
  if (typeof value === "number") return floats.has(name) ? { f: value } : { i: String(value) };
  return value.some((item) => typeof item === "string")
    ? { list: { s: value.map((item) => btoa(String(item))) } }
    : { list: { i: value.map(String) } };
}

const floats = new Set(["alpha", "beta", "bias", "epsilon", "leakyrelu_alpha"]);

export function tfjsCase({ operator, of, operands, attributes = {}, results, ...bounds }: GraphNodeCase): ImportCase {
  const name = (operand: Operand, i: number) => (operand.constant ? `c${i}` : `x${i}`);
  const nodes = operands.map((operand, i) => ({
    name: name(operand, i),
    op: operand.constant ? "Const" : "Placeholder",
    attr: { dtype: { type: types[operand.dtype] }, shape: { shape: { dim: operand.shape.map((size) => ({ size: String(size) })) } } },
  }));
  const node = {
    name: "y",
    op: operator,
    input: operands.map(name),
    attr: Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, attributeJson(key, value)])),
  };
  const constants = operands.flatMap((operand, i) => (operand.constant ? [[`c${i}`, operand] as const] : []));
  const outputs = Object.fromEntries(results.map((_, i) => [`y${i}`, { name: i === 0 ? "y" : `y:${i}` }]));
  return {
    name: of === undefined ? operator : `${operator}, ${of}`,
    operators: [operator],
    importer: tfjs,
    file: tfjsFile(
      {
        format: "graph-model",
        modelTopology: { node: [...nodes, node], library: {}, versions: { producer: 440 } },
        signature: { outputs },
      },
      constants,
    ),
    inputs: new Map(operands.flatMap((operand, i) => (operand.constant ? [] : [[`x${i}`, operand] as const]))),
    expected: results,
    ...bounds,
  };
}

const names: { readonly [dtype in DType]?: string } = { f32: "float32", i32: "int32", bool: "bool", u8: "uint8" };

/** The model with its weights in one shard beside it. */
export function tfjsFile(model: Json, weights: readonly (readonly [name: string, tensor: Tensor])[]): CaseFile {
  const entries = weights.map(([name, { shape, dtype }]) => ({ name, shape, dtype: names[dtype] }));
  const parts = weights.map(([, { data, dtype }]) => encodeElements(data, dtype));
  const weightsManifest = weights.length === 0 ? [] : [{ paths: ["weights.bin"], weights: entries }];
  return {
    path: "net/model.json",
    bytes: new TextEncoder().encode(JSON.stringify({ ...model, weightsManifest })),
    neighbours: new Map([["weights.bin", Uint8Array.from(parts.flatMap((part) => [...part]))]]),
  };
}
