/**
 * Integer networks: cases worked out by hand, and random ones whose sums the plain loops of `definitions.ts` compute. Scales are
 * sums of a few powers of two, so that every product is exact, in f32 too, and halves come out even.
 */
import { dtypes } from "../../src/ir/dtype.ts";
import type { Random } from "../../src/support/random.ts";
import { convolution, matrixProduct } from "./definitions.ts";
import { transposedConvolution } from "./image_definitions.ts";
import type { Case } from "./image_vectors.ts";
import { type Tensor, tensor as t, type Vector, vector } from "./tensors.ts";

const i8 = (shape: number[], data: number[]) => t(shape, data, "i8");
const u8 = (shape: number[], data: number[]) => t(shape, data, "u8");
const i32 = (shape: number[], data: number[]) => t(shape, data, "i32");

export const literalQuantized: readonly Vector[] = [
  vector("without_zero", "without_zero(x0, zero: -128)", [i8([3], [-128, 0, 127])], i32([3], [0, 128, 255])),
  vector("without_zero", "without_zero(x0, zero: 200)", [u8([2], [0, 255])], i32([2], [-200, 55])),
  vector("dequantize", "dequantize(x0, scale: 0.5, zero: 10)", [u8([3], [0, 10, 255])], t([3], [-5, 0, 122.5])),
  vector(
    "quantize",
    "quantize(x0, scale: 0.5, zero: 3, to: i8)",
    [t([6], [0, 0.25, 0.75, -0.25, 1000, -1000])],
    i8([6], [3, 3, 5, 3, 127, -128]),
  ),
  vector("quantize", "quantize(x0, scale: 2, to: u8, low: 1, high: 4)", [t([4], [-3, 5, 7, 100])], u8([4], [1, 2, 4, 4])),
  vector(
    "requantize",
    "requantize(x0, x1, zero: -1, to: i8)",
    [i32([2, 2], [1, 3, 5, -1000]), t([2], [0.5, 0.25])],
    i8([2, 2], [-1, 0, 1, -128]),
  ),
  vector(
    "quantized_conv",
    "quantized_conv(x0, x1, x2, x3, x_zero: 1, k_zero: 2, zero: 10, pad: same, to: u8)",
    // Sums of (x - 1) (k - 2) over [-, 1, 2] and [1, 2, -], with the border 0: 0 - 1 + 2 and 0 + 2, plus 3, halved.
    [u8([1, 2, 1], [1, 2]), u8([3, 1, 1], [1, 4, 3]), i32([1], [3]), t([1], [0.5])],
    u8([1, 2, 1], [10 + 2, 10 + 2]),
  ),
  vector(
    "quantized_conv_transpose",
    "quantized_conv_transpose(x0, x1, x2, x3, x_zero: 1, to: i8, stride: [2])",
    [i8([1, 2, 1], [2, 4]), i8([2, 1, 1], [1, 10]), i32([1], [2]), t([1], [1])],
    i8([1, 4, 1], [3, 12, 5, 32]),
  ),
  vector(
    "quantized_dense",
    "quantized_dense(x0, x1, x2, x3, x_zero: -1, zero: 7, to: i8, low: 0)",
    [i8([1, 2], [0, 3]), i8([2, 2], [1, -2, 3, -4]), i32([2], [3, 3]), t([2], [0.5, 0.5])],
    i8([1, 2], [7 + 8, 0]),
  ),
  vector(
    "quantized_add",
    "quantized_add(x0, x1, a_scale: 0.5, a_zero: 1, b_scale: 0.25, b_zero: -2, scale: 0.5, zero: 3, to: i8)",
    [i8([3], [1, 5, 127]), i8([3], [-2, 0, 127])],
    i8([3], [3, 8, 127]),
  ),
  vector(
    "quantized_mul",
    "quantized_mul(x0, x1, factor: 0.125, a_zero: 1, b_zero: 2, zero: 5, to: u8)",
    [u8([3], [1, 5, 21]), u8([3], [9, 5, 32])],
    // 4 * 3 / 8 is 1.5, which goes to 2.
    u8([3], [5, 7, 80]),
  ),
  vector(
    "quantized_avg_pool2d",
    "quantized_avg_pool2d(x0, window: [1, 2], stride: [1, 1], pad: same, zero: -5, to: i8)",
    [i8([1, 1, 3, 1], [-5, 0, 3])],
    // Means of (0, 5), (5, 8) and 8 alone above the zero: 2.5 and 6.5 go to 2 and 6.
    i8([1, 1, 3, 1], [-3, 1, 3]),
  ),
  vector("quantized_softmax", "quantized_softmax(x0, x_scale: 1, to: i8)", [i8([2, 2], [5, 5, 100, -100])], i8([2, 2], [0, 0, 127, -128])),
  vector("dynamic_range", "dynamic_range(x0)", [t([2, 3], [127, 0.4, -0.6, 0, 0, 0])], t([2, 3], [127, 0, -1, 0, 0, 0])),
  vector("dynamic_range", "dynamic_range(x0)", [t([1, 2, 1], [-254, 2.9])], t([1, 2, 1], [-254, 2])),
];

const narrow = ["i8", "u8"] as const;

function integers(random: Random, shape: readonly number[], dtype: "i8" | "u8" | "i32"): Tensor {
  const { low, high } = dtype === "i32" ? { low: -500, high: 500 } : dtypes[dtype];
  return t(
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.integer(low, high)),
    dtype,
  );
}

function shiftedBy(x: Tensor, zero: number): Tensor {
  return { ...x, data: x.data.map((value) => value - zero) };
}

function evenly(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 !== 0) ? below + 1 : below;
}

type Steps = {
  readonly own: number;
  readonly kernel: number;
  readonly zero: number;
  readonly to: "i8" | "u8";
  readonly low: number;
  readonly high: number;
};

function randomSteps(random: Random): Steps {
  const to = random.pick(narrow);
  const { low, high } = dtypes[to];
  return {
    own: random.integer(-8, 8),
    kernel: random.integer(-8, 8),
    zero: random.integer(low, high),
    to,
    low: random.integer(low, low + 64),
    high: random.integer(high - 64, high),
  };
}

function textOf({ own, kernel, zero, to, low, high }: Steps): string {
  return `x_zero: ${own}, k_zero: ${kernel}, zero: ${zero}, to: ${to}, low: ${low}, high: ${high}`;
}

/** Sums with their bias, scaled for each element of the last dimension, rounded and limited. */
function scaled(sums: Tensor, bias: Tensor, scale: Tensor, { zero, to, low, high }: Steps): Tensor {
  const filters = bias.data.length;
  const data = sums.data.map((sum, i) => {
    const [b, s] = [bias.data[i % filters] as number, scale.data[i % filters] as number];
    return Math.max(low, Math.min(high, evenly((sum + b) * s) + zero));
  });
  return t(sums.shape, data, to);
}

function scales(random: Random, filters: number): Tensor {
  return t(
    [filters],
    Array.from({ length: filters }, () => random.pick([1 / 64, 3 / 256, 5 / 512, 1 / 128])),
  );
}

function convolved(random: Random): Case {
  const groups = random.integer(1, 3);
  const [inner, filters] = [random.integer(1, 3), groups * random.integer(1, 4)];
  const x = integers(random, [random.integer(1, 2), 5, 6, groups * inner], random.pick(narrow));
  const k = integers(random, [random.integer(1, 3), random.integer(1, 3), inner, filters], random.pick(narrow));
  const [bias, scale, steps] = [integers(random, [filters], "i32"), scales(random, filters), randomSteps(random)];
  const window = { stride: [random.integer(1, 2), random.integer(1, 2)], dilation: [1, random.integer(1, 2)], pad: [1, 0, 2, 1] };
  const written = `stride: [${window.stride}], dilation: [${window.dilation}], pad: [${window.pad}], groups: ${groups}`;
  return {
    call: `quantized_conv(x0, x1, x2, x3, ${textOf(steps)}, ${written})`,
    inputs: [x, k, bias, scale],
    expected: scaled(convolution(shiftedBy(x, steps.own), shiftedBy(k, steps.kernel), window, groups), bias, scale, steps),
  };
}

function spread(random: Random): Case {
  const [inner, filters] = [random.integer(1, 3), random.integer(1, 4)];
  const x = integers(random, [1, 3, 4, inner], random.pick(narrow));
  const k = integers(random, [random.integer(2, 3), random.integer(2, 3), filters, inner], random.pick(narrow));
  const [bias, scale, steps] = [integers(random, [filters], "i32"), scales(random, filters), randomSteps(random)];
  const window = { stride: [random.integer(1, 2), random.integer(1, 2)], dilation: [1, 1], pad: [1, 0, 0, 1] };
  const product = transposedConvolution(shiftedBy(x, steps.own), shiftedBy(k, steps.kernel), window, [0, 0], 1);
  return {
    call: `quantized_conv_transpose(x0, x1, x2, x3, ${textOf(steps)}, stride: [${window.stride}], pad: [${window.pad}])`,
    inputs: [x, k, bias, scale],
    expected: scaled(product, bias, scale, steps),
  };
}

function multiplied(random: Random): Case {
  const [rows, inner, filters] = [random.integer(1, 5), random.integer(1, 20), random.integer(1, 20)];
  const x = integers(random, [rows, inner], random.pick(narrow));
  const k = integers(random, [inner, filters], random.pick(narrow));
  const [bias, scale, steps] = [integers(random, [filters], "i32"), scales(random, filters), randomSteps(random)];
  return {
    call: `quantized_dense(x0, x1, x2, x3, ${textOf(steps)})`,
    inputs: [x, k, bias, scale],
    expected: scaled(matrixProduct(shiftedBy(x, steps.own), shiftedBy(k, steps.kernel)), bias, scale, steps),
  };
}

export const quantizedMakers: { readonly [operator: string]: (random: Random) => Case } = {
  quantized_conv: convolved,
  quantized_conv_transpose: spread,
  quantized_dense: multiplied,
};
