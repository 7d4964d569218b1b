/** Every operator of ONNX that is imported, and those that are not with the reason. */
import type { Translations } from "./context.ts";
import { elementwiseTranslations } from "./elementwise.ts";
import type { OnnxNode } from "./graph.ts";
import { linearTranslations } from "./linear.ts";
import { movementTranslations } from "./movement.ts";
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

const attention = "attention and what only transformers use are outside";
const training = "losses and training are outside";
const strings = "strings are outside";
const sequences = "sequences, maps and optional values are outside";
const controlFlow = "control flow is outside";
const dataDependent = "the shape of its result depends on the data";
const random = "results are random";
const signals = "signal processing is outside";
const recurrent = "recurrent layers are outside";

function all(reason: string, operators: string): { readonly [operator: string]: string } {
  return Object.fromEntries(operators.split(" ").map((operator) => [operator, reason]));
}

/** Operators that the importer leaves out, with the reason. */
export const outside: { readonly [operator: string]: string } = {
  ...all(attention, "Attention RotaryEmbedding TensorScatter CausalConvWithState LinearAttention FlexAttention"),
  ...all(training, "NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss Adagrad Adam Gradient Momentum"),
  ...all(strings, "StringConcat StringNormalizer StringSplit RegexFullMatch TfIdfVectorizer"),
  ...all(sequences, "ConcatFromSequence Optional OptionalGetElement OptionalHasElement SequenceAt SequenceConstruct SequenceEmpty"),
  ...all(sequences, "SequenceErase SequenceInsert SequenceLength SequenceMap SplitToSequence"),
  ...all(controlFlow, "If Loop Scan"),
  ...all(dataDependent, "Compress NonMaxSuppression Unique"),
  ...all(random, "Bernoulli Multinomial RandomNormal RandomNormalLike RandomUniform RandomUniformLike"),
  ...all(signals, "BlackmanWindow DFT HammingWindow HannWindow MelWeightMatrix STFT"),
  ...all(recurrent, "GRU LSTM RNN"),
};
