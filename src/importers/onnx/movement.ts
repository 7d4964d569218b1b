/** ONNX's movement of elements. Axes are found where the operand's layout has them. */
import { elementCount } from "../../ir/dtype.ts";
import { commonLayout } from "./broadcast.ts";
import type { NodeContext, Translation, Translations } from "./context.ts";
import { channelsLast, type Layout, range, storedShape, wrapAxis } from "./layout.ts";
import { shortestNumber } from "./literal.ts";

const concatenation: Translation = (context) => {
  const operands = range(context.count);
  const rank = context.rank(0);
  const axis = wrapAxis(context.number("axis", 0), rank);
  const layout = commonLayout(context, operands);
  // A list of no elements among others of another rank is how some writers say nothing.
  const values = operands.filter((i) => context.rank(i) === layout.length).map((i) => context.use(i, layout));
  const [only] = values;
  if (only && values.length === 1) context.define(only, { layout });
  else context.define(context.builder.call("concat", values, lastOr(layout.indexOf(axis), layout)), { layout });
  return undefined;
};

/** The attribute that names an axis, where it is not the last. */
function lastOr(axis: number, layout: Layout): { readonly axis?: number } {
  return axis === layout.length - 1 ? {} : { axis };
}

const split: Translation = (context) => {
  const shape = context.shape(0);
  const axis = wrapAxis(context.number("axis", 0), shape.length);
  const extent = shape[axis] ?? 0;
  const parts = context.number("num_outputs", context.node.outputs.length);
  if (context.has(1) && !context.constant(1)) return { operand: 1 };
  const size = Math.ceil(extent / parts);
  const equal = range(parts).map((i) => Math.max(0, Math.min(size, extent - i * size)));
  const sizes = context.listed("split", 1) ?? equal;
  const layout = context.layout(0);
  const x = context.use(0, layout);
  const place = layout.indexOf(axis);
  const isEqual = sizes.length === parts && sizes.every((own, i) => own === equal[i]);
  sizes.forEach((own, result) => {
    if (!context.wants(result)) return;
    const start = sizes.slice(0, result).reduce((a, b) => a + b, 0);
    const bounds = x.type.shape.map((whole, d) => (d === place ? [start, start + own] : [0, whole]));
    const attributes = { starts: bounds.map(([low = 0]) => low), ends: bounds.map(([, high = 0]) => high) };
    const part = isEqual
      ? context.builder.call("split", [x], { parts, part: result, ...lastOr(place, layout) })
      : context.builder.call("slice", [x], attributes);
    context.define(part, { layout, result });
  });
  return undefined;
};

const slice: Translation = (context) => {
  const shape = context.shape(0);
  const [starts, ends] = [context.listed("starts", 1), context.listed("ends", 2)];
  if (!starts) return { operand: 1 };
  if (!ends) return { operand: 2 };
  if (context.has(3) && !context.constant(3)) return { operand: 3 };
  if (context.has(4) && !context.constant(4)) return { operand: 4 };
  const axes = (context.listed("axes", 3) ?? range(starts.length)).map((axis) => wrapAxis(axis, shape.length));
  const steps = context.numbers(4) ?? starts.map(() => 1);
  const layout = context.layout(0);
  // Ends beyond the operand, often the largest integer there is, are those of the operand.
  const limited = (place: number, extent: number) => Math.max(-extent - 1, Math.min(place, extent));
  const along = layout.map((dimension) => {
    const [i, extent] = [axes.indexOf(dimension), shape[dimension] ?? 0];
    if (i < 0) return { start: 0, end: extent, step: 1 };
    const [start, end, step] = [limited(starts[i] ?? 0, extent), limited(ends[i] ?? extent, extent), steps[i] ?? 1];
    if (step <= 0) return { start, end, step };
    // Counted from the front, and no further than the steps reach.
    const [first, last] = [start, end].map((place) => Math.max(0, Math.min(wrapAxis(place, extent), extent)));
    const count = Math.max(0, Math.ceil(((last ?? 0) - (first ?? 0)) / step));
    return { start: first ?? 0, end: Math.min((first ?? 0) + count * step, extent), step };
  });
  const attributes = {
    starts: along.map(({ start }) => start),
    ends: along.map(({ end }) => end),
    steps: along.map(({ step }) => step),
  };
  context.define(context.builder.call("slice", [context.use(0, layout)], attributes), { layout });
  return undefined;
};

const padModes: { readonly [mode: string]: string } = { constant: "constant", reflect: "reflect", edge: "edge", wrap: "wrap" };

const padding: Translation = (context) => {
  const rank = context.rank(0);
  const given = context.integers("pads") ?? context.integers("paddings") ?? context.numbers(1);
  if (!given) return { operand: 1 };
  if (context.has(2) && !context.constant(2)) return { operand: 2 };
  if (context.has(3) && !context.constant(3)) return { operand: 3 };
  const mode = padModes[context.text("mode", "constant")];
  if (mode === undefined) return `pads in the mode \`${context.text("mode", "")}\``;
  const axes = (context.numbers(3) ?? range(rank)).map((axis) => wrapAxis(axis, rank));
  const amount = (dimension: number, side: number) => {
    const i = axes.indexOf(dimension);
    return i < 0 ? 0 : (given[i + side * axes.length] ?? 0);
  };
  const layout = context.layout(0);
  const pad = [...layout.map((dimension) => amount(dimension, 0)), ...layout.map((dimension) => amount(dimension, 1))];
  const x = context.use(0, layout);
  if (pad.every((extent) => extent === 0)) context.define(x, { layout });
  else {
    const value = shortestNumber(context.numbers(2)?.[0] ?? context.number("value", 0));
    context.define(context.builder.call("pad", [x], { pad, mode, value }), { layout });
  }
  return undefined;
};

const tile: Translation = (context) => {
  const repeats = context.numbers(1);
  if (!repeats) return { operand: 1 };
  const layout = context.layout(0);
  context.define(context.builder.call("tile", [context.use(0, layout)], { repeats: storedShape(repeats, layout) }), { layout });
  return undefined;
};

/** One position of a dimension is a slice of it; several are gathered. */
const gather: Translation = (context) => {
  const shape = context.shape(0);
  const axis = wrapAxis(context.number("axis", 0), shape.length);
  const [position, second] = context.numbers(1) ?? [];
  if (position !== undefined && second === undefined && context.rank(1) === 0) return takeOne(context, axis, position);
  const ids = positions(context, 1);
  context.define(context.builder.call("gather", [context.use(0), ids], { axis }));
  return undefined;
};

function takeOne(context: NodeContext, axis: number, given: number): undefined {
  const shape = context.shape(0);
  const extent = shape[axis] ?? 1;
  const position = Math.max(0, Math.min(wrapAxis(given, extent), extent - 1));
  const layout = context.layout(0);
  const x = context.use(0, layout);
  const place = layout.indexOf(axis);
  const part = context.builder.call("slice", [x], {
    starts: x.type.shape.map((_, d) => (d === place ? position : 0)),
    ends: x.type.shape.map((whole, d) => (d === place ? position + 1 : whole)),
  });
  const rest = layout.filter((dimension) => dimension !== axis).map((dimension) => (dimension > axis ? dimension - 1 : dimension));
  const left = part.type.shape.filter((_, d) => d !== place);
  context.define(context.builder.reshape(part, left), { layout: rest });
  return undefined;
}

/** An operand of positions, which the library takes as i32. */
function positions(context: NodeContext, i: number, layout?: Layout) {
  const ids = context.use(i, layout);
  return ids.type.dtype === "i32" ? ids : context.builder.call("cast", [ids], { to: "i32" });
}

const gatherElements: Translation = (context) => {
  const axis = wrapAxis(context.number("axis", 0), context.rank(0));
  const layout = context.layout(0);
  const operands = [context.use(0, layout), positions(context, 1, layout)];
  context.define(context.builder.call("gather_elements", operands, { axis: layout.indexOf(axis) }), { layout });
  return undefined;
};

const gatherSlices: Translation = (context) => {
  context.define(context.builder.call("gather_nd", [context.use(0), positions(context, 1)], { batch: context.number("batch_dims", 0) }));
  return undefined;
};

const scatterModes: { readonly [mode: string]: string } = { none: "replace", add: "add", mul: "multiply", max: "largest", min: "smallest" };

function scattered(operator: "scatter_elements" | "scatter_nd"): Translation {
  return (context) => {
    const combine = scatterModes[context.text("reduction", "none")];
    if (combine === undefined) return `combines by \`${context.text("reduction", "")}\``;
    const axis = operator === "scatter_nd" ? {} : { axis: wrapAxis(context.number("axis", 0), context.rank(0)) };
    const operands = [context.use(0), positions(context, 1), context.use(2)];
    context.define(context.builder.call(operator, operands, { ...axis, combine }));
    return undefined;
  };
}

const depthToSpace: Translation = (context) => {
  const layout = channelsLast(context.rank(0));
  const order = context.text("mode", "DCR") === "DCR" ? "depth_first" : "column_first";
  const attributes = { block: context.number("blocksize", 1), order };
  context.define(context.builder.call("depth_to_space", [context.use(0, layout)], attributes), { layout });
  return undefined;
};

const spaceToDepth: Translation = (context) => {
  const layout = channelsLast(context.rank(0));
  context.define(context.builder.call("space_to_depth", [context.use(0, layout)], { block: context.number("blocksize", 1) }), { layout });
  return undefined;
};

const topK: Translation = (context) => {
  const rank = context.rank(0);
  const k = context.numbers(1)?.[0] ?? (context.node.attributes.has("k") ? context.number("k", 1) : undefined);
  if (k === undefined) return { operand: 1 };
  const layout = context.layout(0);
  const axis = layout.indexOf(wrapAxis(context.number("axis", -1), rank));
  const attributes = { k, largest: context.number("largest", 1) === 1, ...lastOr(axis, layout) };
  const results = context.builder.calls("top_k", [context.use(0, layout)], attributes);
  for (const [result, value] of results.entries()) context.define(value, { layout, result });
  return undefined;
};

const oneHot: Translation = (context) => {
  const [depth] = context.numbers(1) ?? [];
  const [off, on] = context.numbers(2) ?? [];
  if (depth === undefined) return { operand: 1 };
  if (off === undefined || on === undefined) return { operand: 2 };
  const rank = context.rank(0) + 1;
  const axis = wrapAxis(context.number("axis", -1), rank);
  const hot = context.builder.call("one_hot", [positions(context, 0)], { depth, on, off });
  const dtype = context.dtype(2);
  const value = dtype === "f32" ? hot : context.builder.call("cast", [hot], { to: dtype });
  // The new dimension is the last as it lies.
  const layout = [...range(rank).filter((dimension) => dimension !== axis), axis];
  context.define(value, { layout });
  return undefined;
};

/** The elements on one side of a diagonal, and 0 on the other. */
const triangle: Translation = (context) => {
  if (context.has(1) && !context.constant(1)) return { operand: 1 };
  const offset = context.numbers(1)?.[0] ?? 0;
  const upper = context.number("upper", 1) === 1;
  const [rows = 1, columns = 1] = context.shape(0).slice(-2);
  const values = new Uint8Array(elementCount([rows, columns])).map((_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    return (upper ? column >= row + offset : column <= row + offset) ? 1 : 0;
  });
  const mask = context.builder.weight(`${context.node.name} mask`, { type: { dtype: "bool", shape: [rows, columns] }, values });
  context.define(context.builder.call("select", [mask, context.use(0), 0]));
  return undefined;
};

export const movementTranslations: Translations = {
  Concat: concatenation,
  DepthToSpace: depthToSpace,
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherSlices,
  OneHot: oneHot,
  Pad: padding,
  ScatterElements: scattered("scatter_elements"),
  Scatter: scattered("scatter_elements"),
  ScatterND: scattered("scatter_nd"),
  Slice: slice,
  SpaceToDepth: spaceToDepth,
  Split: split,
  Tile: tile,
  TopK: topK,
  Trilu: triangle,
};
