/**
 * Running compiled programs in this process: as the target's module, and as the float64 reference, which is the
 * elaborated program with no rewriting, no fusion and no schedule.
 */

import { emitWasm } from "../codegen/wasm/emit.ts";
import { buildWeights, type Instance, instantiate } from "../codegen/wasm/instance.ts";
import type { KernelProgram } from "../ir/kernel.ts";
import type { NnOutput } from "../ir/nn.ts";
import { eliminateDeadCode } from "../passes/eliminate.ts";
import { invariant } from "../support/invariant.ts";
import type { Compiled } from "./compiled.ts";
import { lowerKernel, lowerLoop, lowerNn, lowerTensor, scheduleLoop } from "./lower.ts";

/** Weights by path, row-major. */
export type Weights = ReadonlyMap<string, Float64Array>;
/** Tensors by the source's names, row-major. */
export type Tensors = ReadonlyMap<string, Float64Array>;

export type Runner = { run(inputs: Tensors): Map<string, Float64Array> };

export type BuiltModule = {
  readonly simd: Uint8Array;
  readonly relaxed: Uint8Array;
  readonly weights: Uint8Array;
  readonly kernel: KernelProgram;
};

/** Everything a built module ships: both wasm variants and the packed weights. */
export function buildModule(compiled: Compiled, weights: Weights): BuiltModule {
  const kernel = compiled.levels.kernel();
  const emit = (relaxed: boolean) => emitWasm(kernel, { relaxed, calls: "run" }).bytes;
  return { simd: emit(false), relaxed: emit(true), weights: buildWeights(kernel, weights), kernel };
}

/** The target's module, as `build` would ship it, in this process. */
export function createWasm(compiled: Compiled, weights: Weights): Runner {
  const { simd, weights: image, kernel } = buildModule(compiled, weights);
  const instance = instantiate(kernel, simd, "run");
  new Uint8Array(instance.memory.buffer).set(image);
  return createRunner(instance, kernel);
}

/** The float64 reference. */
export function createReference(compiled: Compiled, weights: Weights): Runner {
  const kernel = referenceKernels(compiled);
  const instance = instantiate(kernel, emitWasm(kernel, { relaxed: false, calls: "build" }).bytes, "build");
  writeSources(instance, kernel, weights);
  instance.build();
  return createRunner(instance, kernel);
}

export function referenceKernels(compiled: Compiled): KernelProgram {
  const expanded = eliminateDeadCode(lowerNn(compiled.source, compiled.module, { last: "expand" }));
  const { value } = scheduleLoop(lowerLoop(lowerTensor(expanded)), { sketches: [], schedules: [] }, "none", { target: "wasm" });
  invariant(value, "the reference does not lower");
  return lowerKernel(value, { float64: true });
}

export function writeSources(instance: Instance, kernel: KernelProgram, weights: Weights): void {
  for (const { buffer, source } of kernel.sources) {
    const values = source.kind === "constant" ? source.data : weights.get(source.path);
    invariant(values, `no values for the weight ${source.kind === "weight" ? source.path : buffer}`);
    instance.write(buffer, values);
  }
}

function createRunner(instance: Instance, kernel: { inputs: readonly string[]; outputs: readonly NnOutput[] }): Runner {
  return {
    run(inputs) {
      for (const name of kernel.inputs) {
        const values = inputs.get(name);
        invariant(values, `no values for the input ${name}`);
        instance.write(name, values);
      }
      instance.run();
      return new Map(kernel.outputs.map(({ name, value }) => [name, instance.read(value)]));
    },
  };
}
