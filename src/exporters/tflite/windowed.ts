/** Convolutions, pooling, matrix products and reductions in TensorFlow Lite. Its padding is SAME or none; any other comes before. */

import { paddings } from "../../formats/tflite/schema.ts";
import { elementCount } from "../../ir/dtype.ts";
import { permute, permuteShape } from "../../ir/permute.ts";
import type { Call, Refusal } from "../exporter.ts";
import { nonNegativeValues } from "../nonnegative.ts";
import { linearPlaces, nearestPlaces, type PlacesName } from "../resize.ts";
import { numberOf, numbersOf, type Window, windowOf } from "../windows.ts";
import { activationCode, type Model, resultOf, type Translate } from "./model.ts";

/** [kh, kw, c, f] lies there as [f, kh, kw, c]; a kernel of fewer channels than the operand has means groups. */
function conv(call: Call, model: Model): Refusal {
  const [x = "", k = ""] = call.operands;
  const shape = model.shape(k);
  if (shape.length !== 4) return `has ${shape.length - 2} spatial dimensions`;
  const kernel = permuted(k, [3, 0, 1, 2], model);
  if (kernel === undefined) return "has a kernel that is computed";
  const window = windowOf(call, shape.slice(0, 2), model.graph);
  model.emit("CONV_2D", [padded(x, window, 0, call, model), kernel, ...biasOf(call, shape[3] ?? 0, model)], resultOf(call), {
    table: "Conv2DOptions",
    value: { ...strideFields(window), ...dilationFields(window), fused_activation_function: activationCode(call.activation) },
  });
  return undefined;
}

/** [kh, kw, c, m] lies there as [1, kh, kw, c m]: the same numbers in the same order. */
function depthwise(call: Call, model: Model): Refusal {
  const [x = "", k = ""] = call.operands;
  const [kh = 0, kw = 0, c = 0, m = 0] = model.shape(k);
  const values = model.constant(k);
  if (!values) return "has a kernel that is computed";
  const kernel = model.floats(`${k} per channel`, [1, kh, kw, c * m], values);
  const window = windowOf(call, [kh, kw], model.graph);
  model.emit("DEPTHWISE_CONV_2D", [padded(x, window, 0, call, model), kernel, ...biasOf(call, c * m, model)], resultOf(call), {
    table: "DepthwiseConv2DOptions",
    value: {
      ...strideFields(window),
      ...dilationFields(window),
      depth_multiplier: m,
      fused_activation_function: activationCode(call.activation),
    },
  });
  return undefined;
}

/** [kh, kw, f, c] lies there as [f, kh, kw, c]. */
function convTranspose(call: Call, model: Model): Refusal {
  const [x = "", k = ""] = call.operands;
  const shape = model.shape(k);
  if (numberOf(call, "groups") !== 1) return "has groups";
  if (numbersOf(call, "dilation").some((d) => d !== 1)) return "is dilated";
  const stride = numbersOf(call, "stride");
  const isPlain = [...numbersOf(call, "pad"), ...numbersOf(call, "extra")].every((n) => n === 0);
  if (!isPlain || stride.some((s, d) => s > (shape[d] ?? 0))) return "cuts off or adds a border";
  const kernel = permuted(k, [2, 0, 1, 3], model);
  if (kernel === undefined) return "has a kernel that is computed";
  const output = model.integers(call.result.type.shape);
  model.emit("TRANSPOSE_CONV", [output, kernel, x, ...biasOf(call, shape[2] ?? 0, model)], resultOf(call), {
    table: "TransposeConvOptions",
    value: {
      padding: paddings.valid,
      stride_h: stride[0] ?? 1,
      stride_w: stride[1] ?? 1,
      fused_activation_function: activationCode(call.activation),
    },
  });
  return undefined;
}

/** A constant [c, f] lies there as [f, c]. */
function matmul(call: Call, model: Model): Refusal {
  const [a = "", b = ""] = call.operands;
  const kernel = model.shape(b).length === 2 ? permuted(b, [1, 0], model) : undefined;
  if (kernel === undefined) return "multiplies by a matrix that is computed, or by several";
  model.emit("FULLY_CONNECTED", [a, kernel, ...biasOf(call, model.shape(b)[1] ?? 0, model)], resultOf(call), {
    table: "FullyConnectedOptions",
    value: {
      fused_activation_function: activationCode(call.activation),
      weights_format: 0,
      keep_num_dims: model.shape(a).length !== 2,
    },
  });
  return undefined;
}

function maxPool(call: Call, model: Model): Refusal {
  const [x = ""] = call.operands;
  const window = windowOf(call, numbersOf(call, "window"), model.graph);
  if (window.extent.length !== 2) return `has ${window.extent.length} spatial dimensions`;
  if (window.dilation.some((d) => d !== 1)) return "dilates its window";
  // The library reads -infinity outside; where nothing is negative, 0 is as good, and XNNPACK pads with it.
  const fill = nonNegativeValues(model.graph).has(x) ? 0 : Number.NEGATIVE_INFINITY;
  model.emit("MAX_POOL_2D", [padded(x, window, fill, call, model)], resultOf(call), poolOptions(call, window));
  return undefined;
}

function avgPool(call: Call, model: Model): Refusal {
  const [x = ""] = call.operands;
  const window = windowOf(call, numbersOf(call, "window"), model.graph);
  if (window.extent.length !== 2) return `has ${window.extent.length} spatial dimensions`;
  if (window.dilation.some((d) => d !== 1)) return "dilates its window";
  const counts = call.attributes.count_padding === true;
  if (window.padding === "explicit" && !counts) return "leaves a padding out of the mean that is not SAME";
  if (counts && window.after.some((n, d) => n > (window.declaredAfter[d] ?? 0))) return "counts a part of its last window";
  // Counted padding is zeros like any others.
  const shown: Window = counts && window.padding === "same" ? { ...window, padding: "explicit" } : window;
  model.emit("AVERAGE_POOL_2D", [padded(x, shown, 0, call, model)], resultOf(call), poolOptions(call, shown));
  return undefined;
}

function poolOptions(call: Call, window: Window) {
  const [filter_height = 1, filter_width = 1] = window.extent;
  return {
    table: "Pool2DOptions",
    value: { ...strideFields(window), filter_width, filter_height, fused_activation_function: activationCode(call.activation) },
  } as const;
}

function reduction(operator: "MEAN" | "SUM" | "REDUCE_MAX" | "REDUCE_MIN", axesOf: (call: Call, rank: number) => number[]): Translate {
  return (call, model) => {
    const [x = ""] = call.operands;
    const rank = model.shape(x).length;
    const axes = axesOf(call, rank).map((axis) => (axis < 0 ? axis + rank : axis));
    model.emit(operator, [x, model.integers(axes)], resultOf(call), {
      table: "ReducerOptions",
      value: { keep_dims: call.attributes.keep === true },
    });
    return undefined;
  };
}

const spatialAxes = (_: Call, rank: number) => Array.from({ length: rank - 2 }, (_, d) => d + 1);
const givenAxes = (call: Call) => numbersOf(call, "axes");

function resize(
  operator: "RESIZE_BILINEAR" | "RESIZE_NEAREST_NEIGHBOR",
  table: "ResizeBilinearOptions" | "ResizeNearestNeighborOptions",
  placesOf: (call: Call, model: Model) => PlacesName | undefined,
): Translate {
  return (call, model) => {
    const [x = ""] = call.operands;
    const places = placesOf(call, model);
    if (places === undefined) return "takes its places or rounds them in another way";
    model.emit(operator, [x, model.integers(numbersOf(call, "size"))], resultOf(call), {
      table,
      value: { align_corners: places === "alignCorners", half_pixel_centers: places === "halfPixel" },
    });
    return undefined;
  };
}

function permuted(name: string, order: readonly number[], model: Model): string | undefined {
  const values = model.constant(name);
  const shape = model.shape(name);
  return values && model.floats(`${name} as ${order.join("")}`, permuteShape(shape, order), permute(values, shape, order));
}

/** A bias of zeros where there is none: XNNPACK takes convolutions without one too, older interpreters do not. */
function biasOf(call: Call, channels: number, model: Model): readonly string[] {
  return [call.bias ?? model.floats(`zeros ${channels}`, [channels], new Float32Array(channels))];
}

/** The operand itself, or with the padding that no mode of the format says. */
function padded(x: string, window: Window, fill: number, call: Call, model: Model): string {
  if (window.padding !== "explicit") return x;
  const around = [[0, 0], ...window.before.map((before, d) => [before, window.after[d] ?? 0]), [0, 0]];
  const shape = model.shape(x).map((extent, d) => extent + (around[d]?.[0] ?? 0) + (around[d]?.[1] ?? 0));
  const amounts = model.integers(around.flat(), [around.length, 2]);
  const result = { name: `${call.result.name} padded`, shape };
  if (fill === 0) return model.emit("PAD", [x, amounts], result, { table: "PadOptions", value: {} });
  const value = model.floats(`scalar ${fill}`, [], Float32Array.of(fill));
  return model.emit("PADV2", [x, amounts, value], result, { table: "PadV2Options", value: {} });
}

function strideFields({ stride, padding }: Window) {
  const [stride_h = 1, stride_w = 1] = stride;
  return { padding: padding === "same" ? paddings.same : paddings.valid, stride_w, stride_h };
}

function dilationFields({ dilation }: Window) {
  const [dilation_h_factor = 1, dilation_w_factor = 1] = dilation;
  return { dilation_w_factor, dilation_h_factor };
}

/** A tensor cannot be empty in a MEAN; none is here, for an extent of 0 has no mean either. */
function nonEmpty(translate: Translate): Translate {
  return (call, model) => (elementCount(model.shape(call.operands[0] ?? "")) === 0 ? "has no elements" : translate(call, model));
}

export const windowTranslations: { readonly [operator: string]: Translate } = {
  conv2d: conv,
  conv,
  depthwise_conv2d: depthwise,
  conv_transpose2d: convTranspose,
  matmul,
  max_pool2d: maxPool,
  max_pool: maxPool,
  avg_pool2d: avgPool,
  avg_pool: avgPool,
  global_avg_pool: nonEmpty(reduction("MEAN", spatialAxes)),
  global_max_pool: nonEmpty(reduction("REDUCE_MAX", spatialAxes)),
  reduce_mean: nonEmpty(reduction("MEAN", givenAxes)),
  reduce_sum: reduction("SUM", givenAxes),
  reduce_max: nonEmpty(reduction("REDUCE_MAX", givenAxes)),
  reduce_min: nonEmpty(reduction("REDUCE_MIN", givenAxes)),
  resize_linear: resize("RESIZE_BILINEAR", "ResizeBilinearOptions", (call, model) => linearPlaces(call, model.graph)),
  resize_nearest: resize("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions", (call, model) => nearestPlaces(call, model.graph)),
};
