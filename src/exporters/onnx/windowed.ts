/** Convolutions, pooling, resizing, matrix products and reductions in ONNX. */

import { permute } from "../../ir/permute.ts";
import type { Call, Refusal } from "../exporter.ts";
import { linearPlaces } from "../resize.ts";
import { numberOf, numbersOf, spatial, type Window, windowOf } from "../windows.ts";
import { flattenedRows } from "./flattened.ts";
import { channelsFirst, identity, lastFirst, type Model, type OnnxAttributes, type Translate } from "./model.ts";

/** [...k, c, f] lies there as [f, c, ...k]. */
function conv(call: Call, model: Model): Refusal {
  const [, k = ""] = call.operands;
  const rank = model.shape(k).length;
  const window = windowOf(call, model.shape(k).slice(0, -2), model.graph);
  const kernel = model.use(k, [rank - 1, rank - 2, ...identity(rank - 2)]);
  const channels = model.shape(call.operands[0] ?? "").at(-1) ?? 0;
  return imageNode("Conv", call, [kernel], { ...windowAttributes(window), group: channels / (model.shape(k).at(-2) ?? 1) }, model);
}

/** [kh, kw, c, m] lies there as [c m, 1, kh, kw], in c groups. */
function depthwise(call: Call, model: Model): Refusal {
  const [, k = ""] = call.operands;
  const [kh = 0, kw = 0, c = 0, m = 0] = model.shape(k);
  const values = model.constant(k);
  if (!values) return "has a kernel that is computed";
  const kernel = model.floats(`${k} per channel`, [c * m, 1, kh, kw], permute(values, [kh, kw, c, m], [2, 3, 0, 1]));
  const window = windowOf(call, [kh, kw], model.graph);
  return imageNode("Conv", call, [kernel], { ...windowAttributes(window), group: c }, model);
}

/** [...k, f, c] lies there as [c, f, ...k]. */
function convTranspose(call: Call, model: Model): Refusal {
  const [, k = ""] = call.operands;
  const rank = model.shape(k).length;
  const kernel = model.use(k, [rank - 1, rank - 2, ...identity(rank - 2)]);
  const attributes = {
    kernel_shape: model.shape(k).slice(0, -2),
    strides: numbersOf(call, "stride"),
    dilations: numbersOf(call, "dilation"),
    pads: numbersOf(call, "pad"),
    output_padding: numbersOf(call, "extra"),
    group: numberOf(call, "groups"),
  };
  return imageNode("ConvTranspose", call, [kernel], attributes, model);
}

/** A node from channels first to channels first; the call's bias is its last operand. */
function imageNode(operator: string, call: Call, more: readonly string[], attributes: OnnxAttributes, model: Model): undefined {
  const [x = ""] = call.operands;
  const layout = channelsFirst(call.result.type.shape.length);
  const bias = call.bias === undefined ? [] : [model.use(call.bias, [0])];
  model.node(operator, [model.use(x, layout), ...more, ...bias], call.result.name, attributes);
  model.define(call.result.name, layout);
  return undefined;
}

function maxPool(call: Call, model: Model): Refusal {
  const window = windowOf(call, numbersOf(call, "window"), model.graph);
  return imageNode("MaxPool", call, [], windowAttributes(window), model);
}

function avgPool(call: Call, model: Model): Refusal {
  const window = windowOf(call, numbersOf(call, "window"), model.graph);
  const counts = call.attributes.count_padding === true;
  if (window.dilation.some((d) => d !== 1)) return "dilates its window";
  if (counts && window.after.some((n, d) => n > (window.declaredAfter[d] ?? 0))) return "counts a part of its last window";
  const { dilations: _, ...attributes } = windowAttributes(window);
  return imageNode("AveragePool", call, [], { ...attributes, count_include_pad: counts ? 1 : 0 }, model);
}

/** The padding that was declared, and more where the last window is only partly inside it. */
function windowAttributes({ extent, stride, dilation, before, after, declaredAfter }: Window) {
  const behind = after.map((padding, d) => Math.max(padding, declaredAfter[d] ?? 0));
  return { kernel_shape: extent, strides: stride, dilations: dilation, pads: [...before, ...behind] };
}

function globalPool(operator: string): Translate {
  return (call, model) => {
    const [x = ""] = call.operands;
    const { name } = call.result;
    const pooled = model.node(operator, [model.use(x, channelsFirst(model.shape(x).length))], `${name} pooled`);
    model.node("Flatten", [pooled], name, { axis: 1 });
    model.define(name, identity(2));
    return undefined;
  };
}

function reduction(operator: string): Translate {
  return (call, model) => {
    const [x = ""] = call.operands;
    const layout = model.layout(x);
    const rank = layout.length;
    const axes = new Set(numbersOf(call, "axes").map((axis) => (axis < 0 ? axis + rank : axis)));
    const positions = layout.flatMap((dimension, position) => (axes.has(dimension) ? [position] : []));
    const keep = call.attributes.keep === true;
    const isPool = operator === "ReduceMean" && keep && rank === 4 && isSpatial(axes, rank) && isChannelsFirst(layout);
    if (isPool) model.node("GlobalAveragePool", [model.use(x, layout)], call.result.name);
    // In opset 17 only the sum has its axes as an operand.
    else if (operator === "ReduceSum")
      model.node(operator, [model.use(x, layout), model.integers(positions)], call.result.name, { keepdims: keep ? 1 : 0 });
    else model.node(operator, [model.use(x, layout)], call.result.name, { axes: positions, keepdims: keep ? 1 : 0 });
    const kept = layout.filter((dimension) => !axes.has(dimension));
    const renumbered = kept.map((dimension) => dimension - [...axes].filter((axis) => axis < dimension).length);
    model.define(call.result.name, keep ? layout : renumbered);
    return undefined;
  };
}

function isSpatial(axes: ReadonlySet<number>, rank: number): boolean {
  return axes.size === rank - 2 && !axes.has(0) && !axes.has(rank - 1);
}

function isChannelsFirst(layout: readonly number[]): boolean {
  return channelsFirst(layout.length).every((dimension, position) => layout[position] === dimension);
}

function alongAxis(operator: string): Translate {
  return (call, model) => {
    const [x = ""] = call.operands;
    const layout = model.layout(x);
    const axis = numberOf(call, "axis");
    model.node(operator, [model.use(x, layout)], call.result.name, { axis: layout.indexOf(axis < 0 ? axis + layout.length : axis) });
    model.define(call.result.name, layout);
    return undefined;
  };
}

/** Rows in the order of a flattened image that ONNX has: the weights' rows are permuted, and the image is not. */
function matmul(call: Call, model: Model): Refusal {
  const [a = "", b = ""] = call.operands;
  const { name, type } = call.result;
  const rows = flattenedRows(a, model);
  const left = rows ? rows.stored : model.use(a, identity(model.shape(a).length));
  const values = model.constant(b);
  const right =
    rows && values
      ? model.floats(`${b} by channel`, model.shape(b), permuteRows(values, model.shape(b), rows.shape, rows.layout))
      : model.use(b, identity(model.shape(b).length));
  const bias = call.bias === undefined ? undefined : model.use(call.bias, [0]);
  if (bias !== undefined && model.shape(a).length === 2 && model.shape(b).length === 2)
    model.node("Gemm", [left, right, bias], name, { alpha: 1, beta: 1, transA: 0, transB: 0 });
  else if (bias !== undefined) model.node("Add", [model.node("MatMul", [left, right], `${name} product`), bias], name);
  else model.node("MatMul", [left, right], name);
  model.define(name, identity(type.shape.length));
  return undefined;
}

function permuteRows(values: Float32Array, [, columns = 1]: readonly number[], image: readonly number[], layout: readonly number[]) {
  return permute(values, [...image.slice(1), columns], [...layout.slice(1).map((d) => d - 1), image.length - 1]);
}

function resizeLinear(call: Call, model: Model): Refusal {
  const places = linearPlaces(call, model.graph);
  if (places === undefined) return "takes its places in another way";
  const coordinates = { halfPixel: "half_pixel", alignCorners: "align_corners", asymmetric: "asymmetric" }[places];
  return resize(call, { mode: "linear", coordinate_transformation_mode: coordinates }, model);
}

const roundings: { readonly [rounding: string]: string } = {
  round_half_down: "round_prefer_floor",
  round_half_up: "round_prefer_ceil",
  floor: "floor",
  ceil: "ceil",
};

function resizeNearest(call: Call, model: Model): Refusal {
  const input = spatial(model.shape(call.operands[0] ?? ""));
  const size = numbersOf(call, "size");
  const isOwnScale = numbersOf(call, "scale").every((scale, d) => Math.abs(scale - (size[d] ?? 0) / (input[d] ?? 1)) < 1e-6);
  const coordinates = String(call.attributes.coordinates);
  const rounding = roundings[String(call.attributes.rounding)];
  const isKnown = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"].includes(coordinates);
  if (!isOwnScale || !isKnown || rounding === undefined) return "takes its places in another way";
  return resize(call, { mode: "nearest", coordinate_transformation_mode: coordinates, nearest_mode: rounding }, model);
}

function resize(call: Call, attributes: OnnxAttributes, model: Model): undefined {
  const [n = 1, h = 1, w = 1, c = 1] = call.result.type.shape;
  return imageNode("Resize", call, ["", "", model.integers([n, c, h, w])], attributes, model);
}

function depthToSpace(call: Call, model: Model): Refusal {
  const mode = call.attributes.order === "column_first" ? "CRD" : "DCR";
  return imageNode("DepthToSpace", call, [], { blocksize: numberOf(call, "block"), mode }, model);
}

function spaceToDepth(call: Call, model: Model): Refusal {
  return imageNode("SpaceToDepth", call, [], { blocksize: numberOf(call, "block") }, model);
}

/** Every channel is normalised on its own, so the layout only has to have them second. */
function instanceNorm(call: Call, model: Model): Refusal {
  const [x = "", gamma = "", beta = ""] = call.operands;
  const layout = lastFirst(model.shape(x).length, 1);
  const operands = [model.use(x, layout), model.use(gamma, [0]), model.use(beta, [0])];
  model.node("InstanceNormalization", operands, call.result.name, { epsilon: numberOf(call, "epsilon") });
  model.define(call.result.name, layout);
  return undefined;
}

export const windowTranslations: { readonly [operator: string]: Translate } = {
  conv2d: conv,
  conv,
  depthwise_conv2d: depthwise,
  conv_transpose2d: convTranspose,
  conv_transpose: convTranspose,
  matmul,
  max_pool2d: maxPool,
  max_pool: maxPool,
  avg_pool2d: avgPool,
  avg_pool: avgPool,
  global_avg_pool: globalPool("GlobalAveragePool"),
  global_max_pool: globalPool("GlobalMaxPool"),
  reduce_mean: reduction("ReduceMean"),
  reduce_sum: reduction("ReduceSum"),
  reduce_max: reduction("ReduceMax"),
  reduce_min: reduction("ReduceMin"),
  softmax: alongAxis("Softmax"),
  log_softmax: alongAxis("LogSoftmax"),
  resize_linear: resizeLinear,
  resize_nearest: resizeNearest,
  depth_to_space: depthToSpace,
  space_to_depth: spaceToDepth,
  instance_norm: instanceNorm,
};
