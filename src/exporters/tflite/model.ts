/** A TensorFlow Lite model as it grows: tensors, the buffers of the constant ones, operators. */

import { type BuiltinOperator, operatorNames } from "../../formats/tflite/operators.ts";
import { activations, type OptionsName, schemaVersion, tensorTypes } from "../../formats/tflite/schema.ts";
import type { TensorType } from "../../ir/dtype.ts";
import { invariant } from "../../support/invariant.ts";
import type { Activation, Call, ExportGraph, Refusal } from "../exporter.ts";
import { optionsFields, type TableValue, writeModel } from "./write.ts";

/** A tensor, by its name. */
export type Model = {
  readonly graph: ExportGraph;
  shape(name: string): readonly number[];
  /** The values of a constant; undefined for what is computed. */
  constant(name: string): Float32Array | undefined;
  /** A new constant, once for each name. */
  floats(name: string, shape: readonly number[], values: Float32Array): string;
  integers(values: readonly number[], shape?: readonly number[]): string;
  /** Without a result's name, a new tensor of the shape given is made; returns the result's name. */
  emit(operator: BuiltinOperator, operands: readonly string[], result: Result, options?: { table: OptionsName; value: TableValue }): string;
  bytes(): Uint8Array;
};

/** Emits what a call needs, or returns what cannot be said. */
export type Translate = (call: Call, model: Model) => Refusal;

export type Result = { readonly name: string; readonly shape: readonly number[] };

/** The last version that has no fields but those written; a reader takes an older file. */
const versions: { readonly [operator in BuiltinOperator]?: number } = {
  DEPTHWISE_CONV_2D: 2,
  FULLY_CONNECTED: 5,
  TRANSPOSE_CONV: 3,
  RESIZE_BILINEAR: 3,
  RESIZE_NEAREST_NEIGHBOR: 3,
};

export function createModel(graph: ExportGraph): Model {
  const buffers: TableValue[] = [{}];
  const tensors: { readonly name: string; readonly value: TableValue; readonly shape: readonly number[] }[] = [];
  const positions = new Map<string, number>();
  const codes: { readonly key: BuiltinOperator; readonly value: TableValue }[] = [];
  const operators: TableValue[] = [];

  const addTensor = (name: string, shape: readonly number[], type: keyof typeof tensorTypes, bytes?: Uint8Array) => {
    const buffer = bytes ? buffers.push({ data: bytes }) - 1 : 0;
    positions.set(name, tensors.push({ name, shape, value: { shape, type: tensorTypes[type], buffer, name } }) - 1);
    return name;
  };
  const positionOf = (name: string): number => {
    const known = positions.get(name);
    if (known !== undefined) return known;
    const values = graph.constants.get(name);
    const type = graph.types.get(name);
    invariant(type, `${name} has no type`);
    addTensor(name, type.shape, "f32", values && bytesOf(values));
    return positions.get(name) as number;
  };
  const codeOf = (operator: BuiltinOperator): number => {
    const known = codes.findIndex(({ key }) => key === operator);
    if (known >= 0) return known;
    const code = operatorNames.indexOf(operator);
    const value = { deprecated_builtin_code: Math.min(code, 127), version: versions[operator] ?? 1, builtin_code: code };
    return codes.push({ key: operator, value }) - 1;
  };
  for (const { name } of graph.inputs) positionOf(name);

  return {
    graph,
    shape: (name) => graph.types.get(name)?.shape ?? tensors[positionOf(name)]?.shape ?? [],
    constant: (name) => graph.constants.get(name),
    floats: (name, shape, values) => (positions.has(name) ? name : addTensor(name, shape, "f32", bytesOf(values))),
    integers(values, shape = [values.length]) {
      const name = `integers ${values.join(" ")} as ${shape.join("x")}`;
      return positions.has(name) ? name : addTensor(name, shape, "i32", bytesOf(Int32Array.from(values)));
    },
    emit(operator, operands, { name, shape }, options) {
      if (!positions.has(name)) addTensor(name, shape, "f32");
      operators.push({
        opcode_index: codeOf(operator),
        inputs: operands.map(positionOf),
        outputs: [positionOf(name)],
        ...optionsFields(options),
      });
      return name;
    },
    bytes() {
      const outputs = graph.outputs.map(({ value }) => positionOf(value));
      // The file has no other place for an output's name than its tensor's.
      const outputNames = new Map(graph.outputs.map(({ name, value }) => [value, name]));
      const inputs = graph.inputs.map(({ name }) => positionOf(name));
      const subgraph = {
        tensors: tensors.map(({ name, value }) => ({ ...value, name: outputNames.get(name) ?? name })),
        inputs,
        outputs,
        operators,
        name: graph.name,
      };
      const size = buffers.reduce((sum, { data }) => sum + (data instanceof Uint8Array ? data.length + 64 : 0), 0);
      const model = {
        version: schemaVersion,
        operator_codes: codes.map(({ value }) => value),
        subgraphs: [subgraph],
        description: "written by quern",
        buffers,
      };
      return writeModel(model, size + 512 * (tensors.length + operators.length));
    },
  };
}

export function activationCode(activation: Activation | undefined): number {
  return activations[activation ?? "none"];
}

/** What a call gives. */
export function resultOf({ result }: Pick<Call, "result">): Result {
  return { name: result.name, shape: (result.type as TensorType).shape };
}

function bytesOf(values: Float32Array | Int32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
