/** What the generator of random programs can produce: every feature must occur in a run, and the counts are printed. */
import type { DType } from "../../src/ir/dtype.ts";
import { scalarFunctions } from "../../src/ir/scalar_functions.ts";
import { createRandom, type Random } from "../../src/support/random.ts";

/** State of one program's generation. */
export type Generator = {
  readonly random: Random;
  readonly features: Set<string>;
  /** Small integers and halves only, and no function that rounds: every level must then agree exactly. */
  readonly exact: boolean;
  /** Operators, functions and definitions before the model. */
  readonly declarations: string[];
  /** For names that occur once in a program. */
  fresh: number;
  /** Whether a float decides something: its rounding may then turn a result around. */
  discontinuous: boolean;
};

export type TensorInfo = {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Upper bound of absolute values; Infinity where infinities or NaN may occur. */
  readonly magnitude: number;
};

/** The types that kernels compute with. */
export const computedTypes = ["f32", "i32", "i8", "u8", "bool"] as const;
export type ComputedType = (typeof computedTypes)[number];

const indexFeatures = ["affine", "strided", "reversed", "floordiv", "mod", "clamped", "sum of iterators", "constant"];
const readFeatures = ["else constant", "else read", "else value", "inside", "gather constant", "gather computed"];
const reductionFeatures = ["sum", "prod", "max", "min", "argmax", "argmin", "nested", "where", "over a dimension", "several axes"];
const declarationFeatures = [
  "pack elementwise",
  "pack reversed",
  "pack reduced",
  "variadic",
  "first",
  "several results",
  "expansion",
  "compile-time if",
  "compile-time for",
  "infix operator",
  "definition",
  "attribute default",
  "attribute given",
  "symbol attribute",
  "type variable",
  "result extent computed",
  "require",
];
const modelFeatures = [
  "pipeline",
  "infix",
  "prefix",
  "literal",
  "weight scope",
  "function",
  "weights in a loop",
  "input as output",
  "output twice",
  "several outputs",
  "unused value",
  "shared subexpression",
];
const initializers = ["zeros", "ones", "constant", "uniform", "he_normal", "glorot_uniform"];

export const libraryOperators =
  "add sub mul div maximum minimum less greater select neg abs sqrt exp log tanh floor sigmoid relu relu6 clip leaky_relu cast matmul dense batch_norm concat reshape flatten transpose pad reduce_sum reduce_mean reduce_max reduce_min argmax softmax conv2d conv depthwise_conv2d max_pool2d avg_pool2d global_avg_pool".split(
    " ",
  );

/** Every feature; a long run must meet each of them. */
export const allFeatures: readonly string[] = [
  ...[0, 1, 2, 3, 4].map((rank) => `rank ${rank}`),
  "extent 0",
  "extent 1",
  ...indexFeatures.map((name) => `index: ${name}`),
  ...readFeatures.map((name) => `read: ${name}`),
  ...reductionFeatures.map((name) => `reduction: ${name}`),
  ...declarationFeatures.map((name) => `declaration: ${name}`),
  ...modelFeatures.map((name) => `model: ${name}`),
  ...initializers.map((name) => `initialiser: ${name}`),
  ...computedTypes.flatMap((name) => [`input: ${name}`, `cast: ${name}`]),
  "select",
  ...Object.keys(scalarFunctions).map((name) => `function: ${name}`),
  ...libraryOperators.map((name) => `library: ${name}`),
];

export function createGenerator(seed: number): Generator {
  const random = createRandom(`program/${seed}`);
  return { random, features: new Set(), exact: random.uniform() < 0.5, declarations: [], fresh: 0, discontinuous: false };
}

export function mark(generator: Generator, feature: string): void {
  if (!allFeatures.includes(feature)) throw new Error(`the feature "${feature}" is not listed`);
  generator.features.add(feature);
}

export function freshName(generator: Generator, prefix: string): string {
  generator.fresh++;
  return `${prefix}${generator.fresh}`;
}

export function chance(generator: Generator, probability: number): boolean {
  return generator.random.uniform() < probability;
}

export function markShape(generator: Generator, shape: readonly number[]): void {
  mark(generator, `rank ${Math.min(4, shape.length)}`);
  if (shape.includes(0)) mark(generator, "extent 0");
  if (shape.includes(1)) mark(generator, "extent 1");
}
