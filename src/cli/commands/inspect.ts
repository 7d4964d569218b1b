/** quern inspect: the program as text at any level, so that what the compiler did can be read. */

import { Command, Option } from "commander";
import type { Level } from "../../ir/level_program.ts";
import { levelOf } from "../../pipeline/resume.ts";
import { algorithmOption, examples, jsonOption, modelOption, scheduleOption, targetOption } from "../options.ts";
import { lastPass, levels, parsePass, passList } from "../pass_option.ts";
import type { Variant } from "../print_level.ts";
import { loadProgram, type ProgramOptions } from "../program.ts";
import { printJson, type Terminal } from "../terminal.ts";

type Options = ProgramOptions & { readonly level?: Level; readonly after?: string; readonly wat?: Variant | true };

export function inspectCommand(terminal: Terminal): Command {
  return new Command("inspect")
    .summary("print the program at a level")
    .description("Prints the program at a level, or as it is after a pass. The text parses back: see `quern lower`.")
    .argument("<file>", "source file")
    .addOption(new Option("--level <level>", "after the last pass of this level (default: nn)").choices(levels))
    .addOption(new Option("--after <pass>", "after this pass").argParser(parsePass).conflicts(["level", "wat"]))
    .addOption(new Option("--wat [variant]", "the kernel level as WebAssembly text").choices(["simd", "relaxed"]))
    .addOption(scheduleOption())
    .addOption(algorithmOption())
    .addOption(targetOption())
    .addOption(modelOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `\nPasses, in order:\n${passList()}\n${examples("quern inspect model.qn", "quern inspect model.qn --level loop", "quern inspect model.qn --after fuse-epilogues", "quern inspect model.qn --level kernel --wat")}`,
    )
    .action(async (file: string, options: Options, command: Command) => {
      if (options.wat && options.level && options.level !== "kernel") command.error("error: --wat is of the kernel level");
      await inspect(file, options, terminal);
    });
}

async function inspect(file: string, options: Options, terminal: Terminal): Promise<void> {
  const { after, wat } = options;
  const level = wat ? "kernel" : after === undefined ? (options.level ?? "nn") : levelOf(after);
  const compiled = await loadProgram(file, options, terminal);
  const { printWat, programAt } = await import("../print_level.ts");
  const { printLevel } = await import("../../ir/print_level.ts");
  const text = wat ? printWat(compiled.levels.kernel(), wat === true ? "simd" : wat) : printLevel(programAt(compiled, level, after));
  if (options.json) printJson(terminal, { ok: true, level, after: after ?? lastPass(level), text });
  else terminal.out(text.trimEnd());
}
