/** Lowering from the middle: a program that a level's text gave, with the passes that are left. */
import { defaultGpuLimits, type GpuLimits } from "../ir/gpu_limits.ts";
import { type Level, type LevelProgram, verifyLevel } from "../ir/level_program.ts";
import type { LoopProgram } from "../ir/loop.ts";
import type { Module } from "../semantics/module.ts";
import { type Checked, hasErrors } from "../support/diagnostic.ts";
import { invariant } from "../support/invariant.ts";
import { lowerKernel, lowerLoop, lowerShaders, lowerTensor, planMemory, scheduleLoop } from "./lower.ts";
import { fusionPasses, levelOf, memoryPasses, nnPasses, passNamesFor, placementPass, type Target } from "./passes.ts";

export type ResumeOptions = {
  readonly schedule?: "default" | "none";
  readonly target?: Target;
  /** What the device can do, for WebGPU. */
  readonly limits?: GpuLimits;
};

type Remaining = Pick<Module, "rules" | "sketches" | "schedules"> & Required<ResumeOptions>;

/** `after` is the last pass that the text has behind it. `module` has the rules, sketches and schedules that are still to apply. */
export function resume(
  from: LevelProgram,
  after: string,
  to: Level,
  module: Pick<Module, "rules" | "sketches" | "schedules">,
  { schedule = "default", target = "wasm", limits = defaultGpuLimits }: ResumeOptions = {},
): Checked<LevelProgram> {
  const { rules, sketches, schedules } = module;
  const remaining: Remaining = { rules, sketches, schedules, schedule, target, limits };
  const passNames = passNamesFor(target);
  const problems = [...verifyLevel(from)];
  if (hasErrors(problems)) return { diagnostics: problems };
  let current = from;
  for (const pass of passNames.slice(passNames.indexOf(after) + 1)) {
    if (current.level === to && levelOf(pass) !== to) break;
    const { value, diagnostics } = runPass(current, pass, remaining);
    problems.push(...diagnostics);
    if (!value || hasErrors(diagnostics)) return { diagnostics: problems };
    current = value;
    const broken = current.level === "shader" ? undefined : verifyLevel(current)[0];
    invariant(!broken, `after ${pass}: ${broken?.code}: ${broken?.message}`);
  }
  return { value: current, diagnostics: problems };
}

function runPass(at: LevelProgram, pass: string, remaining: Remaining): Checked<LevelProgram> {
  const { target } = remaining;
  const done = (value: LevelProgram) => ({ value, diagnostics: [] });
  const nnPass = nnPasses.find(({ name }) => name === pass);
  const tensorPass = [...fusionPasses, ...memoryPasses].find(({ name }) => name === pass);
  if (at.level === "nn" && nnPass) return done({ level: "nn", program: nnPass.run(at.program, remaining.rules) });
  if (at.level === "nn" && pass === "lower-to-tensor") return done({ level: "tensor", program: lowerTensor(at.program) });
  if (at.level === "tensor" && tensorPass) return done({ level: "tensor", program: tensorPass.run(at.program) });
  if (at.level === "tensor" && pass === "lower-to-loop") return done({ level: "loop", program: lowerLoop(at.program) });
  if (at.level === "loop" && pass === "schedule") return loopOf(scheduleLoop(at.program, remaining, remaining.schedule, { target }));
  if (at.level === "loop" && pass === placementPass.name) return done({ level: "loop", program: planMemory(at.program, target) });
  if (at.level === "loop" && pass === "lower-to-kernel") return done({ level: "kernel", program: lowerKernel(at.program) });
  if (at.level === "loop" && pass === "lower-to-shader") {
    const { value, diagnostics } = lowerShaders(at.program, remaining.limits);
    return value ? { value: { level: "shader", program: value }, diagnostics } : { diagnostics };
  }
  invariant(false, `${pass} does not follow the ${at.level} level`);
}

function loopOf({ value, diagnostics }: Checked<LoopProgram>): Checked<LevelProgram> {
  return value ? { value: { level: "loop", program: value }, diagnostics } : { diagnostics };
}
