/** Lowering from the middle: a program that a level's text gave, with the passes that are left. */
import { defaultGpuLimits } from "../ir/gpu_limits.ts";
import { type Level, type LevelProgram, verifyLevel } from "../ir/level_program.ts";
import type { LoopProgram } from "../ir/loop.ts";
import { decompose } from "../schedule/decompose.ts";
import { scheduleProgram } from "../schedule/schedule_program.ts";
import type { Module } from "../semantics/module.ts";
import { type Checked, hasErrors } from "../support/diagnostic.ts";
import { invariant } from "../support/invariant.ts";
import { lowerKernel, lowerLoop, lowerShaders, lowerTensor, memoryPassesFor, planMemory, type Target } from "./lower.ts";
import { fusionPasses, memoryPasses, nnPasses, passNames, placementPass } from "./passes.ts";

/**
 * `after` is the last pass that the text has behind it. `module` has the rules, sketches and schedules that are still to apply. On the way
 * to shaders they are those for webgpu, under the limits that every device has.
 */
export function resume(
  from: LevelProgram,
  after: string,
  to: Level,
  module: Pick<Module, "rules" | "sketches" | "schedules">,
  schedule: "default" | "none" = "default",
): Checked<LevelProgram> {
  const problems = [...verifyLevel(from)];
  if (hasErrors(problems)) return { diagnostics: problems };
  let current = from;
  const target = to === "shader" ? "webgpu" : "wasm";
  for (const pass of passesFor(target, after)) {
    if (current.level === to && levelOf(pass) !== to) break;
    const { value, diagnostics } = runPass(current, pass, module, { schedule, target });
    problems.push(...diagnostics);
    if (!value || hasErrors(diagnostics)) return { diagnostics: problems };
    current = value;
    const broken = verifyLevel(current)[0];
    invariant(!broken, `after ${pass}: ${broken?.code}: ${broken?.message}`);
  }
  return { value: current, diagnostics: problems };
}

/** The level that a pass leaves the program at. */
export function levelOf(pass: string): Level {
  if (pass === "elaborate" || nnPasses.some(({ name }) => name === pass)) return "nn";
  if (pass === "lower-to-tensor" || [...fusionPasses, ...memoryPasses].some(({ name }) => name === pass)) return "tensor";
  if (pass === shaderPass) return "shader";
  return pass === "lower-to-kernel" ? "kernel" : "loop";
}

/** What lowers loops for a GPU, instead of a plan of one memory and kernels. */
export const shaderPass = "lower-to-shader";

function passesFor(target: Target, after: string): readonly string[] {
  const left = passNames.slice(passNames.indexOf(after) + 1);
  if (target === "wasm") return left;
  const memory = memoryPassesFor(target);
  const isLeftOut = (pass: string) => memoryPasses.some(({ name }) => name === pass) && !memory.some(({ name }) => name === pass);
  return left.filter((pass) => !isLeftOut(pass)).map((pass) => (pass === "lower-to-kernel" ? shaderPass : pass));
}

type Wanted = { readonly schedule: "default" | "none"; readonly target: Target };

function runPass(
  at: LevelProgram,
  pass: string,
  module: Pick<Module, "rules" | "sketches" | "schedules">,
  { schedule, target }: Wanted,
): Checked<LevelProgram> {
  const done = (value: LevelProgram) => ({ value, diagnostics: [] });
  const nnPass = nnPasses.find(({ name }) => name === pass);
  const tensorPass = [...fusionPasses, ...memoryPasses].find(({ name }) => name === pass);
  if (at.level === "nn" && nnPass) return done({ level: "nn", program: nnPass.run(at.program, module.rules) });
  if (at.level === "nn" && pass === "lower-to-tensor") return done({ level: "tensor", program: lowerTensor(at.program) });
  if (at.level === "tensor" && tensorPass) return done({ level: "tensor", program: tensorPass.run(at.program) });
  if (at.level === "tensor" && pass === "lower-to-loop") return loopOf(lowerLoop(at.program, module, "unscheduled", { target }));
  if (at.level === "loop" && pass === "schedule") return loopOf(scheduleLoops(at.program, module, { schedule, target }));
  if (at.level === "loop" && pass === placementPass.name) return done({ level: "loop", program: planMemory(at.program, target) });
  if (at.level === "loop" && pass === "lower-to-kernel") return done({ level: "kernel", program: lowerKernel(at.program) });
  if (at.level === "loop" && pass === shaderPass) {
    const { value, diagnostics } = lowerShaders(at.program, defaultGpuLimits);
    return value ? { value: { level: "shader", program: value }, diagnostics } : { diagnostics };
  }
  invariant(false, `${pass} does not follow the ${at.level} level`);
}

function scheduleLoops(
  program: LoopProgram,
  module: Pick<Module, "sketches" | "schedules">,
  { schedule, target }: Wanted,
): Checked<LoopProgram> {
  if (schedule === "none" && target === "wasm") return { value: { ...program, nests: program.nests.map(decompose) }, diagnostics: [] };
  const { sketches, schedules } = schedule === "none" ? { sketches: [], schedules: [] } : module;
  return scheduleProgram(program, { sketches, schedules, target });
}

function loopOf({ value, diagnostics }: Checked<LoopProgram>): Checked<LevelProgram> {
  return value ? { value: { level: "loop", program: value }, diagnostics } : { diagnostics };
}
