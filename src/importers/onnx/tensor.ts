/** A tensor of an ONNX file: its elements as numbers, in the element type that the language has for them. */
import { type Message, tensorTypes } from "../../formats/onnx.ts";
import { type DType, elementCount } from "../../ir/dtype.ts";
import { castTo } from "../../ir/evaluate.ts";
import { readElement, roundToDType } from "../../ir/memory_element.ts";
import type { Checked } from "../../support/diagnostic.ts";
import type { ImportedTensor, Numbers } from "../importer.ts";
import { checkShape, holds } from "../limits.ts";
import { bytesField, codeField, integersField, messagesField, numbersField, textField } from "./message.ts";

/** How an element type of ONNX lies in a file, and what it is here. */
export type ElementType = {
  readonly name: string;
  readonly dtype: DType;
  readonly bytes: number;
  /** Whether the language has the very type; otherwise the numbers are kept, or rounded where `dtype` is a float. */
  readonly exact: boolean;
  read(view: DataView, at: number): number;
  make(count: number): Numbers;
};

type Maker = (count: number) => Numbers;
const floats: Maker = (count) => new Float32Array(count);
const wholes: Maker = (count) => new Float64Array(count);
const integers: Maker = (count) => new Int32Array(count);

function native(name: string, dtype: DType, bytes: number, make: Maker): ElementType {
  return { name, dtype, bytes, exact: true, read: (view, at) => readElement(view, at, dtype), make };
}

const elementTypes: { readonly [code: number]: ElementType } = {
  [tensorTypes.f32]: native("float", "f32", 4, floats),
  [tensorTypes.u8]: native("uint8", "u8", 1, (count) => new Uint8Array(count)),
  [tensorTypes.i8]: native("int8", "i8", 1, (count) => new Int8Array(count)),
  [tensorTypes.u16]: { name: "uint16", dtype: "i32", bytes: 2, exact: false, read: (view, at) => view.getUint16(at, true), make: integers },
  [tensorTypes.i16]: { name: "int16", dtype: "i32", bytes: 2, exact: false, read: (view, at) => view.getInt16(at, true), make: integers },
  [tensorTypes.i32]: native("int32", "i32", 4, integers),
  [tensorTypes.i64]: native("int64", "i64", 8, wholes),
  [tensorTypes.bool]: native("bool", "bool", 1, (count) => new Uint8Array(count)),
  [tensorTypes.f16]: native("float16", "f16", 2, floats),
  [tensorTypes.f64]: { name: "double", dtype: "f32", bytes: 8, exact: false, read: (view, at) => view.getFloat64(at, true), make: floats },
  [tensorTypes.u32]: { name: "uint32", dtype: "i64", bytes: 4, exact: false, read: (view, at) => view.getUint32(at, true), make: wholes },
  [tensorTypes.u64]: {
    name: "uint64",
    dtype: "i64",
    bytes: 8,
    exact: false,
    read: (view, at) => Number(view.getBigUint64(at, true)),
    make: wholes,
  },
  [tensorTypes.bf16]: { name: "bfloat16", dtype: "f32", bytes: 2, exact: false, read: readBrainFloat, make: floats },
};

/** Undefined for types that are no numbers here: strings, complex numbers, floats of 8 and 4 bits. */
export function elementTypeOf(code: number): ElementType | undefined {
  return Object.hasOwn(elementTypes, code) ? elementTypes[code] : undefined;
}

/** A text says what is wrong with the tensor. `neighbour` reads a file of external data. */
export function readTensor(message: Message, neighbour: (name: string) => Checked<Uint8Array>): ImportedTensor | string {
  const code = codeField(message, "dataType");
  const element = elementTypeOf(code);
  if (!element) return `its elements are of ONNX's type ${code}, which is no number here`;
  const shape = checkShape(integersField(message, "dims"));
  if (typeof shape === "string") return shape;
  const type = { dtype: element.dtype, shape };
  const count = elementCount(shape);
  const raw = rawBytes(message, neighbour);
  if (typeof raw === "string") return raw;
  if (raw) {
    const wanted = count * element.bytes;
    if (raw.length !== wanted) return `${element.name}[${shape.join(", ")}] takes ${wanted} bytes, and ${raw.length} are there`;
    return { type, values: decode(raw, element, count) };
  }
  const given = typedData(message, element);
  if (given.length !== count) return `${element.name}[${shape.join(", ")}] has ${count} elements, and ${given.length} are there`;
  const values = element.make(count);
  for (let i = 0; i < count; i++) values[i] = given[i] as number;
  return { type, values };
}

function decode(raw: Uint8Array, element: ElementType, count: number): Numbers {
  // As they lie, where the machine's memory is the file's: most weights are these.
  const values = element.make(count);
  if (element.dtype === "f32" && element.exact && littleEndian) {
    new Uint8Array(values.buffer).set(raw);
    return values;
  }
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  for (let i = 0; i < count; i++) values[i] = element.read(view, i * element.bytes);
  return values;
}

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

function rawBytes(message: Message, neighbour: (name: string) => Checked<Uint8Array>): Uint8Array | string | undefined {
  if (codeField(message, "dataLocation") !== 1) return bytesField(message, "rawData");
  const entries = new Map(messagesField(message, "externalData").map((entry) => [textField(entry, "key"), textField(entry, "value")]));
  const location = entries.get("location");
  if (!location) return "its data are external, and no file is named";
  const { value: file, diagnostics } = neighbour(location);
  if (!file) return `its external data cannot be read: ${diagnostics[0]?.message ?? location}`;
  const offset = wholeNumber(entries.get("offset") ?? "0");
  const length = wholeNumber(entries.get("length") ?? String(file.length - offset));
  if (!holds(file, offset, length))
    return `its external data are bytes ${offset} to ${offset + length} of ${location}, which has ${file.length}`;
  return file.subarray(offset, offset + length);
}

function wholeNumber(text: string): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
}

function typedData(message: Message, element: ElementType): readonly number[] {
  switch (element.name) {
    case "float":
      return numbersField(message, "floatData");
    case "double":
      return numbersField(message, "doubleData");
    case "int64":
      return integersField(message, "int64Data").map(Number);
    case "uint32":
    case "uint64":
      return integersField(message, "uint64Data").map(Number);
    default:
      return fromIntegers(numbersField(message, "int32Data"), element);
  }
}

/** Small types lie in integers of 32 bits, floats among them by their bits. */
function fromIntegers(given: readonly number[], element: ElementType): readonly number[] {
  if (element.name === "int32") return given;
  const view = new DataView(new ArrayBuffer(8));
  return given.map((bits) => {
    view.setInt32(0, bits, true);
    return element.read(view, 0);
  });
}

function readBrainFloat(view: DataView, at: number): number {
  const wide = new DataView(new ArrayBuffer(4));
  wide.setUint32(0, view.getUint16(at, true) * 65536);
  return wide.getFloat32(0);
}

/** The tensor in another element type, its numbers as a conversion makes them. */
export function roundedTo(tensor: ImportedTensor, dtype: DType): ImportedTensor {
  const convert = castTo(dtype, tensor.type.dtype);
  const make = makerOf(dtype);
  const values = make(tensor.values.length);
  for (let i = 0; i < values.length; i++) values[i] = roundToDType(convert(tensor.values[i] as number), dtype);
  return { type: { dtype, shape: tensor.type.shape }, values };
}

/** Numbers in the arrays that hold elements of the type. */
export function makerOf(dtype: DType): (count: number) => Numbers {
  return Object.values(elementTypes).find((element) => element.exact && element.dtype === dtype)?.make ?? wholes;
}
