/** Vectors of reference runtimes on whole networks (shared/vectors): their inputs, what came out, and how near ours must be. */
import { readFileSync } from "node:fs";
import { sharedFile } from "../support.ts";

type GivenInput = {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly gen: "lcg" | "image";
  readonly seed?: number;
  readonly lo?: number;
  readonly hi?: number;
  readonly file?: string;
  readonly norm?: string;
};

export type GivenOutput = {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly n: number;
  /** Every so-manieth element of the output is among `values`. */
  readonly stride: number;
  readonly argmax: number;
  readonly min: number;
  readonly max: number;
  readonly sum: number;
  readonly sumAbs: number;
  readonly values: readonly number[];
};

export type ReferenceRun = { readonly input: GivenInput; readonly outputs: readonly GivenOutput[] };
export type ReferenceVectors = { readonly model: string; readonly runtime: string; readonly runs: readonly ReferenceRun[] };

/** Undefined, with a visible line, where the shared files are absent. */
export function referenceVectors(name: string): ReferenceVectors | undefined {
  const path = sharedFile(`vectors/${name}.json`);
  return path === undefined ? undefined : (JSON.parse(readFileSync(path, "utf8")) as ReferenceVectors);
}

/** The elements of an input, as its description says to make them. */
export function inputValues(input: GivenInput): Float64Array {
  const count = input.shape.reduce((a, b) => a * b, 1);
  return input.gen === "lcg" ? drawn(input, count) : pictured(input, count);
}

function drawn({ seed = 1, lo = 0, hi = 1, dtype }: GivenInput, count: number): Float64Array {
  let s = seed;
  const span = hi - lo;
  return Float64Array.from({ length: count }, () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    if (dtype === "uint8") return s >>> 24;
    if (dtype === "int8") return (s >>> 24) - 128;
    return Math.fround(lo + span * ((s >>> 8) / 16777216));
  });
}

/** Raw RGB, pixel by pixel; plane by plane where the shape has its 3 channels second. */
function pictured({ file = "", norm = "", dtype, shape }: GivenInput, count: number): Float64Array {
  const path = sharedFile(file);
  if (path === undefined) throw new Error(`${file} is missing`);
  const bytes = new Uint8Array(readFileSync(path));
  if (bytes.length !== count) throw new Error(`${file} has ${bytes.length} bytes for ${count} elements`);
  const area = count / 3;
  const pixels = shape[1] === 3 ? bytes.map((_, i) => bytes[(i % area) * 3 + Math.floor(i / area)] ?? 0) : bytes;
  if (norm === "u8") return Float64Array.from(pixels);
  if (norm === "u8-128") return Float64Array.from(pixels, (pixel) => pixel - 128);
  const found = /^x = (-?[\d.]+) \+ \((-?[\d.]+)-(-?[\d.]+)\)\*u8\/255$/.exec(norm);
  if (!found || dtype !== "float32") throw new Error(`the normalisation ${norm} is not known`);
  const [low = 0, high = 1] = [Number(found[1]), Number(found[2])];
  return Float64Array.from(pixels, (pixel) => Math.fround(low + ((high - low) * pixel) / 255));
}

/** How far the values lie from what was recorded. */
export type Agreement = {
  /** The largest difference over the largest magnitude, and the differences in whole steps for integers. */
  readonly relative: number;
  readonly largest: number;
  /** The part of the elements that differ by at most one. */
  readonly withinOne: number;
  readonly sameArgmax: boolean;
};

export function agreement(values: Float64Array, { stride, values: wanted, argmax, min, max, n }: GivenOutput): Agreement {
  if (values.length !== n) throw new Error(`${values.length} elements instead of ${n}`);
  const differences = wanted.map((value, i) => Math.abs((values[i * stride] as number) - value));
  const largest = differences.reduce((a, b) => Math.max(a, b), 0);
  const scale = Math.max(Math.abs(min), Math.abs(max));
  const best = values.reduce((place, value, i) => (value > (values[place] as number) ? i : place), 0);
  return {
    relative: largest / scale,
    largest,
    withinOne: differences.filter((difference) => difference <= 1).length / differences.length,
    // Equal largest elements have several places.
    sameArgmax: best === argmax || values[best] === values[argmax],
  };
}
