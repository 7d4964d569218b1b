/** ONNX's movement of elements, reductions and resampling in this library's terms. */
import {
  broadcast,
  type Call,
  channelsFirst,
  channelsLast,
  dimsOf,
  elements,
  integer,
  integers,
  literal,
  type Node,
  range,
  type Translation,
  type Translations,
  text,
  word,
  wrapped,
} from "./onnx_translation.ts";

const dynamic = "a shape that is only known when the model runs";

/** Integers that were an attribute and later became an operand. */
function listed(node: Node, name: string, i: number): readonly number[] | undefined {
  return integers(node, name) ?? elements(node, i);
}

/** The axes of a reduction; undefined where they are not known when compiling. */
function reductionAxes(node: Node): readonly number[] | undefined {
  const rank = dimsOf(node, 0).length;
  if (node.inputs[1] && !elements(node, 1)) return undefined;
  const axes = listed(node, "axes", 1) ?? [];
  return axes.length || integer(node, "noop_with_empty_axes", 0) ? axes : range(rank);
}

function reduction(operator: string): Translation {
  return (node) => {
    const axes = reductionAxes(node);
    if (!axes) return dynamic;
    const keep = integer(node, "keepdims", 1) === 1;
    const places = axes.map((axis) => wrapped(axis, dimsOf(node, 0).length));
    const dims = dimsOf(node, 0).flatMap((extent, d) => (places.includes(d) ? (keep ? [1] : []) : [extent]));
    const attributes = `axes: [${axes}], keep: ${keep}`;
    // The largest of conditions is the largest of 0 and 1.
    if (node.inputs[0]?.dtype === "bool")
      return { operator, text: `cast(${operator}(cast(${text(node, 0)}, to: i32), ${attributes}), to: bool)`, dims };
    return { operator, text: `${operator}(${text(node, 0)}, ${attributes})`, dims };
  };
}

function extreme(operator: "argmax" | "argmin"): Translation {
  return (node) => {
    const [axis, keep] = [integer(node, "axis", 0), integer(node, "keepdims", 1) === 1];
    const at = (x: string) => `${operator}(${x}, axis: ${axis}, keep: ${keep})`;
    if (!integer(node, "select_last_index", 0)) return { operator, text: at(text(node, 0)) };
    const last = (dimsOf(node, 0)[wrapped(axis, dimsOf(node, 0).length)] as number) - 1;
    return { operator: "reverse", text: `${last} - ${at(`reverse(${text(node, 0)}, axes: [${axis}])`)}` };
  };
}

const cumulative: Translation = (node) => {
  const flags = `exclusive: ${integer(node, "exclusive", 0) === 1}, reverse: ${integer(node, "reverse", 0) === 1}`;
  return { operator: "cumulative_sum", text: `cumulative_sum(${text(node, 0)}, axis: ${elements(node, 1)?.[0]}, ${flags})` };
};

const concatenation: Translation = (node) => {
  const axis = wrapped(integer(node, "axis", 0), dimsOf(node, 0).length);
  const extent = node.inputs.reduce((total, _, i) => total + (dimsOf(node, i)[axis] as number), 0);
  return {
    operator: "concat",
    text: `concat(${node.inputs.map((_, i) => text(node, i)).join(", ")}, axis: ${integer(node, "axis", 0)})`,
    dims: dimsOf(node, 0).map((own, d) => (d === axis ? extent : own)),
  };
};

const split: Translation = (node) => {
  const dims = dimsOf(node, 0);
  const axis = wrapped(integer(node, "axis", 0), dims.length);
  const [extent, parts] = [dims[axis] as number, node.outputs.length];
  const size = Math.ceil(extent / parts);
  const sizes = listed(node, "split", 1) ?? range(parts).map((i) => Math.max(0, Math.min(size, extent - i * size)));
  return sizes.flatMap((own, i): Call[] => {
    const start = sizes.slice(0, i).reduce((a, b) => a + b, 0);
    const [starts, ends] = [dims.map((_, d) => (d === axis ? start : 0)), dims.map((e, d) => (d === axis ? start + own : e))];
    const result = dims.map((e, d) => (d === axis ? own : e));
    const sliced = { operator: "slice", text: `slice(${text(node, 0)}, starts: [${starts}], ends: [${ends}])`, output: i, dims: result };
    const equal = sizes.every((other, k) => other === Math.max(0, Math.min(size, extent - k * size)));
    const part = {
      operator: "split",
      text: `split(${text(node, 0)}, parts: ${parts}, part: ${i}, axis: ${axis})`,
      output: i,
      dims: result,
    };
    return equal && parts > 1 ? [part, sliced] : [sliced];
  });
};

const slice: Translation = (node) => {
  const rank = dimsOf(node, 0).length;
  const [starts, ends] = [listed(node, "starts", 1), listed(node, "ends", 2)];
  if (!starts || !ends) return dynamic;
  const axes = (listed(node, "axes", 3) ?? range(starts.length)).map((axis) => wrapped(axis, rank));
  const steps = elements(node, 4) ?? starts.map(() => 1);
  const along = (given: readonly number[], otherwise: (d: number) => number) =>
    range(rank).map((d) => (axes.includes(d) ? (given[axes.indexOf(d)] as number) : otherwise(d)));
  const dims = dimsOf(node, 0);
  const bounds = `starts: [${along(starts, () => 0)}], ends: [${along(ends, (d) => dims[d] as number)}], steps: [${along(steps, () => 1)}]`;
  const shape = dims.map((n, d) => {
    const i = axes.indexOf(d);
    const step = steps[i] as number;
    if (i < 0 || step < 1) return n;
    const place = (p: number) => Math.max(0, Math.min(p < 0 ? p + n : p, n));
    return Math.max(0, Math.ceil((place(ends[i] as number) - place(starts[i] as number)) / step));
  });
  return { operator: "slice", text: `slice(${text(node, 0)}, ${bounds})`, dims: shape };
};

const padding: Translation = (node) => {
  const rank = dimsOf(node, 0).length;
  const given = integers(node, "pads") ?? integers(node, "paddings") ?? elements(node, 1);
  if (!given) return dynamic;
  const axes = (elements(node, 3) ?? range(rank)).map((axis) => wrapped(axis, rank));
  const amount = (d: number, side: number) => (axes.includes(d) ? (given[axes.indexOf(d) + side * axes.length] as number) : 0);
  const pad = [...range(rank).map((d) => amount(d, 0)), ...range(rank).map((d) => amount(d, 1))];
  const value = elements(node, 2)?.[0] ?? (node.attributes.get("value") as number | undefined) ?? 0;
  const call = `pad(${text(node, 0)}, pad: [${pad}], mode: ${word(node, "mode", "constant")}, value: ${literal(value)})`;
  return { operator: "pad", text: call, dims: dimsOf(node, 0).map((n, d) => n + (pad[d] as number) + (pad[d + rank] as number)) };
};

const reshape: Translation = (node) => {
  const given = listed(node, "shape", 1);
  if (!given) return dynamic;
  const own = dimsOf(node, 0);
  const to = given.map((extent, d) => (extent === 0 && !integer(node, "allowzero", 0) ? (own[d] as number) : extent));
  const known = to.reduce((product, extent) => (extent === -1 ? product : product * extent), 1);
  const count = own.reduce((a, b) => a * b, 1);
  return { operator: "reshape", text: `reshape(${text(node, 0)}, to: [${to}])`, dims: to.map((e) => (e === -1 ? count / known : e)) };
};

const flatten: Translation = (node) => {
  const dims = dimsOf(node, 0);
  const axis = wrapped(integer(node, "axis", 1), dims.length);
  const product = (extents: readonly number[]) => extents.reduce((a, b) => a * b, 1);
  const to = [product(dims.slice(0, axis)), product(dims.slice(axis))];
  const call = `flatten(${text(node, 0)}, axis: ${axis})`;
  return { operator: "flatten", text: axis === 1 ? call : `reshape(${call}, to: [${to}])`, dims: to };
};

const transpose: Translation = (node) => {
  const dims = dimsOf(node, 0);
  const order = integers(node, "perm") ?? range(dims.length).reverse();
  return { operator: "transpose", text: `transpose(${text(node, 0)}, order: [${order}])`, dims: order.map((d) => dims[d] as number) };
};

const squeeze: Translation = (node) => {
  const dims = dimsOf(node, 0);
  const axes = listed(node, "axes", 1) ?? dims.flatMap((extent, d) => (extent === 1 ? [d] : []));
  const gone = axes.map((axis) => wrapped(axis, dims.length));
  return { operator: "squeeze", text: `squeeze(${text(node, 0)}, axes: [${axes}])`, dims: dims.filter((_, d) => !gone.includes(d)) };
};

const unsqueeze: Translation = (node) => {
  const axes = listed(node, "axes", 1) ?? [];
  const rest = [...dimsOf(node, 0)];
  const places = axes.map((axis) => wrapped(axis, rest.length + axes.length));
  const dims = range(rest.length + axes.length).map((d) => (places.includes(d) ? 1 : (rest.shift() as number)));
  return { operator: "unsqueeze", text: `unsqueeze(${text(node, 0)}, axes: [${axes}])`, dims };
};

const expand: Translation = (node) => {
  const to = elements(node, 1);
  if (!to) return dynamic;
  return { operator: "expand", text: `expand(${text(node, 0)}, to: [${to}])`, dims: broadcast([dimsOf(node, 0), to]) };
};

const tile: Translation = (node) => {
  const repeats = elements(node, 1);
  return repeats ? { operator: "tile", text: `tile(${text(node, 0)}, repeats: [${repeats}])` } : dynamic;
};

function gathered(operator: string): Translation {
  return (node) => {
    const [dims, ids, axis] = [dimsOf(node, 0), dimsOf(node, 1), wrapped(integer(node, "axis", 0), dimsOf(node, 0).length)];
    return {
      operator,
      text: `${operator}(${text(node, 0)}, ${text(node, 1)}, axis: ${integer(node, "axis", 0)})`,
      dims: operator === "gather" ? [...dims.slice(0, axis), ...ids, ...dims.slice(axis + 1)] : ids,
    };
  };
}

/** Adding whole slices; ONNX's scatter has a position for every element. */
const scatterElements: Translation = (node) => {
  const axis = wrapped(integer(node, "axis", 0), dimsOf(node, 0).length);
  if (word(node, "reduction", "none") !== "add") return "scattering that replaces, multiplies or takes the largest";
  if (dimsOf(node, 1).some((extent, d) => d !== axis && extent !== 1)) return "scattering with a position for every element";
  const ids = `reshape(${text(node, 1)}, to: [${dimsOf(node, 1)[axis]}])`;
  return { operator: "scatter_add", text: `scatter_add(${text(node, 0)}, ${ids}, ${text(node, 2)}, axis: ${axis})` };
};

const scatterSlices: Translation = (node) => {
  if (word(node, "reduction", "none") !== "add") return "scattering that replaces, multiplies or takes the largest";
  const [count = 0, depth] = dimsOf(node, 1);
  if (depth !== 1 || dimsOf(node, 1).length !== 2) return "scattering with a position for every element";
  return {
    operator: "scatter_add",
    text: `scatter_add(${text(node, 0)}, reshape(${text(node, 1)}, to: [${count}]), ${text(node, 2)}, axis: 0)`,
  };
};

const depthToSpace: Translation = (node) => {
  const order = word(node, "mode", "DCR") === "DCR" ? "depth_first" : "column_first";
  const call = `depth_to_space(${channelsLast(text(node, 0), 4)}, block: ${integer(node, "blocksize", 1)}, order: ${order})`;
  return { operator: "depth_to_space", text: channelsFirst(call, 4) };
};

const spaceToDepth: Translation = (node) => ({
  operator: "space_to_depth",
  text: channelsFirst(`space_to_depth(${channelsLast(text(node, 0), 4)}, block: ${integer(node, "blocksize", 1)})`, 4),
});

const topK: Translation = (node) => {
  const attributes = `k: ${elements(node, 1)?.[0]}, axis: ${integer(node, "axis", -1)}, largest: ${integer(node, "largest", 1) === 1}`;
  return ["values", "positions"].map((result, i) => ({
    operator: "top_k",
    text: `top_k(${text(node, 0)}, ${attributes}).${result}`,
    output: i,
  }));
};

const filled: Translation = (node) => {
  const value = node.attributes.get("value");
  const given = typeof value === "object" && "data" in value ? value : undefined;
  const dtype = given?.type === "int32" ? "i32" : "f32";
  const call = `full(shape: [${elements(node, 0)}], value: ${given?.data[0] ?? 0})`;
  return { operator: "full", text: dtype === "f32" ? call : `cast(${call}, to: ${dtype})`, dtype, dims: elements(node, 0) ?? [] };
};

const counting: Translation = (node) => {
  const [from = 0, to = 0, step = 1] = [0, 1, 2].map((i) => elements(node, i)?.[0]);
  const extent = Math.max(0, Math.ceil((to - from) / step));
  return { operator: "iota", text: `iota(extent: ${extent}) * ${step} + ${from}`, dims: [extent] };
};

export const movementTranslations: Translations = {
  ReduceSum: reduction("reduce_sum"),
  ReduceMean: reduction("reduce_mean"),
  ReduceMax: reduction("reduce_max"),
  ReduceMin: reduction("reduce_min"),
  ReduceProd: reduction("reduce_prod"),
  ReduceL1: reduction("reduce_l1"),
  ReduceL2: reduction("reduce_l2"),
  ReduceSumSquare: reduction("reduce_sum_square"),
  ReduceLogSum: reduction("reduce_log_sum"),
  ReduceLogSumExp: reduction("reduce_log_sum_exp"),
  ArgMax: extreme("argmax"),
  ArgMin: extreme("argmin"),
  CumSum: cumulative,
  Concat: concatenation,
  Split: split,
  Slice: slice,
  Pad: padding,
  Reshape: reshape,
  Flatten: flatten,
  Transpose: transpose,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Expand: expand,
  Tile: tile,
  Gather: gathered("gather"),
  GatherElements: gathered("gather_elements"),
  ScatterElements: scatterElements,
  ScatterND: scatterSlices,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
  TopK: topK,
  ConstantOfShape: filled,
  Range: counting,
};
