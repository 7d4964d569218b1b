/** Tables of values to a FlatBuffer, driven by the schema. Children are written before the table that points at them. */
import { Builder } from "flatbuffers";
import {
  type Field,
  fileIdentifier,
  type OptionsName,
  optionsKinds,
  type Scalar,
  schema,
  type TableName,
} from "../../formats/tflite/schema.ts";
import { invariant } from "../../support/invariant.ts";

export type TableValue = { readonly [field: string]: FieldValue };
export type FieldValue = number | boolean | string | Uint8Array | readonly number[] | readonly TableValue[] | TableValue | Options;
/** A member of a union of tables, which says what it is. */
export type Options = { readonly table: OptionsName; readonly value: TableValue };

/** `size` is about how many bytes there will be: the buffer is then not copied as it grows. */
export function writeModel(model: TableValue, size: number): Uint8Array {
  const builder = new Builder(size + 65_536);
  builder.finish(writeTable(builder, "Model", model), fileIdentifier);
  return builder.asUint8Array();
}

function writeTable(builder: Builder, name: TableName, value: TableValue): number {
  const table = schema[name];
  const fields = Object.entries(value).map(([field, content]) => {
    const known = table[field];
    invariant(known, `${name} has no field ${field}`);
    return { field: known, content, child: writeChild(builder, known, content) };
  });
  builder.startObject(Math.max(0, ...Object.values(table).map(({ position }) => position + 1)));
  for (const { field, content, child } of fields) {
    if (child !== undefined) builder.addFieldOffset(field.position, child, 0);
    else if (field.type.kind === "scalar") addScalar(builder, field.position, field.type.of, Number(content));
  }
  return builder.endObject();
}

/** The offset of what lies outside the table; undefined for a scalar, which lies in it. */
function writeChild(builder: Builder, { type }: Field, content: FieldValue): number | undefined {
  switch (type.kind) {
    case "scalar":
      return undefined;
    case "string":
      return builder.createString(content as string);
    case "scalars": {
      const values = content as readonly number[];
      const size = type.of === "long" ? 8 : 4;
      builder.startVector(size, values.length, size);
      for (const element of [...values].reverse()) addElement(builder, type.of, element);
      return builder.endVector();
    }
    case "bytes": {
      const bytes = content as Uint8Array;
      // The bytes then end at an aligned place, and begin at one as the buffer is filled from its end.
      builder.prep(type.alignment, bytes.length);
      return builder.createByteVector(bytes);
    }
    case "tables": {
      const offsets = (content as readonly TableValue[]).map((element) => writeTable(builder, type.table, element));
      builder.startVector(4, offsets.length, 4);
      for (const offset of offsets.reverse()) builder.addOffset(offset);
      return builder.endVector();
    }
    case "table":
      return writeTable(builder, type.table, content as TableValue);
    case "options": {
      const { table, value } = content as Options;
      return writeTable(builder, table, value);
    }
  }
}

function addElement(builder: Builder, of: "int" | "long" | "float", value: number): void {
  if (of === "int") builder.addInt32(value);
  else if (of === "long") builder.addInt64(BigInt(value));
  else builder.addFloat32(value);
}

/** Forced, so that a value that is a default is written too and no reader's default matters. */
function addScalar(builder: Builder, position: number, of: Scalar, value: number): void {
  builder.forceDefaults(true);
  switch (of) {
    case "byte":
    case "ubyte":
    case "bool":
      builder.addFieldInt8(position, value, 0);
      break;
    case "int":
    case "uint":
      builder.addFieldInt32(position, value, 0);
      break;
    case "float":
      builder.addFieldFloat32(position, value, 0);
      break;
  }
}

/** An operator's options with the number that names their kind. */
export function optionsFields(options: Options | undefined): TableValue {
  return options ? { builtin_options_type: optionsKinds[options.table], builtin_options: options } : {};
}
