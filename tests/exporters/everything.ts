/** One small model with something of everything that formats say in different ways. */
export const everything = `
# The user's own convolution: a format that has the library's has this one too.
op hand_made(x: [n, h, w, c], k: [kh, kw, c, f]) -> y: [n, h, w, f] {
  y[n, h, w, f] = sum(kh, kw, c) (x[n, h + kh - 1, w + kw - 1, c] else 0) * k[kh, kw, c, f]
}

fn normalize(x: [n, h, w, c], @w) {
  batch_norm(x, @w.gamma: [c] = ones, @w.beta: [c] = zeros, @w.mean: [c] = zeros, @w.variance: [c] = ones)
}

model everything(image: f32[1, 16, 16, 3]) -> (classes: f32[1, 10], mask: f32[1, 16, 16, 4]) {
  # A folded batch normalisation, an activation inside, padding that is SAME.
  let stem = image |> conv2d(@stem: [3, 3, 3, 8] = he_normal, stride: [2, 2], pad: same) |> normalize(@stem_norm) |> relu6
  # Padding that is not SAME at this stride, where a 0 is as good as -infinity.
  let pooled = max_pool2d(stem, window: [3, 3], stride: [2, 2], pad: [1, 1, 1, 1])
  let grouped = depthwise_conv2d(pooled, @filter: [3, 3, 8, 1] = he_normal, pad: [1, 1, 1, 1]) |> normalize(@filter_norm)
  let own = hand_made(grouped, @own: [3, 3, 8, 8] = he_normal) + @own_bias: [8] = uniform(-1, 1)
  # A value that is read without its activation too; a sum with one inside.
  let sum = relu(relu6(own) + own)
  # Channels shuffled: reshape, transpose, reshape.
  let shuffled = sum |> reshape(to: [1, 4, 4, 2, 4]) |> transpose(order: [0, 1, 2, 4, 3]) |> reshape(to: [1, 4, 4, 8])
  let half = split(shuffled, parts: 2, part: 1)
  let gate = hard_sigmoid(reduce_mean(half, axes: [1, 2], keep: true), slope: 1 / 6)
  let joined = concat(half * gate, hard_swish(half))
  let larger = conv_transpose2d(joined, @up: [2, 2, 4, 8] = he_normal, stride: [2, 2]) + @up_bias: [4] = uniform(-1, 1)
  mask = sigmoid(resize_linear(larger, size: [16, 16]))
  classes = flatten(joined) |> dense(@head: [128, 10] = glorot_uniform, @head_bias: [10] = uniform(-1, 1)) |> softmax
}
`;
