/**
 * ONNX's quantised operators by their integer meaning: sums of products of integers are exact in i32; what is rescaled is rounded to
 * the nearest, ties to even, and limited to the type.
 */
import { type DType, dtypes } from "../../ir/dtype.ts";
import type { Value } from "../written_model.ts";
import type { NodeContext, Refusal, Translation, Translations } from "./context.ts";
import { channelsLast, kernelLast, type Layout, range, wrapAxis } from "./layout.ts";
import { checkKernel, checkWindow, windowAttributes } from "./windowed.ts";

/** The zero point of an operand, which is one for all its elements; 0 where it is left out. */
function zeroOf(context: NodeContext, i: number): number | Refusal {
  if (!context.has(i)) return 0;
  const found = context.numbers(i);
  if (!found) return { operand: i };
  const [first = 0] = found;
  return found.every((value) => value === first) ? first : "has different zero points for the rows of one operand";
}

function isRefusal(value: number | Refusal): value is Refusal {
  return typeof value !== "number";
}

const integerProduct: Translation = (context) => {
  const [a, b] = [zeroOf(context, 2), zeroOf(context, 3)];
  if (isRefusal(a)) return a;
  if (isRefusal(b)) return b;
  context.define(context.builder.call("matmul_integer", [context.use(0), context.use(1)], { a_zero: a, b_zero: b }));
  return undefined;
};

const integerConvolution: Translation = (context) => {
  const layout = channelsLast(context.rank(0));
  const sum = integerSum(context, { kernel: 1, xZero: 2, kernelZero: 3 });
  if (!("id" in sum)) return sum.refusal;
  context.define(sum, { layout });
  return undefined;
};

function integerSum(
  context: NodeContext,
  { kernel, xZero, kernelZero }: { readonly kernel: number; readonly xZero: number; readonly kernelZero: number },
): Value | { readonly refusal: Refusal } {
  const rank = context.rank(0);
  const problem = checkWindow(context, rank - 2) ?? checkKernel(context, kernel);
  if (problem !== undefined) return { refusal: problem };
  const [x, k] = [zeroOf(context, xZero), zeroOf(context, kernelZero)];
  if (isRefusal(x)) return { refusal: x };
  if (isRefusal(k)) return { refusal: k };
  const operands = [context.use(0, channelsLast(rank)), context.use(kernel, kernelLast(rank))];
  const attributes = {
    x_zero: x,
    k_zero: k,
    ...windowAttributes(context, context.shape(kernel).slice(2)),
    groups: context.number("group", 1),
  };
  return context.builder.call("conv_integer", operands, attributes);
}

/** A sum with the scales of its operands, as integers with the result's scale; scales of the kernel may be one for each channel. */
function requantized(
  context: NodeContext,
  sum: Value,
  scales: readonly [number, number, number],
  zeroPoint: number,
): Value | { readonly refusal: Refusal } {
  const { builder } = context;
  const [a, b, y] = scales.map((i) => context.numbers(i));
  for (const [position, known] of [a, b, y].entries()) if (!known) return { refusal: { operand: scales[position] ?? 0 } };
  const zero = zeroOf(context, zeroPoint);
  if (isRefusal(zero)) return { refusal: zero };
  const dtype = context.has(zeroPoint) ? context.dtype(zeroPoint) : "u8";
  const [first = 1] = a ?? [];
  const [last = 1] = y ?? [];
  const factors = (b ?? []).map((scale) => Math.fround(Math.fround(first * scale) / last));
  const factor = factors.length === 1 ? (factors[0] ?? 1) : undefined;
  const scale =
    factor ??
    builder.weight(`${context.node.name} scale`, { type: { dtype: "f32", shape: [factors.length] }, values: Float32Array.from(factors) });
  const scaled = builder.call("mul", [builder.call("cast", [sum], { to: "f32" }), scale]);
  return limited(context, scaled, zero, dtype);
}

/** round(x) + zero, as the integers of a type. */
function limited({ builder }: NodeContext, x: Value, zero: number | Value, dtype: DType): Value {
  const rounded = builder.call("round", [x]);
  const moved = zero === 0 ? rounded : builder.call("add", [rounded, zero]);
  const { low, high } = dtypes[dtype];
  return builder.call("cast", [builder.call("clip", [moved], { low, high })], { to: dtype });
}

const quantizedProduct: Translation = (context) => {
  const [a, b] = [zeroOf(context, 2), zeroOf(context, 5)];
  if (isRefusal(a)) return a;
  if (isRefusal(b)) return b;
  const sum = context.builder.call("matmul_integer", [context.use(0), context.use(3)], { a_zero: a, b_zero: b });
  // A bias stands only where integer_products.ts has made the node.
  const biased = context.has(8) ? context.builder.call("add", [sum, context.use(8)]) : sum;
  const result = requantized(context, biased, [1, 4, 6], 7);
  if (!("id" in result)) return result.refusal;
  context.define(result);
  return undefined;
};

const quantizedConvolution: Translation = (context) => {
  const layout = channelsLast(context.rank(0));
  const sum = integerSum(context, { kernel: 3, xZero: 2, kernelZero: 5 });
  if (!("id" in sum)) return sum.refusal;
  const biased = context.has(8) ? context.builder.call("add", [sum, context.use(8)]) : sum;
  const result = requantized(context, biased, [1, 4, 6], 7);
  if (!("id" in result)) return result.refusal;
  context.define(result, { layout });
  return undefined;
};

/** What scales and zero points cannot be: several along a dimension that is none, or blocks of other dimensions than the operand's. */
function checkParameters(context: NodeContext): Refusal | undefined {
  const rank = context.rank(0);
  const axis = context.number("axis", 1);
  for (const i of [1, 2].filter((position) => context.has(position))) {
    const shape = context.shape(i);
    const isOne = shape.every((extent) => extent === 1);
    if (shape.length > 1 && shape.length !== rank)
      return `has a scale or zero point of ${shape.length} dimensions for an operand of ${rank}`;
    if (!isOne && !(Number.isInteger(axis) && axis >= -rank && axis < rank))
      return `names the axis ${axis} of an operand of ${rank} dimensions`;
  }
  return undefined;
}

/** A scale or zero point as it broadcasts: one number, one for each position along the axis, or one for each block of positions. */
function parameter(context: NodeContext, i: number, layout: Layout): Value | number {
  const rank = context.rank(0);
  const axis = wrapAxis(context.number("axis", 1), rank);
  const shape = context.shape(i);
  const [only, second] = context.numbers(i) ?? [];
  if (only !== undefined && second === undefined) return only;
  if (shape.length === 0) return context.use(i);
  if (shape.length === 1) {
    const extents = layout.map((dimension) => (dimension === axis ? (shape[0] ?? 1) : 1));
    const first = extents.findIndex((extent) => extent !== 1);
    return context.reshaped(i, [0], extents.slice(Math.max(0, first)));
  }
  // Blocks: every parameter stands for as many positions as there are more of.
  const block = context.number("block_size", 1);
  const stored = layout.map((dimension) => shape[dimension] ?? 1);
  const place = layout.indexOf(axis);
  const value = context.use(i, layout);
  const apart = [...stored.slice(0, place + 1), 1, ...stored.slice(place + 1)];
  const wide = apart.map((extent, d) => (d === place + 1 ? block : extent));
  const joined = stored.map((extent, d) => (d === place ? extent * block : extent));
  const repeated = context.builder.call("expand", [context.builder.reshape(value, apart)], { to: wide });
  const whole = context.builder.reshape(repeated, joined);
  const extent = context.shape(0)[axis] ?? 1;
  if (joined[place] === extent) return whole;
  return context.builder.call("slice", [whole], { starts: joined.map(() => 0), ends: joined.map((n, d) => (d === place ? extent : n)) });
}

function asFloat({ builder }: NodeContext, x: Value | number): Value | number {
  return typeof x === "number" || x.type.dtype === "f32" ? x : builder.call("cast", [x], { to: "f32" });
}

/** (x - zero) scale */
const dequantized: Translation = (context) => {
  const { builder } = context;
  const problem = checkParameters(context);
  if (problem !== undefined) return problem;
  const layout = context.layout(0);
  const x = builder.call("cast", [context.use(0, layout)], { to: "f32" });
  const zero = context.has(2) ? asFloat(context, parameter(context, 2, layout)) : 0;
  const moved = zero === 0 ? x : builder.call("sub", [x, zero]);
  context.define(builder.call("mul", [moved, parameter(context, 1, layout)]), { layout });
  return undefined;
};

/** round(x / scale) + zero, limited to the type. */
const quantized: Translation = (context) => {
  const { builder } = context;
  const problem = checkParameters(context);
  if (problem !== undefined) return problem;
  const layout = context.layout(0);
  const code = context.number("output_dtype", 0);
  const dtype: DType = context.has(2) ? context.dtype(2) : code === 3 ? "i8" : "u8";
  const zero = context.has(2) ? asFloat(context, parameter(context, 2, layout)) : 0;
  const divided = builder.call("div", [context.use(0, layout), parameter(context, 1, layout)]);
  context.define(limited(context, divided, zero, dtype), { layout });
  return undefined;
};

/** To u8 with a scale and zero point that cover the data and 0. */
const dynamicallyQuantized: Translation = (context) => {
  const { builder } = context;
  const layout = context.layout(0);
  const x = context.use(0, layout);
  const axes = range(layout.length);
  const high = builder.call("maximum", [builder.call("reduce_max", [x], { axes }), 0]);
  const low = builder.call("minimum", [builder.call("reduce_min", [x], { axes }), 0]);
  const scale = builder.call("div", [builder.call("sub", [high, low]), 255]);
  const place = builder.call("round", [builder.call("div", [builder.call("sub", [0, low]), scale])]);
  const zero = builder.call("clip", [place], { low: 0, high: 255 });
  context.define(limited(context, builder.call("div", [x, scale]), zero, "u8"), { layout });
  context.define(scale, { result: 1 });
  context.define(builder.call("cast", [zero], { to: "u8" }), { result: 2 });
  return undefined;
};

export const quantizedTranslations: Translations = {
  ConvInteger: integerConvolution,
  DequantizeLinear: dequantized,
  DynamicQuantizeLinear: dynamicallyQuantized,
  MatMulInteger: integerProduct,
  QLinearConv: quantizedConvolution,
  QLinearMatMul: quantizedProduct,
  QuantizeLinear: quantized,
};
