/** Operators of TensorFlow Lite on integers: what real numbers they stand for is computed exactly, and rounded once. */
import { activations, paddings } from "../../../src/formats/tflite/schema.ts";
import {
  averagePool,
  concatenated,
  convolution,
  depthwise,
  matrixProduct,
  maxPool,
  samePadding,
  softmaxAlong,
  transposed,
} from "../../operators/definitions.ts";
import { transposedConvolution } from "../../operators/image_definitions.ts";
import { seeded, type Tensor, tensor } from "../../operators/tensors.ts";
import { constant, list, type Operand, quantised } from "./case.ts";
import { unaries } from "./scalars.ts";
import { mapped, zipped } from "./tensorflow_calls.ts";
import type { TfliteNode } from "./tflite_file.ts";

const evenly = unaries.Round?.of ?? Math.round;

/** The numbers that the integers stand for. */
function real({ shape, data, scale = 1, zero = 0, axis = 0 }: Operand): Tensor {
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const step = (i: number) => (typeof scale === "number" ? scale : (scale[Math.floor(i / inner) % scale.length] as number));
  return tensor(
    shape,
    data.map((q, i) => (q - zero) * step(i)),
  );
}

/** The integers nearest to the numbers, halves to even, within `low` and `high` of the numbers. */
function steps(
  x: Tensor,
  dtype: "i8" | "u8",
  scale: number,
  zero: number,
  low = Number.NEGATIVE_INFINITY,
  high = Number.POSITIVE_INFINITY,
): Operand {
  const [least, most] = dtype === "i8" ? [-128, 127] : [0, 255];
  const integers = x.data.map((value) => Math.max(least, Math.min(most, evenly(Math.max(low, Math.min(high, value)) / scale) + zero)));
  return quantised(x.shape, integers, dtype, scale, zero);
}

function drawn(name: string, shape: readonly number[], dtype: "i8" | "u8", scale: number, zero: number): Operand {
  const random = seeded(`import/quantised/${name}`);
  const from = dtype === "i8" ? -128 : 0;
  const data = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => from + random.integer(0, 255));
  return quantised(shape, data, dtype, scale, zero);
}

// Powers of two: products are exact in f32 too.
const image = drawn("image", [1, 4, 5, 4], "u8", 0.25, 120);
const signed = drawn("signed", [1, 4, 5, 4], "i8", 0.25, -3);
const kernel = drawn("kernel", [3, 3, 2, 4], "u8", 0.125, 131);
const perChannel: Operand = { ...drawn("channels", [3, 3, 2, 4], "i8", 1, 0), scale: [0.125, 0.5, 0.25] };
const bias: Operand = constant({ ...tensor([3], [40, -300, 7], "i32"), scale: 0.03125 });
const biases: Operand = constant({ ...tensor([3], [40, -300, 7], "i32"), scale: [0.03125, 0.125, 0.0625] });
const window = { stride: [1, 2], dilation: [1, 1], pad: samePadding([4, 5], [3, 2], [1, 2], [1, 1], "after") };
const options = (table: "Conv2DOptions" | "DepthwiseConv2DOptions", activation: number) =>
  ({
    table,
    value: {
      padding: paddings.same,
      stride_w: 2,
      stride_h: 1,
      fused_activation_function: activation,
      ...(table === "Conv2DOptions" ? {} : { depth_multiplier: 1 }),
    },
  }) as const;
/** [f, kh, kw, c] as the definitions have it. */
const ordered = (k: Operand) => transposed(real(k), [1, 2, 3, 0]);
const plus = (x: Tensor, b: Operand) => zipped(x, real(b), (p, q) => p + q);

const deep: Operand = { ...drawn("deep", [1, 3, 2, 4], "i8", 1, 0), scale: [0.125, 0.5, 0.25, 0.125], axis: 3 };
const deepBias: Operand = constant({ ...tensor([4], [40, -300, 7, 0], "i32"), scale: [0.03125, 0.125, 0.0625, 0.03125] });
/** [f, kh, kw, c] in the file. */
const turned = drawn("turned", [3, 2, 2, 4], "i8", 0.125, 0);
const matrix = drawn("matrix", [3, 4], "i8", 0.125, 0);
const rows = drawn("rows", [5, 4], "i8", 0.25, -3);
const spread = transposedConvolution(
  real(signed),
  transposed(real(turned), [1, 2, 0, 3]),
  { stride: [2, 2], dilation: [1, 1], pad: [0, 0, 0, 0] },
  [0, 0],
  1,
);

const layers: readonly TfliteNode[] = [
  {
    operator: "CONV_2D",
    of: "u8",
    operands: [image, constant(kernel), bias],
    results: [steps(plus(convolution(real(image), ordered(kernel), window), bias), "u8", 2, 100, 0)],
    options: options("Conv2DOptions", activations.relu),
  },
  {
    operator: "CONV_2D",
    of: "i8, a scale for each filter",
    operands: [signed, constant(perChannel), biases],
    results: [steps(plus(convolution(real(signed), ordered(perChannel), window), biases), "i8", 4, -5, 0, 6)],
    options: options("Conv2DOptions", activations.relu6),
  },
  {
    operator: "DEPTHWISE_CONV_2D",
    of: "i8, a scale for each channel",
    operands: [signed, constant(deep), deepBias],
    results: [steps(plus(depthwise(real(signed), tensor([3, 2, 4, 1], real(deep).data), window), deepBias), "i8", 1, 9)],
    options: options("DepthwiseConv2DOptions", activations.none),
  },
  {
    operator: "TRANSPOSE_CONV",
    of: "i8",
    operands: [list(...spread.shape), constant(turned), signed, undefined],
    results: [steps(spread, "i8", 2, 4)],
    options: { table: "TransposeConvOptions", value: { padding: paddings.valid, stride_w: 2, stride_h: 2 } },
  },
  {
    operator: "FULLY_CONNECTED",
    of: "i8",
    operands: [rows, constant(matrix), bias],
    results: [steps(plus(matrixProduct(real(rows), transposed(real(matrix), [1, 0])), bias), "i8", 1, -20)],
    options: { table: "FullyConnectedOptions", value: { fused_activation_function: activations.none } },
  },
];

const [a, b] = [drawn("a", [2, 3, 4], "i8", 0.5, 3), drawn("b", [3, 1], "i8", 0.25, -7)];
const byElement = (
  operator: TfliteNode["operator"],
  f: (x: number, y: number) => number,
  activation: number,
  low?: number,
  high?: number,
): TfliteNode => ({
  operator,
  of: "i8",
  operands: [a, b],
  results: [steps(zipped(real(a), real(b), f), "i8", 1, 2, low, high)],
  options: {
    table: operator === "ADD" ? "AddOptions" : operator === "MUL" ? "MulOptions" : "SubOptions",
    value: { fused_activation_function: activation },
  },
});
const size = [2, 2];
const pooling = { stride: [2, 2], dilation: [1, 1], pad: samePadding([4, 5], size, [2, 2], [1, 1], "after") };
const poolOptions = {
  table: "Pool2DOptions",
  value: { padding: paddings.same, stride_w: 2, stride_h: 2, filter_width: 2, filter_height: 2 },
} as const;
const whole = (x: Tensor, like: Operand): Operand => ({ ...like, ...tensor(x.shape, x.data, like.dtype) });

const others: readonly TfliteNode[] = [
  byElement("ADD", (x, y) => x + y, activations.relu, 0),
  byElement("SUB", (x, y) => x - y, activations.none),
  byElement("MUL", (x, y) => x * y, activations.relu_n1_to_1, -1, 1),
  {
    operator: "AVERAGE_POOL_2D",
    of: "i8",
    operands: [signed],
    results: [steps(averagePool(real(signed), size, pooling, false), "i8", 0.25, -3)],
    options: poolOptions,
  },
  { operator: "MAX_POOL_2D", of: "i8", operands: [signed], results: [whole(maxPool(signed, size, pooling), signed)], options: poolOptions },
  {
    operator: "SOFTMAX",
    of: "i8",
    operands: [rows],
    results: [steps(softmaxAlong(real(rows), 1), "i8", 1 / 256, -128)],
    options: { table: "SoftmaxOptions", value: { beta: 1 } },
    steps: 1,
  },
  {
    operator: "QUANTIZE",
    operands: [tensor([6], [-1, -0.25, 0, 0.25, 0.75, 100])],
    results: [steps(tensor([6], [-1, -0.25, 0, 0.25, 0.75, 100]), "i8", 0.5, 3)],
  },
  { operator: "QUANTIZE", of: "from another scale", operands: [signed], results: [steps(real(signed), "u8", 0.5, 128)] },
  { operator: "DEQUANTIZE", operands: [image], results: [real(image)] },
  { operator: "DEQUANTIZE", of: "a constant", operands: [constant(signed)], results: [real(signed)] },
  {
    operator: "LOGISTIC",
    of: "i8",
    operands: [rows],
    results: [
      steps(
        mapped(real(rows), (x) => 1 / (1 + Math.exp(-x))),
        "i8",
        1 / 256,
        -128,
      ),
    ],
    steps: 1,
  },
  { operator: "PAD", of: "i8", operands: [a, constant(tensor([3, 2], [0, 0, 1, 0, 0, 1], "i32"))], results: [whole(paddedWith(a, 3), a)] },
  {
    operator: "CONCATENATION",
    of: "of several scales",
    operands: [a, { ...a, scale: 0.25, zero: 0 }],
    results: [steps(concatenated([real(a), real({ ...a, scale: 0.25, zero: 0 })], 1), "i8", 0.5, 3)],
    options: { table: "ConcatenationOptions", value: { axis: 1 } },
  },
  {
    operator: "MEAN",
    of: "i8",
    operands: [signed, list(1, 2)],
    results: [steps(meanOf(real(signed)), "i8", 0.125, 5)],
    options: { table: "ReducerOptions", value: {} },
    steps: 1,
  },
  { operator: "RESHAPE", of: "i8", operands: [a, list(6, 4)], results: [{ ...a, shape: [6, 4] }] },
];

/** One row before and one column after, of what stands for 0. */
function paddedWith({ shape: [n = 0, h = 0, w = 0], data }: Operand, zero: number): Tensor {
  const at = (i: number, j: number, k: number) => (j === 0 || k === w ? zero : (data[(i * h + j - 1) * w + k] as number));
  const values = Array.from({ length: n * (h + 1) * (w + 1) }, (_, p) =>
    at(Math.floor(p / ((h + 1) * (w + 1))), Math.floor(p / (w + 1)) % (h + 1), p % (w + 1)),
  );
  return tensor([n, h + 1, w + 1], values);
}

function meanOf(x: Tensor): Tensor {
  const [, h = 1, w = 1, c = 1] = x.shape;
  const sums = Array<number>(c).fill(0);
  for (const [i, value] of x.data.entries()) sums[i % c] = (sums[i % c] as number) + value;
  return tensor(
    [1, c],
    sums.map((sum) => sum / (h * w)),
  );
}

export const quantisedCases: readonly TfliteNode[] = [...layers, ...others];
