/** quern inspect: the program as text at any level, so that what the compiler did can be read. */

import { Command, Option } from "commander";
import type { Level } from "../../ir/level_program.ts";
import { levelOf } from "../../pipeline/passes.ts";
import { nearest } from "../../support/nearest.ts";
import { algorithmOption, examples, gpuLimitOption, jsonOption, modelOption, targetOption } from "../options.ts";
import { lastPass, levels, parsePass, passList } from "../pass_option.ts";
import type { Variant } from "../print_level.ts";
import type { NestSteps } from "../print_steps.ts";
import { loadProgram, type ProgramOptions } from "../program.ts";
import { printJson, type Terminal } from "../terminal.ts";

type Options = Omit<ProgramOptions, "schedule"> & {
  readonly level?: Level | "wgsl";
  readonly after?: string;
  readonly wat?: Variant | true;
  readonly schedule?: string | true;
  readonly layer?: string;
};

export function inspectCommand(terminal: Terminal): Command {
  return new Command("inspect")
    .summary("print the program at a level")
    .description("Prints the program at a level, or as it is after a pass. The text parses back: see `quern lower`.")
    .argument("<file>", "source file")
    .addOption(
      new Option(
        "--level <level>",
        "after the last pass of this level (default: nn); `wgsl` is the shader level as a device compiles it",
      ).choices([...levels, "wgsl"]),
    )
    .addOption(new Option("--after <pass>", "after this pass").argParser(parsePass).conflicts(["level", "wat"]))
    .addOption(new Option("--wat [variant]", "the kernel level as WebAssembly text").choices(["simd", "relaxed"]))
    .option(
      "--schedule [which]",
      "each nest after each step of its schedule; or, with `default`, `none` or a .qn file, the schedules to take (default: default)",
    )
    .option("--layer <name>", "of this nest alone, after each step of its schedule")
    .addOption(algorithmOption())
    .addOption(targetOption())
    .addOption(gpuLimitOption())
    .addOption(modelOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `\nPasses, in order:\n${passList()}\n${examples("quern inspect model.qn", "quern inspect model.qn --level loop", "quern inspect model.qn --after fuse-epilogues", "quern inspect model.qn --level kernel --wat", "quern inspect model.qn --schedule --layer conv1", "quern inspect model.qn --level wgsl")}`,
    )
    .action(async (file: string, options: Options, command: Command) => {
      if (options.wat && options.level && options.level !== "kernel") command.error("error: --wat is of the kernel level");
      const isOfSteps = options.schedule === true || options.layer !== undefined;
      if (options.target === "webgpu" && (options.wat || options.level === "kernel"))
        command.error("error: the kernel level is of the target wasm; that of webgpu is the shader level");
      if (isOfSteps && (options.level || options.after || options.wat))
        command.error("error: --schedule without a value and --layer show the steps of schedules, and no level");
      if (isOfSteps) return inspectSteps(file, options, command, terminal);
      await inspect(file, options, terminal);
    });
}

function programOptions({ schedule, ...options }: Options): ProgramOptions {
  return typeof schedule === "string" ? { ...options, schedule } : options;
}

async function inspectSteps(file: string, options: Options, command: Command, terminal: Terminal): Promise<void> {
  const compiled = await loadProgram(file, programOptions(options), terminal);
  const { describeSteps } = await import("../print_steps.ts");
  const all = compiled.levels.steps();
  const shown = options.layer === undefined ? all : all.filter(({ nest }) => nest.name === options.layer);
  if (shown.length === 0) {
    const guess = nearest(
      options.layer ?? "",
      all.map(({ nest }) => nest.name),
    );
    command.error(`error: there is no layer ${options.layer}${guess === undefined ? "" : `: did you mean ${guess}?`}`);
  }
  const nests = shown.map((history) => describeSteps(history, compiled.levels.tensor().buffers));
  if (options.json) printJson(terminal, { ok: true, nests });
  else terminal.out(nests.map(stepsText).join("\n\n"));
}

function stepsText({ name, from, steps }: NestSteps): string {
  const shown = steps.map(({ step, text }) => `  ${step === "" ? "as lowered" : `after ${step}`}\n${text.replace(/^/gm, "    ")}`);
  return [`nest ${name}: ${from ?? "no sketch fits"}`, ...shown].join("\n\n");
}

async function inspect(file: string, options: Options, terminal: Terminal): Promise<void> {
  const { after, wat } = options;
  const level = wat ? "kernel" : after === undefined ? (options.level ?? "nn") : levelOf(after);
  // Shaders are for no other target.
  const isShader = level === "shader" || level === "wgsl";
  const compiled = await loadProgram(file, { ...programOptions(options), ...(isShader ? { target: "webgpu" } : {}) }, terminal);
  const { printAllWgsl, printWat, programAt } = await import("../print_level.ts");
  const { printLevel } = await import("../../ir/print_level.ts");
  const { shadersOf } = await import("../../pipeline/gpu.ts");
  const print = () => {
    if (wat) return printWat(compiled.levels.kernel(), wat === true ? "simd" : wat);
    return level === "wgsl" ? printAllWgsl(shadersOf(compiled)) : printLevel(programAt(compiled, level, after));
  };
  const text = print();
  if (options.json) printJson(terminal, { ok: true, level, after: after ?? lastPass(level === "wgsl" ? "shader" : level), text });
  else terminal.out(text.trimEnd());
}
