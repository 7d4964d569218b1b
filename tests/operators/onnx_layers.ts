/** ONNX's convolutions, pooling, normalisation and linear layers in this library's terms: channels last, kernels with the output channels last. */
import {
  broadcast,
  type Call,
  channelsFirst,
  channelsLast,
  dimsOf,
  elements,
  float,
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

/** The attributes of a window over `rank` dimensions, as far as the node gives them. */
function windowText(node: Node, rank: number, dilates = true): string {
  const list = (name: string, otherwise: number) => integers(node, name) ?? range(rank).map(() => otherwise);
  const automatic = { SAME_UPPER: "same", SAME_LOWER: "same_lower", VALID: "valid" }[word(node, "auto_pad", "NOTSET")];
  const pads = integers(node, "pads") ?? range(2 * rank).map(() => 0);
  const dilation = dilates ? `, dilation: [${list("dilations", 1)}]` : "";
  return `stride: [${list("strides", 1)}]${dilation}, pad: ${automatic ?? `[${pads}]`}`;
}

/** [channels out, channels in, ...] as [..., channels in, channels out]. */
function kernelLast(x: string, rank: number): string {
  return `transpose(${x}, order: [${[...range(rank - 2, 2), 1, 0]}])`;
}

function biased(node: Node, x: string, i: number): string {
  return node.inputs[i] ? `bias_add(${x}, ${text(node, i)})` : x;
}

/** The shape of an inner result, of which only the rank is needed. */
function unknownExtents(node: Node): number[] {
  return [
    ...dimsOf(node, 0).slice(0, 2),
    ...dimsOf(node, 0)
      .slice(2)
      .map(() => -1),
  ];
}

const convolution: Translation = (node) => {
  const rank = dimsOf(node, 0).length;
  const x = channelsLast(text(node, 0), rank);
  const k = kernelLast(text(node, 1), rank);
  const window = windowText(node, rank - 2);
  const groups = integer(node, "group", 1);
  const call = (operator: string, kernel: string, more = ""): Call => ({
    operator,
    text: channelsFirst(biased(node, `${operator}(${x}, ${kernel}, ${window}${more})`, 2), rank),
    dims: node.outputs[0]?.dims ?? unknownExtents(node),
  });
  const calls = [call("conv", k, `, groups: ${groups}`)];
  if (rank === 3) calls.push(call("conv1d", k, `, groups: ${groups}`));
  if (rank === 4 && groups === 1) calls.push(call("conv2d", k));
  if (rank === 5) calls.push(call("conv3d", k, `, groups: ${groups}`));
  const [filters = 1, , ...size] = dimsOf(node, 1);
  if (rank === 4 && groups === dimsOf(node, 0)[1])
    calls.push(call("depthwise_conv2d", `reshape(${k}, to: [${size}, ${groups}, ${filters / groups}])`));
  return calls;
};

const transposedConvolution: Translation = (node) => {
  const rank = dimsOf(node, 0).length;
  if (node.attributes.has("auto_pad")) return "automatic padding of a transposed convolution";
  const list = (name: string, otherwise: number) => integers(node, name) ?? range(rank - 2).map(() => otherwise);
  const [stride, dilation, extra] = [list("strides", 1), list("dilations", 1), [...list("output_padding", 0)]];
  const pads = [...(integers(node, "pads") ?? range(2 * (rank - 2)).map(() => 0))];
  integers(node, "output_shape")?.forEach((extent, d) => {
    const [n, k] = [dimsOf(node, 0)[d + 2] as number, dimsOf(node, 1)[d + 2] as number];
    const whole = (n - 1) * (stride[d] as number) + (k - 1) * (dilation[d] as number) + 1 + (extra[d] as number);
    // What is missing is added after; what is too much is cut off, the odd element before.
    extra[d] = (extra[d] as number) + Math.max(0, extent - whole);
    pads[d] = Math.ceil(Math.max(0, whole - extent) / 2);
    pads[d + rank - 2] = Math.floor(Math.max(0, whole - extent) / 2);
  });
  const operands = `${channelsLast(text(node, 0), rank)}, ${kernelLast(text(node, 1), rank)}`;
  const window = `stride: [${stride}], dilation: [${dilation}], pad: [${pads}], extra: [${extra}], groups: ${integer(node, "group", 1)}`;
  return ["conv_transpose", ...(rank < 5 ? [`conv_transpose${rank - 2}d`] : [])].map((operator) => ({
    operator,
    text: channelsFirst(biased(node, `${operator}(${operands}, ${window})`, 2), rank),
  }));
};

const maxPool: Translation = (node) => {
  const rank = dimsOf(node, 0).length;
  const x = channelsLast(text(node, 0), rank);
  const window = `window: [${integers(node, "kernel_shape")}], ${windowText(node, rank - 2)}`;
  const ceil = integer(node, "ceil_mode", 0) === 1;
  const calls: Call[] = [{ operator: "max_pool", text: channelsFirst(`max_pool(${x}, ${window}, ceil: ${ceil})`, rank) }];
  if (rank === 4 && !ceil) calls.push({ operator: "max_pool2d", text: channelsFirst(`max_pool2d(${x}, ${window})`, rank) });
  const [n, c] = dimsOf(node, 0);
  // The positions are those in ONNX's layout, which is this library's only without batches and channels.
  if (node.outputs.length > 1 && n === 1 && c === 1 && integer(node, "storage_order", 0) === 0)
    calls.push({ operator: "max_pool_indices", text: channelsFirst(`max_pool_indices(${x}, ${window}, ceil: ${ceil})`, rank), output: 1 });
  return calls;
};

const averagePool: Translation = (node) => {
  const rank = dimsOf(node, 0).length;
  const x = channelsLast(text(node, 0), rank);
  const window = (dilates: boolean) => `window: [${integers(node, "kernel_shape")}], ${windowText(node, rank - 2, dilates)}`;
  const counts = `count_padding: ${integer(node, "count_include_pad", 0) === 1}`;
  const ceil = integer(node, "ceil_mode", 0) === 1;
  const calls: Call[] = [
    {
      operator: "avg_pool",
      text: channelsFirst(`avg_pool(${x}, ${window(true)}, ceil: ${ceil}, ${counts})`, rank),
      dims: node.outputs[0]?.dims ?? unknownExtents(node),
    },
  ];
  if (rank === 4 && !ceil && !node.attributes.has("dilations"))
    calls.push({ operator: "avg_pool2d", text: channelsFirst(`avg_pool2d(${x}, ${window(false)}, ${counts})`, rank) });
  return calls;
};

const normPool: Translation = (node) => {
  const rank = dimsOf(node, 0).length;
  const window = `window: [${integers(node, "kernel_shape")}], ${windowText(node, rank - 2, false)}, p: ${integer(node, "p", 2)}`;
  return { operator: "lp_pool", text: channelsFirst(`lp_pool(${channelsLast(text(node, 0), rank)}, ${window})`, rank) };
};

/** Over all spatial dimensions, which remain with the extent 1. */
function globalPool(operator: string): Translation {
  return (node) => {
    const [n, c, ...spatial] = dimsOf(node, 0);
    const norm = operator === "global_lp_pool" ? `, p: ${integer(node, "p", 2)}` : "";
    const pooled = `${operator}(${channelsLast(text(node, 0), spatial.length + 2)}${norm})`;
    return { operator, text: `reshape(${pooled}, to: [${[n, c, ...spatial.map(() => 1)]}])` };
  };
}

/** A normalisation whose parameters are per channel. */
function perChannel(operator: string, operands: number, more: (node: Node) => string = () => ""): Translation {
  return (node) => {
    if (integer(node, "training_mode", 0) || node.outputs.length > 1) return "training";
    const rank = dimsOf(node, 0).length;
    const parameters = range(operands, 1).map((i) => text(node, i));
    const call = `${operator}(${[channelsLast(text(node, 0), rank), ...parameters].join(", ")}, epsilon: ${float(node, "epsilon", 1e-5)}${more(node)})`;
    return { operator, text: channelsFirst(call, rank) };
  };
}

const layerNorm: Translation = (node) => {
  const rank = dimsOf(node, 0).length;
  const axis = wrapped(integer(node, "axis", -1), rank);
  const x = text(node, 0);
  const axes = range(rank - axis, axis);
  const beta = node.inputs[2] ? text(node, 2) : `full(shape: [${dimsOf(node, 1)}], value: 0)`;
  const epsilon = float(node, "epsilon", 1e-5);
  const square = `square(${x} - reduce_mean(${x}, axes: [${axes}], keep: true))`;
  return [
    {
      operator: "layer_norm",
      text: `layer_norm(${x}, ${text(node, 1)}, ${beta}, axis: ${integer(node, "axis", -1)}, epsilon: ${epsilon})`,
    },
    { operator: "reduce_mean", text: `reduce_mean(${x}, axes: [${axes}], keep: true)`, output: 1 },
    { operator: "rsqrt", text: `rsqrt(reduce_mean(${square}, axes: [${axes}], keep: true) + ${epsilon})`, output: 2 },
  ];
};

const rmsNorm: Translation = (node) => ({
  operator: "rms_norm",
  text: `rms_norm(${text(node, 0)}, ${text(node, 1)}, axis: ${integer(node, "axis", -1)}, epsilon: ${float(node, "epsilon", 1e-5)})`,
});

const meanVarianceNorm: Translation = (node) => {
  const axes = `axes: [${integers(node, "axes") ?? [0, 2, 3]}], keep: true`;
  const centered = `(${text(node, 0)} - reduce_mean(${text(node, 0)}, ${axes}))`;
  return { operator: "reduce_mean", text: `${centered} / (sqrt(reduce_mean(square(${centered}), ${axes})) + 1e-9)` };
};

const responseNorm: Translation = (node) => {
  const rank = dimsOf(node, 0).length;
  const numbers = `alpha: ${float(node, "alpha", 1e-4)}, beta: ${float(node, "beta", 0.75)}, k: ${float(node, "bias", 1)}`;
  const call = `local_response_norm(${channelsLast(text(node, 0), rank)}, size: ${integer(node, "size", 1)}, ${numbers})`;
  return { operator: "local_response_norm", text: channelsFirst(call, rank) };
};

const normalization: Translation = (node) => {
  const norm = integer(node, "p", 2) === 1 ? "reduce_l1" : "reduce_l2";
  const x = text(node, 0);
  const total = `${norm}(${x}, axes: [${integer(node, "axis", -1)}], keep: true)`;
  // ONNX divides nothing by nothing to 0.
  return { operator: norm, text: `select(${total} == 0, 0.0 * ${x}, ${x} / ${total})` };
};

const matrixProduct: Translation = (node) => {
  const [a, b] = [dimsOf(node, 0), dimsOf(node, 1)];
  const left = a.length === 1 ? `unsqueeze(${text(node, 0)}, axes: [0])` : text(node, 0);
  const right = b.length === 1 ? `unsqueeze(${text(node, 1)}, axes: [1])` : text(node, 1);
  const product = `matmul(${left}, ${right})`;
  const axes = [...(a.length === 1 ? [-2] : []), ...(b.length === 1 ? [-1] : [])];
  const batch = broadcast([a.slice(0, -2), b.slice(0, -2)]);
  const dims = [...batch, ...(a.length === 1 ? [] : a.slice(-2, -1)), ...(b.length === 1 ? [] : b.slice(-1))];
  const call = { operator: "matmul", text: axes.length ? `squeeze(${product}, axes: [${axes}])` : product, dims };
  if (Math.max(a.length, b.length) > 2) return b.length === 1 ? [call, contraction(node)] : call;
  return [call, contraction(node)];
};

/** The same as a sum over paired dimensions. */
function contraction(node: Node): Call {
  const pairs = `a_axes: [-1], b_axes: [${dimsOf(node, 1).length === 1 ? 0 : -2}]`;
  return { operator: "contract", text: `contract(${text(node, 0)}, ${text(node, 1)}, ${pairs})` };
}

const generalProduct: Translation = (node) => {
  const operand = (i: number, flag: string) => (integer(node, flag, 0) ? `transpose(${text(node, i)}, order: [1, 0])` : text(node, i));
  const product = `matmul(${operand(0, "transA")}, ${operand(1, "transB")})`;
  const scaled = float(node, "alpha", 1) === "1" ? product : `${product} * ${float(node, "alpha", 1)}`;
  if (!node.inputs[2]) return { operator: "matmul", text: scaled };
  const beta = float(node, "beta", 1);
  const calls: Call[] = [{ operator: "matmul", text: `${scaled} + ${text(node, 2)}${beta === "1" ? "" : ` * ${beta}`}` }];
  if (beta === "1" && scaled === product && dimsOf(node, 2).length === 1 && dimsOf(node, 2)[0] !== 1)
    calls.push({ operator: "dense", text: `dense(${operand(0, "transA")}, ${operand(1, "transB")}, ${text(node, 2)})` });
  return calls;
};

/** The zero point of an operand, which is one for all its elements. */
function zero(node: Node, i: number): number | undefined {
  const found = elements(node, i) ?? [0];
  return found.length === 1 ? found[0] : undefined;
}

const integerProduct: Translation = (node) => {
  const [a, b] = [zero(node, 2), zero(node, 3)];
  if (a === undefined || b === undefined) return "a zero point for each row";
  return { operator: "matmul_integer", text: `matmul_integer(${text(node, 0)}, ${text(node, 1)}, a_zero: ${a}, b_zero: ${b})` };
};

const integerConvolution: Translation = (node) => {
  const rank = dimsOf(node, 0).length;
  const zeros = `x_zero: ${zero(node, 2)}, k_zero: ${zero(node, 3)}, groups: ${integer(node, "group", 1)}`;
  const operands = `${channelsLast(text(node, 0), rank)}, ${kernelLast(text(node, 1), rank)}`;
  return { operator: "conv_integer", text: channelsFirst(`conv_integer(${operands}, ${zeros}, ${windowText(node, rank - 2)})`, rank) };
};

/** A sum of integers with the scales of both operands, as integers with the scale of the result. */
function requantized(node: Node, sum: string, scales: readonly number[], zeroPoint: number): string {
  const dtype = node.inputs[zeroPoint]?.dtype ?? "u8";
  const [low, high] = dtype === "u8" ? [0, 255] : [-128, 127];
  const [a = 1, b = 1, y = 1] = scales.map((i) => elements(node, i)?.[0]);
  return `cast(clip(round(cast(${sum}, to: f32) * ${literal((a * b) / y)}) + ${zero(node, zeroPoint)}, low: ${low}, high: ${high}), to: ${dtype})`;
}

const quantizedProduct: Translation = (node) => {
  const sum = `matmul_integer(${text(node, 0)}, ${text(node, 3)}, a_zero: ${zero(node, 2)}, b_zero: ${zero(node, 5)})`;
  return { operator: "matmul_integer", text: requantized(node, sum, [1, 4, 6], 7) };
};

const quantizedConvolution: Translation = (node) => {
  const rank = dimsOf(node, 0).length;
  const operands = `${channelsLast(text(node, 0), rank)}, ${kernelLast(text(node, 3), rank)}`;
  const sum = `conv_integer(${operands}, x_zero: ${zero(node, 2)}, k_zero: ${zero(node, 5)}, ${windowText(node, rank - 2)})`;
  return { operator: "conv_integer", text: channelsFirst(requantized(node, sum, [1, 4, 6], 7), rank) };
};

/** Parameters per slice of the axis, such that they broadcast. */
function alongQuantized(node: Node, i: number): string {
  const rank = dimsOf(node, 0).length;
  const axis = wrapped(integer(node, "axis", 1), rank);
  const count = dimsOf(node, i);
  return count.length === 1 && count[0] !== 1
    ? `reshape(${text(node, i)}, to: [${[count[0], ...range(rank - axis - 1).map(() => 1)]}])`
    : text(node, i);
}

const dequantized: Translation = (node) => {
  if (integer(node, "block_size", 0)) return "blocks of elements that share a scale";
  const offset = node.inputs[2] ? ` - cast(${alongQuantized(node, 2)}, to: f32)` : "";
  return { operator: "cast", text: `(cast(${text(node, 0)}, to: f32)${offset}) * ${alongQuantized(node, 1)}`, dtype: "f32" };
};

const quantized: Translation = (node) => {
  if (integer(node, "block_size", 0)) return "blocks of elements that share a scale";
  const dtype = node.inputs[2]?.dtype ?? "u8";
  const [low, high] = dtype === "u8" ? [0, 255] : [-128, 127];
  const offset = node.inputs[2] ? ` + cast(${alongQuantized(node, 2)}, to: f32)` : "";
  return {
    operator: "round",
    text: `cast(clip(round(${text(node, 0)} / ${alongQuantized(node, 1)})${offset}, low: ${low}, high: ${high}), to: ${dtype})`,
    dtype,
  };
};

export const layerTranslations: Translations = {
  Conv: convolution,
  ConvTranspose: transposedConvolution,
  ConvInteger: integerConvolution,
  MaxPool: maxPool,
  AveragePool: averagePool,
  LpPool: normPool,
  GlobalAveragePool: globalPool("global_avg_pool"),
  GlobalMaxPool: globalPool("global_max_pool"),
  GlobalLpPool: globalPool("global_lp_pool"),
  BatchNormalization: perChannel("batch_norm", 4),
  InstanceNormalization: perChannel("instance_norm", 2),
  GroupNormalization: perChannel("group_norm", 2, (node) => `, groups: ${integer(node, "num_groups", 1)}`),
  LayerNormalization: layerNorm,
  RMSNormalization: rmsNorm,
  LRN: responseNorm,
  MeanVarianceNormalization: meanVarianceNorm,
  LpNormalization: normalization,
  MatMul: matrixProduct,
  Gemm: generalProduct,
  MatMulInteger: integerProduct,
  QLinearMatMul: quantizedProduct,
  QLinearConv: quantizedConvolution,
  QuantizeLinear: quantized,
  DequantizeLinear: dequantized,
};
