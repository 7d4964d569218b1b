/** Runs the passes of each level in order and verifies what comes out of every one. */

import { lowerToKernels } from "../codegen/lower_to_kernel.ts";
import { lowerToShaders } from "../codegen/lower_to_shaders.ts";
import type { GpuLimits } from "../ir/gpu_limits.ts";
import type { KernelProgram } from "../ir/kernel.ts";
import type { LoopProgram } from "../ir/loop.ts";
import type { NnProgram } from "../ir/nn.ts";
import type { ShaderProgram } from "../ir/shader.ts";
import type { TensorProgram } from "../ir/tensor.ts";
import type { TunedSection } from "../ir/tuned.ts";
import { verifyKernel } from "../ir/verify_kernel.ts";
import { verifyLoop } from "../ir/verify_loop.ts";
import { verifyNn } from "../ir/verify_nn.ts";
import { verifyShader } from "../ir/verify_shader.ts";
import { verifyTensor } from "../ir/verify_tensor.ts";
import { lowerToLoop } from "../passes/lower_to_loop.ts";
import { lowerToTensor } from "../passes/lower_to_tensor.ts";
import { decompose } from "../schedule/decompose.ts";
import { type NestHistory, scheduleHistory, scheduleProgram } from "../schedule/schedule_program.ts";
import type { Module } from "../semantics/module.ts";
import type { Checked, Diagnostic } from "../support/diagnostic.ts";
import { invariant } from "../support/invariant.ts";
import { bindTuned } from "./bind_tuned.ts";
import { fusionPasses, memoryPassesFor, nnPasses, placementPass, type Target, type TensorPass } from "./passes.ts";

/** For which target loops are scheduled, and what was found by measuring for it. */
export type Scheduling = { readonly target: Target; readonly tuned?: TunedSection };

/** Which passes run: those behind `after`, all by default, up to and including `last`. */
export type Stretch = { readonly after?: string; readonly last?: string | undefined };

/** All nn passes, or a stretch of them; after "elaborate" none has run. */
export function lowerNn(source: NnProgram, { rules }: Pick<Module, "rules">, { after = "elaborate", last }: Stretch = {}): NnProgram {
  let program = source;
  if (after === "elaborate") requireValid(after, verifyNn(program));
  const place = (name: string) => nnPasses.findIndex((pass) => pass.name === name) + 1;
  for (const pass of nnPasses.slice(place(after), last === undefined ? nnPasses.length : place(last))) {
    program = pass.run(program, rules);
    requireValid(pass.name, verifyNn(program));
  }
  return program;
}

export function lowerTensor(program: NnProgram): TensorProgram {
  const lowered = lowerToTensor(program);
  requireValid("lower-to-tensor", verifyTensor(lowered));
  return lowered;
}

export type Fusion = { readonly last?: string; readonly unfused?: ReadonlySet<string> };

export function fuse(program: TensorProgram, { last, unfused }: Fusion): TensorProgram {
  return runTensorPasses(program, fusionPasses, last === "lower-to-tensor" ? "" : last, unfused);
}

/** A program whose fusion stopped early (`last` names one of its passes) is left as it is. */
export function layOut(program: TensorProgram, { last, target }: { readonly last?: string; readonly target: Target }): TensorProgram {
  const passes = memoryPassesFor(target);
  const stopped = last !== undefined && !passes.some((pass) => pass.name === last);
  return stopped ? program : runTensorPasses(program, passes, last);
}

/** Loops as they stand before any schedule. */
export function lowerLoop(program: TensorProgram): LoopProgram {
  const lowered = lowerToLoop(program);
  requireValid("lower-to-loop", verifyLoop(lowered));
  return lowered;
}

/** Loops with schedules applied (`default`) or, on WebAssembly, with reductions merely decomposed (`none`). */
export function scheduleLoop(
  lowered: LoopProgram,
  module: Pick<Module, "sketches" | "schedules">,
  mode: "default" | "none",
  { target, tuned }: Scheduling,
): Checked<LoopProgram> {
  // On a GPU a program without schedules still has to come to the grid.
  if (mode === "none" && target === "wasm") return { value: { ...lowered, nests: lowered.nests.map(decompose) }, diagnostics: [] };
  const { sketches, schedules } = mode === "none" ? { sketches: [], schedules: [] } : module;
  const bound = tuned && bindTuned(lowered, tuned, module.sketches);
  const { value, diagnostics } = scheduleProgram(lowered, { sketches, schedules, target, ...bound?.value });
  if (value) requireValid("schedule", verifyLoop(value));
  return { ...(value ? { value } : {}), diagnostics: [...(bound?.diagnostics ?? []), ...diagnostics] };
}

/**
 * A place in memory for everything that scheduled nests touch; without one, every buffer gets memory of its own. Shaders have arenas
 * of their own kind, which lowering to them plans.
 */
export function planMemory(program: LoopProgram, target: Target): LoopProgram {
  if (target === "webgpu") return program;
  const planned = placementPass.run(program);
  requireValid(placementPass.name, verifyLoop(planned));
  return planned;
}

/** The loops of every layer after each step of its schedule. */
export function scheduleSteps(
  lowered: LoopProgram,
  { sketches, schedules }: Pick<Module, "sketches" | "schedules">,
  { target, tuned }: Scheduling,
): readonly NestHistory[] {
  const bound = tuned ? bindTuned(lowered, tuned, sketches).value : {};
  return scheduleHistory(lowered, { sketches, schedules, target, ...bound }).value ?? [];
}

export function lowerKernel(program: LoopProgram, options: { float64?: boolean } = {}): KernelProgram {
  const lowered = lowerToKernels(program, options);
  requireValid("lower-to-kernel", verifyKernel(lowered));
  return lowered;
}

/** Shaders for a device with these limits; a diagnostic says which layer would break one. */
export function lowerShaders(program: LoopProgram, limits: GpuLimits): Checked<ShaderProgram> {
  const lowered = lowerToShaders(program, limits);
  const problems = verifyShader(lowered, limits);
  const exceeded = problems.filter(({ code }) => code === "gpu-limit");
  if (exceeded.length > 0) return { diagnostics: exceeded };
  requireValid("lower-to-shader", problems);
  return { value: lowered, diagnostics: [] };
}

function runTensorPasses(
  program: TensorProgram,
  passes: readonly TensorPass[],
  last: string | undefined,
  unfused?: ReadonlySet<string>,
): TensorProgram {
  let current = program;
  if (last === "") return current;
  for (const pass of passes) {
    current = pass.run(current, unfused);
    requireValid(pass.name, verifyTensor(current));
    if (pass.name === last) break;
  }
  return current;
}

/** A verifier speaks of the compiler's own mistakes: the first one stops it, with the pass that made it. */
function requireValid(pass: string, diagnostics: readonly Diagnostic[]): void {
  invariant(diagnostics.length === 0, `after ${pass}: ${diagnostics[0]?.code}: ${diagnostics[0]?.message}`);
}
