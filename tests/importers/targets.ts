/** The targets on which imported models run, in tests and in the tables of docs/import. One without a runner is said to be not there yet. */
import type { Compiled } from "../../src/compile.ts";
import { createReference, createWasm, type Runner, type Weights } from "../../src/pipeline/execute.ts";

export type Target = {
  readonly name: "reference" | "wasm" | "webgpu";
  readonly create?: (compiled: Compiled, weights: Weights) => Runner;
};

export const targets: readonly Target[] = [
  { name: "reference", create: createReference },
  { name: "wasm", create: createWasm },
  { name: "webgpu" },
];
