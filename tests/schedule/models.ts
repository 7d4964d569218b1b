/** Small models that random schedules are tried on, by name. */
export const scheduledModels: { readonly [name: string]: string } = {
  convolution:
    "model m(x: f32[1, 9, 11, 3]) -> y: f32[1, 9, 11, 10] { relu(conv2d(x, @k: [3, 3, 3, 10] = he_normal, pad: same) + @b: [10] = uniform(-1, 1)) }",
  strided: "model m(x: f32[2, 10, 10, 4]) -> y: f32[2, 5, 5, 8] { conv2d(x, @k: [3, 3, 4, 8] = he_normal, stride: [2, 2], pad: same) }",
  valid: "model m(x: f32[1, 8, 8, 5]) -> y: f32[1, 6, 6, 7] { conv2d(x, @k: [3, 3, 5, 7] = he_normal) }",
  pointwise: "model m(x: f32[1, 6, 7, 8]) -> y: f32[1, 6, 7, 12] { conv2d(x, @k: [1, 1, 8, 12] = he_normal) }",
  residual:
    "model m(x: f32[1, 6, 6, 8]) -> y: f32[1, 6, 6, 8] { let a = relu(conv2d(x, @k: [3, 3, 8, 8] = he_normal, pad: same))\n relu(conv2d(a, @l: [3, 3, 8, 8] = he_normal, pad: same) + a) }",
  depthwise: "model m(x: f32[1, 9, 9, 6]) -> y: f32[1, 9, 9, 6] { relu6(depthwise_conv2d(x, @k: [3, 3, 6, 1] = he_normal, pad: same)) }",
  matmul: "model m(x: f32[9, 13]) -> y: f32[9, 10] { matmul(x, @w: [13, 10] = he_normal) }",
  batched: "model m(x: f32[2, 5, 6], z: f32[2, 6, 8]) -> y: f32[2, 5, 8] { matmul(x, z) }",
  dense: "model m(x: f32[1, 40]) -> y: f32[1, 19] { dense(x, @w: [40, 19] = glorot_uniform, @b: [19] = uniform(-1, 1)) |> softmax }",
  max_pool: "model m(x: f32[1, 9, 9, 6]) -> y: f32[1, 4, 4, 6] { max_pool2d(x, window: [3, 3], stride: [2, 2]) }",
  average_pool: "model m(x: f32[1, 8, 8, 5]) -> y: f32[1, 8, 8, 5] { avg_pool2d(x, window: [3, 3], stride: [1, 1], pad: same) }",
  elementwise: "model m(x: f32[3, 7, 10], z: f32[7, 10]) -> y: f32[3, 7, 10] { tanh(x * z) + sigmoid(x) }",
  separable:
    "model m(x: f32[1, 9, 9, 6]) -> y: f32[1, 9, 9, 10] { let a = relu(depthwise_conv2d(x, @k: [3, 3, 6, 1] = he_normal, pad: same))\n relu(conv2d(a, @w: [1, 1, 6, 10] = he_normal)) + 1 }",
  bordered:
    "model m(x: f32[1, 7, 9, 4]) -> y: f32[1, 4, 5, 8] { let a = relu(conv2d(x, @k: [1, 1, 4, 6] = he_normal) - 1)\n let b = max_pool2d(a, window: [3, 3], stride: [1, 1], pad: same)\n conv2d(b, @l: [3, 3, 6, 8] = he_normal, stride: [2, 2], pad: same) }",
  chained:
    "model m(x: f32[24]) -> y: f32[24] { let a = tanh(x)\n let b = shifted_sum(a) * a\n let c = shifted_sum(b)\n c + b * 2 }\nop shifted_sum(x: [n]) -> y: [n] { y[i] = (x[i - 1] else 1) + (x[i + 1] else 1) * x[n - 1 - i] }",
  replaced:
    "model m(x: f32[6, 8]) -> (y: f32[6, 8], z: f32[6]) { let a = exp(x)\n let s = reduce_sum(a, axes: [1], keep: true)\n let b = a / s\n let c = b * reduce_max(b, axes: [0], keep: true)\n (c, reduce_sum(c * a, axes: [1])) }",
  shuffle: "model m(x: f32[4, 6, 5]) -> y: f32[5, 24] { transpose(x, order: [2, 0, 1]) |> reshape(to: [5, 24]) |> exp }",
  reduction: "model m(x: f32[6, 11, 9]) -> y: f32[6, 9] { reduce_mean(x, axes: [1]) - reduce_min(x * 2, axes: [1]) }",
};
