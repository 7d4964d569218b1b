/** The recorded inputs and outputs of the shared networks (vectors/*.json): how an input is made, and whether an output agrees. */
import { readFileSync } from "node:fs";
import type { ImportedTensor, Numbers } from "../../src/importers/importer.ts";
import { makerOf } from "../../src/importers/onnx/tensor.ts";
import type { DType } from "../../src/ir/dtype.ts";
import { sharedFile } from "../support.ts";

type RecordedInput = {
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

export type RecordedOutput = {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly n: number;
  readonly stride: number;
  readonly argmax: number;
  /** Every `stride`-th element. */
  readonly values: readonly number[];
};

export type Recorded = {
  readonly model: string;
  readonly runs: readonly { readonly input: RecordedInput; readonly outputs: readonly RecordedOutput[] }[];
};

const dtypes: { readonly [name: string]: DType } = { float32: "f32", uint8: "u8", int8: "i8", int32: "i32" };

export function recordedVectors(name: string): Recorded | undefined {
  const path = sharedFile(`vectors/${name}.json`);
  return path === undefined ? undefined : (JSON.parse(readFileSync(path, "utf8")) as Recorded);
}

export function recordedInput(input: RecordedInput): ImportedTensor {
  const dtype = dtypes[input.dtype] ?? "f32";
  const values = makerOf(dtype)(input.shape.reduce((a, b) => a * b, 1));
  if (input.gen === "lcg") fillByGenerator(values, dtype, input);
  else fillByImage(values, input);
  return { type: { dtype, shape: input.shape }, values };
}

function fillByGenerator(values: Numbers, dtype: DType, { seed = 1, lo = 0, hi = 1 }: RecordedInput): void {
  let state = seed;
  for (let i = 0; i < values.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const byte = state >>> 24;
    values[i] = dtype === "f32" ? lo + (hi - lo) * ((state >>> 8) / 16777216) : dtype === "i8" ? byte - 128 : byte;
  }
}

/** Raw RGB, rows of pixels; channels first where the shape has 3 second. */
function fillByImage(values: Numbers, { shape, file = "", norm = "" }: RecordedInput): void {
  const path = sharedFile(file);
  if (path === undefined) throw new Error(`no ${file}`);
  const bytes = readFileSync(path);
  const [, low = "0", high = "255"] = /\((-?[\d.]+)\s*-\s*-?[\d.]+\)\*u8\/255/.test(norm)
    ? (/= (-?[\d.]+) \+ \((-?[\d.]+)/.exec(norm) ?? [])
    : [];
  const area = values.length / 3;
  const isFirst = shape[1] === 3;
  for (let i = 0; i < values.length; i++) {
    const byte = bytes[isFirst ? (i % area) * 3 + Math.floor(i / area) : i] ?? 0;
    values[i] = Number(low) + ((Number(high) - Number(low)) * byte) / 255;
  }
}

/** Where a float output leaves what was recorded, relative to the largest magnitude; undefined where it agrees. */
export function floatMismatch(recorded: RecordedOutput, values: Float64Array, tolerance: number): string | undefined {
  if (values.length !== recorded.n) return `${values.length} elements instead of ${recorded.n}`;
  const largest = recorded.values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const worst = recorded.values.reduce(
    (most, value, i) => Math.max(most, Math.abs(value - (values[i * recorded.stride] ?? Number.NaN))),
    0,
  );
  if (!(worst <= tolerance * largest)) return `off by ${worst} of ${largest}`;
  const position = values.indexOf(Math.max(...values));
  return position === recorded.argmax ? undefined : `the largest is ${position} instead of ${recorded.argmax}`;
}
