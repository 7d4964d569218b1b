/** Small cases of convolutions, pooling, normalisation and products, worked out by hand. */
import { tensor as t, type Vector, vector } from "./tensors.ts";

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
const line = t([1, 4, 1], [1, 2, 3, 4]);
const image = t([1, 3, 3, 1], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
const i32 = (shape: number[], data: number[]) => t(shape, data, "i32");
const u8 = (shape: number[], data: number[]) => t(shape, data, "u8");
const i8 = (shape: number[], data: number[]) => t(shape, data, "i8");

const convolutions: readonly Vector[] = [
  vector("conv1d", "conv1d(x0, x1)", [line, t([2, 1, 1], [1, -1])], t([1, 3, 1], [-1, -1, -1])),
  vector("conv1d", "conv1d(x0, x1, stride: [2], pad: [1, 1])", [line, t([2, 1, 1], [10, 1])], t([1, 3, 1], [1, 23, 40])),
  vector("conv3d", "conv3d(x0, x1)", [t([1, 1, 1, 2, 1], [3, 4]), t([1, 1, 2, 1, 1], [10, 1])], t([1, 1, 1, 1, 1], [34])),
  vector("conv3d", "conv3d(x0, x1, pad: same)", [t([1, 2, 1, 1, 1], [3, 4]), t([2, 1, 1, 1, 1], [10, 1])], t([1, 2, 1, 1, 1], [34, 40])),
  // Each element adds the kernel, times itself, to the outputs from its place on.
  vector("conv_transpose", "conv_transpose(x0, x1)", [t([1, 2, 1], [2, 3]), t([2, 1, 1], [1, 10])], t([1, 3, 1], [2, 23, 30])),
  vector(
    "conv_transpose",
    "conv_transpose(x0, x1, stride: [2])",
    [t([1, 2, 1], [2, 3]), t([2, 1, 1], [1, 10])],
    t([1, 4, 1], [2, 20, 3, 30]),
  ),
  vector(
    "conv_transpose",
    "conv_transpose(x0, x1, stride: [3], extra: [1], pad: [1, 0])",
    [t([1, 2, 1], [2, 3]), t([2, 1, 1], [1, 10])],
    t([1, 5, 1], [20, 0, 3, 30, 0]),
  ),
  vector(
    "conv_transpose1d",
    "conv_transpose1d(x0, x1, dilation: [2])",
    [t([1, 2, 1], [2, 3]), t([2, 1, 1], [1, 10])],
    t([1, 4, 1], [2, 3, 20, 30]),
  ),
  vector(
    "conv_transpose1d",
    "conv_transpose1d(x0, x1, groups: 2)",
    [t([1, 1, 2], [2, 3]), t([1, 1, 2], [10, 100])],
    t([1, 1, 2], [20, 300]),
  ),
  vector(
    "conv_transpose2d",
    "conv_transpose2d(x0, x1)",
    [t([1, 1, 2, 1], [2, 3]), t([2, 1, 1, 1], [1, 10])],
    t([1, 2, 2, 1], [2, 3, 20, 30]),
  ),
  // (2 - 1) (3 - 5) + (4 - 1) (6 - 5)
  vector("conv_integer", "conv_integer(x0, x1, x_zero: 1, k_zero: 5)", [u8([1, 2, 1], [2, 4]), u8([2, 1, 1], [3, 6])], i32([1, 1, 1], [1])),
  // Padding is the zero point, and so nothing.
  vector(
    "conv_integer",
    "conv_integer(x0, x1, x_zero: -128, pad: [1, 1])",
    [i8([1, 1, 1], [127]), i8([3, 1, 1], [1, -128, 3])],
    i32([1, 1, 1], [-32640]),
  ),
];

const pools: readonly Vector[] = [
  vector("max_pool", "max_pool(x0, window: [2])", [line], t([1, 2, 1], [2, 4])),
  vector("max_pool", "max_pool(x0, window: [2, 2], ceil: true)", [image], t([1, 2, 2, 1], [5, 6, 8, 9])),
  vector("max_pool", "max_pool(x0, window: [2], stride: [1], dilation: [2])", [line], t([1, 2, 1], [3, 4])),
  vector("max_pool", "max_pool(x0, window: [2], stride: [2], pad: [1, 1])", [t([1, 3, 1], [-5, -6, nan])], t([1, 2, 1], [-5, nan])),
  // A last window that would begin in the padding after is left out.
  vector("max_pool", "max_pool(x0, window: [1], stride: [2], ceil: true)", [t([1, 2, 1], [1, 2])], t([1, 1, 1], [1])),
  vector("max_pool_indices", "max_pool_indices(x0, window: [2, 2], stride: [1, 1])", [image], i32([1, 2, 2, 1], [4, 5, 7, 8])),
  vector("max_pool_indices", "max_pool_indices(x0, window: [2])", [t([1, 4, 2], [9, 1, 2, 1, 3, 4, 5, 3])], i32([1, 2, 2], [0, 1, 6, 5])),
  vector(
    "max_pool_indices",
    "max_pool_indices(x0, window: [3], stride: [1], pad: same)",
    [t([1, 3, 1], [7, 7, 1])],
    i32([1, 3, 1], [0, 0, 1]),
  ),
  vector("avg_pool", "avg_pool(x0, window: [2])", [line], t([1, 2, 1], [1.5, 3.5])),
  vector("avg_pool", "avg_pool(x0, window: [2, 2], ceil: true)", [image], t([1, 2, 2, 1], [3, 4.5, 7.5, 9])),
  vector("avg_pool", "avg_pool(x0, window: [3], stride: [2], pad: [1, 1])", [line], t([1, 2, 1], [1.5, 3])),
  vector("avg_pool", "avg_pool(x0, window: [3], stride: [2], pad: [1, 1], count_padding: true)", [line], t([1, 2, 1], [1, 3])),
  vector("avg_pool", "avg_pool(x0, window: [2], stride: [1], dilation: [3])", [line], t([1, 1, 1], [2.5])),
  // What a window covers beyond the padding never counts.
  vector("avg_pool", "avg_pool(x0, window: [3], stride: [3], pad: [0, 1], ceil: true, count_padding: true)", [line], t([1, 2, 1], [2, 2])),
  vector("lp_pool", "lp_pool(x0, window: [2])", [t([1, 4, 1], [3, -4, 6, 8])], t([1, 2, 1], [5, 10])),
  vector("lp_pool", "lp_pool(x0, window: [2], p: 1)", [t([1, 4, 1], [3, -4, 6, 8])], t([1, 2, 1], [7, 14])),
  vector("lp_pool", "lp_pool(x0, window: [3], p: 3)", [t([1, 3, 1], [3, -4, 5])], t([1, 1, 1], [6])),
  vector("lp_pool", "lp_pool(x0, window: [2], p: 3)", [t([1, 2, 1], [0, 0])], t([1, 1, 1], [0])),
  vector("global_max_pool", "global_max_pool(x0)", [t([1, 2, 2, 2], [1, -10, 4, -20, 3, -30, 2, -40])], t([1, 2], [4, -10])),
  vector("global_max_pool", "global_max_pool(x0)", [t([1, 2, 1], [nan, 1])], t([1, 1], [nan])),
  vector("global_lp_pool", "global_lp_pool(x0)", [t([1, 2, 1], [3, -4])], t([1, 1], [5])),
  vector("global_lp_pool", "global_lp_pool(x0, p: 1)", [t([1, 2, 1], [3, -4])], t([1, 1], [7])),
];

/** Mean 3 and variance 4, so that 1 and 5 become -1 and 1. */
const pair = [1, 5];

const normalizations: readonly Vector[] = [
  vector(
    "layer_norm",
    "layer_norm(x0, x1, x2, epsilon: 0)",
    [t([2, 2], [...pair, 10, 14]), t([2], [2, 3]), t([2], [10, 20])],
    t([2, 2], [8, 23, 8, 23]),
  ),
  vector(
    "layer_norm",
    "layer_norm(x0, x1, x2, axis: 0, epsilon: 0)",
    [t([2, 1], pair), t([2, 1], [1, 1]), t([2, 1], [0, 0])],
    t([2, 1], [-1, 1]),
  ),
  vector(
    "instance_norm",
    "instance_norm(x0, x1, x2, epsilon: 0)",
    [t([1, 2, 2], [1, 50, 5, 10]), t([2], [1, 2]), t([2], [0, 100])],
    t([1, 2, 2], [-1, 102, 1, 98]),
  ),
  vector(
    "group_norm",
    "group_norm(x0, x1, x2, groups: 2, epsilon: 0)",
    [t([1, 1, 4], [...pair, 30, 10]), t([4], [1, 1, 1, 2]), t([4], [0, 0, 0, 7])],
    t([1, 1, 4], [-1, 1, 1, 5]),
  ),
  vector(
    "group_norm",
    "group_norm(x0, x1, x2, groups: 1, epsilon: 0)",
    [t([1, 2, 2], [1, 5, 5, 1]), t([2], [1, 1]), t([2], [0, 0])],
    t([1, 2, 2], [-1, 1, 1, -1]),
  ),
  vector(
    "rms_norm",
    "rms_norm(x0, x1, epsilon: 0)",
    [t([2, 2], [3, 3, 0, Math.fround(-2)]), t([2], [1, 10])],
    t([2, 2], [1, 10, 0, -Math.SQRT2 * 10]),
  ),
  vector("rms_norm", "rms_norm(x0, x1, axis: 0, epsilon: 7)", [t([2, 1], [3, 3]), t([2, 1], [4, 8])], t([2, 1], [3, 6])),
  // Elements beyond the channels count as 0: 1 + (1 + 4) / 3 ... with beta = 1 and alpha = 3.
  vector(
    "local_response_norm",
    "local_response_norm(x0, size: 3, alpha: 3, beta: 1, k: 1)",
    [t([1, 3], [1, 2, 3])],
    t([1, 3], [1 / 6, 2 / 15, 3 / 14]),
  ),
  // An even window reaches further up.
  vector(
    "local_response_norm",
    "local_response_norm(x0, size: 2, alpha: 2, beta: 0.5, k: 4)",
    [t([1, 2], [2, 1])],
    t([1, 2], [2 / 3, 1 / Math.sqrt(5)]),
  ),
];

const products: readonly Vector[] = [
  vector("bias_add", "bias_add(x0, x1)", [t([2, 2], [1, 2, 3, 4]), t([2], [10, inf])], t([2, 2], [11, inf, 13, inf])),
  vector(
    "contract",
    "contract(x0, x1, a_axes: [1], b_axes: [0])",
    [t([2, 2], [1, 2, 3, 4]), t([2, 3], [1, 0, 2, 0, 1, 3])],
    t([2, 3], [1, 2, 8, 3, 4, 18]),
  ),
  vector("contract", "contract(x0, x1, a_axes: [], b_axes: [])", [t([2], [1, 2]), t([2], [3, 4])], t([2, 2], [3, 4, 6, 8])),
  vector(
    "contract",
    "contract(x0, x1, a_axes: [0, 1], b_axes: [1, 0])",
    [t([2, 2], [1, 2, 3, 4]), t([2, 2], [1, 10, 100, 1000])],
    t([], [4231]),
  ),
  vector("contract", "contract(x0, x1, a_axes: [-1], b_axes: [-1])", [i32([2], [3, -4]), i32([1, 2], [5, 6])], i32([1], [-9])),
  vector(
    "matmul_integer",
    "matmul_integer(x0, x1, a_zero: 12, b_zero: 1)",
    [u8([1, 2], [11, 255]), i8([2, 1], [-128, 127])],
    i32([1, 1], [129 + 243 * 126]),
  ),
];

export const literalLayers: readonly Vector[] = [...convolutions, ...pools, ...normalizations, ...products];
