/** Small cases of resizing and sampling, worked out by hand. */
import { tensor as t, type Vector, vector } from "./tensors.ts";

const row = t([1, 1, 4, 1], [10, 20, 30, 40]);
const image = t([1, 2, 2, 1], [1, 2, 3, 4]);
const i32 = (shape: number[], data: number[]) => t(shape, data, "i32");
const places = (extents: string, coordinates: string) => `resize_places(${extents}, coordinates: ${coordinates})`;
const doubled = "input: 2, output: 4, scale: 2";

const coordinates: readonly Vector[] = [
  vector("resize_places", places(doubled, "asymmetric"), [], t([4], [0, 0.5, 1, 1.5])),
  vector("resize_places", places(doubled, "half_pixel"), [], t([4], [-0.25, 0.25, 0.75, 1.25])),
  vector("resize_places", places(doubled, "align_corners"), [], t([4], [0, 1 / 3, 2 / 3, 1])),
  vector("resize_places", places(doubled, "tf_half_pixel"), [], t([4], [0.25, 0.75, 1.25, 1.75])),
  vector("resize_places", places(doubled, "pytorch_half_pixel"), [], t([4], [-0.25, 0.25, 0.75, 1.25])),
  vector("resize_places", places("input: 2, output: 1, scale: 0.5", "pytorch_half_pixel"), [], t([1], [0])),
  vector("resize_places", places("input: 2, output: 1, scale: 0.5", "align_corners"), [], t([1], [0])),
  vector("resize_places", places("input: 2, output: 1, scale: 0.5", "half_pixel"), [], t([1], [0.5])),
  // 4 elements at a scale of 0.6 are 2.4, of which 2 remain, in the middle.
  vector("resize_places", places("input: 4, output: 2, scale: 0.6", "half_pixel_symmetric"), [], t([2], [2 / 3, 7 / 3])),
  vector("resize_places", places("input: 4, output: 2, scale: 0.75", "align_corners"), [], t([2], [0, 1.5])),
  vector("nearest_index", "nearest_index(x0, extent: 3, rounding: round_half_down)", [t([4], [-0.5, 0.5, 1.6, 9])], i32([4], [0, 0, 2, 2])),
  vector("nearest_index", "nearest_index(x0, extent: 3, rounding: round_half_up)", [t([4], [-0.5, 0.5, 1.4, 9])], i32([4], [0, 1, 1, 2])),
  vector("nearest_index", "nearest_index(x0, extent: 3, rounding: floor)", [t([3], [-0.5, 1.9, 2])], i32([3], [0, 1, 2])),
  vector("nearest_index", "nearest_index(x0, extent: 3, rounding: ceil)", [t([3], [-0.5, 1.1, 2.5])], i32([3], [0, 2, 2])),
  vector("pick", "pick(x0, x1, x2)", [image, i32([1], [1]), i32([3], [0, 1, 5])], t([1, 1, 3, 1], [3, 4, 4])),
  vector("crop_places", "crop_places(input: 5, output: 3, low: 0.25, high: 0.75)", [], t([3], [1, 2, 3])),
  vector("crop_places", "crop_places(input: 5, output: 1, low: 0.25, high: 1)", [], t([1], [2.5])),
  vector(
    "within_region",
    "within_region(x0, x1, x2, extents: [2, 3], outside: 9)",
    [t([1, 2, 2, 1], [1, 2, 3, 4]), t([2], [-0.5, 1]), t([2], [2, 2.5])],
    t([1, 2, 2, 1], [9, 9, 3, 9]),
  ),
];

const resizing: readonly Vector[] = [
  vector("resize_nearest", "resize_nearest(x0, size: [1, 2])", [row], t([1, 1, 2, 1], [10, 30])),
  vector("resize_nearest", "resize_nearest(x0, size: [1, 2], rounding: ceil)", [row], t([1, 1, 2, 1], [20, 40])),
  vector(
    "resize_nearest",
    "resize_nearest(x0, size: [2, 4], coordinates: asymmetric, rounding: floor)",
    [image],
    t([1, 2, 4, 1], [1, 1, 2, 2, 3, 3, 4, 4]),
  ),
  vector("resize_linear", "resize_linear(x0, size: [1, 8])", [row], t([1, 1, 8, 1], [10, 12.5, 17.5, 22.5, 27.5, 32.5, 37.5, 40])),
  vector(
    "resize_linear",
    "resize_linear(x0, size: [1, 7], coordinates: align_corners)",
    [row],
    t([1, 1, 7, 1], [10, 15, 20, 25, 30, 35, 40]),
  ),
  vector("resize_linear", "resize_linear(x0, size: [3, 1], coordinates: align_corners)", [image], t([1, 3, 1, 1], [1, 2, 3])),
  vector("resize_linear", "resize_linear(x0, size: [1, 2])", [row], t([1, 1, 2, 1], [15, 35])),
  // Weights 1, 3, 3, 1 over 8, and the edge once more where it is missing.
  vector(
    "resize_linear",
    "resize_linear(x0, size: [1, 2], antialias: true)",
    [row],
    t([1, 1, 2, 1], [(10 + 30 + 60 + 30) / 8, (20 + 90 + 120 + 40) / 8]),
  ),
  vector(
    "interpolate_rows",
    "interpolate_rows(x0, x1, x2)",
    [image, i32([2], [0, 1]), t([2], [0.25, 0.5])],
    t([1, 2, 2, 1], [1.5, 2.5, 3, 4]),
  ),
  vector(
    "interpolate_columns",
    "interpolate_columns(x0, x1, x2)",
    [image, i32([2], [-1, 0]), t([2], [0.25, 0.25])],
    t([1, 2, 2, 1], [1, 1.25, 3, 3.25]),
  ),
  // Halfway the weights are -1, 9, 9, -1 over 16 with the coefficient -0.5.
  vector(
    "cubic_columns",
    "cubic_columns(x0, x1, x2, coefficient: -0.5)",
    [t([1, 1, 4, 1], [16, 32, 64, 16]), i32([2], [1, 2]), t([2], [0.5, 0])],
    t([1, 1, 2, 1], [52, 64]),
  ),
  vector(
    "cubic_rows",
    "cubic_rows(x0, x1, x2, coefficient: -0.5)",
    [t([1, 2, 1, 1], [16, 32]), i32([1], [0]), t([1], [0.5])],
    t([1, 1, 1, 1], [24]),
  ),
  vector(
    "resize_cubic",
    "resize_cubic(x0, size: [1, 2], coefficient: -0.5)",
    [t([1, 1, 4, 1], [16, 32, 64, 16])],
    t([1, 1, 2, 1], [22, 42]),
  ),
  // Without what is outside the weights 9, 9, -1 are over 17.
  vector(
    "resize_cubic",
    "resize_cubic(x0, size: [1, 2], coefficient: -0.5, exclude_outside: true)",
    [t([1, 1, 4, 1], [17, 34, 17, 17])],
    t([1, 1, 2, 1], [26, (9 * 17 + 9 * 17 - 34) / 17]),
  ),
  vector(
    "filtered_columns",
    "filtered_columns(x0, x1, x2, scale: 0.5, filter: linear)",
    [row, i32([1], [1]), t([1], [0])],
    t([1, 1, 1, 1], [(10 + 40 + 30) / 4]),
  ),
  vector(
    "filtered_rows",
    "filtered_rows(x0, x1, x2, scale: 1, filter: linear, exclude_outside: true)",
    [image, i32([1], [1]), t([1], [0.5])],
    t([1, 1, 2, 1], [3, 4]),
  ),
  vector("crop_and_resize", "crop_and_resize(x0, size: [1, 3], region: [0, 0, 0, 1])", [row], t([1, 1, 3, 1], [10, 25, 40])),
  vector("crop_and_resize", "crop_and_resize(x0, size: [1, 2], region: [0, 1, 0, 2], outside: -1)", [row], t([1, 1, 2, 1], [40, -1])),
];

const at = (...points: readonly (readonly [number, number])[]) => t([1, 1, points.length, 2], points.flat());

const sampling: readonly Vector[] = [
  vector(
    "grid_places",
    "grid_places(x0, extent: 4, component: 0, align_corners: true)",
    [at([-1, 0], [1, 0], [0, 0])],
    t([1, 1, 3], [0, 3, 1.5]),
  ),
  vector(
    "grid_places",
    "grid_places(x0, extent: 4, component: 1, align_corners: false)",
    [at([0, -1], [0, 1], [0, 0])],
    t([1, 1, 3], [-0.5, 3.5, 1.5]),
  ),
  vector(
    "sample_at",
    "sample_at(x0, x1, x2, padding: zeros)",
    [image, i32([1, 1, 2], [1, 2]), i32([1, 1, 2], [0, 0])],
    t([1, 1, 2, 1], [3, 0]),
  ),
  vector(
    "sample_at",
    "sample_at(x0, x1, x2, padding: border)",
    [image, i32([1, 1, 2], [1, 5]), i32([1, 1, 2], [-4, 7])],
    t([1, 1, 2, 1], [3, 4]),
  ),
  // Mirrored at the outer corners: ... 20 10 | 10 20 30 40 | 40 30 ...
  vector(
    "sample_at",
    "sample_at(x0, x1, x2, padding: reflection)",
    [row, i32([1, 1, 4], [0, 0, 0, 0]), i32([1, 1, 4], [-1, -2, 4, 5])],
    t([1, 1, 4, 1], [10, 20, 40, 30]),
  ),
  // Mirrored at the outermost elements: ... 30 20 | 10 20 30 40 | 30 20 ...
  vector(
    "sample_at",
    "sample_at(x0, x1, x2, padding: reflection, align_corners: true)",
    [row, i32([1, 1, 4], [0, 0, 0, 0]), i32([1, 1, 4], [-1, -2, 4, 5])],
    t([1, 1, 4, 1], [20, 30, 30, 20]),
  ),
  vector(
    "grid_sample",
    "grid_sample(x0, x1, align_corners: true)",
    [image, at([-1, -1], [0, 0], [1, 1], [1, 0])],
    t([1, 1, 4, 1], [1, 2.5, 4, 3]),
  ),
  vector("grid_sample", "grid_sample(x0, x1)", [image, at([-1, -1], [0, 0], [-2, 0])], t([1, 1, 3, 1], [0.25, 2.5, 0])),
  vector("grid_sample", "grid_sample(x0, x1, padding: border)", [image, at([-1, -1], [5, 0])], t([1, 1, 2, 1], [1, 3])),
  vector("grid_sample", "grid_sample(x0, x1, mode: nearest)", [image, at([-0.4, 0.4], [0.6, -0.6])], t([1, 1, 2, 1], [3, 2])),
  vector(
    "cubic_samples",
    "cubic_samples(x0, x1, x2, x3, x4, padding: border, coefficient: -0.5)",
    [t([1, 1, 4, 1], [16, 32, 64, 16]), i32([1, 1, 1], [0]), i32([1, 1, 1], [1]), t([1, 1, 1], [0]), t([1, 1, 1], [0.5])],
    t([1, 1, 1, 1], [52]),
  ),
  vector(
    "cubic_samples",
    "cubic_samples(x0, x1, x2, x3, x4, padding: zeros, coefficient: -0.5)",
    [t([1, 1, 2, 1], [16, 32]), i32([1, 1, 1], [0]), i32([1, 1, 1], [0]), t([1, 1, 1], [0]), t([1, 1, 1], [0.5])],
    t([1, 1, 1, 1], [27]),
  ),
];

export const literalImages: readonly Vector[] = [...coordinates, ...resizing, ...sampling];
