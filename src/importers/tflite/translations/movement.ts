/** Operators of TensorFlow Lite that move elements. Quantised ones are moved as the integers they are, where the scale stays. */
import { elementCount } from "../../../ir/dtype.ts";
import { batchToSpace, spaceToBatch } from "../../block_batches.ts";
import { rangeOf } from "../../range.ts";
import { scattered } from "../../scattered.ts";
import type { Value } from "../../written_model.ts";
import { activated, noActivation } from "../activation.ts";
import { arrayOf, type Net, type Node, stepOf, stepsOf, type Translate } from "../net.ts";
import { sameScale } from "./same_scale.ts";
import { stridedSlice } from "./strided_slice.ts";

const computed = (what: string) => `has ${what} that is computed`;

/** The operand for a result at `output`: as it is stored where the result has the same scale, else as real numbers. */
function moved(node: Node, net: Net, output: number, move: (x: Value) => Value, input = node.input(0)): undefined {
  const isSame = sameScale(net.tensor(input), net.tensor(output));
  if (isSame) net.give(output, move(net.value(input)));
  else net.giveReal(output, move(net.real(input)));
  return undefined;
}

function numbersAt(node: Node, net: Net, place: number): number[] | undefined {
  const found = net.known(node.input(place))?.values;
  return found && Array.from(found);
}

const reshape: Translate = (node, net) => {
  const given = node.numbers("new_shape");
  const declared = given.length > 0 ? [...given] : [...net.tensor(node.output(0)).shape];
  const to = node.input(1) < 0 ? declared : numbersAt(node, net, 1);
  return to ? moved(node, net, node.output(0), (x) => net.call("reshape", [x], { to })) : computed("a shape");
};

const squeeze: Translate = (node, net) => {
  const shape = net.shape(node.input(0));
  const named = node.numbers("squeeze_dims");
  const axes = named.length > 0 ? [...named] : shape.flatMap((extent, d) => (extent === 1 ? [d] : []));
  return moved(node, net, node.output(0), (x) => (axes.length === 0 ? x : net.call("squeeze", [x], { axes })));
};

const expandDims: Translate = (node, net) => {
  const axes = numbersAt(node, net, 1);
  return axes ? moved(node, net, node.output(0), (x) => net.call("unsqueeze", [x], { axes })) : computed("an axis");
};

const transpose: Translate = (node, net) => {
  const order = numbersAt(node, net, 1);
  return order ? moved(node, net, node.output(0), (x) => net.call("transpose", [x], { order })) : computed("an order");
};

/** Operands of another scale than the result's are converted before they are put together. */
const concatenation: Translate = (node, net) => {
  const y = node.output(0);
  const result = net.tensor(y);
  const parts = node.operator.inputs.filter((input) => input >= 0 && elementCount(net.shape(input)) > 0);
  const steps = stepsOf(result);
  const values = parts.map((input) => {
    if (!steps || sameScale(net.tensor(input), result)) return net.value(input);
    return net.call("quantize", [net.real(input)], { ...stepOf(steps), to: result.type });
  });
  const [first] = values;
  if (!first) return "has no operand with elements";
  const joined = values.length === 1 ? first : net.call("concat", values, { axis: node.number("axis") });
  const value = activated(joined, node.number("fused_activation_function"), net);
  if (!value || (steps && value !== joined)) return noActivation;
  net.give(y, value);
  return undefined;
};

const slice: Translate = (node, net) => {
  const starts = numbersAt(node, net, 1);
  const sizes = numbersAt(node, net, 2);
  const shape = net.shape(node.input(0));
  if (!starts || !sizes) return computed("a place");
  const ends = starts.map((start, d) => (sizes[d] === -1 ? (shape[d] ?? 0) : start + (sizes[d] ?? 0)));
  return moved(node, net, node.output(0), (x) => net.call("slice", [x], { starts, ends }));
};

/** The axis comes first here, and last where the sizes are given. */
const split: Translate = (node, net) => {
  const [axis] = numbersAt(node, net, 0) ?? [];
  if (axis === undefined) return computed("an axis");
  const parts = node.operator.outputs.length;
  for (const [part, output] of node.operator.outputs.entries()) {
    moved(node, net, output, (x) => net.call("split", [x], { parts, part, axis }), node.input(1));
  }
  return undefined;
};

const splitSizes: Translate = (node, net) => {
  const sizes = numbersAt(node, net, 1);
  const [given] = numbersAt(node, net, 2) ?? [];
  const shape = net.shape(node.input(0));
  if (!sizes || given === undefined) return computed("a size");
  const axis = given < 0 ? given + shape.length : given;
  const rest = (shape[axis] ?? 0) - sizes.reduce((sum, size) => sum + Math.max(size, 0), 0);
  let start = 0;
  for (const [part, output] of node.operator.outputs.entries()) {
    const size = sizes[part] === -1 ? rest : (sizes[part] ?? 0);
    const starts = shape.map((_, d) => (d === axis ? start : 0));
    const ends = shape.map((extent, d) => (d === axis ? start + size : extent));
    moved(node, net, output, (x) => net.call("slice", [x], { starts, ends }));
    start += size;
  }
  return undefined;
};

const pack: Translate = (node, net) => {
  const axis = node.number("axis");
  const values = node.operator.inputs.map((input) => net.call("unsqueeze", [net.value(input)], { axes: [axis] }));
  const isMoved = node.operator.inputs.every((input) => sameScale(net.tensor(input), net.tensor(node.output(0))));
  if (!isMoved) return "puts integers of several scales together";
  const [first] = values;
  if (!first) return "has no operand";
  net.give(node.output(0), values.length === 1 ? first : net.call("concat", values, { axis }));
  return undefined;
};

const unpack: Translate = (node, net) => {
  const rank = net.shape(node.input(0)).length;
  const axis = node.number("axis") < 0 ? node.number("axis") + rank : node.number("axis");
  const parts = node.operator.outputs.length;
  for (const [part, output] of node.operator.outputs.entries()) {
    moved(node, net, output, (x) => net.call("squeeze", [net.call("split", [x], { parts, part, axis })], { axes: [axis] }));
  }
  return undefined;
};

/** Amounts are [before, after] for each dimension there; a quantised tensor is padded with what stands for 0. */
const pad: Translate = (node, net) => {
  const amounts = numbersAt(node, net, 1);
  if (!amounts) return computed("a padding");
  const around = [...amounts.filter((_, i) => i % 2 === 0), ...amounts.filter((_, i) => i % 2 === 1)];
  const filled = node.input(2) < 0 ? undefined : net.known(node.input(2))?.values[0];
  if (node.input(2) >= 0 && filled === undefined) return computed("a value");
  const steps = stepsOf(net.tensor(node.input(0)));
  const value = filled ?? (steps ? stepOf(steps).zero : 0);
  if (steps && !sameScale(net.tensor(node.input(0)), net.tensor(node.output(0)))) return "changes the scale";
  return moved(node, net, node.output(0), (x) => net.call("pad", [x], { pad: around, ...(value === 0 ? {} : { value }) }));
};

const mirrorPad: Translate = (node, net) => {
  const amounts = numbersAt(node, net, 1);
  if (!amounts) return computed("a padding");
  if (node.number("mode") !== 0) return "mirrors the edge too";
  const around = [...amounts.filter((_, i) => i % 2 === 0), ...amounts.filter((_, i) => i % 2 === 1)];
  return moved(node, net, node.output(0), (x) => net.call("pad", [x], { pad: around, mode: "reflect" }));
};

const tile: Translate = (node, net) => {
  const repeats = numbersAt(node, net, 1);
  return repeats ? moved(node, net, node.output(0), (x) => net.call("tile", [x], { repeats })) : computed("a number of repeats");
};

const broadcastTo: Translate = (node, net) => {
  const to = numbersAt(node, net, 1);
  return to ? moved(node, net, node.output(0), (x) => net.call("expand", [x], { to })) : computed("a shape");
};

const gather: Translate = (node, net) => {
  if (node.number("batch_dims") !== 0) return "gathers from each element of a batch";
  const axis = node.number("axis");
  const ids = net.value(node.input(1));
  const places = ids.type.dtype === "i32" ? ids : net.call("cast", [ids], { to: "i32" });
  return moved(node, net, node.output(0), (x) => net.call("gather", [x, places], { axis }));
};

const reverse: Translate = (node, net) => {
  const axes = numbersAt(node, net, 1);
  return axes ? moved(node, net, node.output(0), (x) => net.call("reverse", [x], { axes })) : computed("an axis");
};

const oneHot: Translate = (node, net) => {
  const [depth, on, off] = [1, 2, 3].map((place) => numbersAt(node, net, place)?.[0]);
  const rank = net.shape(node.input(0)).length;
  if (depth === undefined || on === undefined || off === undefined) return computed("a value");
  if (node.number("axis") !== -1 && node.number("axis") !== rank) return "puts its values along an inner axis";
  if (net.tensor(node.output(0)).type !== "f32") return "gives values that are not f32";
  net.give(node.output(0), net.call("one_hot", [net.value(node.input(0))], { depth, on, off }));
  return undefined;
};

function blocks(operator: "depth_to_space" | "space_to_depth"): Translate {
  return (node, net) => moved(node, net, node.output(0), (x) => net.call(operator, [x], { block: node.number("block_size") }));
}

function resize(operator: "resize_linear" | "resize_nearest"): Translate {
  return (node, net) => {
    const size = numbersAt(node, net, 1);
    if (!size) return computed("a size");
    const [alignsCorners, halfPixels] = [node.number("align_corners") !== 0, node.number("half_pixel_centers") !== 0];
    const coordinates = alignsCorners ? "align_corners" : halfPixels && operator === "resize_linear" ? "half_pixel" : "asymmetric";
    if (operator === "resize_linear") {
      const [x, y] = [node.input(0), node.output(0)];
      net.giveReal(y, net.call(operator, [net.real(x)], { size, coordinates }));
      return undefined;
    }
    // The nearest of half pixels is the element that contains the place.
    const places = halfPixels
      ? { coordinates: "tf_half_pixel", rounding: "floor" }
      : { coordinates, rounding: alignsCorners ? "round_half_up" : "floor" };
    return moved(node, net, node.output(0), (x) => net.call(operator, [x], { size, ...places }));
  };
}

const shape: Translate = (node, net) => {
  const extents = net.shape(node.input(0));
  const values = arrayOf("i32", extents.length);
  values.set(extents);
  net.giveKnown(node.output(0), { dtype: "i32", shape: [extents.length], values });
  return undefined;
};

const rank: Translate = (node, net) => {
  net.giveKnown(node.output(0), { dtype: "i32", shape: [], values: Int32Array.of(net.shape(node.input(0)).length) });
  return undefined;
};

const fill: Translate = (node, net) => {
  const to = numbersAt(node, net, 0);
  return to ? moved(node, net, node.output(0), (x) => net.call("expand", [x], { to }), node.input(1)) : computed("a shape");
};

const zerosLike: Translate = (node, net) => {
  const { shape: extents, dtype } = net.value(node.input(0)).type;
  const zeros = net.call("full", [], { shape: [...extents], value: 0 });
  net.give(node.output(0), dtype === "f32" ? zeros : net.call("cast", [zeros], { to: dtype }));
  return undefined;
};

/** Of a quantised image what stands for 0 lies around it. */
const toBatch: Translate = (node, net) => {
  const [block, pads] = [numbersAt(node, net, 1), numbersAt(node, net, 2)];
  if (!block || !pads) return computed("a block");
  const tensor = net.tensor(node.input(0));
  const steps = stepsOf(tensor);
  if (steps && !sameScale(tensor, net.tensor(node.output(0)))) return "changes the scale";
  return moved(node, net, node.output(0), (x) => spaceToBatch(net.builder, x, block, pads, steps ? stepOf(steps).zero : 0));
};

const fromBatch: Translate = (node, net) => {
  const [block, crops] = [numbersAt(node, net, 1), numbersAt(node, net, 2)];
  if (!block || !crops) return computed("a block");
  return moved(node, net, node.output(0), (x) => batchToSpace(net.builder, x, block, crops));
};

const gatherPlaces: Translate = (node, net) => {
  const ids = net.value(node.input(1));
  const places = ids.type.dtype === "i32" ? ids : net.call("cast", [ids], { to: "i32" });
  return moved(node, net, node.output(0), (x) => net.call("gather_nd", [x, places]));
};

const scatter: Translate = (node, net) => {
  const to = numbersAt(node, net, 2);
  if (!to) return computed("a shape");
  net.give(node.output(0), scattered(net.builder, net.value(node.input(0)), net.value(node.input(1)), to));
  return undefined;
};

const range: Translate = (node, net) => {
  const [start, limit, step] = [0, 1, 2].map((place) => numbersAt(node, net, place)?.[0]);
  if (start === undefined || limit === undefined || step === undefined) return computed("a limit");
  const numbers = rangeOf(start, limit, step);
  if (!numbers) return "has more elements than memory can hold";
  const dtype = net.known(node.input(0))?.dtype ?? "i32";
  const values = arrayOf(dtype, numbers.length);
  values.set(numbers);
  net.giveKnown(node.output(0), { dtype, shape: [numbers.length], values });
  return undefined;
};

export const movement: { readonly [operator: string]: Translate } = {
  RESHAPE: reshape,
  SQUEEZE: squeeze,
  EXPAND_DIMS: expandDims,
  TRANSPOSE: transpose,
  CONCATENATION: concatenation,
  SLICE: slice,
  STRIDED_SLICE: stridedSlice,
  SPLIT: split,
  SPLIT_V: splitSizes,
  PACK: pack,
  UNPACK: unpack,
  PAD: pad,
  PADV2: pad,
  MIRROR_PAD: mirrorPad,
  TILE: tile,
  BROADCAST_TO: broadcastTo,
  GATHER: gather,
  REVERSE_V2: reverse,
  ONE_HOT: oneHot,
  DEPTH_TO_SPACE: blocks("depth_to_space"),
  SPACE_TO_DEPTH: blocks("space_to_depth"),
  SPACE_TO_BATCH_ND: toBatch,
  BATCH_TO_SPACE_ND: fromBatch,
  GATHER_ND: gatherPlaces,
  SCATTER_ND: scatter,
  RANGE: range,
  RESIZE_BILINEAR: resize("resize_linear"),
  RESIZE_NEAREST_NEIGHBOR: resize("resize_nearest"),
  SHAPE: shape,
  RANK: rank,
  FILL: fill,
  ZEROS_LIKE: zerosLike,
};
