/** One element in little-endian memory, of any dtype, as the number that it means. */
import type { DType } from "./dtype.ts";

export function readElement(memory: DataView, address: number, dtype: DType): number {
  switch (dtype) {
    case "f32":
      return memory.getFloat32(address, true);
    case "f64":
      return memory.getFloat64(address, true);
    case "f16":
      return halfToNumber(memory.getUint16(address, true));
    case "i8":
      return memory.getInt8(address);
    case "u8":
      return memory.getUint8(address);
    case "i32":
      return memory.getInt32(address, true);
    case "i64":
      return Number(memory.getBigInt64(address, true));
    case "bool":
      return memory.getUint8(address) === 0 ? 0 : 1;
  }
}

export function writeElement(memory: DataView, address: number, dtype: DType, value: number): void {
  switch (dtype) {
    case "f32":
      memory.setFloat32(address, value, true);
      return;
    case "f64":
      memory.setFloat64(address, value, true);
      return;
    case "f16":
      memory.setUint16(address, numberToHalf(value), true);
      return;
    case "i8":
    case "u8":
      memory.setUint8(address, value);
      return;
    case "i32":
      memory.setInt32(address, value, true);
      return;
    case "i64":
      memory.setBigInt64(address, BigInt(Math.trunc(value)), true);
      return;
    case "bool":
      memory.setUint8(address, value === 0 ? 0 : 1);
      return;
  }
}

/** The nearest value that memory can hold; whole numbers are left as they are. */
export function roundToDType(value: number, dtype: DType): number {
  if (dtype === "f32") return Math.fround(value);
  return dtype === "f16" ? halfToNumber(numberToHalf(value)) : value;
}

/** IEEE 754 binary16: a sign, five bits of exponent, ten of fraction. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** Round to nearest, ties to even (IEEE 754 binary16). */
export function numberToHalf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (magnitude >= 65520) return sign | 0x7c00;
  // Subnormals share the exponent of the smallest normal number.
  const exponent = Math.max(-14, magnitude === 0 ? -14 : floorLog2(magnitude));
  const steps = roundToEven(magnitude * 2 ** (10 - exponent));
  // A carry out of the fraction moves into the exponent by itself.
  return sign | (((exponent + 14) << 10) + steps);
}

function floorLog2(magnitude: number): number {
  const guess = Math.floor(Math.log2(magnitude));
  if (2 ** guess > magnitude) return guess - 1;
  return 2 ** (guess + 1) <= magnitude ? guess + 1 : guess;
}

function roundToEven(value: number): number {
  const low = Math.floor(value);
  const rest = value - low;
  if (rest !== 0.5) return Math.round(value);
  return low % 2 === 0 ? low : low + 1;
}
