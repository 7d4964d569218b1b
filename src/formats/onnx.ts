/**
 * The messages of an ONNX file as far as they are written or read. Source: onnx.proto; field numbers never change, so a
 * table of them is all that a protobuf library needs. Graphs inside attributes are not described, so that no file nests deep.
 */
import { create, createFileRegistry, type DescMessage, fromBinary, type Registry, toBinary } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { FieldDescriptorProto_Label, FieldDescriptorProto_Type, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { invariant } from "../support/invariant.ts";

/** Number and type of a field; a name in capitals is a message, [] says that it may occur many times. */
type Fields = { readonly [field: string]: readonly [number: number, type: string] };

const messages = {
  ModelProto: {
    ir_version: [1, "int64"],
    producer_name: [2, "string"],
    producer_version: [3, "string"],
    graph: [7, "GraphProto"],
    opset_import: [8, "OperatorSetIdProto[]"],
    functions: [25, "FunctionProto[]"],
  },
  OperatorSetIdProto: { domain: [1, "string"], version: [2, "int64"] },
  FunctionProto: {
    name: [1, "string"],
    input: [4, "string[]"],
    output: [5, "string[]"],
    attribute: [6, "string[]"],
    node: [7, "NodeProto[]"],
    opset_import: [9, "OperatorSetIdProto[]"],
    domain: [10, "string"],
    attribute_proto: [11, "AttributeProto[]"],
  },
  GraphProto: {
    node: [1, "NodeProto[]"],
    name: [2, "string"],
    initializer: [5, "TensorProto[]"],
    input: [11, "ValueInfoProto[]"],
    output: [12, "ValueInfoProto[]"],
    sparse_initializer: [15, "SparseTensorProto[]"],
  },
  NodeProto: {
    input: [1, "string[]"],
    output: [2, "string[]"],
    name: [3, "string"],
    op_type: [4, "string"],
    attribute: [5, "AttributeProto[]"],
    domain: [7, "string"],
  },
  AttributeProto: {
    name: [1, "string"],
    f: [2, "float"],
    i: [3, "int64"],
    s: [4, "bytes"],
    t: [5, "TensorProto"],
    floats: [7, "float[]"],
    ints: [8, "int64[]"],
    strings: [9, "bytes[]"],
    type: [20, "int32"],
    ref_attr_name: [21, "string"],
  },
  TensorProto: {
    dims: [1, "int64[]"],
    data_type: [2, "int32"],
    float_data: [4, "float[]"],
    int32_data: [5, "int32[]"],
    int64_data: [7, "int64[]"],
    name: [8, "string"],
    raw_data: [9, "bytes"],
    double_data: [10, "double[]"],
    uint64_data: [11, "uint64[]"],
    external_data: [13, "StringStringEntryProto[]"],
    data_location: [14, "int32"],
  },
  SparseTensorProto: { values: [1, "TensorProto"] },
  StringStringEntryProto: { key: [1, "string"], value: [2, "string"] },
  ValueInfoProto: { name: [1, "string"], type: [2, "TypeProto"] },
  TypeProto: { tensor_type: [1, "TensorTypeProto"] },
  TensorTypeProto: { elem_type: [1, "int32"], shape: [2, "TensorShapeProto"] },
  TensorShapeProto: { dim: [1, "DimensionProto[]"] },
  DimensionProto: { dim_value: [1, "int64"], dim_param: [2, "string"] },
} as const satisfies { readonly [message: string]: Fields };

export type MessageName = keyof typeof messages;

const scalarTypes: { readonly [name: string]: FieldDescriptorProto_Type } = {
  int64: FieldDescriptorProto_Type.INT64,
  uint64: FieldDescriptorProto_Type.UINT64,
  double: FieldDescriptorProto_Type.DOUBLE,
  int32: FieldDescriptorProto_Type.INT32,
  float: FieldDescriptorProto_Type.FLOAT,
  string: FieldDescriptorProto_Type.STRING,
  bytes: FieldDescriptorProto_Type.BYTES,
};

export const tensorTypes = {
  f32: 1,
  u8: 2,
  i8: 3,
  u16: 4,
  i16: 5,
  i32: 6,
  i64: 7,
  string: 8,
  bool: 9,
  f16: 10,
  f64: 11,
  u32: 12,
  u64: 13,
  bf16: 16,
} as const;
export const attributeTypes = { float: 1, int: 2, string: 3, tensor: 4, graph: 5, floats: 6, ints: 7, strings: 8 } as const;

/** A message with its fields in camel case; integers of 64 bits are bigints. A field that the file leaves out is no own property. */
export type Message = { readonly [field: string]: MessageField };
export type MessageField = bigint | number | string | Uint8Array | Message | readonly MessageField[];

/** What is wrong with a file's bytes, and where. */
export type Malformed = { readonly problem: string; readonly offset: number };

export function encodeMessage(name: MessageName, message: Message): Uint8Array {
  const schema = schemaOf(name);
  return toBinary(schema, create(schema, message));
}

/** Strings are shared with the bytes' own data where they are bytes. Never throws. */
export function decodeMessage(name: MessageName, bytes: Uint8Array): { readonly message: Message } | Malformed {
  try {
    const message: object = fromBinary(schemaOf(name), bytes, { readUnknownFields: false });
    return { message: message as Message };
  } catch (error) {
    const offset = findFault(name, new BinaryReader(bytes), bytes.length);
    return { problem: error instanceof Error ? error.message : String(error), offset };
  }
}

/** How deep `findFault` follows messages; those described nest less. */
const deepest = 20;

/** Where a message stops being one: the first field that cannot be skipped or that goes beyond the message. */
function findFault(name: MessageName, reader: BinaryReader, end: number, depth = 0): number {
  const fields: Fields = messages[name];
  while (reader.pos < end) {
    const start = reader.pos;
    try {
      const [number, wire] = reader.tag();
      const type = Object.values(fields)
        .find((field) => field[0] === number)?.[1]
        .replace("[]", "");
      if (wire !== WireType.LengthDelimited || type === undefined || !isMessageName(type) || depth > deepest) {
        reader.skip(wire, number);
      } else {
        const inner = reader.uint32() + reader.pos;
        if (inner > end) return start;
        const fault = findFault(type, reader, inner, depth + 1);
        if (reader.pos !== inner) return fault;
      }
    } catch {
      return start;
    }
    if (reader.pos > end) return start;
  }
  return reader.pos;
}

function isMessageName(type: string): type is MessageName {
  return Object.hasOwn(messages, type);
}

let known: Registry | undefined;

function schemaOf(name: MessageName): DescMessage {
  known ??= describe();
  const schema = known.getMessage(`onnx.${name}`);
  invariant(schema, `ONNX has no message ${name}`);
  return schema;
}

function describe(): Registry {
  const messageType = Object.entries<Fields>(messages).map(([name, fields]) => ({
    name,
    field: Object.entries(fields).map(([field, [number, type]]) => {
      const base = type.replace("[]", "");
      const scalar = scalarTypes[base];
      return {
        name: field,
        number,
        label: type.endsWith("[]") ? FieldDescriptorProto_Label.REPEATED : FieldDescriptorProto_Label.OPTIONAL,
        ...(scalar === undefined ? { type: FieldDescriptorProto_Type.MESSAGE, typeName: `.onnx.${base}` } : { type: scalar }),
      };
    }),
  }));
  const file = create(FileDescriptorProtoSchema, { name: "onnx.proto", package: "onnx", syntax: "proto2", messageType });
  return createFileRegistry(file, () => undefined);
}
