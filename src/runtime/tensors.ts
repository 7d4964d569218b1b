/** What `run` is given and gives: typed arrays by name, checked against the module's slots. */
import type { ElementType, Slot } from "./interface.ts";

export type Elements = Float32Array | Float64Array | Uint16Array | Int8Array | Uint8Array | Uint8ClampedArray | Int32Array | BigInt64Array;
export type Tensors = { [name: string]: Elements };

const arrays = {
  f32: Float32Array,
  f64: Float64Array,
  f16: Uint16Array,
  i8: Int8Array,
  u8: Uint8Array,
  i32: Int32Array,
  i64: BigInt64Array,
  bool: Uint8Array,
};

/** An i64 computes as i32, and lies in memory so. */
const stored = { ...arrays, i64: Int32Array };

/** The slot's elements in memory. */
export function view(slot: Slot, buffer: ArrayBuffer, at: number): Float32Array {
  return new stored[slot.dtype](buffer, at, countOf(slot)) as Float32Array;
}

/** How many bytes the slot's elements take. */
export function bytesIn(slot: Slot): number {
  return stored[slot.dtype].BYTES_PER_ELEMENT * countOf(slot);
}

/** The elements in memory as the caller has them: in the array that it gave, or in a new one. */
export function fill(slot: Slot, memory: Float32Array, given: Float32Array | undefined): Float32Array {
  const result = given ?? (new arrays[slot.dtype](countOf(slot)) as Float32Array);
  result.set(slot.dtype === "i64" ? (Array.from(memory, BigInt) as never) : memory);
  return result;
}

export function describe(slots: readonly Slot[]): { name: string; shape: readonly number[]; dtype: ElementType }[] {
  return slots.map(({ name, shape, dtype }) => ({ name, shape, dtype }));
}

/** The values of a slot's tensor as memory takes them. */
export function inputValues(given: Tensors, slot: Slot): ArrayLike<number> {
  return narrow(checkArray("input", own(given, slot), slot), slot);
}

/** The array for a slot's result, if the caller gives one. */
export function outputArray(into: Tensors, slot: Slot): Float32Array | undefined {
  const array = own(into, slot);
  return array === undefined ? undefined : checkArray("output", array, slot);
}

/** A tensor may be called `toString` or `constructor`, and every object inherits something of that name. */
export function own<T>(tensors: { [name: string]: T }, { name }: Slot): T | undefined {
  return Object.hasOwn(tensors, name) ? tensors[name] : undefined;
}

function countOf({ shape }: Slot): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

export function checkNames(kind: string, given: readonly string[], slots: readonly Slot[]): void {
  const names = slots.map((slot) => slot.name);
  const stranger = given.find((name) => !names.includes(name));
  if (stranger !== undefined) throw new TypeError(`there is no ${kind} "${stranger}": the ${kind}s are ${names.join(", ")}`);
}

/** What memory takes: 0 or 1 for a bool, 32 bits for an i64. */
function narrow(values: Float32Array, { dtype, name }: Slot): ArrayLike<number> {
  if (dtype === "bool") return values.map((value) => (value ? 1 : 0));
  if (dtype !== "i64") return values;
  return Array.from(values, (value) => {
    const number = Number(value);
    if (number !== (number | 0)) throw new RangeError(`the input "${name}" holds ${value}, which takes more than 32 bits`);
    return number;
  });
}

/** Known by its tag, not by its class: an array of another window or realm is as good. */
function checkArray(kind: string, given: unknown, slot: Slot): Float32Array {
  const tag = Object.prototype.toString.call(given).slice(8, -1);
  const wanted = arrays[slot.dtype].name;
  const length = (given as Elements | undefined)?.length;
  const isRight = tag.replace("Clamped", "") === wanted && ArrayBuffer.isView(given);
  if (isRight && length === countOf(slot)) return given as Float32Array;
  const found = given === undefined ? "missing" : `${tag}${length === undefined ? "" : ` of ${length}`}`;
  throw new TypeError(
    `the ${kind} "${slot.name}" is ${slot.dtype}[${slot.shape.join(", ")}], a ${wanted} of ${countOf(slot)} elements, not ${found}`,
  );
}
