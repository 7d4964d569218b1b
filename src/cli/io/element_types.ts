/** Elements as files hold them: little-endian bytes to numbers and back, and which of them a tensor of the program may take. */
import { type DType, dtypes } from "../../ir/dtype.ts";
import { readElement, writeElement } from "../../ir/memory_element.ts";

/** The program's dtypes, and what only files have. */
export type FileDType = DType | "bf16";

/** A tensor of a file; every element is exactly what the file says. */
export type FileTensor = { readonly dtype: FileDType; readonly shape: readonly number[]; readonly values: Float64Array };

export function bytesOf(dtype: FileDType): number {
  return dtype === "bf16" ? 2 : dtypes[dtype].bytes;
}

/** The first element that a number cannot hold, or that is no truth value, stops the reading. */
export type DecodedElements = { readonly values: Float64Array } | { readonly problem: string };

/** `count` elements from the start of `bytes`, which must hold them. */
export function decodeElements(bytes: Uint8Array, dtype: FileDType, count: number): DecodedElements {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = readOf(dtype);
  const size = bytesOf(dtype);
  const values = new Float64Array(count);
  for (let i = 0; i < count; i++) values[i] = read(view, i * size);
  if (dtype === "i64") {
    const i = values.findIndex((value) => !Number.isSafeInteger(value));
    if (i >= 0)
      return { problem: `element ${i} is ${view.getBigInt64(i * size, true)}, beyond 2^53, where whole numbers are no longer exact` };
  }
  if (dtype === "bool") {
    const i = values.findIndex((value) => value > 1);
    if (i >= 0) return { problem: `element ${i} is ${values[i]}, and a bool is 0 or 1` };
  }
  return { values };
}

/** Floats are rounded to the dtype; whole numbers must fit. */
export function encodeElements(values: ArrayLike<number>, dtype: DType): Uint8Array {
  const size = bytesOf(dtype);
  const view = new DataView(new ArrayBuffer(values.length * size));
  for (let i = 0; i < values.length; i++) writeElement(view, i * size, dtype, values[i] as number);
  return new Uint8Array(view.buffer);
}

/** Every value of `from` is one of `to`. */
export function widens(from: FileDType, to: DType): boolean {
  return from === to || widenings[to].includes(from);
}

export function isFloatFile(dtype: FileDType): boolean {
  return dtype === "bf16" || dtypes[dtype].kind === "float";
}

const widenings: { readonly [to in DType]: readonly FileDType[] } = {
  f32: ["f16", "bf16", "i8", "u8"],
  f64: ["f32", "f16", "bf16", "i8", "u8", "i32"],
  f16: ["i8", "u8"],
  i8: [],
  u8: [],
  i32: ["i8", "u8"],
  i64: ["i8", "u8", "i32"],
  bool: [],
};

/** A bool is read as the byte it is, so that one that is neither 0 nor 1 shows. */
function readOf(dtype: FileDType): (view: DataView, at: number) => number {
  if (dtype === "bf16") return (view, at) => bfloatToNumber(view.getUint16(at, true));
  return (view, at) => readElement(view, at, dtype === "bool" ? "u8" : dtype);
}

function bfloatToNumber(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, bits * 65536);
  return view.getFloat32(0);
}
