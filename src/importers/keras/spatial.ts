/** Keras's layers over images and series: convolutions, pooling, padding, resizing. Channels lie last, or are put there and back. */
import type { Attributes } from "../../ir/nn.ts";
import type { Value } from "../written_model.ts";
import { applyActivation } from "./activation.ts";
import type { Layer, TranslateLayer } from "./layer.ts";

type Build = (x: Value, layer: Layer, rank: number) => Value | string;

/** Runs on the operand with its channels last, over as many dimensions as the layer's name says. */
function spatial(rank: number, build: Build): TranslateLayer {
  return (layer) => {
    const [x] = layer.inputs;
    if (!x) return "has no operand";
    if (x.type.shape.length !== rank + 2) return `has an operand of ${x.type.shape.length} dimensions instead of ${rank + 2}`;
    const isFirst = layer.text("data_format", "channels_last") === "channels_first";
    if (!isFirst) return build(x, layer, rank);
    const inner = Array.from({ length: rank }, (_, d) => d);
    const last = layer.call("transpose", [x], { order: [0, ...inner.map((d) => d + 2), 1] });
    const value = build(last, layer, rank);
    if (typeof value === "string" || value.type.shape.length !== rank + 2) return value;
    return layer.call("transpose", [value], { order: [0, rank + 1, ...inner.map((d) => d + 1)] });
  };
}

function windowOf(layer: Layer, rank: number, kernel: readonly number[]): Attributes | string {
  const stride = layer.numbers("strides", rank);
  const dilation = layer.numbers("dilation_rate", rank);
  const padding = layer.text("padding", "valid");
  const causal = padding === "causal" ? [((kernel[0] ?? 1) - 1) * (dilation[0] ?? 1), 0] : undefined;
  if (!["same", "valid", "causal"].includes(padding)) return `pads by ${padding}`;
  return {
    ...(stride.some((n) => n !== 1) ? { stride } : {}),
    ...(dilation.some((n) => n !== 1) ? { dilation } : {}),
    ...(causal ? { pad: causal } : padding === "same" ? { pad: "same" } : {}),
  };
}

function finish(layer: Layer, product: Value): Value | string {
  const bias = layer.flag("use_bias", true) ? layer.weight("bias") : undefined;
  return applyActivation(layer, bias ? layer.call("bias_add", [product, bias]) : product);
}

const noKernel = "has no kernel in the file";

const conv: Build = (x, layer, rank) => {
  const kernel = layer.weight("kernel");
  if (!kernel) return noKernel;
  const window = windowOf(layer, rank, kernel.type.shape);
  if (typeof window === "string") return window;
  const groups = layer.number("groups", 1);
  const operator = rank === 2 && groups === 1 ? "conv2d" : rank === 2 ? "conv" : rank === 1 ? "conv1d" : "conv3d";
  return finish(layer, layer.call(operator, [x, kernel], { ...window, ...(groups === 1 ? {} : { groups }) }));
};

/** One dimension is a row of an image. */
function depthwiseProduct(x: Value, layer: Layer, rank: number, kernel: Value, window: Attributes): Value {
  if (rank === 2) return layer.call("depthwise_conv2d", [x, kernel], window);
  const channels = x.type.shape.at(-1) ?? 0;
  const [taps = 0, , multiplier = 1] = kernel.type.shape;
  const grouped = layer.call("reshape", [kernel], { to: [taps, 1, channels * multiplier] });
  return layer.call("conv1d", [x, grouped], { ...window, groups: channels });
}

const depthwise: Build = (x, layer, rank) => {
  const kernel = layer.weight("depthwise_kernel") ?? layer.weight("kernel");
  const window = windowOf(layer, rank, kernel?.type.shape ?? []);
  if (!kernel) return noKernel;
  if (typeof window === "string") return window;
  return finish(layer, depthwiseProduct(x, layer, rank, kernel, window));
};

const separable: Build = (x, layer, rank) => {
  const [deep, point] = [layer.weight("depthwise_kernel"), layer.weight("pointwise_kernel")];
  if (!deep || !point) return noKernel;
  const window = windowOf(layer, rank, deep.type.shape);
  if (typeof window === "string") return window;
  const channels = depthwiseProduct(x, layer, rank, deep, window);
  return finish(layer, layer.call(rank === 2 ? "conv2d" : "conv1d", [channels, point]));
};

/** The kernel is [..., output channels, input channels], as in the library. */
const convTranspose: Build = (x, layer, rank) => {
  const kernel = layer.weight("kernel");
  if (!kernel) return noKernel;
  const stride = layer.numbers("strides", rank);
  const dilation = layer.numbers("dilation_rate", rank);
  const isSame = layer.text("padding", "valid") === "same";
  const given =
    layer.config.output_padding === null || layer.config.output_padding === undefined ? undefined : layer.numbers("output_padding", rank);
  const surplus = stride.map((step, d) => {
    const reach = ((kernel.type.shape[d] ?? 1) - 1) * (dilation[d] ?? 1) + 1;
    if (given) return (isSame ? 2 * Math.floor(reach / 2) : 0) - (given[d] ?? 0);
    return isSame ? reach - step : Math.min(reach - step, 0);
  });
  const before = surplus.map((total, d) => (isSame ? Math.floor(Math.max(total + (given?.[d] ?? 0), 0) / 2) : 0));
  const after = surplus.map((total, d) => Math.max(total - (before[d] ?? 0), 0));
  const extra = surplus.map((total, d) => Math.max((before[d] ?? 0) - total, 0));
  const product = layer.call(`conv_transpose${rank === 3 ? "" : `${rank}d`}`, [x, kernel], {
    stride,
    ...(dilation.some((n) => n !== 1) ? { dilation } : {}),
    ...([...before, ...after].some((n) => n > 0) ? { pad: [...before, ...after] } : {}),
    ...(extra.some((n) => n > 0) ? { extra } : {}),
  });
  return finish(layer, product);
};

function pool(kind: "max" | "avg"): Build {
  return (x, layer, rank) => {
    const window = layer.numbers("pool_size", rank, 2);
    const given = layer.config.strides;
    const stride = given === null || given === undefined ? window : layer.numbers("strides", rank);
    const attributes = {
      window,
      ...(stride.some((n, d) => n !== window[d]) ? { stride } : {}),
      ...(layer.text("padding", "valid") === "same" ? { pad: "same" } : {}),
    };
    return layer.call(`${kind}_pool${rank === 2 ? "2d" : ""}`, [x], attributes);
  };
}

function globalPool(operator: "global_avg_pool" | "global_max_pool"): Build {
  return (x, layer, rank) => {
    const pooled = layer.call(operator, [x]);
    const [n = 1, c = 1] = pooled.type.shape;
    return layer.flag("keepdims", false) ? layer.call("reshape", [pooled], { to: [n, ...Array<number>(rank).fill(1), c] }) : pooled;
  };
}

/** [[before, after], ...], [symmetric, ...] or one number for all sides. */
function sidesOf(layer: Layer, key: string, rank: number): { before: number[]; after: number[] } {
  const value = layer.config[key];
  const list = rank === 1 && Array.isArray(value) && value.length === 2 && value.every((n) => typeof n === "number") ? [value] : value;
  const sides = Array.from({ length: rank }, (_, d): readonly unknown[] => {
    const side = Array.isArray(list) ? list[d] : list;
    return Array.isArray(side) ? side : [side, side];
  });
  const at = (place: number) => sides.map((side) => (typeof side[place] === "number" ? side[place] : 0));
  return { before: at(0), after: at(1) };
}

const zeroPadding: Build = (x, layer, rank) => {
  const { before, after } = sidesOf(layer, "padding", rank);
  return layer.call("pad", [x], { pad: [0, ...before, 0, 0, ...after, 0] });
};

const cropping: Build = (x, layer, rank) => {
  const { before, after } = sidesOf(layer, "cropping", rank);
  const cut = (list: readonly number[]) => [0, ...list.map((n) => (n === 0 ? 0 : -n)), 0];
  return layer.call("pad", [x], { pad: [...cut(before), ...cut(after)] });
};

const upSampling: Build = (x, layer, rank) => {
  const factors = layer.numbers("size", rank, 2);
  const spread = x.type.shape.slice(1, -1).map((extent, d) => extent * (factors[d] ?? 1));
  const interpolation = layer.text("interpolation", "nearest");
  if (rank === 2 && interpolation === "bilinear") return layer.call("resize_linear", [x], { size: spread });
  if (interpolation !== "nearest") return `interpolates by ${interpolation}`;
  if (rank === 2) return layer.call("resize_nearest", [x], { size: spread, coordinates: "asymmetric", rounding: "floor" });
  // Every element of a dimension stands several times: next to itself in a dimension of its own.
  const [n = 1, c = 1] = [x.type.shape[0], x.type.shape.at(-1)];
  const extents = x.type.shape.slice(1, -1);
  const apart = layer.call("reshape", [x], { to: [n, ...extents.flatMap((extent) => [extent, 1]), c] });
  const repeated = layer.call("tile", [apart], { repeats: [1, ...factors.flatMap((factor) => [1, factor]), 1] });
  return layer.call("reshape", [repeated], { to: [n, ...spread, c] });
};

function each(name: (suffix: string) => string, ranks: readonly number[], build: Build): [string, TranslateLayer][] {
  return ranks.map((rank) => [name(`${rank}D`), spatial(rank, build)]);
}

export const spatialLayers: { readonly [kind: string]: TranslateLayer } = Object.fromEntries([
  ...each((d) => `Conv${d}`, [1, 2, 3], conv),
  ...each((d) => `Convolution${d}`, [1, 2, 3], conv),
  ...each((d) => `DepthwiseConv${d}`, [1, 2], depthwise),
  ...each((d) => `SeparableConv${d}`, [1, 2], separable),
  ...each((d) => `Conv${d}Transpose`, [1, 2, 3], convTranspose),
  ...each((d) => `MaxPooling${d}`, [1, 2, 3], pool("max")),
  ...each((d) => `AveragePooling${d}`, [1, 2, 3], pool("avg")),
  ...each((d) => `GlobalMaxPooling${d}`, [1, 2, 3], globalPool("global_max_pool")),
  ...each((d) => `GlobalAveragePooling${d}`, [1, 2, 3], globalPool("global_avg_pool")),
  ...each((d) => `ZeroPadding${d}`, [1, 2, 3], zeroPadding),
  ...each((d) => `Cropping${d}`, [1, 2, 3], cropping),
  ...each((d) => `UpSampling${d}`, [1, 2, 3], upSampling),
]);
