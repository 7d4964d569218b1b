/** Movement of elements in ONNX. Most of it can be done in the layout that the operand has. */
import { elementCount } from "../../ir/dtype.ts";
import { isIdentity, permuteShape } from "../../ir/permute.ts";
import type { Call, Refusal } from "../exporter.ts";
import { sliceStarts } from "../slices.ts";
import { numberOf, numbersOf } from "../windows.ts";
import { flattenedRows } from "./flattened.ts";
import { identity, lastFirst, type Model, type Translate } from "./model.ts";

/** Channels split into groups or joined again stay in front; any other reshaping needs the program's own order. */
function reshape(call: Call, model: Model): Refusal {
  const [x = ""] = call.operands;
  const { name, type } = call.result;
  const from = model.shape(x);
  const kept = keptDimensions(from, type.shape, model.layout(x));
  const own = kept === undefined ? identity(from.length) : model.layout(x);
  const layout = kept === undefined ? identity(type.shape.length) : lastFirst(type.shape.length, type.shape.length - kept);
  model.node("Reshape", [model.use(x, own), model.integers(permuteShape(type.shape, layout))], name);
  model.define(name, layout);
  return undefined;
}

/** How many leading dimensions the two shapes share, if the operand has all others right after its first. */
function keptDimensions(from: readonly number[], to: readonly number[], layout: readonly number[]): number | undefined {
  for (let kept = Math.min(from.length, to.length) - 1; kept >= 1; kept--) {
    const shares = from.slice(0, kept).every((extent, d) => extent === to[d]);
    const front = lastFirst(from.length, from.length - kept);
    if (shares && layout.every((dimension, position) => dimension === front[position])) return kept;
  }
  return undefined;
}

function flatten(call: Call, model: Model): Refusal {
  const [x = ""] = call.operands;
  const { name } = call.result;
  if (!flattenedRows(name, model)) return reshape(call, model);
  model.node("Flatten", [model.use(x, model.layout(x))], name, { axis: 1 });
  model.define(name, identity(2));
  return undefined;
}

/** The result lies as the operand does, so that exchanging two dimensions moves only those. */
function transpose(call: Call, model: Model): Refusal {
  const [x = ""] = call.operands;
  const layout = model.layout(x);
  const order = numbersOf(call, "order");
  const perm = layout.map((dimension) => layout.indexOf(order[dimension] ?? 0));
  const stored = model.use(x, layout);
  if (isIdentity(perm)) model.define(call.result.name, layout, stored);
  else {
    model.node("Transpose", [stored], call.result.name, { perm });
    model.define(call.result.name, layout);
  }
  return undefined;
}

function concat(call: Call, model: Model): Refusal {
  const computed = call.operands.find((name) => !model.constant(name)) ?? call.operands[0] ?? "";
  const layout = model.layout(computed);
  const axis = numberOf(call, "axis");
  model.node(
    "Concat",
    call.operands.map((name) => model.use(name, layout)),
    call.result.name,
    { axis: layout.indexOf(axis < 0 ? axis + layout.length : axis) },
  );
  model.define(call.result.name, layout);
  return undefined;
}

function slice(call: Call, model: Model): Refusal {
  const [x = ""] = call.operands;
  const shape = model.shape(x);
  const starts = sliceStarts(call, shape) ?? steppedStarts(call, shape);
  const steps = call.attributes.steps === undefined ? shape.map(() => 1) : numbersOf(call, "steps");
  const layout = model.layout(x);
  const extents = call.result.type.shape;
  // Only the dimensions that lose elements, or turn, are named.
  const isWhole = (d: number) => extents[d] === shape[d] && steps[d] === 1;
  const axes = layout.flatMap((dimension, position) => (isWhole(dimension) ? [] : [position]));
  const dimensions = axes.map((position) => layout[position] ?? 0);
  const from = dimensions.map((d) => starts[d] ?? 0);
  const to = dimensions.map((d) => {
    const [start, extent, step] = [starts[d] ?? 0, extents[d] ?? 0, steps[d] ?? 1];
    const last = start + (extent - 1) * step;
    // Before the first element is -1, which would be the last.
    if (extent === 0) return start;
    return step > 0 ? Math.min(start + extent * step, shape[d] ?? 0) : last === 0 ? -(shape[d] ?? 0) - 1 : last - 1;
  });
  if (axes.length === 0) model.define(call.result.name, layout, model.use(x, layout));
  else {
    const along = dimensions.map((d) => steps[d] ?? 1);
    const more = along.every((step) => step === 1) ? [] : [model.integers(along)];
    model.node("Slice", [model.use(x, layout), model.integers(from), model.integers(to), model.integers(axes), ...more], call.result.name);
    model.define(call.result.name, layout);
  }
  return undefined;
}

/** Where a slice with steps begins: within the operand, or at its last element where it goes backwards. */
function steppedStarts(call: Call, shape: readonly number[]): number[] {
  const steps = numbersOf(call, "steps");
  return numbersOf(call, "starts").map((start, d) => {
    const extent = shape[d] ?? 0;
    return Math.max(0, Math.min(start < 0 ? start + extent : start, (steps[d] ?? 1) > 0 ? extent : extent - 1));
  });
}

function pad(call: Call, model: Model): Refusal {
  const [x = ""] = call.operands;
  const layout = model.layout(x);
  const mode = String(call.attributes.mode);
  if (mode === "wrap") return "repeats the operand around itself (mode wrap)";
  const amounts = numbersOf(call, "pad");
  const inLayout = (first: number) => layout.map((dimension) => amounts[first + dimension] ?? 0);
  const fill = model.floats(`scalar ${numberOf(call, "value")}`, [], Float32Array.of(numberOf(call, "value")));
  const operands = [model.use(x, layout), model.integers([...inLayout(0), ...inLayout(layout.length)]), fill];
  model.node("Pad", operands, call.result.name, { mode });
  model.define(call.result.name, layout);
  return undefined;
}

function expand(call: Call, model: Model): Refusal {
  const [x = ""] = call.operands;
  const { name, type } = call.result;
  if (elementCount(type.shape) === 0) return "has no elements";
  model.node("Expand", [model.use(x, identity(model.shape(x).length)), model.integers(type.shape)], name);
  model.define(name, identity(type.shape.length));
  return undefined;
}

export const movementTranslations: { readonly [operator: string]: Translate } = {
  reshape,
  flatten,
  squeeze: reshape,
  unsqueeze: reshape,
  transpose,
  concat,
  slice,
  split: slice,
  pad,
  expand,
};
