/** A reader of ONNX files of the tests' own, as far as exported ones need it: an odd file may throw. */
export type OnnxType =
  | "float32"
  | "float64"
  | "float16"
  | "int8"
  | "int16"
  | "int32"
  | "int64"
  | "uint8"
  | "uint16"
  | "uint32"
  | "uint64"
  | "bool"
  | "other";

/** A tensor's numbers; those of a type that has no numbers here are missing. */
export type OnnxTensor = {
  readonly name: string;
  readonly type: OnnxType;
  readonly dims: readonly number[];
  readonly data: readonly number[];
};

export type OnnxAttribute = number | string | readonly number[] | OnnxTensor;

export type OnnxNode = {
  readonly operator: string;
  /** Names; "" is an operand that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, OnnxAttribute>;
};

export type OnnxModel = {
  readonly opset: number;
  readonly nodes: readonly OnnxNode[];
  /** The model's constants. */
  readonly initializers: ReadonlyMap<string, OnnxTensor>;
};

/** What a model computes; its interface is only names here. */
export function readOnnxModel(bytes: Uint8Array): OnnxModel {
  const model = fieldsOf(bytes);
  const graph = fieldsOf(bytesOf(model, 7));
  const opset = all(model, 8)
    .map((field) => fieldsOf(field.bytes))
    .find((fields) => stringOf(fields, 1) === "");
  return {
    opset: opset ? integerOf(opset, 2) : 1,
    nodes: all(graph, 1).map((node) => readNode(node.bytes)),
    initializers: new Map(all(graph, 5).map((field) => [stringOf(fieldsOf(field.bytes), 8), readTensor(field.bytes)] as const)),
  };
}

function readNode(bytes: Uint8Array): OnnxNode {
  const fields = fieldsOf(bytes);
  const names = (number: number) => all(fields, number).map((field) => textOf(field.bytes));
  const attributes = all(fields, 5).map((field) => readAttribute(fieldsOf(field.bytes)));
  return { operator: stringOf(fields, 4), inputs: names(1), outputs: names(2), attributes: new Map(attributes) };
}

function readAttribute(fields: readonly Field[]): readonly [string, OnnxAttribute] {
  const name = stringOf(fields, 1);
  switch (integerOf(fields, 20)) {
    case 1:
      return [name, floatOf(bytesOf(fields, 2))];
    case 2:
      return [name, integerOf(fields, 3)];
    case 3:
      return [name, stringOf(fields, 4)];
    case 4:
      return [name, readTensor(bytesOf(fields, 5))];
    case 6:
      return [name, packed(fields, 7, 4, floatOf)];
    case 7:
      return [name, integersOf(fields, 8)];
    default:
      return [name, "an attribute of another kind"];
  }
}

const types: { readonly [number: number]: OnnxType } = {
  1: "float32",
  2: "uint8",
  3: "int8",
  4: "uint16",
  5: "int16",
  6: "int32",
  7: "int64",
  9: "bool",
  10: "float16",
  11: "float64",
  12: "uint32",
  13: "uint64",
};

function readTensor(bytes: Uint8Array): OnnxTensor {
  const fields = fieldsOf(bytes);
  const type = types[integerOf(fields, 2)] ?? "other";
  const raw = fields.find(({ number }) => number === 9)?.bytes;
  return { name: stringOf(fields, 8), type, dims: integersOf(fields, 1), data: raw ? rawData(raw, type) : typedData(fields, type) };
}

function typedData(fields: readonly Field[], type: OnnxType): readonly number[] {
  switch (type) {
    case "float32":
      return packed(fields, 4, 4, floatOf);
    case "float64":
      return packed(fields, 10, 8, (bytes) => viewOf(bytes).getFloat64(0, true));
    case "int64":
      return integersOf(fields, 7);
    case "uint32":
    case "uint64":
      return integersOf(fields, 11);
    case "float16":
      return integersOf(fields, 5).map(halfOf);
    case "int8":
    case "int16":
    case "int32":
    case "uint8":
    case "uint16":
    case "bool":
      return integersOf(fields, 5);
    case "other":
      return [];
  }
}

function rawData(bytes: Uint8Array, type: OnnxType): readonly number[] {
  const view = viewOf(bytes);
  const numbers = (size: number, read: (at: number) => number) =>
    Array.from({ length: Math.floor(bytes.length / size) }, (_, i) => read(i * size));
  switch (type) {
    case "float32":
      return numbers(4, (at) => view.getFloat32(at, true));
    case "float64":
      return numbers(8, (at) => view.getFloat64(at, true));
    case "float16":
      return numbers(2, (at) => halfOf(view.getUint16(at, true)));
    case "int8":
      return numbers(1, (at) => view.getInt8(at));
    case "int16":
      return numbers(2, (at) => view.getInt16(at, true));
    case "int32":
      return numbers(4, (at) => view.getInt32(at, true));
    case "int64":
      return numbers(8, (at) => Number(view.getBigInt64(at, true)));
    case "bool":
    case "uint8":
      return numbers(1, (at) => view.getUint8(at));
    case "uint16":
      return numbers(2, (at) => view.getUint16(at, true));
    case "uint32":
      return numbers(4, (at) => view.getUint32(at, true));
    case "uint64":
      return numbers(8, (at) => Number(view.getBigUint64(at, true)));
    case "other":
      return [];
  }
}

function halfOf(bits: number): number {
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
}

/** A field of a protobuf message: a varint, or bytes (those of a fixed number too). */
type Field = { readonly number: number; readonly wire: number; readonly integer: bigint; readonly bytes: Uint8Array };

const nothing = new Uint8Array();

function fieldsOf(message: Uint8Array): Field[] {
  const fields: Field[] = [];
  for (let at = 0; at < message.length; ) {
    const key = varint(message, at);
    const [number, wire] = [Number(key.value >> 3n), Number(key.value & 7n)];
    if (wire === 0) {
      const { value, next } = varint(message, key.next);
      fields.push({ number, wire, integer: BigInt.asIntN(64, value), bytes: nothing });
      at = next;
      continue;
    }
    const length = wire === 1 ? { value: 8n, next: key.next } : wire === 5 ? { value: 4n, next: key.next } : varint(message, key.next);
    at = length.next + Number(length.value);
    fields.push({ number, wire, integer: 0n, bytes: message.subarray(length.next, at) });
  }
  return fields;
}

function varint(bytes: Uint8Array, at: number): { readonly value: bigint; readonly next: number } {
  let value = 0n;
  for (let i = at; ; i++) {
    const byte = bytes[i];
    if (byte === undefined) throw new Error("a number goes on beyond the end of the file");
    value |= BigInt(byte & 127) << BigInt(7 * (i - at));
    if (byte < 128) return { value, next: i + 1 };
  }
}

function all(fields: readonly Field[], number: number): Field[] {
  return fields.filter((field) => field.number === number);
}

function bytesOf(fields: readonly Field[], number: number): Uint8Array {
  return all(fields, number)[0]?.bytes ?? nothing;
}

function stringOf(fields: readonly Field[], number: number): string {
  return textOf(bytesOf(fields, number));
}

function integerOf(fields: readonly Field[], number: number): number {
  return Number(all(fields, number)[0]?.integer ?? 0n);
}

/** A repeated integer, packed or not. */
function integersOf(fields: readonly Field[], number: number): number[] {
  return all(fields, number).flatMap((field) => {
    if (field.wire === 0) return [Number(field.integer)];
    const values: number[] = [];
    for (let at = 0; at < field.bytes.length; ) {
      const { value, next } = varint(field.bytes, at);
      values.push(Number(BigInt.asIntN(64, value)));
      at = next;
    }
    return values;
  });
}

/** A repeated number of fixed size, packed or not. */
function packed(fields: readonly Field[], number: number, size: number, read: (bytes: Uint8Array) => number): number[] {
  return all(fields, number).flatMap(({ bytes }) =>
    Array.from({ length: bytes.length / size }, (_, i) => read(bytes.subarray(i * size, (i + 1) * size))),
  );
}

function floatOf(bytes: Uint8Array): number {
  return bytes.length === 4 ? viewOf(bytes).getFloat32(0, true) : 0;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
