/**
 * The targets on which imported models run, in tests and in the tables of docs/import. WebGPU is the first driver of tests/gpu, in a
 * process that is started by its first program and ends with this one.
 */
import type { Compiled } from "../../src/compile.ts";
import { createReference, createWasm, type Tensors, type Weights } from "../../src/pipeline/execute.ts";
import { shadersOf } from "../../src/pipeline/gpu.ts";
import { hashText } from "../../src/support/hash.ts";
import { type Driver, drivers, hasDriver, openDriver } from "../gpu/dawn.ts";
import { full } from "../support.ts";

export type TargetName = "reference" | "wasm" | "webgpu";

/** A model, compiled for WebAssembly, and for WebGPU when it is asked for. */
export type Program = { readonly compiled: Compiled; readonly weights: Weights; compiledForGpu(): Compiled };

export type Target = {
  readonly name: TargetName;
  run(program: Program, inputs: Tensors): Promise<Tensors>;
};

const every: readonly Target[] = [
  { name: "reference", run: async ({ compiled, weights }, inputs) => createReference(compiled, weights).run(inputs) },
  { name: "wasm", run: async ({ compiled, weights }, inputs) => createWasm(compiled, weights).run(inputs) },
  { name: "webgpu", run: async ({ compiledForGpu, weights }, inputs) => driver().run(shadersOf(compiledForGpu()), weights, inputs) },
];

export const targetNames: readonly TargetName[] = every.map(({ name }) => name);

let here: readonly Target[] | undefined;
let opened: Driver | undefined;

/** Those that this machine can run: without a driver WebGPU is not among them, with a visible line. A full run must have it. */
export function targetsHere(): readonly Target[] {
  here ??= every.filter(({ name }) => name !== "webgpu" || hasDriver(drivers[0]));
  return here;
}

/** In a short run WebGPU, whose pipelines take long to compile, sees one in eight of many cases, always the same. */
export function targetsOfCase(name: string): readonly TargetName[] {
  const isDrawn = full || Number.parseInt(hashText(name).slice(-1), 16) % 8 === 0;
  return targetsHere().flatMap((target) => (isDrawn || target.name !== "webgpu" ? [target.name] : []));
}

function driver(): Driver {
  opened ??= openDriver(drivers[0]);
  return opened;
}
