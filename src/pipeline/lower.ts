/** Runs the passes of each level in order and verifies what comes out of every one. */

import { lowerToKernels } from "../codegen/lower_to_kernel.ts";
import type { KernelProgram } from "../ir/kernel.ts";
import type { LoopProgram } from "../ir/loop.ts";
import type { NnProgram } from "../ir/nn.ts";
import type { TensorProgram } from "../ir/tensor.ts";
import type { TunedSection } from "../ir/tuned.ts";
import { verifyKernel } from "../ir/verify_kernel.ts";
import { verifyLoop } from "../ir/verify_loop.ts";
import { verifyNn } from "../ir/verify_nn.ts";
import { verifyTensor } from "../ir/verify_tensor.ts";
import { lowerToLoop } from "../passes/lower_to_loop.ts";
import { lowerToTensor } from "../passes/lower_to_tensor.ts";
import { decompose } from "../schedule/decompose.ts";
import { type NestHistory, scheduleHistory, scheduleProgram } from "../schedule/schedule_program.ts";
import type { Module } from "../semantics/module.ts";
import type { Checked, Diagnostic } from "../support/diagnostic.ts";
import { invariant } from "../support/invariant.ts";
import { bindTuned } from "./bind_tuned.ts";
import { fusionPasses, memoryPasses, nnPasses, placementPass, type TensorPass } from "./passes.ts";

/** All nn passes, or those up to and including `last`; "elaborate" runs none. */
export function lowerNn(source: NnProgram, module: Module, last?: string): NnProgram {
  let program = source;
  requireValid("elaborate", verifyNn(program));
  if (last === "elaborate") return program;
  for (const pass of nnPasses) {
    program = pass.run(program, module.rules);
    requireValid(pass.name, verifyNn(program));
    if (pass.name === last) break;
  }
  return program;
}

export function lowerTensor(program: NnProgram): TensorProgram {
  const lowered = lowerToTensor(program);
  requireValid("lower-to-tensor", verifyTensor(lowered));
  return lowered;
}

export function fuse(program: TensorProgram, last?: string): TensorProgram {
  return runTensorPasses(program, fusionPasses, last === "lower-to-tensor" ? "" : last);
}

/** A program whose fusion stopped early (`last` names one of its passes) is left as it is. */
export function layOut(program: TensorProgram, last?: string): TensorProgram {
  const stopped = last !== undefined && !memoryPasses.some((pass) => pass.name === last);
  return stopped ? program : runTensorPasses(program, memoryPasses, last);
}

/** Loops with schedules applied (`default`), with reductions merely decomposed (`none`), or as lowered (`unscheduled`). */
export function lowerLoop(
  program: TensorProgram,
  module: Pick<Module, "sketches" | "schedules">,
  mode: "default" | "none" | "unscheduled",
  tuned?: TunedSection,
): Checked<LoopProgram> {
  const lowered = lowerToLoop(program);
  requireValid("lower-to-loop", verifyLoop(lowered));
  if (mode === "unscheduled") return { value: lowered, diagnostics: [] };
  if (mode === "none") return { value: { ...lowered, nests: lowered.nests.map(decompose) }, diagnostics: [] };
  const bound = tuned && bindTuned(lowered, tuned, module.sketches);
  const { value, diagnostics } = scheduleProgram(lowered, {
    sketches: module.sketches,
    schedules: module.schedules,
    target: "wasm",
    ...bound?.value,
  });
  if (value) requireValid("schedule", verifyLoop(value));
  return { ...(value ? { value } : {}), diagnostics: [...(bound?.diagnostics ?? []), ...diagnostics] };
}

/** A place in memory for everything that scheduled nests touch; without one, every buffer gets memory of its own. */
export function planMemory(program: LoopProgram): LoopProgram {
  const planned = placementPass.run(program);
  requireValid(placementPass.name, verifyLoop(planned));
  return planned;
}

/** The loops of every layer after each step of its schedule. */
export function scheduleSteps(
  program: TensorProgram,
  { sketches, schedules }: Pick<Module, "sketches" | "schedules">,
  tuned?: TunedSection,
): readonly NestHistory[] {
  const lowered = lowerToLoop(program);
  const bound = tuned ? bindTuned(lowered, tuned, sketches).value : {};
  return scheduleHistory(lowered, { sketches, schedules, target: "wasm", ...bound }).value ?? [];
}

export function lowerKernel(program: LoopProgram, options: { float64?: boolean } = {}): KernelProgram {
  const lowered = lowerToKernels(program, options);
  requireValid("lower-to-kernel", verifyKernel(lowered));
  return lowered;
}

function runTensorPasses(program: TensorProgram, passes: readonly TensorPass[], last: string | undefined): TensorProgram {
  let current = program;
  if (last === "") return current;
  for (const pass of passes) {
    current = pass.run(current);
    requireValid(pass.name, verifyTensor(current));
    if (pass.name === last) break;
  }
  return current;
}

/** A verifier speaks of the compiler's own mistakes: the first one stops it, with the pass that made it. */
function requireValid(pass: string, diagnostics: readonly Diagnostic[]): void {
  invariant(diagnostics.length === 0, `after ${pass}: ${diagnostics[0]?.code}: ${diagnostics[0]?.message}`);
}
