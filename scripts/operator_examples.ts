/**
 * The calls that the reference of operators shows. Operands of any shape, and those whose dimensions all have names, are chosen by
 * their declared types; what cannot be chosen so, or would show too little, stands in a table.
 */
import { type Compiled, compile } from "../src/compile.ts";
import type { OpDeclaration, TensorParameter } from "../src/ir/declaration.ts";
import { type DType, formatType, isDType, type TensorType } from "../src/ir/dtype.ts";
import { renderDiagnostic } from "../src/support/diagnostic.ts";
import { invariant } from "../src/support/invariant.ts";

/** A model that is nothing but the call, and what it compiles to. */
export type OperatorExample = { readonly source: string; readonly compiled: Compiled };

export function operatorExample(operator: OpDeclaration): OperatorExample {
  const { operands, attributes } = callOf(operator);
  const inputs = Object.entries(operands).map(([name, type]) => `${name}: ${type}`);
  const call = callText(operator, Object.keys(operands), attributes);
  const model = (results: readonly string[]) => {
    const declared = results.length === 1 ? results[0] : `(${results.join(", ")})`;
    return `model example(${inputs.join(", ")}) -> ${declared} {\n  ${call}\n}`;
  };
  const { outputs } = compiled(model(operator.results.map(({ name }) => name)));
  const source = model(outputs.map(({ name, type }) => `${name}: ${formatType(type)}`));
  return { source, compiled: compiled(source) };
}

/** What the table may say of an operator: its operands' types in their order, and its attributes as written. */
type Given = { readonly operands?: readonly string[]; readonly attributes?: string };

const image = "f32[1, 8, 8, 4]";
const integers = { operands: ["i32[2, 3]", "i32[3]"] };
const conditions = { operands: ["bool[2, 3]", "bool[3]"] };
const oneAxis = { attributes: "axes: [1]" };
const window = { operands: [image], attributes: "window: [2, 2]" };
const places = "input: 4, output: 8, scale: 2, coordinates: half_pixel";

const taps = "[1, 4, 4, 9]";
const regionPlaces = "f32[2, 4]";
const volume = "f32[1, 4, 4, 4, 2]";

const table: { readonly [operator: string]: Given } = {
  floor_div: integers,
  mod: integers,
  bitwise_and: integers,
  bitwise_or: integers,
  bitwise_xor: integers,
  left_shift: integers,
  right_shift: integers,
  bitwise_not: { operands: ["i32[2, 3]"] },
  logical_and: conditions,
  logical_or: conditions,
  logical_xor: conditions,
  select: { operands: ["bool[2, 1]", "f32[2, 3]", "f32[3]"] },
  clip: { attributes: "low: 0, high: 1" },
  cast: { attributes: "to: i32" },
  conv: { operands: [image, "f32[3, 3, 2, 6]"], attributes: "pad: same, groups: 2" },
  conv2d: { operands: ["f32[1, 8, 8, 3]", "f32[3, 3, 3, 16]"], attributes: "stride: [2, 2], pad: same" },
  depthwise_conv2d: { operands: [image, "f32[3, 3, 4, 1]"], attributes: "pad: same" },
  conv1d: { operands: ["f32[1, 16, 4]", "f32[3, 4, 8]"], attributes: "dilation: [2]" },
  conv3d: { operands: ["f32[1, 4, 8, 8, 2]", "f32[3, 3, 3, 2, 4]"], attributes: "pad: same" },
  conv_transpose: { operands: [image, "f32[3, 3, 6, 4]"], attributes: "stride: [2, 2], pad: [1, 1, 0, 0]" },
  conv_transpose1d: { operands: ["f32[1, 8, 4]", "f32[3, 6, 4]"], attributes: "stride: [2]" },
  conv_transpose2d: { operands: [image, "f32[2, 2, 6, 4]"], attributes: "stride: [2, 2]" },
  without_zero: { operands: ["u8[2, 3]"], attributes: "zero: 128" },
  dequantize: { operands: ["i8[2, 3]"], attributes: "scale: 0.5, zero: 3" },
  quantize: { operands: ["f32[2, 3]"], attributes: "scale: 0.5, zero: 3, to: i8" },
  requantize: { operands: ["i32[2, 3]", "f32[3]"], attributes: "to: i8" },
  quantized_conv: {
    operands: ["i8[1, 8, 8, 4]", "i8[3, 3, 4, 8]", "i32[8]", "f32[8]"],
    attributes: "x_zero: -128, zero: 3, pad: same, to: i8",
  },
  quantized_conv_transpose: { operands: ["i8[1, 8, 8, 4]", "i8[2, 2, 6, 4]", "i32[6]", "f32[6]"], attributes: "stride: [2, 2], to: i8" },
  quantized_dense: { operands: ["i8[1, 16]", "i8[16, 10]", "i32[10]", "f32[10]"], attributes: "x_zero: 5, to: i8" },
  quantized_add: { operands: ["i8[2, 3]", "i8[2, 3]"], attributes: "a_scale: 0.5, b_scale: 0.25, scale: 0.5, to: i8" },
  quantized_mul: { operands: ["i8[2, 3]", "i8[2, 3]"], attributes: "factor: 0.125, to: i8" },
  quantized_avg_pool2d: { operands: ["i8[1, 8, 8, 4]"], attributes: "window: [2, 2], to: i8" },
  quantized_softmax: { operands: ["i8[1, 10]"], attributes: "x_scale: 0.1, to: i8" },
  conv_integer: { operands: ["u8[1, 8, 8, 4]", "i8[3, 3, 4, 8]"], attributes: "x_zero: 128, pad: same" },
  max_pool2d: { ...window, attributes: "window: [3, 3], stride: [2, 2], pad: same" },
  avg_pool2d: { ...window, attributes: "window: [3, 3], stride: [2, 2], pad: same, count_padding: true" },
  max_pool: { ...window, attributes: "window: [3, 3], stride: [2, 2], ceil: true" },
  avg_pool: { ...window, attributes: "window: [2, 2], dilation: [2, 2]" },
  max_pool_indices: window,
  lp_pool: window,
  global_avg_pool: { operands: [image] },
  global_max_pool: { operands: [image] },
  global_lp_pool: { operands: [image] },
  matmul: { operands: ["f32[5, 2, 3]", "f32[3, 4]"] },
  matmul_by_parts: { operands: ["f32[2, 8]", "f32[8, 4]"], attributes: "parts: 4" },
  bias_add: { operands: ["f32[2, 3, 4]", "f32[4]"] },
  contract: { operands: ["f32[2, 3, 4]", "f32[4, 3, 5]"], attributes: "a_axes: [1, 2], b_axes: [1, 0]" },
  matmul_integer: { operands: ["u8[2, 3]", "i8[3, 4]"], attributes: "a_zero: 128" },
  batch_norm: { operands: [image, "f32[4]", "f32[4]", "f32[4]", "f32[4]"] },
  layer_norm: { operands: ["f32[2, 3, 4]", "f32[4]", "f32[4]"] },
  instance_norm: { operands: [image, "f32[4]", "f32[4]"] },
  group_norm: { operands: [image, "f32[4]", "f32[4]"], attributes: "groups: 2" },
  local_response_norm: { operands: [image], attributes: "size: 3" },
  rms_norm: { operands: ["f32[2, 4]", "f32[4]"] },
  concat: { operands: ["f32[2, 3]", "f32[2, 5]"], attributes: "axis: 1" },
  reshape: { operands: ["f32[2, 6]"], attributes: "to: [3, -1]" },
  flatten: { operands: ["f32[2, 3, 4]"] },
  transpose: { operands: ["f32[2, 3, 4]"], attributes: "order: [2, 0, 1]" },
  pad: { attributes: "pad: [0, 1, 0, 2], mode: edge" },
  slice: { operands: ["f32[4, 6]"], attributes: "starts: [0, -1], ends: [3, -7], steps: [1, -2]" },
  split: { operands: ["f32[2, 7]"], attributes: "parts: 3, part: 2" },
  squeeze: { operands: ["f32[2, 1, 3]"], attributes: "axes: [1]" },
  unsqueeze: { attributes: "axes: [0, -1]" },
  expand: { operands: ["f32[2, 1]"], attributes: "to: [4, 2, 3]" },
  tile: { attributes: "repeats: [2, 1]" },
  gather: { operands: ["f32[5, 3]", "i32[4]"] },
  gather_elements: { operands: ["f32[5, 3]", "i32[2, 3]"] },
  scatter_add: { operands: ["f32[5, 3]", "i32[2]", "f32[2, 3]"] },
  one_hot: { operands: ["i32[4]"], attributes: "depth: 10" },
  depth_to_space: { operands: [image], attributes: "block: 2" },
  space_to_depth: { operands: [image], attributes: "block: 2" },
  reverse: oneAxis,
  full: { attributes: "shape: [2, 3], value: 0.5" },
  iota: { attributes: "extent: 5" },
  top_k: { operands: ["f32[2, 10]"], attributes: "k: 3" },
  position_of_rank: { operands: ["i32[2, 10]"], attributes: "k: 3" },
  resize_places: { attributes: places },
  nearest_index: { operands: ["f32[8]"], attributes: "extent: 4, rounding: floor" },
  pick: { operands: [image, "i32[3]", "i32[2]"] },
  resize_nearest: { operands: [image], attributes: "size: [16, 16]" },
  resize_linear: { operands: [image], attributes: "size: [12, 12], coordinates: align_corners" },
  resize_cubic: { operands: [image], attributes: "size: [16, 16]" },
  interpolate_rows: { operands: [image, "i32[16]", "f32[16]"] },
  interpolate_columns: { operands: [image, "i32[16]", "f32[16]"] },
  cubic_rows: { operands: [image, "i32[16]", "f32[16]"], attributes: "coefficient: -0.75" },
  cubic_columns: { operands: [image, "i32[16]", "f32[16]"], attributes: "coefficient: -0.75" },
  filtered_rows: { operands: [image, "i32[4]", "f32[4]"], attributes: "scale: 0.5, filter: linear" },
  filtered_columns: { operands: [image, "i32[4]", "f32[4]"], attributes: "scale: 0.5, filter: linear" },
  crop_and_resize: { operands: [image], attributes: "size: [6, 6], region: [0.25, 0.25, 0.75, 0.75]" },
  crop_places: { attributes: "input: 8, output: 6, low: 0.25, high: 0.75" },
  within_region: { operands: [image, "f32[8]", "f32[8]"], attributes: "extents: [4, 4], outside: 0" },
  winograd_conv2d: { operands: [image, "f32[3, 3, 4, 8]"], attributes: "m: 2, pad: [1, 1, 1, 1]" },
  winograd_input: { operands: [image], attributes: "m: 2, pad: [1, 1, 1, 1]" },
  winograd_weights: { operands: ["f32[3, 3, 4, 8]"], attributes: "m: 2" },
  winograd_product: { operands: ["f32[4, 4, 16, 4]", "f32[4, 4, 4, 8]"] },
  winograd_output: { operands: ["f32[4, 4, 16, 8]"], attributes: "m: 2, shape: [1, 8, 8]" },
  grid_sample: { operands: [image, "f32[1, 5, 5, 2]"] },
  grid_places: { operands: ["f32[1, 5, 5, 2]"], attributes: "extent: 8, component: 0, align_corners: false" },
  sample_at: { operands: [image, "i32[1, 5, 5]", "i32[1, 5, 5]"], attributes: "padding: zeros" },
  cubic_samples: { operands: [image, "i32[1, 5, 5]", "i32[1, 5, 5]", "f32[1, 5, 5]", "f32[1, 5, 5]"], attributes: "padding: border" },
  gather_nd: { operands: ["f32[4, 5]", "i32[3, 1]"] },
  scatter_elements: { operands: ["f32[4, 5]", "i32[2, 5]", "f32[2, 5]"] },
  last_update: { operands: ["i32[2, 5]"], attributes: "shape: [4, 5], axis: 0" },
  put_elements: { operands: ["f32[4, 5]", "i32[4, 5]", "f32[2, 5]"], attributes: "axis: 0" },
  combine_elements: { operands: ["f32[4, 5]", "i32[2, 5]", "f32[2, 5]"], attributes: "axis: 0, combine: add" },
  scatter_nd: { operands: ["f32[4, 5]", "i32[3, 1]", "f32[3, 5]"] },
  last_slice: { operands: ["i32[3, 1]"], attributes: "shape: [4]" },
  put_slices: { operands: ["f32[4, 5]", "i32[4]", "f32[3, 5]"] },
  combine_slices: { operands: ["f32[4, 5]", "i32[3, 1]", "f32[3, 5]"], attributes: "combine: largest" },
  deform_conv2d: { operands: ["f32[1, 6, 6, 2]", "f32[3, 3, 2, 4]", "f32[1, 4, 4, 18]", `f32${taps}`] },
  deformed_places: { operands: ["f32[1, 4, 4, 18]"], attributes: "component: 0, window: [3, 3], stride: 1, dilation: 1, before: 0" },
  deformed_taps: {
    operands: ["f32[1, 6, 6, 2]", `i32${taps}`, `i32${taps}`, `f32${taps}`, `f32${taps}`, `f32${taps}`],
    attributes: "sets: 1",
  },
  tap_products: { operands: ["f32[1, 4, 4, 9, 2]", "f32[9, 2, 4]"] },
  roi_align: { operands: [image, regionPlaces, "i32[2]"], attributes: "size: [3, 3], samples: 2" },
  region_places: { operands: [regionPlaces], attributes: "first: 0, size: 3, samples: 2, extent: 8, scale: 1, half_pixel: true" },
  sampled_places: { operands: [regionPlaces], attributes: "first: 0, count: 6, scale: 1, half_pixel: true" },
  region_samples: { operands: [image, "i32[2]", "i32[2, 6]", "i32[2, 6]", "f32[2, 6]", "f32[2, 6]"] },
  grid_sample3d: { operands: [volume, "f32[1, 2, 3, 3, 3]"] },
  volume_places: { operands: ["f32[1, 6, 3]"], attributes: "extent: 4, component: 2, align_corners: true" },
  volume_samples: {
    operands: [volume, "i32[1, 6]", "i32[1, 6]", "i32[1, 6]", "f32[1, 6]", "f32[1, 6]", "f32[1, 6]"],
    attributes: "padding: border",
  },
  ...Object.fromEntries(
    ["sum", "mean", "max", "min", "prod", "l1", "l2", "sum_square", "log_sum", "log_sum_exp"].map((name) => [`reduce_${name}`, oneAxis]),
  ),
};

/** Operators that the table has and the library has not. */
export function unknownExamples(operators: readonly OpDeclaration[]): string[] {
  const names = new Set(operators.map(({ name }) => name));
  return Object.keys(table).filter((name) => !names.has(name));
}

function callOf(operator: OpDeclaration): { operands: { readonly [name: string]: string }; attributes: string } {
  const { operands: types, attributes = "" } = table[operator.name] ?? {};
  const names = types && operator.operands.flatMap((operand) => (operand.variadic ? types.map((_, i) => `x${i}`) : [operand.name]));
  const shapes = new Map<string, readonly number[]>();
  const entries = types
    ? types.map((type, i) => [names?.[i] ?? `x${i}`, type] as const)
    : operator.operands.map((operand) => [operand.name, formatType(chosenType(operand, shapes))] as const);
  return { operands: Object.fromEntries(entries), attributes };
}

/** The notation where there is one, else a call. */
function callText({ name, notation }: OpDeclaration, operands: readonly string[], attributes: string): string {
  if (notation?.fixity === "infix") return operands.join(` ${notation.symbol} `);
  if (notation) return `${notation.symbol}${operands.join("")}`;
  return `${name}(${[...operands, ...(attributes === "" ? [] : [attributes])].join(", ")})`;
}

const extents: { readonly [name: string]: number } = { n: 2, c: 3, f: 4 };

/** The first shape of any rank is [2, 3], others broadcast to it; any element type is f32. */
function chosenType({ name, type, variadic }: TensorParameter, shapes: Map<string, readonly number[]>): TensorType {
  invariant(!variadic, `the operand ${name} is of any number: give an example in the table`);
  const dtype: DType = type.dtype !== undefined && isDType(type.dtype) ? type.dtype : "f32";
  const shape = type.dimensions.flatMap(({ name: dimension, spread, value }) => {
    const known = dimension ?? (value?.kind === "name" ? value.name : undefined);
    if (spread && known !== undefined) {
      const shape = shapes.get(known) ?? (shapes.size === 0 ? [2, 3] : [3]);
      shapes.set(known, shape);
      return shape;
    }
    const extent = value?.kind === "number" ? value.value : known === undefined ? undefined : extents[known];
    invariant(extent !== undefined, `the dimension ${known ?? "?"} of ${name} has no extent here: give an example in the table`);
    return [extent];
  });
  return { dtype, shape };
}

function compiled(source: string): Compiled {
  const { value, diagnostics } = compile(source);
  const said = diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, new Map([["input.qn", source]])));
  invariant(value, `an operator's example does not compile:\n${source}\n${said.join("\n")}`);
  return value;
}
