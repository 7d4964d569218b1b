/**
 * The messages of an ONNX file as far as they are written, and readers made of them. Source: onnx.proto; field numbers
 * never change, so a table of them is all that a protobuf library needs.
 */
import { create, createFileRegistry, type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FieldDescriptorProto_Label, FieldDescriptorProto_Type, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { invariant } from "../../support/invariant.ts";

/** Number and type of a field; a name in capitals is a message, [] says that it may occur many times. */
type Fields = { readonly [field: string]: readonly [number: number, type: string] };

const messages: { readonly [message: string]: Fields } = {
  ModelProto: {
    ir_version: [1, "int64"],
    producer_name: [2, "string"],
    graph: [7, "GraphProto"],
    opset_import: [8, "OperatorSetIdProto[]"],
  },
  OperatorSetIdProto: { domain: [1, "string"], version: [2, "int64"] },
  GraphProto: {
    node: [1, "NodeProto[]"],
    name: [2, "string"],
    initializer: [5, "TensorProto[]"],
    input: [11, "ValueInfoProto[]"],
    output: [12, "ValueInfoProto[]"],
  },
  NodeProto: {
    input: [1, "string[]"],
    output: [2, "string[]"],
    name: [3, "string"],
    op_type: [4, "string"],
    attribute: [5, "AttributeProto[]"],
  },
  AttributeProto: {
    name: [1, "string"],
    f: [2, "float"],
    i: [3, "int64"],
    s: [4, "bytes"],
    ints: [8, "int64[]"],
    type: [20, "int32"],
  },
  TensorProto: { dims: [1, "int64[]"], data_type: [2, "int32"], name: [8, "string"], raw_data: [9, "bytes"] },
  ValueInfoProto: { name: [1, "string"], type: [2, "TypeProto"] },
  TypeProto: { tensor_type: [1, "TensorTypeProto"] },
  TensorTypeProto: { elem_type: [1, "int32"], shape: [2, "TensorShapeProto"] },
  TensorShapeProto: { dim: [1, "DimensionProto[]"] },
  DimensionProto: { dim_value: [1, "int64"] },
};

const scalarTypes: { readonly [name: string]: FieldDescriptorProto_Type } = {
  int64: FieldDescriptorProto_Type.INT64,
  int32: FieldDescriptorProto_Type.INT32,
  float: FieldDescriptorProto_Type.FLOAT,
  string: FieldDescriptorProto_Type.STRING,
  bytes: FieldDescriptorProto_Type.BYTES,
};

export const tensorTypes = { f32: 1, i64: 7 } as const;
export const attributeTypes = { float: 1, int: 2, string: 3, ints: 7 } as const;

/** A message with its fields in camel case; integers of 64 bits are bigints. */
export type Message = { readonly [field: string]: MessageField };
export type MessageField = bigint | number | string | Uint8Array | Message | readonly MessageField[];

export function encodeModel(model: Message): Uint8Array {
  const schema = modelSchema();
  return toBinary(schema, create(schema, model));
}

export function decodeModel(bytes: Uint8Array): Message {
  return fromBinary(modelSchema(), bytes) as unknown as Message;
}

let known: DescMessage | undefined;

function modelSchema(): DescMessage {
  known ??= describe();
  return known;
}

function describe(): DescMessage {
  const messageType = Object.entries(messages).map(([name, fields]) => ({
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
  const schema = createFileRegistry(file, () => undefined).getMessage("onnx.ModelProto");
  invariant(schema, "the messages of ONNX do not describe a model");
  return schema;
}
