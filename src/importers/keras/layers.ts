/** Keras's layers that are not over images alone: dense, merging, normalising, reshaping, activations. */
import { elementCount } from "../../ir/dtype.ts";
import { leftOut } from "../outside.ts";
import type { Value } from "../written_model.ts";
import { applyActivation } from "./activation.ts";
import type { Layer, TranslateLayer } from "./layer.ts";
import { spatialLayers } from "./spatial.ts";

/** Layers that compute nothing once a network is trained. */
const still: readonly string[] = [
  ..."Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D GaussianDropout GaussianNoise AlphaDropout".split(" "),
  ..."ActivityRegularization Identity".split(" "),
];

function one(layer: Layer): Value {
  return layer.inputs[0] as Value;
}

const dense: TranslateLayer = (layer) => {
  const kernel = layer.weight("kernel");
  if (!kernel) return "has no kernel in the file";
  const bias = layer.flag("use_bias", true) ? layer.weight("bias") : undefined;
  const x = one(layer);
  if (bias && x.type.shape.length === 2) return applyActivation(layer, layer.call("dense", [x, kernel, bias]));
  const product = layer.call("matmul", [x, kernel]);
  return applyActivation(layer, bias ? layer.call("bias_add", [product, bias]) : product);
};

const flatten: TranslateLayer = (layer) => {
  const x = one(layer);
  const rank = x.type.shape.length;
  const isFirst = layer.text("data_format", "channels_last") === "channels_first" && rank > 2;
  const order = [0, ...Array.from({ length: rank - 2 }, (_, d) => d + 2), 1];
  return layer.call("flatten", [isFirst ? layer.call("transpose", [x], { order }) : x]);
};

/** The target has no batch; one extent may be -1. */
const reshape: TranslateLayer = (layer) => {
  const target = layer.config.target_shape;
  const isShape = Array.isArray(target) && target.every((extent) => Number.isSafeInteger(extent));
  return isShape ? layer.call("reshape", [one(layer)], { to: [one(layer).type.shape[0] ?? 1, ...target] }) : "has no target shape";
};

const permute: TranslateLayer = (layer) => {
  const dims = layer.config.dims;
  const isOrder = Array.isArray(dims) && dims.every((d) => Number.isSafeInteger(d));
  return isOrder ? layer.call("transpose", [one(layer)], { order: [0, ...dims] }) : "has no order of dimensions";
};

const repeat: TranslateLayer = (layer) => {
  const x = one(layer);
  const [n = 1, c = 1] = x.type.shape;
  return layer.call("expand", [layer.call("unsqueeze", [x], { axes: [1] })], { to: [n, layer.number("n", 1), c] });
};

function merge(operator: string): TranslateLayer {
  return ({ inputs: [first, ...rest], call }) =>
    first ? rest.reduce((sum, value) => call(operator, [sum, value]), first) : "has no operand";
}

const average: TranslateLayer = (layer) => {
  const sum = merge("add")(layer);
  return typeof sum === "string" ? sum : layer.call("div", [sum, layer.inputs.length]);
};

const concatenate: TranslateLayer = (layer) => {
  const [first] = layer.inputs;
  if (!first) return "has no operand";
  return layer.inputs.length === 1 ? first : layer.call("concat", layer.inputs, { axis: layer.number("axis", -1) });
};

const batchNormalization: TranslateLayer = (layer) => {
  const mean = layer.weight("moving_mean");
  const variance = layer.weight("moving_variance");
  if (!mean || !variance) return "has no mean or variance in the file";
  const x = one(layer);
  const count = elementCount(mean.type.shape);
  const gamma = layer.weight("gamma") ?? layer.filled("gamma", count, 1);
  const beta = layer.weight("beta") ?? layer.filled("beta", count, 0);
  const axis = axisOf(layer, x);
  const epsilon = layer.number("epsilon", 1e-3);
  const normalized = (value: Value) => layer.call("batch_norm", [value, gamma, beta, mean, variance], { epsilon });
  return alongLast(layer, x, axis, normalized);
};

function axisOf(layer: Layer, x: Value): number {
  const setting = layer.config.axis;
  const [given] = Array.isArray(setting) ? setting : [setting];
  const axis = typeof given === "number" ? given : -1;
  return axis < 0 ? axis + x.type.shape.length : axis;
}

/** The dimension is brought to the end, and back. */
function alongLast(layer: Layer, x: Value, axis: number, build: (x: Value) => Value): Value {
  const rank = x.type.shape.length;
  if (axis === rank - 1) return build(x);
  const order = [...Array.from({ length: rank }, (_, d) => d).filter((d) => d !== axis), axis];
  const back = order.map((_, d) => order.indexOf(d));
  return layer.call("transpose", [build(layer.call("transpose", [x], { order }))], { order: back });
}

const layerNormalization: TranslateLayer = (layer) => {
  const x = one(layer);
  const axis = axisOf(layer, x);
  const setting = layer.config.axis;
  if (axis !== x.type.shape.length - 1 || (Array.isArray(setting) && setting.length > 1))
    return "normalises other dimensions than the last";
  const count = x.type.shape.at(-1) ?? 1;
  const gamma = layer.weight("gamma") ?? layer.filled("gamma", count, 1);
  const beta = layer.weight("beta") ?? layer.filled("beta", count, 0);
  return layer.call("layer_norm", [x, gamma, beta], { epsilon: layer.number("epsilon", 1e-3) });
};

const groupNormalization: TranslateLayer = (layer) => {
  const x = one(layer);
  if (axisOf(layer, x) !== x.type.shape.length - 1) return "normalises other dimensions than the last";
  const count = x.type.shape.at(-1) ?? 1;
  const gamma = layer.weight("gamma") ?? layer.filled("gamma", count, 1);
  const beta = layer.weight("beta") ?? layer.filled("beta", count, 0);
  const groups = layer.number("groups", 32);
  return layer.call("group_norm", [x, gamma, beta], { groups: groups === -1 ? count : groups, epsilon: layer.number("epsilon", 1e-3) });
};

/** x or slope (x - threshold) below the threshold, at most the largest value. */
const relu: TranslateLayer = (layer) => {
  const x = one(layer);
  const [slope, threshold] = [layer.number("negative_slope"), layer.number("threshold")];
  const most = layer.config.max_value;
  if (slope === 0 && threshold === 0 && most === 6) return layer.call("relu6", [x]);
  const plain = () => (slope === 0 ? layer.call("relu", [x]) : layer.call("leaky_relu", [x], { slope }));
  const shifted = () => {
    const above = layer.call("greater_equal", [x, threshold]);
    return layer.call("select", [above, x, layer.call("mul", [layer.call("sub", [x, threshold]), slope])]);
  };
  const bent = threshold === 0 ? plain() : shifted();
  return typeof most === "number" ? layer.call("clip", [bent], { high: most }) : bent;
};

/** `alpha` is a number in Keras 2, and `negative_slope` in 3. */
const leakyRelu: TranslateLayer = (layer) =>
  layer.call("leaky_relu", [one(layer)], { slope: layer.number("negative_slope", layer.number("alpha", 0.3)) });

const prelu: TranslateLayer = (layer) => {
  const slope = layer.weight("alpha");
  return slope ? layer.call("prelu", [one(layer), slope]) : "has no slopes in the file";
};

const softmax: TranslateLayer = (layer) => layer.call("softmax", [one(layer)], { axis: axisOf(layer, one(layer)) });

const rescaling: TranslateLayer = (layer) => {
  const scaled = layer.call("mul", [one(layer), layer.number("scale", 1)]);
  const offset = layer.number("offset", 0);
  return offset === 0 ? scaled : layer.call("add", [scaled, offset]);
};

const normalization: TranslateLayer = (layer) => {
  const [mean, variance] = [layer.weight("mean"), layer.weight("variance")];
  if (!mean || !variance) return "has no mean or variance in the file";
  const deviation = layer.call("maximum", [layer.call("sqrt", [variance]), 1e-7]);
  return layer.call("div", [layer.call("sub", [one(layer), mean]), deviation]);
};

export const translations: { readonly [kind: string]: TranslateLayer } = {
  ...spatialLayers,
  ...Object.fromEntries(still.map((kind) => [kind, one])),
  Dense: dense,
  Activation: (layer) => applyActivation(layer, one(layer)),
  Flatten: flatten,
  Reshape: reshape,
  Permute: permute,
  RepeatVector: repeat,
  Add: merge("add"),
  Subtract: merge("sub"),
  Multiply: merge("mul"),
  Maximum: merge("maximum"),
  Minimum: merge("minimum"),
  Average: average,
  Concatenate: concatenate,
  BatchNormalization: batchNormalization,
  BatchNormalizationV1: batchNormalization,
  LayerNormalization: layerNormalization,
  GroupNormalization: groupNormalization,
  ReLU: relu,
  LeakyReLU: leakyRelu,
  PReLU: prelu,
  ELU: (layer) => layer.call("elu", [one(layer)], { alpha: layer.number("alpha", 1) }),
  ThresholdedReLU: (layer) => layer.call("thresholded_relu", [one(layer)], { threshold: layer.number("theta", 1) }),
  Softmax: softmax,
  Rescaling: rescaling,
  Normalization: normalization,
};

/** Layers that the importer leaves out, with the reason. */
export const outside: { readonly [kind: string]: string } = leftOut({
  recurrent:
    "LSTM GRU SimpleRNN RNN Bidirectional TimeDistributed ConvLSTM1D ConvLSTM2D ConvLSTM3D LSTMCell GRUCell SimpleRNNCell StackedRNNCells CuDNNLSTM CuDNNGRU",
  attention: "Attention AdditiveAttention MultiHeadAttention GroupQueryAttention",
  tables: "Embedding Hashing IntegerLookup StringLookup CategoryEncoding Discretization HashedCrossing",
  strings: "TextVectorization",
  random: "RandomBrightness RandomContrast RandomCrop RandomFlip RandomHeight RandomRotation RandomTranslation RandomWidth RandomZoom",
  code: "Lambda TFOpLambda SlicingOpLambda",
  rare: "Dot Masking UnitNormalization SpectralNormalization EinsumDense LocallyConnected1D LocallyConnected2D CenterCrop Resizing",
});
