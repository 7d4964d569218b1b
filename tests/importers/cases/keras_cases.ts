/** A case for each Keras layer that computes by elements, merges, normalises or moves; those over images are in keras_spatial_cases.ts. */
import { matrixProduct, normalized, softmaxAlong, transposed } from "../../operators/definitions.ts";
import { standardized } from "../../operators/image_definitions.ts";
import { type Tensor, tensor } from "../../operators/tensors.ts";
import type { ImportCase } from "./case.ts";
import { type KerasLayerCase, kerasCase } from "./keras_file.ts";
import { spatialCases } from "./keras_spatial_cases.ts";
import { erf } from "./scalars.ts";
import { cube, image, mapped, random, zipped } from "./tensorflow_calls.ts";

const logistic = (x: number) => 1 / (1 + Math.exp(-x));
const softplus = (x: number) => Math.log1p(Math.exp(x));
const clipped = (x: number, low: number, high: number) => Math.min(Math.max(x, low), high);

/** Keras's activations by their names, as functions of numbers. */
const activations: { readonly [name: string]: (x: number) => number } = {
  linear: (x) => x,
  relu: (x) => Math.max(x, 0),
  relu6: (x) => clipped(x, 0, 6),
  elu: (x) => (x > 0 ? x : Math.expm1(x)),
  selu: (x) => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * Math.expm1(x)),
  celu: (x) => (x > 0 ? x : Math.expm1(x)),
  gelu: (x) => (x / 2) * (1 + erf(x / Math.SQRT2)),
  sigmoid: logistic,
  tanh: Math.tanh,
  softplus,
  softsign: (x) => x / (1 + Math.abs(x)),
  swish: (x) => x * logistic(x),
  silu: (x) => x * logistic(x),
  mish: (x) => x * Math.tanh(softplus(x)),
  exponential: Math.exp,
  hard_sigmoid: (x) => clipped(0.2 * x + 0.5, 0, 1),
  hard_swish: (x) => (x * clipped(x + 3, 0, 6)) / 6,
  hard_silu: (x) => (x * clipped(x + 3, 0, 6)) / 6,
  leaky_relu: (x) => (x < 0 ? 0.2 * x : x),
};

const line = tensor([1, 11], [-7, -3.5, -2.5, -1, -0.5, 0, 0.25, 1, 2, 3.25, 6.5]);
const activationCases: readonly KerasLayerCase[] = [
  ...Object.entries(activations).map(([activation, f]) => ({
    kind: "Activation",
    of: activation,
    config: { activation },
    operands: [line],
    result: mapped(line, f),
  })),
  {
    kind: "Activation",
    of: "hard_sigmoid of Keras 3",
    version: 3,
    config: { activation: "hard_sigmoid" },
    operands: [line],
    result: mapped(line, (x) => clipped(x / 6 + 0.5, 0, 1)),
  },
  { kind: "Activation", of: "softmax", config: { activation: "softmax" }, operands: [cube], result: softmaxAlong(cube, 2) },
  {
    kind: "Activation",
    of: "log_softmax",
    config: { activation: "log_softmax" },
    operands: [cube],
    result: mapped(softmaxAlong(cube, 2), Math.log),
  },
  {
    kind: "Activation",
    of: "an object of Keras 3",
    version: 3,
    config: { activation: { module: "builtins", class_name: "function", config: "tanh" } },
    operands: [line],
    result: mapped(line, Math.tanh),
  },
];

const still =
  "Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D GaussianDropout GaussianNoise AlphaDropout ActivityRegularization Identity";
const stillCases = still
  .split(" ")
  .map((kind): KerasLayerCase => ({ kind, config: { rate: 0.5, stddev: 1 }, operands: [image], result: image }));

const [a, b, c] = [1, 2, 3].map((i) => random(`merged ${i}`, 2, 3, 4)) as [Tensor, Tensor, Tensor];
const folded = (f: (x: number, y: number) => number) => zipped(zipped(a, b, f), c, f);
const mergeCases: readonly KerasLayerCase[] = [
  { kind: "Add", operands: [a, b, c], result: folded((x, y) => x + y) },
  { kind: "Subtract", operands: [a, b], result: zipped(a, b, (x, y) => x - y) },
  { kind: "Multiply", operands: [a, b, c], result: folded((x, y) => x * y) },
  { kind: "Maximum", operands: [a, b, c], result: folded(Math.max) },
  { kind: "Minimum", operands: [a, b, c], result: folded(Math.min) },
  {
    kind: "Average",
    operands: [a, b, c],
    result: mapped(
      folded((x, y) => x + y),
      (x) => x / 3,
    ),
  },
  { kind: "Add", of: "Keras 3", version: 3, operands: [a, b], result: zipped(a, b, (x, y) => x + y) },
  {
    kind: "Concatenate",
    config: { axis: 1 },
    operands: [tensor([1, 2, 2], [1, 2, 3, 4]), tensor([1, 1, 2], [5, 6])],
    result: tensor([1, 3, 2], [1, 2, 3, 4, 5, 6]),
  },
  {
    kind: "Concatenate",
    of: "the last",
    operands: [tensor([1, 2, 1], [1, 2]), tensor([1, 2, 2], [3, 4, 5, 6])],
    result: tensor([1, 2, 3], [1, 3, 4, 2, 5, 6]),
  },
];

const [matrix, bias] = [random("matrix", 4, 3), random("bias", 3)];
const flat = random("flat", 2, 4);
const plus = (x: Tensor) => zipped(x, bias, (p, q) => p + q);
const denseCases: readonly KerasLayerCase[] = [
  {
    kind: "Dense",
    config: { activation: "relu" },
    weights: { kernel: matrix, bias },
    operands: [flat],
    result: mapped(plus(matrixProduct(flat, matrix)), (x) => Math.max(x, 0)),
  },
  {
    kind: "Dense",
    of: "without bias",
    config: { use_bias: false },
    weights: { kernel: matrix },
    operands: [flat],
    result: matrixProduct(flat, matrix),
  },
  { kind: "Dense", of: "three dimensions", weights: { kernel: matrix, bias }, operands: [cube], result: plus(matrixProduct(cube, matrix)) },
];

const channels = [1, 2, 3, 4].map((i) => random(`channel ${i}`, 4));
const [gamma, beta, moving_mean] = channels as [Tensor, Tensor, Tensor];
const moving_variance = mapped(channels[3] as Tensor, (x) => Math.fround(x * x + 0.1));
const first = transposed(image, [0, 3, 1, 2]);
const normal = normalized(image, gamma, beta, moving_mean, moving_variance, 0.01);
const ones = mapped(gamma, () => 1);
const zeros = mapped(gamma, () => 0);
const scaled = (x: Tensor) =>
  zipped(
    zipped(x, gamma, (p, q) => p * q),
    beta,
    (p, q) => p + q,
  );
const lastAlone = (point: readonly number[]) => point.slice(0, -1).join();
const normalizations: readonly KerasLayerCase[] = [
  ...["BatchNormalization", "BatchNormalizationV1"].map((kind) => ({
    kind,
    config: { epsilon: 0.01, axis: [3] },
    weights: { gamma, beta, moving_mean, moving_variance },
    operands: [image],
    result: normal,
  })),
  {
    kind: "BatchNormalization",
    of: "channels first",
    config: { epsilon: 0.01, axis: 1 },
    weights: { gamma, beta, moving_mean, moving_variance },
    operands: [first],
    result: transposed(normal, [0, 3, 1, 2]),
  },
  {
    kind: "BatchNormalization",
    of: "neither scaled nor shifted",
    config: { scale: false, center: false },
    weights: { moving_mean, moving_variance },
    operands: [image],
    result: normalized(image, ones, zeros, moving_mean, moving_variance, 0.001),
  },
  {
    kind: "LayerNormalization",
    config: { epsilon: 0.01, axis: [-1] },
    weights: { gamma, beta },
    operands: [image],
    result: scaled(standardized(image, 0.01, lastAlone)),
  },
  {
    kind: "GroupNormalization",
    config: { groups: 2, epsilon: 0.01 },
    weights: { gamma, beta },
    operands: [image],
    result: scaled(standardized(image, 0.01, (point) => `${point[0]} ${(point.at(-1) as number) >> 1}`)),
  },
  {
    kind: "Normalization",
    config: { axis: [-1] },
    weights: { mean: moving_mean, variance: moving_variance },
    operands: [image],
    result: normalized(image, ones, zeros, moving_mean, moving_variance, 0),
  },
  { kind: "Rescaling", config: { scale: 0.5, offset: -1 }, operands: [image], result: mapped(image, (x) => 0.5 * x - 1) },
];

const bent = (slope: number, threshold: number, most: number) => (x: number) =>
  Math.min(x >= threshold ? x : slope * (x - threshold), most);
const slopes = tensor([4], [0.1, -0.5, 2, 0]);
const rectifiers: readonly KerasLayerCase[] = [
  { kind: "ReLU", config: { max_value: 6 }, operands: [line], result: mapped(line, bent(0, 0, 6)) },
  { kind: "ReLU", of: "slope", config: { negative_slope: 0.25, max_value: 2 }, operands: [line], result: mapped(line, bent(0.25, 0, 2)) },
  {
    kind: "ReLU",
    of: "threshold",
    config: { negative_slope: 0.5, threshold: 1 },
    operands: [line],
    result: mapped(line, bent(0.5, 1, Number.POSITIVE_INFINITY)),
  },
  { kind: "ReLU", of: "plain", config: { max_value: null }, operands: [line], result: mapped(line, (x) => Math.max(x, 0)) },
  { kind: "LeakyReLU", operands: [line], result: mapped(line, (x) => (x < 0 ? 0.3 * x : x)) },
  { kind: "LeakyReLU", of: "alpha", config: { alpha: 0.1 }, operands: [line], result: mapped(line, (x) => (x < 0 ? 0.1 * x : x)) },
  {
    kind: "LeakyReLU",
    of: "Keras 3",
    version: 3,
    config: { negative_slope: 0.2 },
    operands: [line],
    result: mapped(line, (x) => (x < 0 ? 0.2 * x : x)),
  },
  {
    kind: "PReLU",
    config: { shared_axes: [1, 2] },
    weights: { alpha: tensor([1, 1, 4], slopes.data) },
    operands: [image],
    result: zipped(image, slopes, (x, s) => (x < 0 ? s * x : x)),
  },
  { kind: "ELU", config: { alpha: 0.5 }, operands: [line], result: mapped(line, (x) => (x > 0 ? x : 0.5 * Math.expm1(x))) },
  { kind: "ThresholdedReLU", config: { theta: 1.5 }, operands: [line], result: mapped(line, (x) => (x > 1.5 ? x : 0)) },
  { kind: "Softmax", config: { axis: 1 }, operands: [cube], result: softmaxAlong(cube, 1) },
  { kind: "Softmax", of: "the last", operands: [cube], result: softmaxAlong(cube, 2) },
];

const movements: readonly KerasLayerCase[] = [
  { kind: "Flatten", operands: [cube], result: tensor([2, 12], cube.data) },
  {
    kind: "Flatten",
    of: "channels first",
    config: { data_format: "channels_first" },
    operands: [first],
    result: tensor([1, 96], image.data),
  },
  { kind: "Reshape", config: { target_shape: [2, -1] }, operands: [cube], result: tensor([2, 2, 6], cube.data) },
  { kind: "Permute", config: { dims: [2, 1] }, operands: [cube], result: transposed(cube, [0, 2, 1]) },
  {
    kind: "RepeatVector",
    config: { n: 3 },
    operands: [flat],
    result: tensor(
      [2, 3, 4],
      [0, 0, 0, 1, 1, 1].flatMap((n) => flat.data.slice(4 * n, 4 * n + 4)),
    ),
  },
];

export const kerasCases: readonly ImportCase[] = [
  ...activationCases,
  ...stillCases,
  ...mergeCases,
  ...denseCases,
  ...normalizations,
  ...rectifiers,
  ...movements,
  ...spatialCases,
].map(kerasCase);
