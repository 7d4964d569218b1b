/** What a TensorFlow graph moves, and how it computes shapes. */
import { elementCount, isDType } from "../../../ir/dtype.ts";
import { batchToSpace, spaceToBatch } from "../../block_batches.ts";
import { rangeOf } from "../../range.ts";
import { scattered } from "../../scattered.ts";
import { shortest } from "../../shortest.ts";
import { stridedPlaces } from "../../strided_places.ts";
import type { GraphNode } from "../graph.ts";
import { dtypeOf, type Net, numbersAt, type Translate } from "../net.ts";

const computed = (what: string) => `has ${what} that is computed`;

const reshape: Translate = (node, net) => {
  const to = numbersAt(net, node, 1);
  return to ? net.call("reshape", [net.value(node, 0)], { to }) : computed("a shape");
};

const squeeze: Translate = (node, net) => {
  const named = [...node.numbers("squeeze_dims"), ...node.numbers("axis")];
  const axes = named.length > 0 ? named : net.shape(node, 0).flatMap((extent, d) => (extent === 1 ? [d] : []));
  return axes.length === 0 ? net.value(node, 0) : net.call("squeeze", [net.value(node, 0)], { axes });
};

const expandDims: Translate = (node, net) => {
  const axes = numbersAt(net, node, 1);
  return axes ? net.call("unsqueeze", [net.value(node, 0)], { axes }) : computed("an axis");
};

const transpose: Translate = (node, net) => {
  const order = numbersAt(net, node, 1);
  return order ? net.call("transpose", [net.value(node, 0)], { order }) : computed("an order");
};

/** The axis comes last; in the older form first. */
const concat: Translate = (node, net) => {
  const isOld = node.op === "Concat";
  const [axis] = numbersAt(net, node, isOld ? 0 : node.inputs.length - 1) ?? [];
  if (axis === undefined) return computed("an axis");
  const places = Array.from({ length: node.inputs.length - 1 }, (_, i) => (isOld ? i + 1 : i));
  const [first, ...rest] = places.map((place) => net.value(node, place));
  if (!first) return "has no operand";
  return rest.length === 0 ? first : net.call("concat", [first, ...rest], { axis });
};

const pack: Translate = (node, net) => {
  const axis = node.number("axis");
  const [first, ...rest] = node.inputs.map((_, place) => net.call("unsqueeze", [net.value(node, place)], { axes: [axis] }));
  if (!first) return "has no operand";
  return rest.length === 0 ? first : net.call("concat", [first, ...rest], { axis });
};

const unpack: Translate = (node, net) => {
  const rank = net.shape(node, 0).length;
  const axis = node.number("axis") < 0 ? node.number("axis") + rank : node.number("axis");
  const parts = net.shape(node, 0)[axis] ?? 0;
  if (parts > mostParts) return `gives ${parts} results`;
  return Array.from({ length: parts }, (_, part) =>
    net.call("squeeze", [net.call("split", [net.value(node, 0)], { parts, part, axis })], { axes: [axis] }),
  );
};

const mostParts = 1024;

const pad: Translate = (node, net) => {
  const amounts = numbersAt(net, node, 1);
  const value = node.op === "PadV2" ? numbersAt(net, node, 2)?.[0] : 0;
  if (!amounts || value === undefined) return computed("a padding");
  if (node.op === "MirrorPad" && node.text("mode") !== "REFLECT") return "mirrors the edge too";
  const around = [...amounts.filter((_, i) => i % 2 === 0), ...amounts.filter((_, i) => i % 2 === 1)];
  const mode = node.op === "MirrorPad" ? { mode: "reflect" } : value === 0 ? {} : { value: shortest(value) };
  return net.call("pad", [net.value(node, 0)], { pad: around, ...mode });
};

const slice: Translate = (node, net) => {
  const [starts, sizes] = [numbersAt(net, node, 1), numbersAt(net, node, 2)];
  const shape = net.shape(node, 0);
  if (!starts || !sizes) return computed("a place");
  const ends = starts.map((start, d) => (sizes[d] === -1 ? (shape[d] ?? 0) : start + (sizes[d] ?? 0)));
  return net.call("slice", [net.value(node, 0)], { starts, ends });
};

/** NumPy's slicing, whose masks say which limits are left open and which dimensions are dropped. */
const stridedSlice: Translate = (node, net) => {
  const [starts, ends, steps] = [1, 2, 3].map((place) => numbersAt(net, node, place));
  if (!starts || !ends || !steps) return computed("a place");
  if (node.number("ellipsis_mask") !== 0 || node.number("new_axis_mask") !== 0) return "skips or inserts dimensions";
  const masks = { begin: node.number("begin_mask"), end: node.number("end_mask"), shrink: node.number("shrink_axis_mask") };
  const { attributes, drops } = stridedPlaces(net.shape(node, 0), [starts, ends, steps], masks);
  const part = net.call("slice", [net.value(node, 0)], attributes);
  return drops.length === 0 ? part : net.call("squeeze", [part], { axes: drops });
};

/** Equal parts, with the axis first; or parts of given sizes, with the axis last. */
const split: Translate = (node, net) => {
  const isSized = node.op === "SplitV";
  const [given] = numbersAt(net, node, isSized ? 2 : 0) ?? [];
  const place = isSized ? 0 : 1;
  const shape = net.shape(node, place);
  if (given === undefined) return computed("an axis");
  const axis = given < 0 ? given + shape.length : given;
  const parts = node.number("num_split", 1);
  const sizes = isSized
    ? numbersAt(net, node, 1)
    : Array.from({ length: Math.min(parts, mostParts) }, () => Math.floor((shape[axis] ?? 0) / parts));
  if (!sizes || sizes.length > mostParts) return computed("a size");
  const rest = (shape[axis] ?? 0) - sizes.reduce((sum, size) => sum + Math.max(size, 0), 0);
  let start = 0;
  return sizes.map((size) => {
    const extent = size === -1 ? rest : size;
    const starts = shape.map((_, d) => (d === axis ? start : 0));
    const ends = shape.map((whole, d) => (d === axis ? start + extent : whole));
    start += extent;
    return net.call("slice", [net.value(node, place)], { starts, ends });
  });
};

const gather: Translate = (node, net) => {
  const [axis = 0] = node.op === "GatherV2" ? (numbersAt(net, node, 2) ?? []) : [0];
  if (node.number("batch_dims") !== 0) return "gathers from each element of a batch";
  return net.call("gather", [net.value(node, 0), net.value(node, 1)], { axis });
};

const tile: Translate = (node, net) => {
  const repeats = numbersAt(net, node, 1);
  return repeats ? net.call("tile", [net.value(node, 0)], { repeats }) : computed("a number of repeats");
};

const broadcastTo: Translate = (node, net) => {
  const to = numbersAt(net, node, 1);
  return to ? net.call("expand", [net.value(node, 0)], { to }) : computed("a shape");
};

const fill: Translate = (node, net) => {
  const to = numbersAt(net, node, 0);
  return to ? net.call("expand", [net.value(node, 1)], { to }) : computed("a shape");
};

const reverse: Translate = (node, net) => {
  const axes = numbersAt(net, node, 1);
  return axes ? net.call("reverse", [net.value(node, 0)], { axes }) : computed("an axis");
};

const oneHot: Translate = (node, net) => {
  const [depth, on, off] = [1, 2, 3].map((place) => numbersAt(net, node, place)?.[0]);
  if (depth === undefined || on === undefined || off === undefined) return computed("a value");
  if (node.number("axis", -1) !== -1) return "puts its values along an inner axis";
  return net.call("one_hot", [net.value(node, 0)], { depth, on, off });
};

function blocks(operator: "depth_to_space" | "space_to_depth"): Translate {
  return (node, net) => {
    if (node.text("data_format") === "NCHW") return "lays its channels first";
    return net.call(operator, [net.value(node, 0)], { block: node.number("block_size", 1) });
  };
}

function resize(operator: "resize_linear" | "resize_nearest"): Translate {
  return (node, net) => {
    const size = numbersAt(net, node, 1);
    if (!size) return computed("a size");
    const [alignsCorners, halfPixels] = [node.flag("align_corners"), node.flag("half_pixel_centers")];
    if (operator === "resize_linear") {
      const coordinates = alignsCorners ? "align_corners" : halfPixels ? "half_pixel" : "asymmetric";
      return net.call(operator, [net.value(node, 0)], { size, coordinates });
    }
    // The nearest of half pixels is the element that contains the place.
    const coordinates = halfPixels ? "tf_half_pixel" : alignsCorners ? "align_corners" : "asymmetric";
    return net.call(operator, [net.value(node, 0)], {
      size,
      coordinates,
      rounding: alignsCorners && !halfPixels ? "round_half_up" : "floor",
    });
  };
}

/** Extents as a constant. */
function extents(node: GraphNode, net: Net) {
  const values = Int32Array.from(net.shape(node, 0));
  return net.builder.weight(`${node.name}/shape`, { type: { dtype: "i32", shape: [values.length] }, values });
}

const rank: Translate = (node, net) =>
  net.builder.weight(`${node.name}/rank`, { type: { dtype: "i32", shape: [] }, values: Int32Array.of(net.shape(node, 0).length) });

const zeros: Translate = (node, net) => {
  const { shape, dtype } = net.value(node, 0).type;
  const value = net.call("full", [], { shape: [...shape], value: node.op === "OnesLike" ? 1 : 0 });
  return dtype === "f32" ? value : net.call("cast", [value], { to: dtype });
};

const topK: Translate = (node, net) => {
  const [k] = numbersAt(net, node, 1) ?? [];
  return k === undefined ? computed("a number of elements") : net.builder.calls("top_k", [net.value(node, 0)], { k });
};

const toBatch: Translate = (node, net) => {
  const [block, pads] = [numbersAt(net, node, 1), numbersAt(net, node, 2)];
  return block && pads ? spaceToBatch(net.builder, net.value(node, 0), block, pads) : computed("a block");
};

const fromBatch: Translate = (node, net) => {
  const [block, crops] = [numbersAt(net, node, 1), numbersAt(net, node, 2)];
  return block && crops ? batchToSpace(net.builder, net.value(node, 0), block, crops) : computed("a block");
};

const scatter: Translate = (node, net) => {
  const to = numbersAt(net, node, 2);
  return to ? scattered(net.builder, net.value(node, 0), net.value(node, 1), to) : computed("a shape");
};

const range: Translate = (node, net) => {
  const [start, limit, step] = [0, 1, 2].map((place) => numbersAt(net, node, place)?.[0]);
  if (start === undefined || limit === undefined || step === undefined) return computed("a limit");
  const numbers = rangeOf(start, limit, step);
  if (!numbers) return "has more elements than memory can hold";
  const isFloat = net.known(node, 0)?.type.dtype === "f32";
  return net.builder.weight(`${node.name}/range`, {
    type: { dtype: isFloat ? "f32" : "i32", shape: [numbers.length] },
    values: isFloat ? Float32Array.from(numbers) : Int32Array.from(numbers),
  });
};

const size: Translate = (node, net) => {
  const count = elementCount(net.shape(node, 0));
  return net.builder.weight(`${node.name}/size`, { type: { dtype: "i32", shape: [] }, values: Int32Array.of(count) });
};

function filled(value: number): Translate {
  return (node, net) => {
    const to = numbersAt(net, node, 0);
    const dtype = dtypeOf(node.type("dtype") || "DT_FLOAT");
    if (!to) return computed("a shape");
    if (!isDType(dtype)) return dtype;
    const values = net.call("full", [], { shape: to, value });
    return dtype === "f32" ? values : net.call("cast", [values], { to: dtype });
  };
}

const all: Translate = (node, net) => node.inputs.map((_, place) => net.value(node, place));

const same: Translate = (node, net) => net.value(node, 0);

export const movement: { readonly [operator: string]: Translate } = {
  SpaceToBatchND: toBatch,
  BatchToSpaceND: fromBatch,
  GatherNd: (node, net) => net.call("gather_nd", [net.value(node, 0), net.value(node, 1)]),
  ScatterNd: scatter,
  Range: range,
  Size: size,
  Ones: filled(1),
  Zeros: filled(0),
  IdentityN: all,
  EnsureShape: same,
  Identity: same,
  StopGradient: same,
  Snapshot: same,
  CheckNumerics: same,
  PlaceholderWithDefault: same,
  Reshape: reshape,
  Squeeze: squeeze,
  ExpandDims: expandDims,
  Transpose: transpose,
  Concat: concat,
  ConcatV2: concat,
  Pack: pack,
  Unpack: unpack,
  Pad: pad,
  PadV2: pad,
  MirrorPad: pad,
  Slice: slice,
  StridedSlice: stridedSlice,
  Split: split,
  SplitV: split,
  Gather: gather,
  GatherV2: gather,
  Tile: tile,
  BroadcastTo: broadcastTo,
  Fill: fill,
  ReverseV2: reverse,
  OneHot: oneHot,
  DepthToSpace: blocks("depth_to_space"),
  SpaceToDepth: blocks("space_to_depth"),
  ResizeBilinear: resize("resize_linear"),
  ResizeNearestNeighbor: resize("resize_nearest"),
  Shape: extents,
  Rank: rank,
  ZerosLike: zeros,
  OnesLike: zeros,
  TopKV2: topK,
};
