/** ONNX's operators on shapes: what they give is known when the file is read, or moves no element. */
import { elementCount } from "../../ir/dtype.ts";
import type { ImportedTensor } from "../importer.ts";
import { checkShape } from "../limits.ts";
import type { NodeContext, Refusal, Translation, Translations } from "./context.ts";
import { broadcastShape, type Layout, permuted, range, wrapAxis } from "./layout.ts";
import { regroup } from "./regroup.ts";
import { elementTypeOf, makerOf } from "./tensor.ts";

/** Constants that are written out; a larger one is computed when the module is built. */
const largestWritten = 1 << 16;

export function wholeNumbers(values: readonly number[], shape: readonly number[] = [values.length]): ImportedTensor {
  return { type: { dtype: "i64", shape }, values: Float64Array.from(values) };
}

/** The operand in another shape, wherever its dimensions lie. */
export function reshapeTo(context: NodeContext, to: readonly number[]): Refusal | undefined {
  const constant = context.constant(0);
  const shape = context.shape(0);
  if (elementCount(shape) !== elementCount(to))
    return `reshapes [${shape.join(", ")}] to [${to.join(", ")}], which has another number of elements`;
  if (constant) {
    context.defineConstant({ ...constant, type: { ...constant.type, shape: to } });
    return undefined;
  }
  const { before, stored, after } = regroup(shape, to, context.layout(0));
  const value = context.use(0, before);
  context.define(context.builder.reshape(value, stored), { layout: after });
  return undefined;
}

const reshape: Translation = (context) => {
  const given = context.listed("shape", 1);
  if (!given) return { operand: 1 };
  const own = context.shape(0);
  const to = given.map((extent, d) => (extent === 0 && !context.number("allowzero", 0) ? (own[d] ?? 0) : extent));
  const known = to.reduce((product, extent) => (extent === -1 ? product : product * extent), 1);
  const whole = to.map((extent) => (extent === -1 ? (known === 0 ? 0 : elementCount(own) / known) : extent));
  const checked = checkShape(whole);
  return typeof checked === "string" ? `reshapes to [${given.join(", ")}]: ${checked}` : reshapeTo(context, checked);
};

const flatten: Translation = (context) => {
  const shape = context.shape(0);
  const axis = wrapAxis(context.number("axis", 1), shape.length);
  return reshapeTo(context, [elementCount(shape.slice(0, axis)), elementCount(shape.slice(axis))]);
};

const squeeze: Translation = (context) => {
  const shape = context.shape(0);
  if (context.has(1) && !context.constant(1)) return { operand: 1 };
  const axes = context.listed("axes", 1)?.map((axis) => wrapAxis(axis, shape.length));
  const gone = axes ?? shape.flatMap((extent, d) => (extent === 1 ? [d] : []));
  return reshapeTo(
    context,
    shape.filter((_, d) => !gone.includes(d)),
  );
};

const unsqueeze: Translation = (context) => {
  const axes = context.listed("axes", 1);
  if (!axes) return { operand: 1 };
  const rank = context.rank(0) + axes.length;
  const places = axes.map((axis) => wrapAxis(axis, rank));
  const rest = [...context.shape(0)];
  return reshapeTo(
    context,
    range(rank).map((d) => (places.includes(d) ? 1 : (rest.shift() ?? 1))),
  );
};

/** No element moves: the value is taken for another of the source's, whose dimensions lie in another order. */
const transpose: Translation = (context) => {
  const rank = context.rank(0);
  const order = context.integers("perm") ?? range(rank).reverse();
  const isOrder = order.length === rank && range(rank).every((d) => order.includes(d));
  if (!isOrder) return `names [${order.join(", ")}] as the order of ${rank} dimensions`;
  const constant = context.constant(0);
  if (constant) context.defineConstant(permuted(constant, order));
  else {
    const layout = context.layout(0);
    const after: Layout = layout.map((dimension) => order.indexOf(dimension));
    context.define(context.use(0, layout), { layout: after });
  }
  return undefined;
};

const shapeOf: Translation = (context) => {
  const shape = context.shape(0);
  const place = (given: number) => Math.max(0, Math.min(wrapAxis(given, shape.length), shape.length));
  context.defineConstant(wholeNumbers(shape.slice(place(context.number("start", 0)), place(context.number("end", shape.length)))));
  return undefined;
};

const size: Translation = (context) => {
  context.defineConstant(wholeNumbers([elementCount(context.shape(0))], []));
  return undefined;
};

const constant: Translation = (context) => {
  const [entry] = [...context.node.attributes].filter(([name]) => name.startsWith("value"));
  const [name = "", given] = entry ?? [];
  const isFloat = name.startsWith("value_float");
  const tensorOf = (values: readonly number[], shape: readonly number[]): ImportedTensor =>
    isFloat ? { type: { dtype: "f32", shape }, values: Float32Array.from(values) } : wholeNumbers(values, shape);
  if (given?.kind === "tensor") context.defineConstant(given.value);
  else if (given?.kind === "number") context.defineConstant(tensorOf([given.value], []));
  else if (given?.kind === "numbers") context.defineConstant(tensorOf(given.value, [given.value.length]));
  else return `has no tensor of numbers${name === "" ? "" : ` (\`${name}\`)`}`;
  return undefined;
};

/** A constant of equal elements: written out where it is small or of integers, as shapes are. */
const constantOfShape: Translation = (context) => {
  const extents = context.numbers(0);
  if (!extents) return { operand: 0 };
  const shape = checkShape(extents);
  if (typeof shape === "string") return `makes a constant of the shape [${extents.join(", ")}]: ${shape}`;
  const value = context.node.attributes.get("value");
  const given = value?.kind === "tensor" ? value.value : undefined;
  const dtype = given?.type.dtype ?? "f32";
  const element = given?.values[0] ?? 0;
  const count = elementCount(shape);
  if (count <= largestWritten) context.defineConstant({ type: { dtype, shape }, values: makerOf(dtype)(count).fill(element) });
  else {
    const full = context.builder.call("full", [], { shape, value: element });
    context.define(dtype === "f32" ? full : context.builder.call("cast", [full], { to: dtype === "i64" ? "i32" : dtype }));
  }
  return undefined;
};

const counting: Translation = (context) => {
  const [from, to, step] = [0, 1, 2].map((i) => context.numbers(i)?.[0]);
  if (from === undefined || to === undefined || step === undefined) return { operand: [from, to, step].indexOf(undefined) };
  const count = Math.max(0, Math.ceil((to - from) / step));
  if (!(count <= largestWritten)) return `counts ${count} steps, which is more than ${largestWritten}`;
  const dtype = context.constant(0)?.type.dtype ?? "f32";
  const values = makerOf(dtype)(count).map((_, i) => from + i * step);
  context.defineConstant({ type: { dtype, shape: [count] }, values });
  return undefined;
};

const expand: Translation = (context) => {
  const to = context.numbers(1);
  if (!to) return { operand: 1 };
  const shape = broadcastShape([context.shape(0), to]);
  const checked = checkShape(shape);
  if (typeof checked === "string") return `expands to [${to.join(", ")}]: ${checked}`;
  const layout = shape.length === context.rank(0) ? context.layout(0) : range(shape.length);
  const stored = layout.map((dimension) => shape[dimension] ?? 1);
  const value = context.use(0, shape.length === context.rank(0) ? layout : undefined);
  const isWhole = stored.length === value.type.shape.length && stored.every((extent, d) => extent === value.type.shape[d]);
  context.define(isWhole ? value : context.builder.call("expand", [value], { to: stored }), { layout });
  return undefined;
};

/** The places of elements that are not 0: only of constants, as their number is a shape. */
const nonZero: Translation = (context) => {
  const tensor = context.constant(0);
  if (!tensor) return { operand: 0 };
  const { shape } = tensor.type;
  const found: number[] = [];
  for (let i = 0; i < tensor.values.length; i++) if (tensor.values[i] !== 0) found.push(i);
  const places = shape.map((extent, d) => found.map((i) => Math.floor(i / elementCount(shape.slice(d + 1))) % extent));
  context.defineConstant(wholeNumbers(places.flat(), [shape.length, found.length]));
  return undefined;
};

/** Ones on a diagonal. */
const eyeLike: Translation = (context) => {
  const [rows = 0, columns = 0] = context.shape(0);
  const offset = context.number("k", 0);
  const dtype = elementTypeOf(context.number("dtype", 0))?.dtype ?? context.dtype(0);
  if (rows * columns > largestWritten) return `makes a matrix of more than ${largestWritten} elements`;
  const values = makerOf(dtype)(rows * columns);
  for (let i = 0; i < rows; i++) if (i + offset >= 0 && i + offset < columns) values[i * columns + i + offset] = 1;
  context.defineConstant({ type: { dtype, shape: [rows, columns] }, values });
  return undefined;
};

export const shapeTranslations: Translations = {
  Constant: constant,
  ConstantOfShape: constantOfShape,
  Expand: expand,
  EyeLike: eyeLike,
  Flatten: flatten,
  NonZero: nonZero,
  Range: counting,
  Reshape: reshape,
  Shape: shapeOf,
  Size: size,
  Squeeze: squeeze,
  Transpose: transpose,
  Unsqueeze: unsqueeze,
};
