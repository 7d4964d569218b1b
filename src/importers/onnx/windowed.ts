/** ONNX's convolutions and pooling: windows that move over the dimensions after batch and channels. */
import type { Attributes } from "../../ir/nn.ts";
import type { Value } from "../written_model.ts";
import type { NodeContext, Refusal, Translation, Translations } from "./context.ts";
import { channelsLast, isSame, kernelLast, type Layout, range } from "./layout.ts";

const automaticPads: { readonly [mode: string]: string } = { SAME_UPPER: "same", SAME_LOWER: "same_lower", VALID: "valid" };

/**
 * The attributes of a window of the extents `size`, which moves over the dimensions after the first two. Padding that a word says is
 * said by the word, however the file says it.
 */
export function windowAttributes(context: NodeContext, size: readonly number[], dilates = true): Attributes {
  const list = (name: string) => context.integers(name) ?? size.map(() => 1);
  const [stride, dilation] = [list("strides"), dilates ? list("dilations") : size.map(() => 1)];
  const pads = context.integers("pads") ?? [...size, ...size].map(() => 0);
  const word = automaticPads[context.text("auto_pad", "NOTSET")] ?? wordFor(pads, context.shape(0).slice(2), size, stride, dilation);
  return { stride, ...(dilates ? { dilation } : {}), pad: word ?? pads };
}

/** The word that says this padding: none, or as much as gives ceil(n / stride) places. */
function wordFor(
  pads: readonly number[],
  input: readonly number[],
  size: readonly number[],
  stride: readonly number[],
  dilation: readonly number[],
): string | undefined {
  if (pads.every((extent) => extent === 0)) return "valid";
  const totals = input.map((n, d) => {
    const [step, reach] = [stride[d] ?? 1, ((size[d] ?? 1) - 1) * (dilation[d] ?? 1) + 1];
    return Math.max(0, (Math.ceil(n / step) - 1) * step + reach - n);
  });
  const [less, more] = [totals.map((total) => Math.floor(total / 2)), totals.map((total) => Math.ceil(total / 2))];
  if (isSame(pads, [...less, ...more])) return "same";
  return isSame(pads, [...more, ...less]) ? "same_lower" : undefined;
}

/** What a window cannot be: extents that do not belong to the operand's rank, and steps that are none. */
export function checkWindow(context: NodeContext, rank: number): Refusal | undefined {
  if (rank < 1) return `has an operand of ${context.rank(0)} dimensions, which leaves none for its window`;
  for (const [name, count] of [
    ["strides", rank],
    ["dilations", rank],
    ["kernel_shape", rank],
    ["pads", 2 * rank],
  ] as const) {
    const given = context.integers(name);
    if (given && given.length !== count) return `has ${given.length} \`${name}\` for ${rank} dimensions`;
    if (name !== "pads" && given?.some((extent) => !(extent >= 1))) return `has \`${name}\` of [${given.join(", ")}]`;
  }
  return undefined;
}

function biased(context: NodeContext, x: Value, i: number): Value {
  return context.has(i) ? context.builder.call("add", [x, context.use(i)]) : x;
}

const convolution: Translation = (context) => {
  const rank = context.rank(0);
  const problem = checkWindow(context, rank - 2) ?? checkKernel(context, 1);
  if (problem !== undefined) return problem;
  const layout = channelsLast(rank);
  const x = context.use(0, layout);
  const groups = context.number("group", 1);
  const { operator, kernel, more } = convolutionOf(context, 1, rank, groups);
  const attributes = { ...windowAttributes(context, context.shape(1).slice(2)), ...more };
  context.define(biased(context, context.builder.call(operator, [x, kernel], attributes), 2), { layout });
  return undefined;
};

export function checkKernel(context: NodeContext, i: number): Refusal | undefined {
  const [rank, kernel] = [context.rank(0), context.shape(i)];
  if (kernel.length !== rank) return `has a kernel of ${kernel.length} dimensions for an operand of ${rank}`;
  const size = context.integers("kernel_shape");
  const differs = size?.some((extent, d) => extent !== kernel[d + 2]);
  return differs ? `says that its kernel is ${size?.join("x")}, and it is ${kernel.slice(2).join("x")}` : undefined;
}

/** The library's operator for the rank and groups, with the kernel as it takes it. */
function convolutionOf(context: NodeContext, i: number, rank: number, groups: number) {
  const [filters = 1, , ...size] = context.shape(i);
  const channels = context.shape(0)[1] ?? 1;
  if (rank === 4 && groups === channels && groups > 1 && filters % groups === 0) {
    const kernel = context.reshaped(i, kernelLast(rank), [...size, groups, filters / groups]);
    return { operator: "depthwise_conv2d", kernel, more: {} };
  }
  const kernel = context.use(i, kernelLast(rank));
  if (rank === 4 && groups === 1) return { operator: "conv2d", kernel, more: {} };
  if (rank === 3) return { operator: "conv1d", kernel, more: { groups } };
  if (rank === 5) return { operator: "conv3d", kernel, more: { groups } };
  return { operator: "conv", kernel, more: { groups } };
}

const transposedConvolution: Translation = (context) => {
  const rank = context.rank(0);
  const spatial = rank - 2;
  const problem = checkWindow(context, spatial) ?? checkKernel(context, 1);
  if (problem !== undefined) return problem;
  const list = (name: string, otherwise: number) => context.integers(name) ?? range(spatial).map(() => otherwise);
  const [stride, dilation] = [list("strides", 1), list("dilations", 1)];
  const extra = [...list("output_padding", 0)];
  const pad = [...(context.integers("pads") ?? range(2 * spatial).map(() => 0))];
  const mode = context.text("auto_pad", "NOTSET");
  const shape = context.integers("output_shape")?.slice(-spatial);
  const input = context.shape(0).slice(2);
  for (const d of range(spatial)) {
    const [n = 1, k = 1] = [input[d], context.shape(1)[d + 2]];
    const wanted = shape?.[d] ?? (mode.startsWith("SAME") ? n * (stride[d] ?? 1) : undefined);
    if (wanted === undefined) continue;
    const whole = (n - 1) * (stride[d] ?? 1) + (k - 1) * (dilation[d] ?? 1) + 1 + (extra[d] ?? 0);
    const total = Math.max(0, whole - wanted);
    // What is missing is added after; what is too much is cut off, the odd element before, but for SAME_UPPER.
    extra[d] = (extra[d] ?? 0) + Math.max(0, wanted - whole);
    const before = mode === "SAME_UPPER" ? Math.floor(total / 2) : Math.ceil(total / 2);
    pad[d] = before;
    pad[d + spatial] = total - before;
  }
  const layout = channelsLast(rank);
  const operator = rank === 4 ? "conv_transpose2d" : rank === 3 ? "conv_transpose1d" : "conv_transpose";
  const attributes = { stride, dilation, pad, extra, groups: context.number("group", 1) };
  const result = context.builder.call(operator, [context.use(0, layout), context.use(1, kernelLast(rank))], attributes);
  context.define(biased(context, result, 2), { layout });
  return undefined;
};

/** Pooling of 2 dimensions has an operator of its own, where the last window begins inside. */
function pooled(context: NodeContext, general: string, more: Attributes): Refusal | undefined {
  const rank = context.rank(0);
  const window = context.integers("kernel_shape");
  const problem = checkWindow(context, rank - 2) ?? (window ? undefined : "has no `kernel_shape`");
  if (problem !== undefined || !window) return problem;
  const layout = channelsLast(rank);
  const ceil = context.number("ceil_mode", 0) === 1;
  const dilates = context.integers("dilations")?.some((step) => step !== 1) ?? false;
  const isPlain = rank === 4 && !ceil && (general === "max_pool" || (general === "avg_pool" && !dilates));
  const attributes = { window, ...windowAttributes(context, window, dilates), ...(ceil ? { ceil } : {}), ...more };
  context.define(context.builder.call(isPlain ? `${general}2d` : general, [context.use(0, layout)], attributes), { layout });
  return undefined;
}

const maxPool: Translation = (context) => {
  const problem = pooled(context, "max_pool", {});
  if (problem !== undefined || !context.wants(1)) return problem;
  const rank = context.rank(0);
  const layout = channelsLast(rank);
  const window = context.integers("kernel_shape") ?? [];
  const attributes = { window, ...windowAttributes(context, window), ceil: context.number("ceil_mode", 0) === 1 };
  const found = context.builder.call("max_pool_indices", [context.use(0, layout)], attributes);
  context.define(positionsInSource(context, found), { layout, result: 1 });
  return undefined;
};

/** Positions among the places and channels of one image, as they count in a batch that has channels before places. */
function positionsInSource(context: NodeContext, found: Value): Value {
  const { builder } = context;
  const [batch = 1, channels = 1, ...places] = context.shape(0);
  const area = places.reduce((a, b) => a * b, 1);
  const place = channels === 1 ? found : builder.call("floor_div", [found, channels]);
  const stored = context.number("storage_order", 0) === 1 ? columnMajor(context, place, places) : place;
  const channel = builder.call("mul", [builder.call("mod", [found, channels]), area]);
  const within = channels === 1 ? stored : builder.call("add", [stored, channel]);
  if (batch === 1) return within;
  const image = builder.reshape(builder.call("iota", [], { extent: batch }), [batch, ...places.map(() => 1), 1]);
  return builder.call("add", [within, builder.call("mul", [image, channels * area])]);
}

/** The position of the same place where the first dimension runs fastest. */
function columnMajor({ builder }: NodeContext, place: Value, places: readonly number[]): Value {
  const terms = places.map((extent, d) => {
    const after = places.slice(d + 1).reduce((a, b) => a * b, 1);
    const before = places.slice(0, d).reduce((a, b) => a * b, 1);
    return builder.call("mul", [builder.call("mod", [builder.call("floor_div", [place, after]), extent]), before]);
  });
  return terms.reduce((sum, term) => builder.call("add", [sum, term]));
}

const averagePool: Translation = (context) => pooled(context, "avg_pool", { count_padding: context.number("count_include_pad", 0) === 1 });

const normPool: Translation = (context) => {
  const dilates = context.integers("dilations")?.some((step) => step !== 1) ?? false;
  if (dilates || context.number("ceil_mode", 0) === 1) return "takes the norm of dilated or partial windows";
  return pooled(context, "lp_pool", { p: context.number("p", 2) });
};

/** Over all dimensions after the channels, which remain with extent 1. */
function globalPool(operator: string): Translation {
  return (context) => {
    const [n = 1, c = 1, ...places] = context.shape(0);
    const layout = channelsLast(places.length + 2);
    const attributes = operator === "global_lp_pool" ? { p: context.number("p", 2) } : {};
    const pool = context.builder.call(operator, [context.use(0, layout)], attributes);
    const stored = [n, ...places.map(() => 1), c];
    context.define(places.length === 0 ? pool : context.builder.reshape(pool, stored), { layout });
    return undefined;
  };
}

/** Every element goes to the position that max pooling has given for it; all others are 0. */
const unpool: Translation = (context) => {
  const { builder } = context;
  const shape = context.shape(0);
  const spatial = shape.length - 2;
  const problem = checkWindow(context, spatial);
  if (problem !== undefined) return problem;
  if (context.has(2) && !context.constant(2)) return { operand: 2 };
  const size = context.integers("kernel_shape") ?? range(spatial).map(() => 1);
  const [strides, pads] = [context.integers("strides") ?? size.map(() => 1), context.integers("pads") ?? range(2 * spatial).map(() => 0)];
  const inferred = range(spatial).map(
    (d) => ((shape[d + 2] ?? 1) - 1) * (strides[d] ?? 1) - (pads[d] ?? 0) - (pads[d + spatial] ?? 0) + (size[d] ?? 1),
  );
  const natural = [...shape.slice(0, 2), ...inferred];
  const output = context.numbers(2) ?? natural;
  const flat = (extents: readonly number[]) => extents.reduce((a, b) => a * b, 1);
  // Positions count in the natural extents; a larger output has them in its first rows and columns.
  const zeros = builder.call("full", [], { shape: [flat(natural)], value: 0 });
  const values = builder.reshape(context.use(0), [flat(shape)]);
  const ids = builder.reshape(context.use(1), [flat(shape)]);
  const spread = builder.call("scatter_elements", [zeros, ids, values], { axis: 0 });
  const whole = builder.reshape(spread, natural);
  const after = natural.map((extent, d) => (output[d] ?? extent) - extent);
  const isNatural = after.every((extent) => extent === 0);
  context.define(isNatural ? whole : builder.call("pad", [whole], { pad: [...natural.map(() => 0), ...after] }));
  return undefined;
};

const deformable: Translation = (context) => {
  const rank = context.rank(0);
  if (rank !== 4) return "deforms windows of other dimensions than height and width";
  const problem = checkWindow(context, 2) ?? checkKernel(context, 1);
  if (problem !== undefined) return problem;
  const layout = channelsLast(4);
  const places: Layout = [0, 2, 3, 1];
  const [groups, sets] = [context.number("group", 1), context.number("offset_group", 1)];
  const pads = context.integers("pads") ?? [0, 0, 0, 0];
  const attributes = {
    stride: context.integers("strides") ?? [1, 1],
    dilation: context.integers("dilations") ?? [1, 1],
    pad: pads,
    groups,
    offset_groups: sets,
  };
  const offsets = context.use(2, places);
  const masked = context.has(4);
  const [n = 1, , h = 1, w = 1] = context.shape(2);
  const [, , kh = 1, kw = 1] = context.shape(1);
  const mask = masked ? context.use(4, places) : context.builder.call("full", [], { shape: [n, h, w, sets * kh * kw], value: 1 });
  const operands = [context.use(0, layout), context.use(1, kernelLast(4)), offsets, mask];
  context.define(biased(context, context.builder.call("deform_conv2d", operands, attributes), 3), { layout });
  return undefined;
};

export const windowTranslations: Translations = {
  AveragePool: averagePool,
  Conv: convolution,
  ConvTranspose: transposedConvolution,
  DeformConv: deformable,
  GlobalAveragePool: globalPool("global_avg_pool"),
  GlobalLpPool: globalPool("global_lp_pool"),
  GlobalMaxPool: globalPool("global_max_pool"),
  LpPool: normPool,
  MaxPool: maxPool,
  MaxUnpool: unpool,
};
