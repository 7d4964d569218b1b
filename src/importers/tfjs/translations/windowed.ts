/** Convolutions, matrix products, pooling and normalisation in a TensorFlow graph, with what is fused to them. */
import type { Attributes } from "../../../ir/nn.ts";
import { shortest } from "../../shortest.ts";
import type { Value } from "../../written_model.ts";
import type { GraphNode } from "../graph.ts";
import { type Net, numbersAt, type Translate } from "../net.ts";

function layoutProblem(node: GraphNode): string | undefined {
  return node.text("data_format") === "NCHW" ? "lays its channels first" : undefined;
}

function paddingOf(node: GraphNode): Attributes | string {
  const padding = node.text("padding");
  if (padding === "VALID" || padding === "") return {};
  if (padding === "SAME") return { pad: "same" };
  const [, , top = 0, bottom = 0, left = 0, right = 0] = node.numbers("explicit_paddings");
  return padding === "EXPLICIT" ? { pad: [top, left, bottom, right] } : `pads by ${padding}`;
}

/** Of height and width. */
function pair(node: GraphNode, key: string): number[] {
  const [, h = 1, w = 1] = node.numbers(key);
  return [h, w];
}

function windowOf(node: GraphNode): Attributes | string {
  const problem = layoutProblem(node);
  if (problem !== undefined) return problem;
  const padding = paddingOf(node);
  if (typeof padding === "string") return padding;
  const [stride, dilation] = [pair(node, "strides"), pair(node, "dilations")];
  return {
    ...(stride.some((n) => n !== 1) ? { stride } : {}),
    ...(dilation.some((n) => n !== 1) ? { dilation } : {}),
    ...padding,
  };
}

/** Bias and activation as the node lists them; their operands come after the kernel. */
function fused(node: GraphNode, net: Net, product: Value): Value | string {
  let value = product;
  let place = 2;
  for (const name of node.texts("fused_ops")) {
    if (name === "BiasAdd") value = net.call("bias_add", [value, net.weight(node, place++, "bias")]);
    else if (name === "Prelu") value = net.call("prelu", [value, net.weight(node, place++, "slope")]);
    else if (name === "LeakyRelu") value = net.call("leaky_relu", [value], { slope: shortest(node.number("leakyrelu_alpha", 0.2)) });
    else if (Object.hasOwn(plain, name)) value = net.call(plain[name] ?? "", [value]);
    else return `is fused with ${name}`;
  }
  return value;
}

const plain: { readonly [name: string]: string } = { Relu: "relu", Relu6: "relu6", Elu: "elu", Sigmoid: "sigmoid", Tanh: "tanh" };

const conv: Translate = (node, net) => {
  const window = windowOf(node);
  if (typeof window === "string") return window;
  const [x, k] = [net.value(node, 0), net.weight(node, 1, "kernel")];
  const [inner = 1, channels = 0] = [k.type.shape.at(-2), x.type.shape.at(-1)];
  const groups = inner > 0 ? channels / inner : 0;
  const product = groups === 1 ? net.call("conv2d", [x, k], window) : net.call("conv", [x, k], { ...window, groups });
  return fused(node, net, product);
};

const depthwise: Translate = (node, net) => {
  const window = windowOf(node);
  if (typeof window === "string") return window;
  return fused(node, net, net.call("depthwise_conv2d", [net.value(node, 0), net.weight(node, 1, "kernel")], window));
};

/** Its operands are the shape of the result, the kernel [h, w, output channels, input channels] and the image. */
const convTranspose: Translate = (node, net) => {
  const problem = layoutProblem(node);
  if (problem !== undefined) return problem;
  const wanted = numbersAt(net, node, 0);
  if (!wanted) return "has a result whose shape is computed";
  const [x, k] = [net.value(node, 2), net.weight(node, 1, "kernel")];
  const stride = pair(node, "strides");
  const isSame = node.text("padding") === "SAME";
  const surplus = stride.map((step, d) => ((x.type.shape[d + 1] ?? 0) - 1) * step + (k.type.shape[d] ?? 1) - (wanted[d + 1] ?? 0));
  const before = surplus.map((total) => (isSame ? Math.floor(Math.max(total, 0) / 2) : 0));
  const after = surplus.map((total, d) => Math.max(total, 0) - (before[d] ?? 0));
  const extra = surplus.map((total) => Math.max(-total, 0));
  return net.call("conv_transpose2d", [x, k], { stride, pad: [...before, ...after], ...(extra.some((n) => n > 0) ? { extra } : {}) });
};

/** Volumes: [n, d, h, w, c], and a kernel in the library's order. */
const conv3d: Translate = (node, net) => {
  const padding = volumePadding(node);
  if (typeof padding === "string") return padding;
  const [stride, dilation] = [volume(node, "strides"), volume(node, "dilations")];
  return net.call("conv3d", [net.value(node, 0), net.weight(node, 1, "kernel")], {
    ...(stride.some((n) => n !== 1) ? { stride } : {}),
    ...(dilation.some((n) => n !== 1) ? { dilation } : {}),
    ...padding,
  });
};

function pool3d(operator: "max_pool" | "avg_pool"): Translate {
  return (node, net) => {
    const padding = volumePadding(node);
    if (typeof padding === "string") return padding;
    const [window, stride] = [volume(node, "ksize"), volume(node, "strides")];
    const isSpread = stride.some((n, d) => n !== window[d]);
    return net.call(operator, [net.value(node, 0)], { window, ...(isSpread ? { stride } : {}), ...padding });
  };
}

function volume(node: GraphNode, key: string): number[] {
  const [, d = 1, h = 1, w = 1] = node.numbers(key);
  return [d, h, w];
}

function volumePadding(node: GraphNode): Attributes | string {
  if (node.text("data_format") === "NCDHW") return "lays its channels first";
  const padding = node.text("padding");
  return padding === "VALID" || padding === "SAME" ? paddingOf(node) : `pads by ${padding}`;
}

const matmul: Translate = (node, net) => {
  const turned = (value: Value, flag: string): Value => {
    const rank = value.type.shape.length;
    const order = value.type.shape.map((_, d) => (d < rank - 2 ? d : 2 * rank - 3 - d));
    return node.flag(flag) ? net.call("transpose", [value], { order }) : value;
  };
  const isBatch = node.op.startsWith("BatchMatMul");
  const [a, b] = [
    turned(net.value(node, 0), isBatch ? "adj_x" : "transpose_a"),
    turned(net.weight(node, 1, "kernel"), isBatch ? "adj_y" : "transpose_b"),
  ];
  return fused(node, net, net.call("matmul", [a, b]));
};

function pool(operator: "max_pool2d" | "avg_pool2d"): Translate {
  return (node, net) => {
    const problem = layoutProblem(node);
    const padding = paddingOf(node);
    if (problem !== undefined) return problem;
    if (typeof padding === "string") return padding;
    const [window, stride] = [pair(node, "ksize"), pair(node, "strides")];
    const isSpread = stride.some((n, d) => n !== window[d]);
    return net.call(operator, [net.value(node, 0)], { window, ...(isSpread ? { stride } : {}), ...padding });
  };
}

const batchNorm: Translate = (node, net) => {
  const problem = layoutProblem(node);
  if (problem !== undefined) return problem;
  if (node.flag("is_training")) return "takes its mean from the batch";
  const parts = ["gamma", "beta", "mean", "variance"].map((kind, i) => net.weight(node, i + 1, kind));
  return net.call("batch_norm", [net.value(node, 0), ...parts], { epsilon: shortest(node.number("epsilon", 1e-4)) });
};

const biasAdd: Translate = (node, net) => layoutProblem(node) ?? net.call("bias_add", [net.value(node, 0), net.weight(node, 1, "bias")]);

/** There alpha is not divided by the size of the window. */
const localResponseNorm: Translate = (node, net) => {
  const size = 2 * node.number("depth_radius", 5) + 1;
  const attributes = {
    size,
    alpha: shortest(node.number("alpha", 1)) * size,
    beta: shortest(node.number("beta", 0.5)),
    k: shortest(node.number("bias", 1)),
  };
  return net.call("local_response_norm", [net.value(node, 0)], attributes);
};

export const windowed: { readonly [operator: string]: Translate } = {
  Conv2D: conv,
  _FusedConv2D: conv,
  Conv3D: conv3d,
  MaxPool3D: pool3d("max_pool"),
  AvgPool3D: pool3d("avg_pool"),
  DepthwiseConv2d: depthwise,
  DepthwiseConv2dNative: depthwise,
  FusedDepthwiseConv2dNative: depthwise,
  Conv2DBackpropInput: convTranspose,
  MatMul: matmul,
  _FusedMatMul: matmul,
  BatchMatMul: matmul,
  BatchMatMulV2: matmul,
  MaxPool: pool("max_pool2d"),
  AvgPool: pool("avg_pool2d"),
  FusedBatchNorm: batchNorm,
  FusedBatchNormV2: batchNorm,
  FusedBatchNormV3: batchNorm,
  BiasAdd: biasAdd,
  LRN: localResponseNorm,
};
