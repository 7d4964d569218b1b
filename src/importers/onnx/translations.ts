/** Every operator of ONNX that is imported, and those that are not with the reason. */
import { leftOut } from "../outside.ts";
import type { Translations } from "./context.ts";
import { elementwiseTranslations } from "./elementwise.ts";
import { linearTranslations } from "./linear.ts";
import { movementTranslations } from "./movement.ts";
import type { OnnxNode } from "./node.ts";
import { normalizationTranslations } from "./normalization.ts";
import { quantizedTranslations } from "./quantized.ts";
import { reductionTranslations } from "./reductions.ts";
import { resamplingTranslations } from "./resampling.ts";
import { shapeTranslations } from "./shapes.ts";
import { windowTranslations } from "./windowed.ts";

export const translations: Translations = {
  ...elementwiseTranslations,
  ...linearTranslations,
  ...movementTranslations,
  ...normalizationTranslations,
  ...quantizedTranslations,
  ...reductionTranslations,
  ...resamplingTranslations,
  ...shapeTranslations,
  ...windowTranslations,
};

/** Operands without which an operator means nothing; 1 where nothing else is said. */
const leastOperands: { readonly [operator: string]: number } = {
  ...each(0, "Constant"),
  ...each(2, "Add And BitShift BitwiseAnd BitwiseOr BitwiseXor CastLike Conv ConvInteger ConvTranspose DequantizeLinear Div Equal"),
  ...each(2, "Gather GatherElements GatherND Gemm Greater GreaterOrEqual GridSample LayerNormalization Less LessOrEqual MatMul"),
  ...each(2, "MatMulInteger MaxUnpool Mod Mul Or PRelu Pow QuantizeLinear RMSNormalization Sub Xor"),
  ...each(3, "DeformConv GroupNormalization InstanceNormalization OneHot Range RoiAlign Scatter ScatterElements ScatterND Where"),
  ...each(5, "BatchNormalization"),
  ...each(8, "QLinearConv QLinearMatMul"),
};

/** Of these every operand counts. */
const variadic: ReadonlySet<string> = new Set(["Concat", "Max", "Mean", "Min", "Sum"]);

function each(count: number, operators: string): { readonly [operator: string]: number } {
  return Object.fromEntries(operators.split(" ").map((operator) => [operator, count]));
}

/** The first operand that the node must have and has not. */
export function missingOperand({ operator, inputs }: OnnxNode): number | undefined {
  const least = Object.hasOwn(leastOperands, operator) ? (leastOperands[operator] ?? 1) : 1;
  const needed = variadic.has(operator) ? Math.max(least, inputs.length) : least;
  for (let i = 0; i < needed; i++) if ((inputs[i] ?? "") === "") return i;
  return undefined;
}

/** Operators that the importer leaves out, with the reason. */
export const outside: { readonly [operator: string]: string } = leftOut({
  attention: "Attention RotaryEmbedding TensorScatter CausalConvWithState LinearAttention FlexAttention",
  training: "NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss Adagrad Adam Gradient Momentum",
  strings: "StringConcat StringNormalizer StringSplit RegexFullMatch TfIdfVectorizer",
  sequences:
    "ConcatFromSequence Optional OptionalGetElement OptionalHasElement SequenceAt SequenceConstruct SequenceEmpty SequenceErase SequenceInsert SequenceLength SequenceMap SplitToSequence",
  controlFlow: "If Loop Scan",
  dataDependent: "Compress NonMaxSuppression Unique",
  random: "Bernoulli Multinomial RandomNormal RandomNormalLike RandomUniform RandomUniformLike",
  signals: "BlackmanWindow DFT HammingWindow HannWindow MelWeightMatrix STFT",
  recurrent: "GRU LSTM RNN",
});
