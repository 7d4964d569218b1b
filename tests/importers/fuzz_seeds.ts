/** The files that are mutated, of every format that is imported: small ones of the shared suites, and the tests' own of one operator. */
import { readFileSync } from "node:fs";
import type { Importer } from "../../src/importers/importer.ts";
import { keras } from "../../src/importers/keras/importer.ts";
import { onnx } from "../../src/importers/onnx/importer.ts";
import { tfjs } from "../../src/importers/tfjs/importer.ts";
import { tflite } from "../../src/importers/tflite/importer.ts";
import { readOnnxCases } from "../operators/onnx_cases.ts";
import { sharedFile } from "../support.ts";
import type { CaseFile, ImportCase } from "./cases/case.ts";
import { kerasCases } from "./cases/keras_cases.ts";
import { tfjsCases } from "./cases/tfjs_cases.ts";
import { tfliteCases } from "./cases/tflite_cases.ts";
import { fileBytes } from "./onnx_files.ts";
import { convolution } from "./onnx_integer_files.ts";

export type Seed = { readonly name: string; readonly file: CaseFile };
export type FuzzedFormat = { readonly importer: Importer; seeds(): readonly Seed[] | undefined };

/** Bytes up to which a file of a suite is a seed: a mutation must have a chance to meet something. */
const largest = 4096;

export const fuzzedFormats: readonly FuzzedFormat[] = [
  {
    importer: onnx,
    seeds() {
      const suite = sharedFile("conformance/onnx/node.tar.gz");
      const networks = shared(["models/mnist/mnist-8.onnx"]);
      if (suite === undefined || !networks) return undefined;
      const small = readOnnxCases(suite).filter(({ model }) => model.length <= largest);
      const cases = small.map(({ name, model }) => ({ name, file: { path: `${name}.onnx`, bytes: model } }));
      const integers = convolution([], { scale: 8, zero: -3, dtype: "i8" });
      return [...cases, { name: "a convolution of integers", file: { path: "integers.onnx", bytes: fileBytes(integers) } }, ...networks];
    },
  },
  {
    importer: tflite,
    seeds: () =>
      withNetworks(tfliteCases, shared(["models/mlperf-tiny/kws_ref_model.tflite", "models/mlperf-tiny/kws_ref_model_float32.tflite"])),
  },
  {
    importer: keras,
    seeds: () =>
      shared(["conformance/keras-h5/activations/ReLU_3_model.h5", "conformance/keras-h5/conv1d/conv1d_k2_s1_d1_cf_same_model.h5"]),
  },
  {
    importer: tfjs,
    seeds: () =>
      withNetworks([...tfjsCases, ...kerasCases], shared(["models/tfjs/tiny-vgg/model.json", "models/tfjs/human_liveness/model.json"])),
  },
];

/** Every fourth is a network. */
function withNetworks(cases: readonly ImportCase[], networks: readonly Seed[] | undefined): readonly Seed[] | undefined {
  if (!networks) return undefined;
  const after = (i: number) => (i % 3 === 2 ? networks.slice(i % networks.length, (i % networks.length) + 1) : []);
  return cases.flatMap(({ name, file }, i) => [{ name, file }, ...after(i)]);
}

function shared(names: readonly string[]): readonly Seed[] | undefined {
  const paths = names.map(sharedFile);
  if (paths.includes(undefined)) return undefined;
  return paths.flatMap((path, i) => (path === undefined ? [] : [{ name: names[i] ?? "", file: fileWithShards(path) }]));
}

function fileWithShards(path: string): CaseFile {
  const bytes = new Uint8Array(readFileSync(path));
  if (!path.endsWith(".json")) return { path, bytes };
  const { weightsManifest }: { readonly weightsManifest: readonly { readonly paths: readonly string[] }[] } = JSON.parse(
    new TextDecoder().decode(bytes),
  );
  const shards = weightsManifest.flatMap(({ paths }) => paths);
  return { path, bytes, neighbours: new Map(shards.map((name) => [name, new Uint8Array(readFileSync(path.replace("model.json", name)))])) };
}
