/** The pretrained networks of the formats that are not ONNX, as shared/vectors names them, and what each needs to be imported. */

import { sharedFile } from "../support.ts";
import type { ReferenceVectors } from "./reference_vectors.ts";
import { referenceVectors } from "./reference_vectors.ts";

export type Network = {
  readonly name: string;
  readonly vectors: ReferenceVectors;
  readonly path: string;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
};

/** Those that are quick to import and run. */
export const smallNetworks = [
  "pretrainedResnet_quant.tflite",
  "kws_ref_model.tflite",
  "kws_ref_model_float32.tflite",
  "vww_96_int8.tflite",
  "mobilenet_v1_0.25_224_quant.tflite",
  "face_detection_short_range.tflite",
  "pretrainedResnet.h5",
  "fer2013_mini_XCEPTION.102-0.66.h5",
  "doodlenet.tfjs",
  "upscaler-default-2x.tfjs",
  "human_facemesh.tfjs",
] as const;

export const largeNetworks = [
  "pretrainedResnet.tflite",
  "vww_96_float.tflite",
  "mobilenet_v1_0.25_224_1_default_1.tflite",
  "mobilenet_v2_1.0_224_quant.tflite",
  "version-slim-320_without_postprocessing.tflite",
  "deeplabv3.tflite",
  "vww_96.h5",
  "tiny-vgg.tfjs",
  "human_emotion.tfjs",
  "human_liveness.tfjs",
  "nsfwjs_mobilenet_v2_mid.tfjs",
] as const;

/** Undefined, with a visible line, where the shared files are absent. */
export function networkOf(name: string): Network | undefined {
  const vectors = referenceVectors(name);
  const path = vectors && sharedFile(`${vectors.model}${name.endsWith(".tfjs") ? "/model.json" : ""}`);
  if (!vectors || path === undefined) return undefined;
  const [first] = vectors.runs;
  // Its image may have any height and width.
  const shapes = new Map(name.startsWith("upscaler") && first ? [["LR", first.input.shape]] : []);
  return { name, vectors, path, shapes };
}
