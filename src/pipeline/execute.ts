/**
 * Running compiled programs in this process: as the target's module, and as the float64 reference, which is the
 * elaborated program with no rewriting, no fusion and no schedule.
 */

import { type EmitOptions, emitWasm } from "../codegen/wasm/emit.ts";
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

/** A module of WebAssembly, the weights packed for it, and the program that it was made from. */
export type BuiltVariant = { readonly wasm: Uint8Array; readonly weights: Uint8Array; readonly kernel: KernelProgram };

export type BuiltModule = { readonly simd: BuiltVariant; readonly relaxed: BuiltVariant };

/** Everything a built module ships. `forSimd` is the same source with the schedules for engines without relaxed SIMD, where those are others. */
export function buildModule(compiled: Compiled, weights: Weights, forSimd: Compiled = compiled): BuiltModule {
  const relaxed = buildVariant(compiled, weights, { relaxed: true });
  if (forSimd !== compiled) return { simd: buildVariant(forSimd, weights, { relaxed: false }), relaxed };
  return { simd: { ...relaxed, wasm: emitRun(relaxed.kernel, { relaxed: false }) }, relaxed };
}

type VariantOptions = Pick<EmitOptions, "relaxed">;

function buildVariant(compiled: Compiled, weights: Weights, options: VariantOptions): BuiltVariant {
  const kernel = compiled.levels.kernel();
  return { wasm: emitRun(kernel, options), weights: buildWeights(kernel, weights), kernel };
}

function emitRun(kernel: KernelProgram, options: VariantOptions): Uint8Array {
  return emitWasm(kernel, { ...options, calls: "run" }).bytes;
}

/** The target's module, as `build` would ship it, in this process. */
export function createWasm(compiled: Compiled, weights: Weights): Runner {
  const { wasm, weights: image, kernel } = buildVariant(compiled, weights, { relaxed: false });
  const instance = instantiate(kernel, wasm, "run");
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
