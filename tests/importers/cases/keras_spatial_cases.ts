/** A case for each Keras layer over series, images and volumes. */
import { at, convolution, depthwise, fill, padded, reduced, samePadding, transposed } from "../../operators/definitions.ts";
import { edge, placeOf, pooled, sampled, tent, transposedConvolution } from "../../operators/image_definitions.ts";
import { type Tensor, tensor } from "../../operators/tensors.ts";
import type { KerasLayerCase } from "./keras_file.ts";
import { image, mapped, random, zipped } from "./tensorflow_calls.ts";

const series = random("series", 2, 7, 4);
const volume = random("volume", 1, 3, 4, 5, 4);
const bias = random("bias", 6);
const plus = (x: Tensor) => zipped(x, tensor([x.shape.at(-1) as number], bias.data.slice(0, x.shape.at(-1))), (p, q) => p + q);
const biasFor = (count: number) => tensor([count], bias.data.slice(0, count));
const operandOf = [series, image, volume];
const ranks = [1, 2, 3] as const;
const operand = (rank: number) => operandOf[rank - 1] as Tensor;
const ones = (rank: number) => Array<number>(rank).fill(1);
const none = (rank: number) => Array<number>(2 * rank).fill(0);
/** [h, w, c] to [c, h, w], behind the batch. */
const first = (x: Tensor) => transposed(x, [0, 3, 1, 2]);

function convolutions(rank: number): KerasLayerCase[] {
  const x = operand(rank);
  const size = [2, 3, 2].slice(0, rank);
  const kernel = random(`conv${rank}`, ...size, 4, 3);
  const stride = [2, 1, 2].slice(0, rank);
  const same = { stride, dilation: ones(rank), pad: samePadding(x.shape.slice(1, -1), size, stride, ones(rank), "after") };
  const wide = { stride: ones(rank), dilation: [2, 1, 1].slice(0, rank), pad: none(rank) };
  const weights = { kernel, bias: biasFor(3) };
  return [
    ...[`Conv${rank}D`, `Convolution${rank}D`].map((kind) => ({
      kind,
      config: { strides: stride, padding: "same", activation: "tanh" },
      weights,
      operands: [x],
      result: mapped(plus(convolution(x, kernel, same)), Math.tanh),
    })),
    {
      kind: `Conv${rank}D`,
      of: "dilated",
      config: { dilation_rate: wide.dilation, use_bias: false },
      weights: { kernel },
      operands: [x],
      result: convolution(x, kernel, wide),
    },
    {
      kind: `Conv${rank}D`,
      of: "groups",
      config: { groups: 2, use_bias: false },
      weights: { kernel: random(`grouped${rank}`, ...size, 2, 6) },
      operands: [x],
      result: convolution(x, random(`grouped${rank}`, ...size, 2, 6), { ...wide, dilation: ones(rank) }, 2),
    },
  ];
}

const causal = random("causal", 3, 4, 2);
const square = random("conv2", 2, 3, 4, 3);
const special: readonly KerasLayerCase[] = [
  {
    kind: "Conv1D",
    of: "causal",
    config: { padding: "causal", dilation_rate: [2], use_bias: false },
    weights: { kernel: causal },
    operands: [series],
    result: convolution(series, causal, { stride: [1], dilation: [2], pad: [4, 0] }),
  },
  {
    kind: "Conv2D",
    of: "channels first",
    config: { data_format: "channels_first" },
    weights: { kernel: square, bias: biasFor(3) },
    operands: [first(image)],
    result: first(plus(convolution(image, square, { stride: [1, 1], dilation: [1, 1], pad: [0, 0, 0, 0] }))),
  },
];

const deep = random("deep", 3, 2, 4, 2);
const deepLine = random("deep line", 3, 4, 2);
const point = random("point", 1, 1, 8, 3);
const deepWindow = { stride: [1, 1], dilation: [1, 1], pad: samePadding([4, 6], [3, 2], [1, 1], [1, 1], "after") };
/** A series is an image of one row. */
const asImage = (x: Tensor) => tensor([x.shape[0] as number, 1, ...x.shape.slice(1)], x.data);
const asSeries = (x: Tensor) => tensor([x.shape[0] as number, ...x.shape.slice(2)], x.data);
const lineWindow = { stride: [1, 2], dilation: [1, 1], pad: [0, 0, 0, 0] };
const lineProduct = depthwise(asImage(series), tensor([1, 3, 4, 2], deepLine.data), lineWindow);
const flat = { stride: [1, 1], dilation: [1, 1], pad: [0, 0, 0, 0] };
const depthwises: readonly KerasLayerCase[] = [
  {
    kind: "DepthwiseConv2D",
    config: { padding: "same", depth_multiplier: 2, use_bias: false },
    weights: { depthwise_kernel: deep },
    operands: [image],
    result: depthwise(image, deep, deepWindow),
  },
  {
    kind: "DepthwiseConv1D",
    config: { strides: [2], depth_multiplier: 2, use_bias: false },
    weights: { depthwise_kernel: deepLine },
    operands: [series],
    result: asSeries(lineProduct),
  },
  {
    kind: "SeparableConv2D",
    config: { padding: "same" },
    weights: { depthwise_kernel: deep, pointwise_kernel: point, bias: biasFor(3) },
    operands: [image],
    result: plus(convolution(depthwise(image, deep, deepWindow), point, flat)),
  },
  {
    kind: "SeparableConv1D",
    config: { strides: [2] },
    weights: { depthwise_kernel: deepLine, pointwise_kernel: tensor([1, 8, 3], point.data), bias: biasFor(3) },
    operands: [series],
    result: asSeries(plus(convolution(lineProduct, point, flat))),
  },
];

/** What SAME cuts: as many outputs as inputs times the stride, the odd one after. */
function transposedLayers(rank: number): KerasLayerCase[] {
  const x = operand(rank);
  const size = [3, 3, 2].slice(0, rank);
  const kernel = random(`turned${rank}`, ...size, 3, 4);
  const stride = [2, 1, 1].slice(0, rank);
  const cut = size.map((k, d) => Math.max(k - (stride[d] as number), 0));
  const pad = [...cut.map((n) => Math.floor(n / 2)), ...cut.map((n) => Math.ceil(n / 2))];
  const window = { stride, dilation: ones(rank) };
  const kind = `Conv${rank}DTranspose`;
  const weights = { kernel, bias: biasFor(3) };
  return [
    {
      kind,
      config: { strides: stride },
      weights,
      operands: [x],
      result: plus(transposedConvolution(x, kernel, { ...window, pad: none(rank) }, ones(rank).fill(0), 1)),
    },
    {
      kind,
      of: "same",
      config: { strides: stride, padding: "same" },
      weights,
      operands: [x],
      result: plus(transposedConvolution(x, kernel, { ...window, pad }, ones(rank).fill(0), 1)),
    },
  ];
}

const largest = (values: readonly number[]) => Math.max(...values);
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

function pools(rank: number): KerasLayerCase[] {
  const x = operand(rank);
  const size = [3, 2, 2].slice(0, rank);
  const stride = [1, 2, 1].slice(0, rank);
  const axes = x.shape.slice(1, -1).map((_, d) => d + 1);
  return (
    [
      ["Max", largest],
      ["Average", mean],
    ] as const
  ).flatMap(([name, combine]): KerasLayerCase[] => [
    {
      kind: `${name}Pooling${rank}D`,
      config: { pool_size: size, strides: null },
      operands: [x],
      result: pooled(x, size, { stride: size, dilation: ones(rank), pad: none(rank) }, false, combine),
    },
    {
      kind: `${name}Pooling${rank}D`,
      of: "same",
      config: { pool_size: size, strides: stride, padding: "same" },
      operands: [x],
      result: pooled(
        x,
        size,
        { stride, dilation: ones(rank), pad: samePadding(x.shape.slice(1, -1), size, stride, ones(rank), "after") },
        false,
        combine,
      ),
    },
    { kind: `Global${name}Pooling${rank}D`, config: { keepdims: false }, operands: [x], result: reduced(x, axes, false, combine) },
    {
      kind: `Global${name}Pooling${rank}D`,
      of: "kept",
      config: { keepdims: true },
      operands: [x],
      result: reduced(x, axes, true, combine),
    },
  ]);
}

function borders(rank: number): KerasLayerCase[] {
  const x = operand(rank);
  const sides = [
    [1, 0],
    [0, 2],
    [1, 1],
  ].slice(0, rank) as [number, number][];
  const around = (sign: 1 | -1) => [0, ...sides.map(([before]) => sign * before), 0, 0, ...sides.map(([, after]) => sign * after), 0];
  const value = rank === 1 ? sides[0] : sides;
  const factors = [2, 3, 1].slice(0, rank);
  const spread = [x.shape[0] as number, ...factors.map((factor, d) => factor * (x.shape[d + 1] as number)), x.shape.at(-1) as number];
  const repeated = fill(spread, (p) =>
    at(
      x,
      p.map((i, d) => (d === 0 || d > rank ? i : Math.floor(i / (factors[d - 1] as number)))),
    ),
  );
  return [
    { kind: `ZeroPadding${rank}D`, config: { padding: value }, operands: [x], result: padded(x, around(1), 0) },
    { kind: `Cropping${rank}D`, config: { cropping: value }, operands: [x], result: padded(x, around(-1), 0) },
    { kind: `UpSampling${rank}D`, config: { size: rank === 1 ? factors[0] : factors }, operands: [x], result: repeated },
  ];
}

const bilinear: KerasLayerCase = {
  kind: "UpSampling2D",
  of: "bilinear",
  config: { size: [2, 3], interpolation: "bilinear" },
  operands: [image],
  result: fill([1, 8, 18, 4], ([n = 0, h = 0, w = 0, c = 0]) =>
    sampled(image, n, c, placeOf(h, 4, 8, "half_pixel"), placeOf(w, 6, 18, "half_pixel"), tent, edge),
  ),
};

export const spatialCases: readonly KerasLayerCase[] = [
  ...ranks.flatMap(convolutions),
  ...special,
  ...depthwises,
  ...ranks.flatMap(transposedLayers),
  ...ranks.flatMap(pools),
  ...ranks.flatMap(borders),
  bilinear,
];
