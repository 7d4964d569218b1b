/** Small cases of scattering, and of windows and regions at computed places, worked out by hand. */
import { tensor as t, type Vector, vector } from "./tensors.ts";

const i32 = (shape: number[], data: number[]) => t(shape, data, "i32");
const six = t([2, 3], [1, 2, 3, 4, 5, 6]);
const five = t([5], [10, 11, 12, 13, 14]);
/** An image of three rows and columns. */
const image = t([1, 3, 3, 1], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
const two = t([1, 2, 2, 1], [1, 2, 3, 4]);
/** Two planes of two rows and columns. */
const volume = t([1, 2, 2, 2, 1], [1, 2, 3, 4, 5, 6, 7, 8]);

const scattered: readonly Vector[] = [
  vector("gather_nd", "gather_nd(x0, x1)", [six, i32([2, 2], [0, 2, -1, 0])], t([2], [3, 4])),
  vector("gather_nd", "gather_nd(x0, x1)", [six, i32([2, 1], [1, 0])], t([2, 3], [4, 5, 6, 1, 2, 3])),
  vector("gather_nd", "gather_nd(x0, x1, batch: 1)", [six, i32([2, 1], [2, 0])], t([2], [3, 4])),
  vector("gather_nd", "gather_nd(x0, x1)", [five, i32([2, 1], [9, -9])], t([2], [14, 10])),
  vector("scatter_elements", "scatter_elements(x0, x1, x2)", [five, i32([2], [1, -1]), t([2], [5, 6])], t([5], [10, 5, 12, 13, 6])),
  // The last of two replaces; a place that there is not is left alone.
  vector("scatter_elements", "scatter_elements(x0, x1, x2)", [five, i32([3], [2, 2, 9]), t([3], [5, 6, 7])], t([5], [10, 11, 6, 13, 14])),
  vector(
    "scatter_elements",
    "scatter_elements(x0, x1, x2, axis: 1)",
    [six, i32([1, 2], [2, 0]), t([1, 2], [7, 8])],
    t([2, 3], [8, 2, 7, 4, 5, 6]),
  ),
  vector(
    "scatter_elements",
    "scatter_elements(x0, x1, x2, combine: add)",
    [five, i32([2], [3, 3]), t([2], [5, 6])],
    t([5], [10, 11, 12, 24, 14]),
  ),
  vector(
    "scatter_elements",
    "scatter_elements(x0, x1, x2, combine: smallest)",
    [five, i32([2], [0, 4]), t([2], [5, 60])],
    t([5], [5, 11, 12, 13, 14]),
  ),
  vector("last_update", "last_update(x0, shape: [4], axis: 0)", [i32([3], [1, -1, 1])], i32([4], [-1, 2, -1, 1])),
  vector("put_elements", "put_elements(x0, x1, x2, axis: 0)", [t([3], [1, 2, 3]), i32([3], [-1, 1, 0]), t([2], [8, 9])], t([3], [1, 9, 8])),
  vector(
    "combine_elements",
    "combine_elements(x0, x1, x2, axis: 0, combine: multiply)",
    [five, i32([2], [1, 1]), t([2], [2, 3])],
    t([5], [10, 66, 12, 13, 14]),
  ),
  vector(
    "combine_elements",
    "combine_elements(x0, x1, x2, axis: 0, combine: largest)",
    [five, i32([2], [1, -2]), t([2], [2, 30])],
    t([5], [10, 11, 12, 30, 14]),
  ),
  vector(
    "scatter_nd",
    "scatter_nd(x0, x1, x2)",
    [six, i32([2, 1], [1, 1]), t([2, 3], [7, 8, 9, 10, 11, 12])],
    t([2, 3], [1, 2, 3, 10, 11, 12]),
  ),
  vector("scatter_nd", "scatter_nd(x0, x1, x2)", [six, i32([2, 2], [0, -1, 1, 0]), t([2], [7, 8])], t([2, 3], [1, 2, 7, 8, 5, 6])),
  vector(
    "scatter_nd",
    "scatter_nd(x0, x1, x2, combine: add)",
    [six, i32([2, 2], [0, 0, 0, 0]), t([2], [7, 8])],
    t([2, 3], [16, 2, 3, 4, 5, 6]),
  ),
  vector("last_slice", "last_slice(x0, shape: [2, 2])", [i32([3, 2], [0, 1, -1, 0, 0, 1])], i32([2, 2], [-1, 2, 1, -1])),
  vector(
    "put_slices",
    "put_slices(x0, x1, x2)",
    [six, i32([2], [-1, 1]), t([2, 3], [7, 8, 9, 10, 11, 12])],
    t([2, 3], [1, 2, 3, 10, 11, 12]),
  ),
  vector(
    "combine_slices",
    "combine_slices(x0, x1, x2, combine: multiply)",
    [six, i32([2, 1], [0, 0]), t([2, 3], [2, 2, 2, 1, 0, 3])],
    t([2, 3], [2, 0, 18, 4, 5, 6]),
  ),
  vector(
    "combine_slices",
    "combine_slices(x0, x1, x2, combine: smallest)",
    [six, i32([1, 1], [1]), t([1, 3], [9, 0, 6])],
    t([2, 3], [1, 2, 3, 4, 0, 6]),
  ),
];

const zeros = (shape: number[]) => t(shape, new Array<number>(shape.reduce((a, b) => a * b, 1)).fill(0));
const ones = (shape: number[]) => t(shape, new Array<number>(shape.reduce((a, b) => a * b, 1)).fill(1));

const deformed: readonly Vector[] = [
  // Without offsets it is a convolution: 1 + 2 + 4 + 5, and so on.
  vector(
    "deform_conv2d",
    "deform_conv2d(x0, x1, x2, x3)",
    [image, ones([2, 2, 1, 1]), zeros([1, 2, 2, 8]), ones([1, 2, 2, 4])],
    t([1, 2, 2, 1], [12, 16, 24, 28]),
  ),
  // One tap, half a row down, at half its weight: between 1 and 4, 2 and 5; the last row is half outside.
  vector(
    "deform_conv2d",
    "deform_conv2d(x0, x1, x2, x3)",
    [
      image,
      t([1, 1, 1, 1], [2]),
      t([1, 3, 3, 2], new Array<number[]>(9).fill([0.5, 0]).flat()),
      t([1, 3, 3, 1], new Array<number>(9).fill(0.5)),
    ],
    t([1, 3, 3, 1], [2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 3.5, 4, 4.5]),
  ),
  vector(
    "deformed_places",
    "deformed_places(x0, component: 0, window: [2, 1], stride: 2, dilation: 3, before: 1)",
    [t([1, 1, 2, 4], [0.5, 9, 0, 9, 0, 9, -0.5, 9])],
    t([1, 1, 2, 2], [-0.5, 2, -1, 1.5]),
  ),
  vector(
    "deformed_places",
    "deformed_places(x0, component: 1, window: [1, 2], stride: 2, dilation: 3, before: 1)",
    [t([1, 1, 2, 4], [9, 0.5, 9, 0, 9, 0, 9, -0.5])],
    t([1, 1, 2, 2], [-0.5, 2, 1, 3.5]),
  ),
  // Between all four elements of the image, then outside it, times 2.
  vector(
    "deformed_taps",
    "deformed_taps(x0, x1, x2, x3, x4, x5, sets: 1)",
    [
      two,
      i32([1, 1, 1, 2], [0, 5]),
      i32([1, 1, 1, 2], [0, 0]),
      t([1, 1, 1, 2], [0.5, 0]),
      t([1, 1, 1, 2], [0.5, 0]),
      t([1, 1, 1, 2], [2, 2]),
    ],
    t([1, 1, 1, 2, 1], [5, 0]),
  ),
  vector(
    "tap_products",
    "tap_products(x0, x1)",
    [t([1, 1, 1, 2, 2], [1, 2, 3, 4]), t([2, 2, 1], [1, 10, 100, 1000])],
    t([1, 1, 1, 1], [4321]),
  ),
  vector(
    "tap_products",
    "tap_products(x0, x1, groups: 2)",
    [t([1, 1, 1, 2, 2], [1, 2, 3, 4]), t([2, 1, 2], [1, 10, 100, 1000])],
    t([1, 1, 1, 2], [301, 4020]),
  ),
];

const regions: readonly Vector[] = [
  // The whole image once more, and its lower right corner.
  vector(
    "roi_align",
    "roi_align(x0, x1, x2, size: [3, 3], samples: 1)",
    [image, t([1, 4], [0, 0, 3, 3]), i32([1], [0])],
    t([1, 3, 3, 1], [1, 2, 3, 4, 5, 6, 7, 8, 9]),
  ),
  vector(
    "roi_align",
    "roi_align(x0, x1, x2, size: [1, 1], samples: 2, scale: 0.5)",
    [image, t([1, 4], [0, 0, 6, 6]), i32([1], [0])],
    t([1, 1, 1, 1], [5]),
  ),
  // The sample lies on 5, whose neighbours weigh nothing.
  vector(
    "roi_align",
    "roi_align(x0, x1, x2, size: [1, 1], samples: 1, mode: largest, half_pixel: false)",
    [image, t([1, 4], [0, 0, 2, 2]), i32([1], [0])],
    t([1, 1, 1, 1], [5]),
  ),
  vector(
    "sampled_places",
    "sampled_places(x0, first: 1, count: 2, scale: 1, half_pixel: false)",
    [t([2, 4], [0, 1, 0, 5, 0, 2, 0, 2])],
    t([2, 2], [2, 4, 2.25, 2.75]),
  ),
  vector(
    "region_places",
    "region_places(x0, first: 0, size: 2, samples: 1, extent: 4, scale: 1, half_pixel: true)",
    [t([2, 4], [-4, 0, 4, 0, 1, 0, 3, 0])],
    t([2, 2], [-2, 1.5, 1, 2]),
  ),
  vector(
    "region_samples",
    "region_samples(x0, x1, x2, x3, x4, x5)",
    [two, i32([1], [0]), i32([1, 2], [0, -2]), i32([1, 1], [0]), t([1, 2], [0.5, 0]), t([1, 1], [0.5])],
    t([1, 2, 1, 1], [2.5, 0]),
  ),
  vector(
    "region_samples",
    "region_samples(x0, x1, x2, x3, x4, x5, mode: largest)",
    [two, i32([1], [0]), i32([1, 1], [0]), i32([1, 1], [0]), t([1, 1], [0.5]), t([1, 1], [0.5])],
    t([1, 1, 1, 1], [1]),
  ),
];

const volumes: readonly Vector[] = [
  // The corner, the middle of all, and outside.
  vector(
    "grid_sample3d",
    "grid_sample3d(x0, x1, align_corners: true)",
    [volume, t([1, 1, 1, 3, 3], [-1, -1, -1, 0, 0, 0, 5, 0, 0])],
    t([1, 1, 1, 3, 1], [1, 4.5, 0]),
  ),
  vector(
    "grid_sample3d",
    "grid_sample3d(x0, x1, mode: nearest, padding: border)",
    [volume, t([1, 1, 1, 2, 3], [0.9, -0.9, 0.9, 9, 9, 9])],
    t([1, 1, 1, 2, 1], [6, 8]),
  ),
  vector(
    "volume_places",
    "volume_places(x0, extent: 3, component: 2, align_corners: true)",
    [t([1, 2, 3], [9, 9, -1, 9, 9, 0.5])],
    t([1, 2], [0, 1.5]),
  ),
  vector(
    "volume_places",
    "volume_places(x0, extent: 4, component: 0, align_corners: false)",
    [t([1, 2, 3], [-1, 9, 9, 1, 9, 9])],
    t([1, 2], [-0.5, 3.5]),
  ),
  // Half between the planes, then mirrored at the outer corner.
  vector(
    "volume_samples",
    "volume_samples(x0, x1, x2, x3, x4, x5, x6, padding: reflection)",
    [volume, i32([1, 2], [0, -1]), i32([1, 2], [0, 1]), i32([1, 2], [1, 0]), t([1, 2], [0.5, 0]), zeros([1, 2]), zeros([1, 2])],
    t([1, 2, 1], [4, 3]),
  ),
];

export const literalRegions: readonly Vector[] = [...scattered, ...deformed, ...regions, ...volumes];
