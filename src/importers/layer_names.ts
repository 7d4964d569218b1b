/**
 * Readable names for what TensorFlow names. Converters join the names of all that was fused, as in
 * `model/bn/FusedBatchNormV3;model/conv/Conv2D`; one part says which layer it is, and its last words which operation.
 */

/** What operations are called inside a layer. */
const operations = new Set(
  (
    "Conv2D Conv2D1 Conv2D_Fold_bias Conv2D_bias conv2d_transpose depthwise depthwise1 depthwise_Fold_bias separable_conv2d MatMul MatMul_bias BiasAdd " +
    "Relu Relu6 Sigmoid Tanh Softmax FusedBatchNormV3 FusedBatchNorm batchnorm BatchNorm Conv2D_weights Conv2D_bn_offset depthwise_weights depthwise_bn_offset Add AddV2 Mul MaxPool AvgPool Mean add_1 mul_1 add ReadVariableOp resource transpose " +
    "FakeQuantWithMinMaxVars weights_quant act_quant weights biases kernel bias Kernel Bias Kernel_dequantize Bias_dequantize Alpha Alpha_dequantize Squeeze Reshape"
  ).split(" "),
);
/** Those that a layer with a kernel is named after. */
const products = /(?:^|\/)(?:Conv2D1?|depthwise1?|separable_conv2d|MatMul|conv2d_transpose|weights|kernel|Kernel)(?:$|[/_])/;

export type LayerNames = {
  /** The part of the name that says most. */
  part(name: string): string;
  /** The layer of a kernel or result: that part without what all names begin with, and without its operation. */
  layer(name: string): string;
};

/** `names` are those of all results. */
export function createLayerNames(names: readonly string[]): LayerNames {
  const prefix = sharedPrefix(names.flatMap((name) => name.split(";")));
  const part = (name: string): string => {
    const parts = name.split(";").filter((text) => text !== "");
    const [best = ""] = parts.sort((a, b) => rank(a) - rank(b) || a.length - b.length);
    return best;
  };
  return {
    part,
    layer(name) {
      const words = part(name).replace(/:0$/, "").split("/");
      const starts = prefix.every((word, i) => words[i] === word) && words.length > prefix.length;
      const inner = starts ? words.slice(prefix.length) : words;
      let count = inner.length;
      while (count > 1 && operations.has(inner[count - 1] ?? "")) count--;
      return inner.slice(0, count).join("/");
    },
  };
}

function rank(part: string): number {
  return products.test(part) ? 0 : 1;
}

/** The first words of all names that have several. */
function sharedPrefix(names: readonly string[]): string[] {
  const long = names.map((name) => name.split("/")).filter((words) => words.length > 1);
  const [first = []] = long;
  let count = 0;
  while (long.every((words) => words.length > count + 1 && words[count] === first[count]) && count < first.length) count++;
  return first.slice(0, count);
}
