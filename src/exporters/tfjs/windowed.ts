/** Convolutions, pooling, resizing, matrix products and reductions in TensorFlow.js. */
import type { Call, Refusal } from "../exporter.ts";
import { nonNegativeValues } from "../nonnegative.ts";
import { linearPlaces, nearestPlaces, type PlacesName } from "../resize.ts";
import { numberOf, numbersOf, type Window, windowOf } from "../windows.ts";
import { type Attributes, integer, integerList, type Model, type Translate, text, textList } from "./model.ts";

const channelsLast = text("NHWC");

function conv(call: Call, model: Model): Refusal {
  const [x = "", k = ""] = call.operands;
  const [kh = 0, kw = 0, c = 0] = model.shape(k);
  if (model.shape(k).length !== 4) return `has ${model.shape(k).length - 2} spatial dimensions`;
  if (c !== model.shape(x)[3]) return "has groups";
  return convolution("Conv2D", "_FusedConv2D", call, windowOf(call, [kh, kw], model.graph), model);
}

function depthwise(call: Call, model: Model): Refusal {
  const window = windowOf(call, model.shape(call.operands[1] ?? "").slice(0, 2), model.graph);
  if (window.stride[0] !== window.stride[1]) return "has two different strides";
  return convolution("DepthwiseConv2dNative", "FusedDepthwiseConv2dNative", call, window, model);
}

function convolution(plain: string, fused: string, call: Call, window: Window, model: Model): undefined {
  const [x = "", k = ""] = call.operands;
  const attributes: Attributes = {
    strides: perImage(window.stride),
    dilations: perImage(window.dilation),
    data_format: channelsLast,
    ...paddingAttributes(window),
  };
  const { name } = call.result;
  if (call.bias === undefined && call.activation === undefined) model.node(plain, [x, k], name, attributes);
  else model.node(fused, [x, k, biasOf(call, model)], name, { ...attributes, ...fusedAttributes(call) });
  return undefined;
}

/** [kh, kw, f, c] as it lies there too; the shape of the result is an operand. */
function convTranspose(call: Call, model: Model): Refusal {
  const [x = "", k = ""] = call.operands;
  const stride = numbersOf(call, "stride");
  if (numberOf(call, "groups") !== 1) return "has groups";
  if (numbersOf(call, "dilation").some((d) => d !== 1)) return "is dilated";
  const isPlain = [...numbersOf(call, "pad"), ...numbersOf(call, "extra")].every((n) => n === 0);
  if (!isPlain || stride.some((s, d) => s > (model.shape(k)[d] ?? 0))) return "cuts off or adds a border";
  const { name, type } = call.result;
  const attributes = { strides: perImage(stride), data_format: channelsLast, padding: text("VALID") };
  const operands = [model.integers(type.shape), k, x];
  if (call.bias === undefined) model.node("Conv2DBackpropInput", operands, name, attributes);
  else model.node("AddV2", [model.node("Conv2DBackpropInput", operands, `${name}/product`, attributes), call.bias], name);
  return undefined;
}

function matmul(call: Call, model: Model): Refusal {
  const [a = "", b = ""] = call.operands;
  const { name } = call.result;
  const isPlain = model.shape(a).length === 2 && model.shape(b).length === 2;
  const attributes = { transpose_a: { b: false }, transpose_b: { b: false } };
  if (!isPlain && (call.bias !== undefined || call.activation !== undefined)) return "adds a bias to a product of stacks of matrices";
  if (!isPlain) model.node("BatchMatMulV2", [a, b], name, { adj_x: { b: false }, adj_y: { b: false } });
  else if (call.bias === undefined && call.activation === undefined) model.node("MatMul", [a, b], name, attributes);
  else model.node("_FusedMatMul", [a, b, biasOf(call, model)], name, { ...attributes, ...fusedAttributes(call) });
  return undefined;
}

function biasOf(call: Call, model: Model): string {
  const channels = call.result.type.shape.at(-1) ?? 0;
  return call.bias ?? model.floats(`zeros/${channels}`, [channels], new Float32Array(channels));
}

function fusedAttributes({ activation }: Call): Attributes {
  const activations = { relu: "Relu", relu6: "Relu6" };
  return { fused_ops: textList(["BiasAdd", ...(activation ? [activations[activation]] : [])]), num_args: integer(1) };
}

function maxPool(call: Call, model: Model): Refusal {
  const [x = ""] = call.operands;
  const window = windowOf(call, numbersOf(call, "window"), model.graph);
  if (window.dilation.some((d) => d !== 1)) return "dilates its window";
  // The library reads -infinity outside; where nothing is negative, 0 is as good.
  return pool("MaxPool", call, window, nonNegativeValues(model.graph).has(x) ? 0 : Number.NEGATIVE_INFINITY, model);
}

function avgPool(call: Call, model: Model): Refusal {
  const window = windowOf(call, numbersOf(call, "window"), model.graph);
  const counts = call.attributes.count_padding === true;
  if (window.dilation.some((d) => d !== 1)) return "dilates its window";
  if (window.padding === "explicit" && !counts) return "leaves a padding out of the mean that is not SAME";
  if (counts && window.after.some((n, d) => n > (window.declaredAfter[d] ?? 0))) return "counts a part of its last window";
  return pool("AvgPool", call, counts && window.padding === "same" ? { ...window, padding: "explicit" } : window, 0, model);
}

/** Pooling pads by SAME or not at all; other padding comes before it. */
function pool(op: string, call: Call, window: Window, fill: number, model: Model): Refusal {
  const [x = ""] = call.operands;
  if (window.extent.length !== 2) return `has ${window.extent.length} spatial dimensions`;
  const { name } = call.result;
  const around = [[0, 0], ...window.before.map((before, d) => [before, window.after[d] ?? 0]), [0, 0]];
  const padded = window.padding === "explicit" ? padNode(x, around, fill, `${name}/padded`, model) : x;
  model.node(op, [padded], name, {
    ksize: perImage(window.extent),
    strides: perImage(window.stride),
    padding: text(window.padding === "same" ? "SAME" : "VALID"),
    data_format: channelsLast,
  });
  return undefined;
}

/** `around` is before and after each dimension. */
export function padNode(x: string, around: readonly (readonly number[])[], fill: number, name: string, model: Model): string {
  const operands = [x, model.integers(around.flat(), [around.length, 2])];
  if (fill === 0) return model.node("Pad", operands, name);
  return model.node("PadV2", [...operands, model.floats(`scalar/${fill}`, [], Float32Array.of(fill))], name);
}

function paddingAttributes({ padding, before, after }: Window): Attributes {
  if (padding !== "explicit") return { padding: text(padding.toUpperCase()) };
  const around = [0, 0, ...before.flatMap((n, d) => [n, after[d] ?? 0]), 0, 0];
  return { padding: text("EXPLICIT"), explicit_paddings: integerList(around) };
}

/** Numbers for both spatial dimensions as TensorFlow lists them for all four. */
function perImage(numbers: readonly number[]) {
  return integerList([1, ...numbers, 1]);
}

function reduction(op: string, axesOf: (call: Call, rank: number) => number[]): Translate {
  return (call, model) => {
    const [x = ""] = call.operands;
    const rank = model.shape(x).length;
    const axes = axesOf(call, rank).map((axis) => (axis < 0 ? axis + rank : axis));
    model.node(op, [x, model.integers(axes)], call.result.name, { keep_dims: { b: call.attributes.keep === true } });
    return undefined;
  };
}

const spatialAxes = (_: Call, rank: number) => Array.from({ length: rank - 2 }, (_, d) => d + 1);
const givenAxes = (call: Call) => numbersOf(call, "axes");

function resize(op: string, placesOf: (call: Call, model: Model) => PlacesName | undefined): Translate {
  return (call, model) => {
    const [x = ""] = call.operands;
    const places = placesOf(call, model);
    if (places === undefined) return "takes its places or rounds them in another way";
    model.node(op, [x, model.integers(numbersOf(call, "size"))], call.result.name, {
      align_corners: { b: places === "alignCorners" },
      half_pixel_centers: { b: places === "halfPixel" },
    });
    return undefined;
  };
}

/** Softmax is along the last axis there. */
function softmax(call: Call, model: Model): Refusal {
  const axis = numberOf(call, "axis");
  if (axis !== -1 && axis !== call.result.type.shape.length - 1) return "runs along another axis than the last";
  model.node("Softmax", call.operands, call.result.name);
  return undefined;
}

export const windowTranslations: { readonly [operator: string]: Translate } = {
  conv2d: conv,
  conv,
  depthwise_conv2d: depthwise,
  conv_transpose2d: convTranspose,
  matmul,
  softmax,
  max_pool2d: maxPool,
  max_pool: maxPool,
  avg_pool2d: avgPool,
  avg_pool: avgPool,
  global_avg_pool: reduction("Mean", spatialAxes),
  global_max_pool: reduction("Max", spatialAxes),
  reduce_mean: reduction("Mean", givenAxes),
  reduce_sum: reduction("Sum", givenAxes),
  reduce_max: reduction("Max", givenAxes),
  reduce_min: reduction("Min", givenAxes),
  resize_linear: resize("ResizeBilinear", (call, model) => linearPlaces(call, model.graph)),
  resize_nearest: resize("ResizeNearestNeighbor", (call, model) => nearestPlaces(call, model.graph)),
};
