import { describe, expect, test } from "vitest";
import { lowerToKernels } from "../../src/codegen/lower_to_kernel.ts";
import { emitWasm } from "../../src/codegen/wasm/emit.ts";
import type { KernelProgram } from "../../src/ir/kernel.ts";
import type { LevelProgram } from "../../src/ir/level_program.ts";
import { printLevel } from "../../src/ir/print_level.ts";
import { lowerToLoop } from "../../src/passes/lower_to_loop.ts";
import { lowerToTensor } from "../../src/passes/lower_to_tensor.ts";
import { planBuffers } from "../../src/passes/plan_buffers.ts";
import { fusionPasses, memoryPasses, nnPasses } from "../../src/pipeline/passes.ts";
import { scheduleProgram } from "../../src/schedule/schedule_program.ts";
import type { Module } from "../../src/semantics/module.ts";
import { type Stages, stagesOf } from "./examples.ts";
import { allStages, parsed } from "./levels.ts";

/** The passes after `pass`, down to kernels. */
function lowerFrom(start: LevelProgram, pass: string, { rules, sketches, schedules }: Module): KernelProgram {
  let at = start as LevelProgram;
  let begun = pass === "elaborate";
  for (const { name, run } of nnPasses) {
    if (begun && at.level === "nn") at = { level: "nn", program: run(at.program, rules) };
    begun ||= name === pass;
  }
  if (at.level === "nn") at = { level: "tensor", program: lowerToTensor(at.program) };
  begun ||= pass === "lower-to-tensor";
  for (const { name, run } of [...fusionPasses, ...memoryPasses]) {
    if (begun && at.level === "tensor") at = { level: "tensor", program: run(at.program) };
    begun ||= name === pass;
  }
  if (at.level === "tensor") at = { level: "loop", program: lowerToLoop(at.program) };
  if (at.level === "loop" && pass !== "schedule" && pass !== "plan-buffers") {
    const { value, diagnostics } = scheduleProgram(at.program, { sketches, schedules, target: "wasm" });
    if (!value) throw new Error(diagnostics[0]?.message);
    at = { level: "loop", program: value };
  }
  if (at.level === "loop" && pass !== "plan-buffers") at = { level: "loop", program: planBuffers(at.program) };
  if (at.level === "loop") at = { level: "kernel", program: lowerToKernels(at.program) };
  if (at.level === "kernel") return at.program;
  throw new Error(`lowering after ${pass} does not end with kernels`);
}

function wasmOf(program: KernelProgram): Uint8Array {
  return emitWasm(program, { relaxed: false, calls: "build" }).bytes;
}

/** Of the stages that lead to the scheduled kernels. */
function onTheWay(stages: Stages) {
  return allStages(stages).filter(({ pass }) => pass !== "decompose" && pass !== "lower-to-kernel of the reference");
}

describe.each(["custom-op", "resnet8"])("lowering %s resumed from a printed text", (name) => {
  const stages = stagesOf(name);
  const wanted = stages.kernel[0]?.program as KernelProgram;
  const bytes = wasmOf(wanted);
  test.each(onTheWay(stages))("at the $at.level level after $pass gives the identical wasm", ({ pass, at }) => {
    const resumed = lowerFrom(parsed(printLevel(at)), pass, stages.module);
    expect(printLevel({ level: "kernel", program: resumed })).toBe(printLevel({ level: "kernel", program: wanted }));
    expect(Buffer.compare(wasmOf(resumed), bytes)).toBe(0);
  });
});
