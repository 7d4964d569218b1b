/**
 * Quern's public API. Pure: no files, no clock, no device; it also runs in a browser tab.
 *
 *     import { build, compile, initialWeights } from "quern";
 *     const { value: compiled, diagnostics } = compile(source);
 *     const files = compiled && build(compiled, initialWeights(compiled));
 */
import type { Compiled } from "./compile.ts";
import { initializeWeights } from "./ir/initialize.ts";
import { type ModuleFile, moduleFiles } from "./pipeline/build_module.ts";
import { buildModule, createReference, createWasm, type Runner, type Tensors, type Weights } from "./pipeline/execute.ts";
import { buildGpu, createGpuRunner as createOnDevice, type GpuRunner, shadersOf } from "./pipeline/gpu.ts";
import { randomInputs as drawInputs, type VerifyReport, verifyModel } from "./pipeline/verify.ts";
import { verifyOnDevice as verifyShadersOn } from "./pipeline/verify_shaders.ts";
import type { Checked } from "./support/diagnostic.ts";

export type { Compiled, CompileOptions, SourceText } from "./compile.ts";
export { check, compile } from "./compile.ts";
export type { DType, TensorType } from "./ir/dtype.ts";
export type { ModuleFile } from "./pipeline/build_module.ts";
export type { Runner, Tensors, Weights } from "./pipeline/execute.ts";
export type { GpuRunner } from "./pipeline/gpu.ts";
export type { LayerReport, VerifyReport } from "./pipeline/verify.ts";
export type { Checked, Diagnostic, Note, Severity, Span } from "./support/diagnostic.ts";
export { hasErrors, renderDiagnostic } from "./support/diagnostic.ts";

/** Values for every weight as its initialiser draws them, by path; one without an initialiser is left out. */
export function initialWeights(compiled: Compiled, seed: number | string = 0): Map<string, Float64Array> {
  return initializeWeights(compiled.source.weights, seed);
}

/** Random values for every input, by name: standard normal floats, small integers, coin tosses for bool. */
export function randomInputs(compiled: Compiled, seed = 0): Map<string, Float64Array> {
  return drawInputs(compiled, seed);
}

/**
 * Runs the model once on the WebAssembly target. Tensors are row-major, by the source's names, in the shapes of
 * `compiled.inputs` and `compiled.outputs`. For many runs, `createRunner` compiles once.
 */
export function run(compiled: Compiled, weights: Weights, inputs: Tensors): Map<string, Float64Array> {
  return createRunner(compiled, weights).run(inputs);
}

/** The same in float64, with no rewriting, no fusion and no schedule: what every target is judged by. */
export function reference(compiled: Compiled, weights: Weights, inputs: Tensors): Map<string, Float64Array> {
  return createRunner(compiled, weights, "reference").run(inputs);
}

/** A compiled model ready to run again and again. */
export function createRunner(compiled: Compiled, weights: Weights, target: "wasm" | "reference" = "wasm"): Runner {
  return target === "wasm" ? createWasm(compiled, weights) : createReference(compiled, weights);
}

/**
 * Runs random inputs (or the ones given) through the target and the reference. Each layer's error is judged against
 * its bound, element by element, on the target's own inputs; then each output, end to end.
 */
export function verify(
  compiled: Compiled,
  weights: Weights,
  options: { readonly seed?: number; readonly inputs?: Tensors } = {},
): VerifyReport {
  return verifyModel(compiled, weights, options);
}

/**
 * A model compiled with `target: "webgpu"`, ready to run again and again on a WebGPU device, which stays the caller's. Rejects if the
 * device refuses a shader or has too little memory.
 */
export function createGpuRunner(compiled: Compiled, weights: Weights, device: GPUDevice): Promise<GpuRunner> {
  return createOnDevice(shadersOf(compiled), weights, device);
}

/**
 * As `verify`, for a model compiled with `target: "webgpu"` on a WebGPU device, which stays the caller's. Without a value where keeping
 * every layer's result would break a limit of the device.
 */
export function verifyOnDevice(
  compiled: Compiled,
  weights: Weights,
  device: GPUDevice,
  options: { readonly seed?: number; readonly inputs?: Tensors } = {},
): Promise<Checked<VerifyReport>> {
  return verifyShadersOn(compiled, weights, device, options);
}

/** The same source compiled otherwise. */
export type OtherTargets = {
  /** With `target: "webgpu"`: the module runs on a GPU where there is one, and has two files more, `model.webgpu.json` and `model.webgpu.bin`. */
  readonly gpu?: Compiled;
  /** With the schedules for engines without relaxed SIMD, if those are others: its weights are then a file of their own, `model.simd.weights.bin`. */
  readonly simd?: Compiled;
};

/** The files of an ES module: `model.js`, `model.d.ts`, `model.simd.wasm`, `model.relaxed.wasm`, `model.weights.bin`. */
export function build(compiled: Compiled, weights: Weights, { gpu, simd }: OtherTargets = {}): ModuleFile[] {
  return moduleFiles(buildModule(compiled, weights, simd), compiled, gpu && buildGpu(gpu, weights));
}
