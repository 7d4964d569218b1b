/**
 * Tables of a FlatBuffer by their schema, every offset checked against the file. The first that points outside is remembered, and
 * from then on everything is empty: whoever reads asks for the problem once, at the end.
 */
import { ByteBuffer } from "flatbuffers";
import { type Field, type Scalar, schema, type TableName } from "../../formats/tflite/schema.ts";

export type FlatTable = {
  /** Where it begins in the file. */
  readonly at: number;
  scalar(field: string): number;
  text(field: string): string;
  numbers(field: string): readonly number[];
  /** Undefined where the field is not written. */
  bytes(field: string): Uint8Array | undefined;
  table(field: string, of: TableName): FlatTable | undefined;
  tables(field: string, of: TableName): readonly FlatTable[];
};

export type FlatFile = {
  readonly root: FlatTable;
  /** What is wrong with the file, as far as it was read. */
  problem(): string | undefined;
};

const sizes: { readonly [of in Scalar | "long"]: number } = { byte: 1, ubyte: 1, bool: 1, int: 4, uint: 4, float: 4, long: 8 };

/** Offsets may lead to one place many times; no honest file makes more of its bytes than this. */
const readsPerByte = 4;
const freeReads = 1_000_000;

export function openFlatFile(bytes: Uint8Array, root: TableName): FlatFile {
  const buffer = new ByteBuffer(bytes);
  let left = bytes.length * readsPerByte + freeReads;
  let problem: string | undefined;

  const fail = (at: number, message: string): undefined => {
    problem ??= `byte ${at}: ${message}`;
    return undefined;
  };
  /** Whether the bytes are there and may still be read. */
  const take = (at: number, length: number, what: string): boolean => {
    if (problem !== undefined) return false;
    left -= length + 1;
    const isInside = Number.isSafeInteger(at) && at >= 0 && length >= 0 && at + length <= bytes.length;
    if (!isInside) fail(at, `${what} lies outside the file, which has ${bytes.length} bytes`);
    else if (left < 0) fail(at, `${what} is one of too many that share their bytes`);
    return problem === undefined;
  };

  const openTable = (name: TableName, at: number): FlatTable => {
    const fields = schema[name];
    const isHere = take(at, 4, `the table ${name}`);
    const directory = isHere ? at - buffer.readInt32(at) : 0;
    const length = isHere && take(directory, 4, `the directory of the table ${name}`) ? buffer.readUint16(directory) : 0;
    const isWhole = length > 0 && take(directory, length, `the directory of the table ${name}`);

    /** Where the field is stored; undefined where it is not. */
    const placeOf = (field: string, size: number): number | undefined => {
      const known = fields[field] as Field;
      const entry = 4 + 2 * known.position;
      const offset = isWhole && entry + 2 <= length ? buffer.readUint16(directory + entry) : 0;
      return offset > 0 && take(at + offset, size, `${name}.${field}`) ? at + offset : undefined;
    };
    /** Where what the field points at begins. */
    const target = (field: string): number | undefined => {
      const place = placeOf(field, 4);
      return place === undefined ? undefined : place + buffer.readUint32(place);
    };
    const vector = (field: string, size: number): { readonly start: number; readonly count: number } | undefined => {
      const start = target(field);
      if (start === undefined || !take(start, 4, `${name}.${field}`)) return undefined;
      const count = buffer.readUint32(start);
      return take(start + 4, count * size, `${name}.${field} of ${count} elements`) ? { start: start + 4, count } : undefined;
    };

    return {
      at,
      scalar(field) {
        const known = fields[field] as Field;
        const of = known.type.kind === "scalar" ? known.type.of : "ubyte";
        const place = placeOf(field, sizes[of]);
        return place === undefined ? (known.otherwise ?? 0) : readScalar(buffer, of, place);
      },
      text(field) {
        const found = vector(field, 1);
        return found ? new TextDecoder().decode(bytes.subarray(found.start, found.start + found.count)) : "";
      },
      numbers(field) {
        const { type } = fields[field] as Field;
        const of = type.kind === "scalars" ? type.of : "int";
        const found = vector(field, sizes[of]);
        return Array.from({ length: found?.count ?? 0 }, (_, i) => readScalar(buffer, of, (found?.start ?? 0) + sizes[of] * i));
      },
      bytes(field) {
        const found = vector(field, 1);
        return found && bytes.subarray(found.start, found.start + found.count);
      },
      table(field, of) {
        const start = target(field);
        return start === undefined ? undefined : openTable(of, start);
      },
      tables(field, of) {
        const found = vector(field, 4);
        const places = Array.from({ length: found?.count ?? 0 }, (_, i) => (found?.start ?? 0) + 4 * i);
        const tables: FlatTable[] = [];
        for (const place of places) {
          if (problem !== undefined) break;
          tables.push(openTable(of, place + buffer.readUint32(place)));
        }
        return tables;
      },
    };
  };

  const start = take(0, 8, "the beginning") ? buffer.readUint32(0) : 0;
  return { root: openTable(root, start), problem: () => problem };
}

function readScalar(buffer: ByteBuffer, of: Scalar | "long", at: number): number {
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
    case "long":
      return Number(buffer.readInt64(at));
    case "float":
      return buffer.readFloat32(at);
  }
}
