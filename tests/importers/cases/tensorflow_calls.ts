/**
 * Calls of operators that TensorFlow's graphs and TensorFlow Lite share, by TensorFlow's names, with what they must give. Every
 * expectation is computed by plain loops or written out.
 */
import { at, concatenated, fill, padded, reduced, softmaxAlong, transposed } from "../../operators/definitions.ts";
import { edge, placeOf, sampled, tent } from "../../operators/image_definitions.ts";
import { broadcast, range } from "../../operators/lists.ts";
import { randomTensor, seeded, type Tensor, tensor } from "../../operators/tensors.ts";
import { constant, integer, list, type Operand } from "./case.ts";
import { binaries, unaries } from "./scalars.ts";

export type Attribute = number | boolean | string | readonly number[];

export type Call = {
  readonly operator: string;
  /** What is special about it, where there are several. */
  readonly of?: string;
  readonly operands: readonly Operand[];
  readonly attributes: { readonly [name: string]: Attribute };
  readonly results: readonly Tensor[];
};

function call(operator: string, operands: readonly Operand[], result: Tensor | readonly Tensor[], rest: Partial<Call> = {}): Call {
  return { operator, operands, attributes: {}, results: "dtype" in result ? [result] : result, ...rest };
}

const random = (name: string, ...shape: readonly number[]) => randomTensor(seeded(`import/${name}`), shape);

export function mapped(x: Tensor, f: (x: number) => number, dtype: Tensor["dtype"] = x.dtype): Tensor {
  return tensor(x.shape, x.data.map(f), dtype);
}

export function zipped(x: Tensor, y: Tensor, f: (x: number, y: number) => number, dtype: Tensor["dtype"] = x.dtype): Tensor {
  const shape = broadcast([x.shape, y.shape]);
  const read = (of: Tensor, point: readonly number[]) =>
    at(
      of,
      of.shape.map((extent, d) => (extent === 1 ? 0 : (point[d + shape.length - of.shape.length] as number))),
    );
  return fill(shape, (point) => f(read(x, point), read(y, point)), dtype);
}

/** Evenly spread, with the halves that rounding looks at and both zeros where they lie within. */
function spread([low, high]: readonly [number, number]): Tensor {
  const values = range(21).map((i) => Math.fround(low + ((high - low) * i) / 20));
  const halves = [0, -0, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5].filter((value) => value >= low && value <= high);
  return tensor([values.length + halves.length], [...values, ...halves]);
}

const unaryCalls = Object.entries(unaries).map(([operator, { of, from = [-3, 3] as const }]) => {
  const x = spread(from);
  return call(operator, [x], mapped(x, of));
});

const wholes = (shape: readonly number[], ...data: readonly number[]) => tensor(shape, data, "i32");

const binaryCalls = Object.entries(binaries).flatMap(([operator, { of, whole, dtype }]) => {
  const [x, y] = [random(`${operator}/x`, 2, 3, 4), random(`${operator}/y`, 3, 1)];
  const [i, j] = [wholes([2, 4], -7, 7, -7, 7, 5, -8, 0, 3), wholes([4], 3, 3, -3, -3)];
  return [
    call(operator, [x, y], zipped(x, y, of, dtype ?? "f32")),
    ...(whole ? [call(operator, [i, j], zipped(i, j, of, dtype ?? "i32"), { of: "integers" })] : []),
    call(operator, [x, constant(y)], zipped(x, y, of, dtype ?? "f32"), { of: "a constant" }),
  ];
});

const positive = tensor([2, 3], [0.5, 1, 2, 3, 0.25, 1.5]);
const exponents = tensor([3], [2, -1, 0.5]);
const truths = (shape: readonly number[], ...data: readonly number[]) => tensor(shape, data, "bool");
const [yes, no] = [truths([4], 1, 1, 0, 0), truths([4], 1, 0, 1, 0)];
const image = random("image", 1, 4, 6, 4);
const cube = random("cube", 2, 3, 4);

const logicalCalls = [
  call("Pow", [positive, exponents], zipped(positive, exponents, Math.pow)),
  call("LogicalAnd", [yes, no], truths([4], 1, 0, 0, 0)),
  call("LogicalOr", [yes, no], truths([4], 1, 1, 1, 0)),
  call("LogicalNot", [no], truths([4], 0, 1, 0, 1)),
  call("Select", [truths([2], 1, 0), tensor([2, 2], [1, 2, 3, 4]), tensor([2, 2], [5, 6, 7, 8])], tensor([2, 2], [1, 2, 7, 8]), {
    of: "rows",
  }),
  call("Select", [yes, tensor([4], [1, 2, 3, 4]), tensor([4], [5, 6, 7, 8])], tensor([4], [1, 2, 7, 8])),
  call("SelectV2", [no, tensor([1], [1]), tensor([4], [5, 6, 7, 8])], tensor([4], [1, 6, 1, 8])),
  call(
    "AddN",
    [cube, mapped(cube, (x) => x * x), cube],
    mapped(cube, (x) => x * x + 2 * x),
  ),
  call(
    "LeakyRelu",
    [spread([-3, 3])],
    mapped(spread([-3, 3]), (x) => (x < 0 ? 0.3 * x : x)),
    { attributes: { alpha: 0.3 } },
  ),
  call("Cast", [tensor([4], [1.75, -1.75, 0, 200.5])], wholes([4], 1, -1, 0, 200), { attributes: { SrcT: "f32", DstT: "i32" } }),
  call("Cast", [wholes([3], 0, 2, -1)], truths([3], 0, 1, 1), { attributes: { SrcT: "i32", DstT: "bool" }, of: "conditions" }),
  call("Cast", [truths([3], 0, 1, 1)], tensor([3], [0, 1, 1]), { attributes: { SrcT: "bool", DstT: "f32" }, of: "numbers" }),
  call("Softmax", [cube], softmaxAlong(cube, 2), { attributes: { beta: 1 } }),
  call("LogSoftmax", [cube], mapped(softmaxAlong(cube, 2), Math.log)),
  call(
    "Prelu",
    [image, constant(tensor([4], [0.1, -0.5, 2, 0]))],
    zipped(image, tensor([4], [0.1, -0.5, 2, 0]), (x, a) => (x < 0 ? a * x : x)),
  ),
];

const total = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
const reductions: { readonly [operator: string]: (values: readonly number[]) => number } = {
  Mean: (values) => total(values) / values.length,
  Sum: total,
  Max: (values) => Math.max(...values),
  Min: (values) => Math.min(...values),
  Prod: (values) => values.reduce((a, b) => a * b, 1),
};
const conditions = truths([2, 3], 1, 0, 1, 0, 0, 0);

const reductionCalls = [
  ...Object.entries(reductions).flatMap(([operator, combine]) => [
    call(operator, [cube, list(1)], reduced(cube, [1], false, combine)),
    call(operator, [cube, list(-1, 0)], reduced(cube, [0, 2], true, combine), { attributes: { keep_dims: true }, of: "kept" }),
    call(operator, [image, list(1, 2)], reduced(image, [1, 2], false, combine), { of: "an image" }),
  ]),
  call("Any", [conditions, list(1)], truths([2], 1, 0)),
  call("All", [conditions, list(0)], truths([1, 3], 0, 0, 0), { attributes: { keep_dims: true } }),
  call("All", [truths([2, 2], 1, 1, 1, 0), list(-1)], truths([2], 1, 0), { of: "some" }),
  call("ArgMax", [tensor([2, 3], [1, 5, 5, 3, 2, 1]), integer(-1)], wholes([2], 1, 0)),
  call("ArgMin", [tensor([2, 3], [1, 5, 5, 0, 6, 1]), integer(0)], wholes([3], 1, 0, 1)),
  call("Cumsum", [tensor([2, 3], [1, 2, 3, 4, 5, 6]), integer(1)], tensor([2, 3], [1, 3, 6, 4, 9, 15])),
  call("Cumsum", [tensor([2, 3], [1, 2, 3, 4, 5, 6]), integer(1)], tensor([2, 3], [5, 3, 0, 11, 6, 0]), {
    attributes: { exclusive: true, reverse: true },
    of: "exclusive, reversed",
  }),
  call("TopKV2", [tensor([2, 4], [1, 9, 3, 9, 4, 2, 8, 6]), integer(2)], [tensor([2, 2], [9, 9, 8, 6]), wholes([2, 2], 1, 3, 2, 3)]),
  call(
    "LRN",
    [image],
    fill(image.shape, (point) => {
      const channel = point[3] as number;
      let squares = 0;
      for (let c = channel - 1; c <= channel + 1; c++) squares += at(image, [...point.slice(0, 3), c], 0) ** 2;
      return at(image, point) / (2 + 0.5 * squares) ** 0.75;
    }),
    { attributes: { depth_radius: 1, bias: 2, alpha: 0.5, beta: 0.75 } },
  ),
];

const rows = tensor([2, 3], [1, 2, 3, 4, 5, 6]);
const part = (x: Tensor, starts: readonly number[], shape: readonly number[], steps = shape.map(() => 1)) =>
  fill(shape, (point) =>
    at(
      x,
      point.map((i, d) => (starts[d] as number) + i * (steps[d] as number)),
    ),
  );
const reshaped = (x: Tensor, ...shape: readonly number[]) => tensor(shape, x.data, x.dtype);

const movementCalls = [
  call("Reshape", [cube, list(4, -1)], reshaped(cube, 4, 6)),
  call("Squeeze", [reshaped(cube, 1, 2, 1, 12)], reshaped(cube, 1, 2, 12), { attributes: { squeeze_dims: [2] } }),
  call("Squeeze", [reshaped(cube, 1, 2, 1, 12)], reshaped(cube, 2, 12), { attributes: { squeeze_dims: [] }, of: "all" }),
  call("ExpandDims", [cube, integer(1)], reshaped(cube, 2, 1, 3, 4)),
  call("ExpandDims", [cube, integer(-1)], reshaped(cube, 2, 3, 4, 1), { of: "from the end" }),
  call("Transpose", [cube, list(2, 0, 1)], transposed(cube, [2, 0, 1])),
  call("Pack", [rows, mapped(rows, (x) => -x)], tensor([2, 2, 3], [1, 2, 3, -1, -2, -3, 4, 5, 6, -4, -5, -6]), { attributes: { axis: 1 } }),
  call("Unpack", [rows], [tensor([2], [1, 4]), tensor([2], [2, 5]), tensor([2], [3, 6])], { attributes: { axis: -1, num: 3 } }),
  call("Pad", [cube, constant(tensor([3, 2], [1, 0, 0, 2, 3, 1], "i32"))], padded(cube, [1, 0, 3, 0, 2, 1], 0)),
  call(
    "PadV2",
    [cube, constant(tensor([3, 2], [0, 1, 2, 0, 0, 0], "i32")), constant(tensor([], [-1.5]))],
    padded(cube, [0, 2, 0, 1, 0, 0], -1.5),
  ),
  call("MirrorPad", [rows, constant(tensor([2, 2], [1, 0, 0, 2], "i32"))], tensor([3, 5], [4, 5, 6, 5, 4, 1, 2, 3, 2, 1, 4, 5, 6, 5, 4]), {
    attributes: { mode: "REFLECT" },
  }),
  call("Slice", [cube, list(1, 0, 2), list(1, 2, -1)], part(cube, [1, 0, 2], [1, 2, 2])),
  call("StridedSlice", [cube, list(0, 2, 1), list(2, 0, 4), list(1, -1, 2)], part(cube, [0, 2, 1], [2, 2, 2], [1, -1, 2])),
  call("StridedSlice", [cube, list(1, 0, 1), list(2, 2, 2), list(1, 1, -1)], reshaped(part(cube, [1, 0, 3], [1, 2, 4], [1, 1, -1]), 2, 4), {
    attributes: { begin_mask: 4, end_mask: 4, shrink_axis_mask: 1 },
    of: "masks",
  }),
  call("Split", [integer(2), cube], [part(cube, [0, 0, 0], [2, 3, 2]), part(cube, [0, 0, 2], [2, 3, 2])], { attributes: { num_split: 2 } }),
  call("SplitV", [cube, list(1, -1), integer(-1)], [part(cube, [0, 0, 0], [2, 3, 1]), part(cube, [0, 0, 1], [2, 3, 3])], {
    attributes: { num_split: 2 },
  }),
  call("Tile", [rows, list(2, 2)], tensor([4, 6], [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6, 1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6])),
  call("BroadcastTo", [tensor([2, 1], [1, 2]), list(2, 2, 3)], tensor([2, 2, 3], [1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2])),
  call("ReverseV2", [rows, list(1)], tensor([2, 3], [3, 2, 1, 6, 5, 4])),
  call(
    "OneHot",
    [wholes([3], 2, 0, 5), integer(3), constant(tensor([], [4])), constant(tensor([], [-1]))],
    tensor([3, 3], [-1, -1, 4, 4, -1, -1, -1, -1, -1]),
    {
      attributes: { axis: -1 },
    },
  ),
  call(
    "DepthToSpace",
    [image],
    fill([1, 8, 12, 1], ([n = 0, h = 0, w = 0, c = 0]) => at(image, [n, h >> 1, w >> 1, (h % 2) * 2 + (w % 2) + c])),
    {
      attributes: { block_size: 2, data_format: "NHWC" },
    },
  ),
  call(
    "SpaceToDepth",
    [image],
    fill([1, 2, 3, 16], ([n = 0, h = 0, w = 0, c = 0]) => at(image, [n, 2 * h + (c >> 3), 2 * w + ((c >> 2) & 1), c % 4])),
    {
      attributes: { block_size: 2, data_format: "NHWC" },
    },
  ),
  call("Shape", [cube], wholes([3], 2, 3, 4), { attributes: { out_type: "i32" } }),
  call("Rank", [cube], wholes([], 3)),
  call("Fill", [list(2, 3), tensor([], [7])], tensor([2, 3], [7, 7, 7, 7, 7, 7])),
  call(
    "ZerosLike",
    [cube],
    mapped(cube, () => 0),
  ),
];

/** Image (2 p + q) n + i of the batch has what lies at row p and column q of the blocks of image i. */
const tiles = random("tiles", 2, 3, 4, 2);
const padding = constant(tensor([2, 2], [1, 0, 0, 2], "i32"));
const blocked = fill([8, 2, 3, 2], ([b = 0, h = 0, w = 0, c = 0]) =>
  at(tiles, [b % 2, 2 * h + (b >> 2) - 1, 2 * w + ((b >> 1) % 2), c], 0),
);
const blockCalls = [
  call("SpaceToBatchND", [tiles, list(2, 2), padding], blocked),
  call("BatchToSpaceND", [blocked, list(2, 2), padding], tiles),
  call("GatherNd", [rows, constant(tensor([3, 2], [1, 2, 0, 0, 1, 0], "i32"))], tensor([3], [6, 1, 4])),
  call("GatherNd", [rows, tensor([2, 1], [1, 0], "i32")], tensor([2, 3], [4, 5, 6, 1, 2, 3]), { of: "rows" }),
  call(
    "ScatterNd",
    [constant(tensor([3, 1], [2, 0, 2], "i32")), tensor([3, 2], [1, 2, 3, 4, 5, 6]), list(4, 2)],
    tensor([4, 2], [3, 4, 0, 0, 6, 8, 0, 0]),
  ),
  call("Range", [integer(3), integer(10), integer(3)], wholes([3], 3, 6, 9)),
  call("Range", [constant(tensor([], [1])), constant(tensor([], [-1])), constant(tensor([], [-0.5]))], tensor([4], [1, 0.5, 0, -0.5]), {
    of: "floats",
  }),
];

type Places = { readonly align_corners: boolean; readonly half_pixel_centers: boolean };
const places: readonly Places[] = [
  { align_corners: false, half_pixel_centers: false },
  { align_corners: true, half_pixel_centers: false },
  { align_corners: false, half_pixel_centers: true },
];
const [tall, wide] = [7, 9];

/** The nearest element by each convention: the one that contains the place, or with aligned corners the nearer one. */
function nearest(i: number, n: number, size: number, { align_corners, half_pixel_centers }: Places): number {
  const place = align_corners ? Math.round((i * (n - 1)) / (size - 1)) : Math.floor((i + (half_pixel_centers ? 0.5 : 0)) * (n / size));
  return Math.min(place, n - 1);
}

const resizingCalls = places.flatMap((attributes) => {
  const coordinates = attributes.align_corners ? "align_corners" : attributes.half_pixel_centers ? "half_pixel" : "asymmetric";
  const of = coordinates.replace("_", " ");
  return [
    call(
      "ResizeBilinear",
      [image, list(tall, wide)],
      fill([1, tall, wide, 4], ([n = 0, h = 0, w = 0, c = 0]) =>
        sampled(image, n, c, placeOf(h, 4, tall, coordinates), placeOf(w, 6, wide, coordinates), tent, edge),
      ),
      { attributes, of },
    ),
    call(
      "ResizeNearestNeighbor",
      [image, list(tall, wide)],
      fill([1, tall, wide, 4], ([n = 0, h = 0, w = 0, c = 0]) =>
        at(image, [n, nearest(h, 4, tall, attributes), nearest(w, 6, wide, attributes), c]),
      ),
      { attributes, of },
    ),
  ];
});

export const sharedCalls: readonly Call[] = [
  ...unaryCalls,
  ...binaryCalls,
  ...logicalCalls,
  ...reductionCalls,
  ...movementCalls,
  ...blockCalls,
  ...resizingCalls,
];

export { call, concatenated, cube, image, random, rows };
