/** ONNX's suites as vectors, and the cases that are none with the reasons. */
import { elementwiseTranslations } from "./onnx_elementwise.ts";
import { layerTranslations } from "./onnx_layers.ts";
import { movementTranslations } from "./onnx_movement.ts";
import { type OnnxCase, readOnnxCases } from "./onnx_reader.ts";
import { resamplingTranslations } from "./onnx_resampling.ts";
import { type OnnxVector, vectorsOf } from "./onnx_translation.ts";
import { isWhole, readOnnxJsCases } from "./onnxjs_suite.ts";

const translations = { ...elementwiseTranslations, ...layerTranslations, ...movementTranslations, ...resamplingTranslations };

export type LoadedCase = {
  readonly name: string;
  /** ONNX's operator, or how many nodes there are. */
  readonly family: string;
  readonly vectors: readonly OnnxVector[];
};

export type SkippedCase = { readonly name: string; readonly family: string; readonly reason: string };

export const onnxSuites = ["node", "pytorch-converted", "pytorch-operator", "simple"] as const;

export type LoadedSuite = { readonly cases: readonly LoadedCase[]; readonly skipped: readonly SkippedCase[] };

export function loadOnnxSuite(path: string): LoadedSuite {
  return load(readOnnxCases(path));
}

export function loadOnnxJsSuite(folder: string): LoadedSuite {
  const all = readOnnxJsCases(folder);
  const malformed = all.filter((given) => !isWhole(given));
  const { cases, skipped } = load(all.filter(isWhole));
  const reason = "more or fewer values than the shapes say";
  return { cases, skipped: [...skipped, ...malformed.map((given) => ({ name: given.name, family: familyOf(given), reason }))] };
}

/** A case as vectors, or why it is none. */
export function onnxVectors(given: OnnxCase): readonly OnnxVector[] | string {
  return vectorsOf(given, translations);
}

function load(all: readonly (OnnxCase | string)[]): LoadedSuite {
  const cases: LoadedCase[] = [];
  const skipped: SkippedCase[] = [];
  for (const given of all) {
    const [name, family] = typeof given === "string" ? [given, "no tensors"] : [given.name, familyOf(given)];
    const vectors = vectorsOf(given, translations);
    if (typeof vectors === "string") skipped.push({ name, family, reason: vectors });
    else if (!vectors.length) skipped.push({ name, family, reason: "nothing to compare" });
    else cases.push({ name, family, vectors });
  }
  return { cases, skipped };
}

function familyOf({ nodes }: OnnxCase): string {
  const computing = nodes.filter(({ operator }) => operator !== "Constant");
  return computing.length === 1 ? (computing[0]?.operator ?? "") : "several nodes";
}
