/** TensorFlow Lite files read back with the FlatBuffers library, as far as the tests ask. */
import { ByteBuffer } from "flatbuffers";
import { operatorNames } from "../../src/formats/tflite/operators.ts";
import { fileIdentifier, optionsKinds, type Scalar, schema, type TableName } from "../../src/formats/tflite/schema.ts";
import type { Line } from "./support.ts";

export type ReadTensor = {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: number;
  /** Of a constant. */
  readonly bytes?: Uint8Array;
  /** Where its bytes begin in the file. */
  readonly at?: number;
};

export type ReadModel = {
  readonly version: number;
  readonly tensors: readonly ReadTensor[];
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly lines: readonly Line[];
};

export function readTflite(file: Uint8Array): ReadModel {
  const buffer = new ByteBuffer(file);
  if (!buffer.__has_identifier(fileIdentifier)) throw new Error("the file is no TensorFlow Lite model");
  const model = cursor(buffer, "Model", buffer.readInt32(0));
  const [subgraph] = model.tables("subgraphs", "SubGraph");
  if (!subgraph) throw new Error("the model has no subgraph");
  const buffers = model.tables("buffers", "Buffer");
  const codes = model.tables("operator_codes", "OperatorCode").map((code) => code.scalar("builtin_code"));
  const tensors = subgraph.tables("tensors", "Tensor").map((tensor) => {
    const data = buffers[tensor.scalar("buffer")]?.bytes("data");
    const plain = { name: tensor.text("name"), shape: tensor.integers("shape"), type: tensor.scalar("type") };
    return data ? { ...plain, ...data } : plain;
  });
  const nameOf = (position: number) => tensors[position]?.name ?? "";
  const lines = subgraph.tables("operators", "Operator").map((operator) => ({
    operator: operatorNames[codes[operator.scalar("opcode_index")] ?? -1] ?? "",
    operands: operator.integers("inputs").map(nameOf),
    result: nameOf(operator.integers("outputs")[0] ?? -1),
    attributes: operator.options(),
  }));
  const names = (field: string) => subgraph.integers(field).map(nameOf);
  return { version: model.scalar("version"), tensors, inputs: names("inputs"), outputs: names("outputs"), lines };
}

/** A table of the file: its fields by the schema. */
function cursor(buffer: ByteBuffer, table: TableName, start: number) {
  const place = (field: string): number => {
    const known = schema[table][field];
    if (!known) throw new Error(`${table} has no field ${field}`);
    const offset = buffer.__offset(start, 4 + 2 * known.position);
    return offset === 0 ? 0 : start + offset;
  };
  const scalar = (field: string): number => {
    const at = place(field);
    const type = schema[table][field]?.type;
    return at === 0 || type?.kind !== "scalar" ? 0 : readScalar(buffer, type.of, at);
  };
  const vector = (field: string) => {
    const at = place(field);
    return at === 0 ? { at: 0, length: 0 } : { at: buffer.__vector(at), length: buffer.__vector_len(at) };
  };
  return {
    scalar,
    text: (field: string) => String(buffer.__string(place(field))),
    integers(field: string) {
      const { at, length } = vector(field);
      return Array.from({ length }, (_, i) => buffer.readInt32(at + 4 * i));
    },
    bytes(field: string) {
      const { at, length } = vector(field);
      return at === 0 ? undefined : { at, bytes: buffer.bytes().subarray(at, at + length) };
    },
    tables(field: string, of: TableName) {
      const { at, length } = vector(field);
      return Array.from({ length }, (_, i) => cursor(buffer, of, buffer.__indirect(at + 4 * i)));
    },
    /** The options of an operator, every field by its name. */
    options(): { readonly [name: string]: unknown } {
      const kind = (Object.keys(optionsKinds) as (keyof typeof optionsKinds)[]).find(
        (name) => optionsKinds[name] === scalar("builtin_options_type"),
      );
      if (kind === undefined) return {};
      const inner = cursor(buffer, kind, buffer.__indirect(place("builtin_options")));
      return Object.fromEntries(
        Object.entries(schema[kind]).map(([field, { type }]) => [
          field,
          type.kind === "scalar" ? inner.scalar(field) : inner.integers(field),
        ]),
      );
    },
  };
}

function readScalar(buffer: ByteBuffer, of: Scalar, at: number): number {
  switch (of) {
    case "byte":
      return buffer.readInt8(at);
    case "ubyte":
    case "bool":
      return buffer.readUint8(at);
    case "int":
      return buffer.readInt32(at);
    case "uint":
      return buffer.readUint32(at);
    case "float":
      return buffer.readFloat32(at);
  }
}
