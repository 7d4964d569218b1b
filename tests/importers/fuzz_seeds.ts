/** The files that are mutated, of every format that is imported: small ones of the shared suites. */
import { readFileSync } from "node:fs";
import type { Importer } from "../../src/importers/importer.ts";
import { keras } from "../../src/importers/keras/importer.ts";
import { onnx } from "../../src/importers/onnx/importer.ts";
import { tflite } from "../../src/importers/tflite/importer.ts";
import { readOnnxCases } from "../operators/onnx_cases.ts";
import { sharedFile } from "../support.ts";
import type { Seed } from "./fuzz.ts";

export type FuzzedFormat = { readonly importer: Importer; seeds(): readonly Seed[] | undefined };

/** Bytes up to which a file of a suite is a seed: a mutation must have a chance to meet something. */
const largest = 4096;

export const fuzzedFormats: readonly FuzzedFormat[] = [
  {
    importer: onnx,
    seeds() {
      const suite = sharedFile("conformance/onnx/node.tar.gz");
      const network = sharedFile("models/mnist/mnist-8.onnx");
      if (suite === undefined || network === undefined) return undefined;
      const small = readOnnxCases(suite).filter(({ model }) => model.length <= largest);
      const cases = small.map(({ name, model }) => ({ name: `${name}.onnx`, bytes: model }));
      return [...cases, { name: "mnist-8.onnx", bytes: readFileSync(network) }];
    },
  },
  {
    importer: tflite,
    seeds: () => shared(["models/mlperf-tiny/kws_ref_model.tflite", "models/mlperf-tiny/kws_ref_model_float32.tflite"]),
  },
  {
    importer: keras,
    seeds: () =>
      shared(["conformance/keras-h5/activations/ReLU_3_model.h5", "conformance/keras-h5/conv1d/conv1d_k2_s1_d1_cf_same_model.h5"]),
  },
];

function shared(names: readonly string[]): readonly Seed[] | undefined {
  const paths = names.map(sharedFile);
  if (paths.includes(undefined)) return undefined;
  return paths.flatMap((path, i) => (path === undefined ? [] : [{ name: names[i] ?? "", bytes: readFileSync(path) }]));
}
