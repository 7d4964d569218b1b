/** A case for each operator of TensorFlow's graphs, as TensorFlow.js stores them. */
import {
  averagePool,
  convolution,
  depthwise,
  fill,
  matrixProduct,
  maxPool,
  normalized,
  reduced,
  samePadding,
  transposed,
} from "../../operators/definitions.ts";
import { pooled, transposedConvolution } from "../../operators/image_definitions.ts";
import { type Tensor, tensor } from "../../operators/tensors.ts";
import { constant, type ImportCase, integer, list, type Operand } from "./case.ts";
import { concatenated, cube, image, mapped, random, rows, sharedCalls, zipped } from "./tensorflow_calls.ts";
import { type GraphNodeCase, tfjsCase } from "./tfjs_file.ts";

/** The older form of TensorFlow's Select chooses whole rows; the runtime of TensorFlow.js broadcasts in both. */
const shared = sharedCalls.filter(({ operator, of }) => operator !== "Select" || of !== "rows").map((call): GraphNodeCase => call);

const kernel = random("kernel", 3, 2, 4, 3);
const bias = constant(tensor([3], [0.5, -1, 0.25]));
const window = { stride: [2, 1], dilation: [1, 1], pad: samePadding([4, 6], [3, 2], [2, 1], [1, 1], "after") };
const plain = { stride: [1, 1], dilation: [1, 1], pad: [0, 0, 0, 0] };
const nhwc = { dilations: [1, 1, 1, 1], data_format: "NHWC" };
const same = { ...nhwc, strides: [1, 2, 1, 1], padding: "SAME" };
const valid = { ...nhwc, strides: [1, 1, 1, 1], padding: "VALID" };
const product = convolution(image, kernel, window);
const biased = zipped(product, bias, (a, b) => a + b);
const grouped = random("grouped", 2, 2, 2, 6);
const deep = random("deep", 3, 3, 4, 2);
const deepBias = constant(random("deep bias", 8));
const slopes = constant(tensor([3], [0.5, -0.25, 2]));

const fusions: { readonly [name: string]: (x: number) => number } = {
  Relu: (x) => Math.max(x, 0),
  Relu6: (x) => Math.min(Math.max(x, 0), 6),
  Elu: (x) => (x > 0 ? x : Math.expm1(x)),
  Sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  Tanh: Math.tanh,
};

const convolutions: readonly GraphNodeCase[] = [
  { operator: "Conv2D", operands: [image, constant(kernel)], attributes: same, results: [product] },
  {
    operator: "Conv2D",
    of: "groups",
    operands: [image, constant(grouped)],
    attributes: valid,
    results: [convolution(image, grouped, plain, 2)],
  },
  {
    operator: "Conv2D",
    of: "dilated",
    operands: [image, constant(kernel)],
    attributes: { ...valid, dilations: [1, 1, 3, 1] },
    results: [convolution(image, kernel, { ...plain, dilation: [1, 3] })],
  },
  {
    operator: "Conv2D",
    of: "explicit padding",
    operands: [image, constant(kernel)],
    attributes: { ...valid, padding: "EXPLICIT", explicit_paddings: [0, 0, 1, 0, 0, 2, 0, 0] },
    results: [convolution(image, kernel, { ...plain, pad: [1, 0, 0, 2] })],
  },
  ...Object.entries(fusions).map(([name, f]) => ({
    operator: "_FusedConv2D",
    of: name,
    operands: [image, constant(kernel), bias],
    attributes: { ...same, fused_ops: ["BiasAdd", name], num_args: 1 },
    results: [mapped(biased, f)],
  })),
  {
    operator: "_FusedConv2D",
    of: "Prelu",
    operands: [image, constant(kernel), bias, slopes],
    attributes: { ...same, fused_ops: ["BiasAdd", "Prelu"], num_args: 2 },
    results: [zipped(biased, slopes, (x, a) => (x < 0 ? a * x : x))],
  },
  {
    operator: "_FusedConv2D",
    of: "LeakyRelu",
    operands: [image, constant(kernel), bias],
    attributes: { ...same, fused_ops: ["BiasAdd", "LeakyRelu"], num_args: 1, leakyrelu_alpha: 0.3 },
    results: [mapped(biased, (x) => (x < 0 ? 0.3 * x : x))],
  },
  ...["DepthwiseConv2d", "DepthwiseConv2dNative"].map((operator) => ({
    operator,
    operands: [image, constant(deep)],
    attributes: { ...valid, padding: "SAME" },
    results: [depthwise(image, deep, { ...plain, pad: [1, 1, 1, 1] })],
  })),
  {
    operator: "FusedDepthwiseConv2dNative",
    operands: [image, constant(deep), deepBias],
    attributes: { ...valid, fused_ops: ["BiasAdd", "Relu"], num_args: 1 },
    results: [zipped(depthwise(image, deep, plain), deepBias, (a, b) => Math.max(a + b, 0))],
  },
  ...transposedConvolutions(),
];

function transposedConvolutions(): GraphNodeCase[] {
  const k = random("turned", 3, 2, 3, 4);
  const spread = { stride: [2, 3], dilation: [1, 1] };
  const whole = transposedConvolution(image, k, { ...spread, pad: [0, 0, 0, 0] }, [0, 0], 1);
  // SAME gives 8 rows of 9, from the first on, and 18 columns of 17.
  const cut = transposedConvolution(image, k, { ...spread, pad: [0, 0, 1, 0] }, [0, 1], 1);
  const attributes = (padding: string) => ({ strides: [1, 2, 3, 1], padding });
  return [
    {
      operator: "Conv2DBackpropInput",
      operands: [list(...whole.shape), constant(k), image],
      attributes: attributes("VALID"),
      results: [whole],
    },
    {
      operator: "Conv2DBackpropInput",
      of: "same",
      operands: [list(...cut.shape), constant(k), image],
      attributes: attributes("SAME"),
      results: [cut],
    },
  ];
}

const volume = random("volume", 1, 3, 4, 5, 2);
const kernel3 = random("kernel3", 2, 3, 2, 2, 3);
const stride3 = [1, 2, 1];
const same3 = (k: readonly number[], dilation: readonly number[]) => samePadding([3, 4, 5], k, stride3, dilation, "after");
const pool3 = { stride: stride3, dilation: [1, 1, 1], pad: same3([2, 2, 2], [1, 1, 1]) };
const volumePool = { ksize: [1, 2, 2, 2, 1], strides: [1, ...stride3, 1], padding: "SAME" };

const volumes: readonly GraphNodeCase[] = [
  {
    operator: "Conv3D",
    operands: [volume, constant(kernel3)],
    attributes: { strides: [1, ...stride3, 1], dilations: [1, 1, 1, 1, 1], padding: "SAME", data_format: "NDHWC" },
    results: [convolution(volume, kernel3, { stride: stride3, dilation: [1, 1, 1], pad: same3([2, 3, 2], [1, 1, 1]) })],
  },
  {
    operator: "MaxPool3D",
    operands: [volume],
    attributes: volumePool,
    results: [pooled(volume, [2, 2, 2], pool3, false, (values) => Math.max(...values))],
  },
  {
    operator: "AvgPool3D",
    operands: [volume],
    attributes: volumePool,
    results: [pooled(volume, [2, 2, 2], pool3, false, (values) => values.reduce((a, b) => a + b, 0) / values.length)],
  },
];

const flat = tensor([6, 4], cube.data);
const matrix = random("matrix", 4, 3);
const turned = (x: Tensor) => transposed(x, x.shape.length === 2 ? [1, 0] : [0, 2, 1]);
const batch = random("batch", 2, 4, 5);

const products: readonly GraphNodeCase[] = [
  { operator: "MatMul", operands: [flat, constant(matrix)], results: [matrixProduct(flat, matrix)] },
  {
    operator: "MatMul",
    of: "both transposed",
    operands: [turned(flat), constant(turned(matrix))],
    attributes: { transpose_a: true, transpose_b: true },
    results: [matrixProduct(flat, matrix)],
  },
  {
    operator: "_FusedMatMul",
    operands: [flat, constant(matrix), bias],
    attributes: { fused_ops: ["BiasAdd", "Relu6"], num_args: 1 },
    results: [
      mapped(
        zipped(matrixProduct(flat, matrix), bias, (a, b) => a + b),
        (x) => Math.min(Math.max(x, 0), 6),
      ),
    ],
  },
  { operator: "BatchMatMul", operands: [cube, batch], results: [matrixProduct(cube, batch)] },
  {
    operator: "BatchMatMulV2",
    operands: [turned(cube), turned(batch)],
    attributes: { adj_x: true, adj_y: true },
    results: [matrixProduct(cube, batch)],
  },
];

const size = [3, 2];
const spaced = { stride: [1, 2], dilation: [1, 1], pad: samePadding([4, 6], size, [1, 2], [1, 1], "after") };
const pooling = { ksize: [1, 3, 2, 1], strides: [1, 1, 2, 1], padding: "SAME" };
const channels = [1, 2, 3, 4].map((i) => random(`channel ${i}`, 4));
const [gamma, beta, mean] = channels as [Tensor, Tensor, Tensor];
const variance = mapped(channels[3] as Tensor, (x) => Math.fround(x * x + 0.1));
const normalizing = (operator: string, of?: string): GraphNodeCase => ({
  operator,
  ...(of === undefined ? {} : { of }),
  operands: [image, ...[gamma, beta, mean, variance].map(constant)],
  attributes: { epsilon: of === undefined ? 0.25 : 0.001, is_training: false },
  results: [normalized(image, gamma, beta, mean, variance, of === undefined ? 0.25 : 0.001)],
});

const layers: readonly GraphNodeCase[] = [
  { operator: "MaxPool", operands: [image], attributes: pooling, results: [maxPool(image, size, spaced)] },
  { operator: "AvgPool", operands: [image], attributes: pooling, results: [averagePool(image, size, spaced, false)] },
  normalizing("FusedBatchNorm"),
  normalizing("FusedBatchNormV2"),
  normalizing("FusedBatchNormV3"),
  normalizing("FusedBatchNormV3", "another epsilon"),
  { operator: "BiasAdd", operands: [image, constant(gamma)], results: [zipped(image, gamma, (a, b) => a + b)] },
];

const [x, y] = [random("x", 2, 3), random("y", 2, 3)];
const divisor = tensor([2, 3], [1, 0, -2, 0, 4, 5]);
const special = tensor([4], [1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
const ids: Operand = constant(tensor([3], [2, 0, 2], "i32"));
const both = concatenated([x, y], 1);
const passing = ["Identity", "StopGradient", "Snapshot", "CheckNumerics", "PlaceholderWithDefault", "EnsureShape"];

const others: readonly GraphNodeCase[] = [
  ...passing.map((operator) => ({ operator, operands: [x], results: [x] })),
  { operator: "IdentityN", operands: [x, y], results: [x, y] },
  { operator: "Mod", operands: [x, y], results: [zipped(x, y, (a, b) => a - Math.floor(a / b) * b)] },
  {
    operator: "BitwiseAnd",
    operands: [tensor([3], [5, -1, 12], "i32"), tensor([3], [3, 7, 10], "i32")],
    results: [tensor([3], [1, 7, 8], "i32")],
  },
  { operator: "EuclideanNorm", operands: [x, list(1)], results: [reduced(x, [1], false, (values) => Math.hypot(...values))] },
  { operator: "IsInf", operands: [special], results: [tensor([4], [0, 0, 1, 1], "bool")] },
  { operator: "IsFinite", operands: [special], results: [tensor([4], [1, 0, 0, 0], "bool")] },
  { operator: "Size", operands: [cube], results: [tensor([], [24], "i32")] },
  { operator: "Ones", operands: [list(2, 2)], attributes: { dtype: "f32" }, results: [tensor([2, 2], [1, 1, 1, 1])] },
  { operator: "Zeros", operands: [list(3)], attributes: { dtype: "i32" }, results: [tensor([3], [0, 0, 0], "i32")] },
  { operator: "Add", operands: [x, y], results: [zipped(x, y, (a, b) => a + b)] },
  { operator: "Div", operands: [x, y], results: [zipped(x, y, (a, b) => a / b)] },
  { operator: "DivNoNan", operands: [x, divisor], results: [zipped(x, divisor, (a, b) => (b === 0 ? 0 : a / b))] },
  {
    operator: "Select",
    of: "broadcasts",
    operands: [tensor([2], [1, 0], "bool"), tensor([2, 2], [1, 2, 3, 4]), tensor([2, 2], [5, 6, 7, 8])],
    results: [tensor([2, 2], [1, 6, 3, 8])],
  },
  { operator: "IsNan", operands: [special], results: [tensor([4], [0, 1, 0, 0], "bool")] },
  {
    operator: "ClipByValue",
    operands: [x, constant(tensor([], [-0.5])), constant(tensor([], [0.25]))],
    results: [mapped(x, (value) => Math.min(Math.max(value, -0.5), 0.25))],
  },
  { operator: "Concat", operands: [integer(1), x, y], results: [both] },
  { operator: "ConcatV2", operands: [x, y, integer(-1)], results: [both] },
  { operator: "Gather", operands: [transposed(rows, [1, 0]), ids], results: [tensor([3, 2], [3, 6, 1, 4, 3, 6])] },
  { operator: "GatherV2", operands: [rows, ids, integer(1)], results: [tensor([2, 3], [3, 1, 3, 6, 4, 6])] },
  { operator: "OnesLike", operands: [cube], results: [fill(cube.shape, () => 1)] },
];

export const tfjsCases: readonly ImportCase[] = [...shared, ...convolutions, ...volumes, ...products, ...layers, ...others].map(tfjsCase);
