/** The files that are mutated, of every format that is imported: small ones of the shared suites. */
import { readFileSync } from "node:fs";
import type { Importer } from "../../src/importers/importer.ts";
import { onnx } from "../../src/importers/onnx/importer.ts";
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
];
