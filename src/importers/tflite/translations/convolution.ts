/** Convolutions and matrix products of TensorFlow Lite, on real and on quantised numbers. */
import { paddings } from "../../../formats/tflite/schema.ts";
import type { Attributes } from "../../../ir/nn.ts";
import type { Value } from "../../written_model.ts";
import { activated, limitsOf, noActivation } from "../activation.ts";
import { type Net, type Node, stepsOf, type Translate } from "../net.ts";

/** A kernel in the library's order, and what is to be called with it. */
type Layer = {
  readonly operator: string;
  readonly attributes: Attributes;
  readonly quantized: "quantized_conv" | "quantized_conv_transpose" | "quantized_dense";
  readonly quantizedAttributes: Attributes;
  readonly x: Value;
  readonly kernel: Value;
};

/** [f, kh, kw, c] there; fewer channels than the operand has mean groups. */
const conv: Translate = (node, net) => {
  const shape = net.shape(node.input(1));
  const channels = net.shape(node.input(0)).at(-1) ?? 0;
  const [, , , inner = 0] = shape;
  if (inner === 0 || channels % inner !== 0) return `has a kernel of ${inner} channels for an image of ${channels}`;
  const groups = channels / inner;
  const window = windowOf(node);
  return layer(node, net, [1, 2, 3, 0], undefined, (x, kernel) => ({
    operator: groups === 1 ? "conv2d" : "conv",
    attributes: groups === 1 ? window : { ...window, groups },
    quantized: "quantized_conv",
    quantizedAttributes: groups === 1 ? window : { ...window, groups },
    x,
    kernel,
  }));
};

/** [1, kh, kw, c m] there, where output channel c m + j is the j-th of channel c. */
const depthwise: Translate = (node, net) => {
  const [leading, kh = 0, kw = 0, filters = 0] = net.shape(node.input(1));
  if (leading !== 1) return `has a kernel whose first dimension is ${leading} instead of 1`;
  const channels = net.shape(node.input(0)).at(-1) ?? 0;
  if (channels === 0 || filters % channels !== 0) return `has ${filters} filters for ${channels} channels`;
  const window = windowOf(node);
  const isQuantized = stepsOf(net.tensor(node.output(0))) !== undefined;
  const shape = isQuantized ? [kh, kw, 1, filters] : [kh, kw, channels, filters / channels];
  return layer(node, net, [0, 1, 2, 3], shape, (x, kernel) => ({
    operator: "depthwise_conv2d",
    attributes: window,
    quantized: "quantized_conv",
    quantizedAttributes: { ...window, groups: channels },
    x,
    kernel,
  }));
};

/** [f, kh, kw, c] there, after the shape of the result; the image comes third. */
const transposeConv: Translate = (node, net) => {
  const wanted = net.known(node.input(0))?.values;
  if (!wanted) return "has a result whose shape is computed";
  const [, kh = 1, kw = 1] = net.shape(node.input(1));
  const [, h = 0, w = 0] = net.shape(node.input(2));
  const stride = [node.number("stride_h"), node.number("stride_w")];
  const isSame = node.number("padding") === paddings.same;
  const attributes = transposedPad([h, w], [kh, kw], stride, Array.from(wanted).slice(1), isSame);
  const shifted: Node = { ...node, input: (place) => node.input(place === 0 ? 2 : place === 2 ? 3 : place) };
  return layer(shifted, net, [1, 2, 0, 3], undefined, (x, kernel) => ({
    operator: "conv_transpose2d",
    attributes,
    quantized: "quantized_conv_transpose",
    quantizedAttributes: attributes,
    x,
    kernel,
  }));
};

/** [f, c] there; whatever the operand's shape, it is rows of c. */
const fullyConnected: Translate = (node, net) => {
  if (node.number("weights_format") !== 0) return "has its weights in an order of a machine's own";
  const [, columns = 1] = net.shape(node.input(1));
  const given = net.shape(node.input(0));
  const isRows = given.length === 2 && given[1] === columns;
  const flattened = (x: Value) => (isRows ? x : net.call("reshape", [x], { to: [-1, columns] }));
  const keeps = node.number("keep_num_dims") !== 0 && given.length !== 2;
  const finish = (value: Value) => (keeps ? net.call("reshape", [value], { to: [...given.slice(0, -1), -1] }) : value);
  const build = (x: Value, kernel: Value): Layer => ({
    operator: "matmul",
    attributes: {},
    quantized: "quantized_dense",
    quantizedAttributes: {},
    x: flattened(x),
    kernel,
  });
  return layer(node, net, [1, 0], undefined, build, finish);
};

/** Volumes, with kernels in the library's order. */
const conv3d: Translate = (node, net) => {
  const stride = volume(node, "stride_");
  const dilation = volume(node, "dilation_", "_factor");
  const attributes = {
    ...(stride.some((n) => n !== 1) ? { stride } : {}),
    ...(dilation.some((n) => n !== 1) ? { dilation } : {}),
    ...(node.number("padding") === paddings.same ? { pad: "same" } : {}),
  };
  return realLayer(node, net, (x, kernel) => net.call("conv3d", [x, kernel], attributes));
};

const transposeConv3d: Translate = (node, net) => {
  const wanted = net.known(node.input(0))?.values;
  if (!wanted) return "has a result whose shape is computed";
  const stride = volume(node, "stride_");
  const [size, extents] = [net.shape(node.input(1)), net.shape(node.input(2)).slice(1)];
  const attributes = transposedPad(extents, size, stride, Array.from(wanted).slice(1), node.number("padding") === paddings.same);
  const shifted: Node = { ...node, input: (place) => node.input(place === 0 ? 2 : place === 2 ? 3 : place) };
  return realLayer(shifted, net, (x, kernel) => net.call("conv_transpose", [x, kernel], attributes));
};

function volume(node: Node, before: string, after = ""): number[] {
  return ["d", "h", "w"].map((axis) => node.number(`${before}${axis}${after}`));
}

/** What of a transposed convolution's outputs is cut around, or added behind, for the extents that are wanted. */
function transposedPad(
  extents: readonly number[],
  size: readonly number[],
  stride: readonly number[],
  wanted: readonly number[],
  isSame: boolean,
): Attributes {
  const surplus = stride.map((step, d) => ((extents[d] ?? 0) - 1) * step + (size[d] ?? 1) - (wanted[d] ?? 0));
  const before = surplus.map((total) => (isSame ? Math.floor(Math.max(total, 0) / 2) : 0));
  const after = surplus.map((total, d) => Math.max(total, 0) - (before[d] ?? 0));
  const extra = surplus.map((total) => Math.max(-total, 0));
  return { stride, pad: [...before, ...after], ...(extra.some((n) => n > 0) ? { extra } : {}) };
}

function realLayer(node: Node, net: Net, build: (x: Value, kernel: Value) => Value): string | undefined {
  const k = node.input(1);
  const kernel = net.weight(k, [...net.shape(k).keys()], { real: true, name: `${net.layer(k)}/kernel` }) ?? net.real(k);
  const product = build(net.real(node.input(0)), kernel);
  const biased = node.input(2) < 0 ? product : net.call("bias_add", [product, biasOf(node, net, net.layer(k))]);
  const value = activated(biased, node.number("fused_activation_function"), net);
  if (!value) return noActivation;
  net.giveReal(node.output(0), value);
  net.builder.rename(value, net.layer(k));
  return undefined;
}

const batchMatmul: Translate = (node, net) => {
  const turned = (place: number, option: string): Value => {
    const value = net.real(node.input(place));
    const rank = value.type.shape.length;
    const order = value.type.shape.map((_, d) => (d < rank - 2 ? d : 2 * rank - 3 - d));
    return node.number(option) === 0 ? value : net.call("transpose", [value], { order });
  };
  net.giveReal(node.output(0), net.call("matmul", [turned(0, "adj_x"), turned(1, "adj_y")]));
  return undefined;
};

/** `order` takes the kernel to the library's order, which is then read in `shape`. */
function layer(
  node: Node,
  net: Net,
  order: readonly number[],
  shape: readonly number[] | undefined,
  build: (x: Value, kernel: Value) => Layer,
  finish: (value: Value) => Value = (value) => value,
): string | undefined {
  const [x, k, y] = [node.input(0), node.input(1), node.output(0)];
  const rank = net.shape(k).length;
  if (rank !== order.length) return `has a kernel of ${rank} dimensions instead of ${order.length}`;
  const activation = node.number("fused_activation_function");
  const isQuantized = stepsOf(net.tensor(x)) && stepsOf(net.tensor(k)) && stepsOf(net.tensor(y));
  if (isQuantized) return quantizedLayer(node, net, order, shape, build, finish);
  // Integer weights on activations that are not: those are rounded too, as the runtime's kernels do.
  const isHybrid = stepsOf(net.tensor(k)) && !stepsOf(net.tensor(x)) && net.tensor(x).type === "f32";
  const computed = (): Value => {
    const turned = net.call("transpose", [net.real(k)], { order });
    return shape ? net.call("reshape", [turned], { to: shape }) : turned;
  };
  const {
    operator,
    attributes,
    x: image,
    kernel,
  } = build(
    isHybrid ? net.call("dynamic_range", [net.real(x)]) : net.real(x),
    net.weight(k, order, { shape, real: true, name: `${net.layer(k)}/kernel` }) ?? computed(),
  );
  const product = net.call(operator, [image, kernel], attributes);
  const biased = node.input(2) < 0 ? product : net.call("bias_add", [product, biasOf(node, net, net.layer(k))]);
  const value = activated(finish(biased), activation, net);
  if (!value) return noActivation;
  net.giveReal(y, value);
  net.builder.rename(value, net.layer(k));
  return undefined;
}

function quantizedLayer(
  node: Node,
  net: Net,
  order: readonly number[],
  shape: readonly number[] | undefined,
  build: (x: Value, kernel: Value) => Layer,
  finish: (value: Value) => Value,
): string | undefined {
  const [x, k, y] = [node.input(0), node.input(1), node.output(0)];
  const [image, weights, result] = [net.tensor(x), net.tensor(k), net.tensor(y)];
  const [xs, ks, ys] = [stepsOf(image), stepsOf(weights), stepsOf(result)];
  const limits = limitsOf(node.number("fused_activation_function"), result);
  const name = net.layer(k);
  const stored = net.weight(k, order, { shape, name: `${name}/kernel` });
  if (!limits) return noActivation;
  if (!xs || !ks || !ys || [image, weights, result].some(({ type }) => type === "i16")) return "computes in 16 bits";
  if (!stored) return "has quantised weights that are computed";
  if (new Set(ks.zeros).size > 1) return "has weights of several zero points";
  if (xs.scales.length > 1 || ys.scales.length > 1) return "has an image of several scales";
  const layer = build(net.value(x), stored);
  const filters = layer.quantized === "quantized_conv_transpose" ? stored.type.shape.at(-2) : stored.type.shape.at(-1);
  const count = filters ?? 0;
  if (ks.scales.length > 1 && ks.scales.length !== count) return `has ${ks.scales.length} scales for ${count} filters`;
  // As the interpreter computes them: in f32, from left to right.
  const factor = (place: number) =>
    Math.fround(
      Math.fround(Math.fround(xs.scales[0] ?? 1) * Math.fround(ks.scales[ks.scales.length === 1 ? 0 : place] ?? 1)) /
        Math.fround(ys.scales[0] ?? 1),
    );
  const scale = net.derived(
    `${name}/scale`,
    "f32",
    Float32Array.from({ length: count }, (_, place) => factor(place)),
  );
  const bias = node.input(2) < 0 ? net.derived(`${name}/bias`, "i32", new Int32Array(count)) : biasOf(node, net, name);
  const product = net.call(layer.quantized, [layer.x, layer.kernel, bias, scale], {
    ...layer.quantizedAttributes,
    ...(xs.zeros[0] ? { x_zero: xs.zeros[0] } : {}),
    ...(ks.zeros[0] ? { k_zero: ks.zeros[0] } : {}),
    ...(ys.zeros[0] ? { zero: ys.zeros[0] } : {}),
    to: result.type,
    ...limits,
  });
  net.give(y, finish(product));
  net.builder.rename(product, name);
  return undefined;
}

function biasOf(node: Node, net: Net, layer: string): Value {
  const bias = node.input(2);
  return net.weight(bias, [...net.shape(bias).keys()], { real: true, name: `${layer}/bias` }) ?? net.real(bias);
}

function windowOf(node: Node): Attributes {
  const stride = [node.number("stride_h"), node.number("stride_w")];
  const dilation = [node.number("dilation_h_factor"), node.number("dilation_w_factor")];
  return {
    ...(stride.some((n) => n !== 1) ? { stride } : {}),
    ...(dilation.some((n) => n !== 1) ? { dilation } : {}),
    ...(node.number("padding") === paddings.same ? { pad: "same" } : {}),
  };
}

export const convolutions: { readonly [operator: string]: Translate } = {
  CONV_2D: conv,
  DEPTHWISE_CONV_2D: depthwise,
  TRANSPOSE_CONV: transposeConv,
  CONV_3D: conv3d,
  CONV_3D_TRANSPOSE: transposeConv3d,
  FULLY_CONNECTED: fullyConnected,
  BATCH_MATMUL: batchMatmul,
};
