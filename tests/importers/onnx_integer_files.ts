/** ONNX's networks of integers, said around operators of floats, and what the real numbers give. Scales are powers of two: nothing is rounded but once. */
import { type Message, tensorTypes } from "../../src/formats/onnx.ts";
import { seeded } from "../operators/tensors.ts";
import { type File, floats, info, int, ints, type Node } from "./onnx_files.ts";

export type Narrow = "i8" | "u8";
const ranges = { i8: [-128, 127], u8: [0, 255] } as const;

/** Integers of a small type, or of 32 bits, as an initialiser. */
export function integers(name: string, dims: readonly number[], values: readonly number[], dtype: Narrow | "i32"): Message {
  const rawData = dtype === "i32" ? new Uint8Array(Int32Array.from(values).buffer) : Uint8Array.from(values);
  return { name, dims: dims.map(BigInt), dataType: tensorTypes[dtype], rawData };
}

export function drawn(name: string, count: number, dtype: Narrow): number[] {
  const random = seeded(`import/integers/${name}`);
  const [low, high] = ranges[dtype];
  return Array.from({ length: count }, () => random.integer(low, high));
}

export const dequantise = (from: string, to: string, axis?: number): Node => ({
  operator: "DequantizeLinear",
  inputs: [from, `${from}_scale`, `${from}_zero`],
  outputs: [to],
  attributes: axis === undefined ? [] : [int("axis", axis)],
});
export const quantise = (from: string, to: string): Node => ({
  operator: "QuantizeLinear",
  inputs: [from, `${to}_scale`, `${to}_zero`],
  outputs: [to],
});

/** The scales and the zero point of a tensor. */
export function meaning(name: string, scales: readonly number[], zero: number, dtype: Narrow | "i32"): Message[] {
  const dims = scales.length === 1 ? [] : [scales.length];
  const zeros = scales.map(() => zero);
  return [floats(`${name}_scale`, dims, scales), integers(`${name}_zero`, dims, zeros, dtype)];
}

/** Halves to even, within the type. */
export function nearest(value: number, scale: number, zero: number, dtype: Narrow): number {
  const [low, high] = ranges[dtype];
  const floor = Math.floor(value / scale);
  const rest = value / scale - floor;
  const rounded = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
  return Math.max(low, Math.min(high, rounded + zero));
}

export const [channels, height, width, filters]: readonly [number, number, number, number] = [2, 4, 5, 3];
export const image = drawn("image", channels * height * width, "i8");
const kernel = drawn("kernel", filters * channels * 9, "i8");
export const bias = [40, -300, 7];
const xZero = 7;
export const xScale = 0.25;
export const kernelScales: readonly number[] = [0.125, 0.5, 0.25];

/** The 3x3 convolution of the real numbers, with a border of one zero. */
export function convolved(): number[] {
  const at = (c: number, i: number, j: number) =>
    i < 0 || j < 0 || i >= height || j >= width ? 0 : ((image[(c * height + i) * width + j] ?? 0) - xZero) * xScale;
  return Array.from({ length: filters * height * width }, (_, place) => {
    const [f, i, j] = [Math.floor(place / (height * width)), Math.floor(place / width) % height, place % width];
    const scale = kernelScales[f] ?? 0;
    let sum = (bias[f] ?? 0) * xScale * scale;
    for (let c = 0; c < channels; c++)
      for (let a = 0; a < 3; a++)
        for (let b = 0; b < 3; b++) sum += at(c, i + a - 1, j + b - 1) * (kernel[((f * channels + c) * 3 + a) * 3 + b] ?? 0) * scale;
    return sum;
  });
}

export function convolution(
  activation: readonly Node[],
  y: { readonly scale: number; readonly zero: number; readonly dtype: Narrow },
  more: { readonly biasScale?: number; readonly outputs?: readonly Message[]; readonly initializers?: readonly Message[] } = {},
): File {
  const { biasScale = 1, outputs = [], initializers = [] } = more;
  return {
    nodes: [
      dequantise("x", "xf"),
      dequantise("k", "kf", 0),
      dequantise("b", "bf", 0),
      { operator: "Conv", name: "conv", inputs: ["xf", "kf", "bf"], outputs: ["sum"], attributes: [ints("pads", [1, 1, 1, 1])] },
      ...activation,
      quantise(activation.at(-1)?.outputs[0] ?? "sum", "y"),
    ],
    inputs: [info("x", [1, channels, height, width], "i8")],
    outputs: [info("y", [1, filters, height, width], y.dtype), ...outputs],
    initializers: [
      integers("k", [filters, channels, 3, 3], kernel, "i8"),
      integers("b", [filters], bias, "i32"),
      ...meaning("x", [xScale], xZero, "i8"),
      ...meaning("k", kernelScales, 0, "i8"),
      ...meaning(
        "b",
        kernelScales.map((scale) => scale * xScale * biasScale),
        0,
        "i32",
      ),
      ...meaning("y", [y.scale], y.zero, y.dtype),
      ...initializers,
    ],
  };
}
