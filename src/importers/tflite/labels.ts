/**
 * Readable names for TensorFlow Lite's tensors. Converters join the names of all that was fused, as in
 * `model/bn/FusedBatchNormV3;model/conv/Conv2D`; one part says which layer it is, and its last words which operation.
 */
import type { TfliteModel } from "./read.ts";

/** What operations are called inside a layer. */
const operations = new Set(
  (
    "Conv2D Conv2D1 Conv2D_Fold_bias Conv2D_bias conv2d_transpose depthwise depthwise1 depthwise_Fold_bias separable_conv2d MatMul MatMul_bias BiasAdd " +
    "Relu Relu6 Sigmoid Tanh Softmax FusedBatchNormV3 FusedBatchNorm batchnorm add_1 mul_1 add ReadVariableOp resource transpose " +
    "FakeQuantWithMinMaxVars weights_quant act_quant weights biases kernel bias Kernel Bias Kernel_dequantize Bias_dequantize Alpha Alpha_dequantize Squeeze Reshape"
  ).split(" "),
);
/** Those that a layer with a kernel is named after. */
const products = /(?:^|\/)(?:Conv2D1?|depthwise1?|separable_conv2d|MatMul|conv2d_transpose|weights|kernel|Kernel)(?:$|[/_])/;

export type Labels = {
  /** The part of the name that says most. */
  part(position: number): string;
  /** The layer of a kernel or result: that part without what all names share, and without its operation. */
  layer(position: number): string;
};

export function createLabels({ tensors }: TfliteModel): Labels {
  const prefix = sharedPrefix(tensors.map(({ name }) => name));
  const part = (position: number): string => {
    const parts = (tensors[position]?.name ?? "").split(";").filter((text) => text !== "");
    const [best = ""] = parts.sort((a, b) => rank(a) - rank(b) || a.length - b.length);
    return best;
  };
  return {
    part,
    layer(position) {
      const words = part(position).replace(/:0$/, "").split("/");
      const inner = prefix !== undefined && words[0] === prefix && words.length > 1 ? words.slice(1) : words;
      let count = inner.length;
      while (count > 1 && operations.has(inner[count - 1] ?? "")) count--;
      return inner.slice(0, count).join("/");
    },
  };
}

function rank(part: string): number {
  return products.test(part) ? 0 : 1;
}

/** The first word of all names that have several. */
function sharedPrefix(names: readonly string[]): string | undefined {
  const first = new Set(names.flatMap((name) => name.split(";")).flatMap((part) => (part.includes("/") ? [part.split("/")[0]] : [])));
  return first.size === 1 ? [...first][0] : undefined;
}
