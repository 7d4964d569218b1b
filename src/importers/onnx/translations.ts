/** Every operator of ONNX that is imported, and those that are not with the reason. */
import type { Translations } from "./context.ts";
import { elementwiseTranslations } from "./elementwise.ts";
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
