/** quern lower: from a level's text on, because the text is the program. */

import { Command, Option } from "commander";
import type { Level } from "../../ir/level_program.ts";
import { levelOf } from "../../pipeline/passes.ts";
import { type Diagnostic, errorDiagnostic } from "../../support/diagnostic.ts";
import { readText, writeFile } from "../io/files.ts";
import { examples } from "../options.ts";
import { levels, parseLevelOrPass, passList, passOn } from "../pass_option.ts";
import type { Variant } from "../print_level.ts";
import { readSources, settle, textsOf } from "../program.ts";
import type { Terminal } from "../terminal.ts";

type Options = {
  /** The last pass behind the text. */
  readonly from: string;
  readonly to: Level | "wgsl";
  readonly source?: string;
  readonly schedule: "default" | "none";
  readonly wat?: true;
  readonly wasm?: string;
  readonly variant: Variant;
};

export function lowerCommand(terminal: Terminal): Command {
  return new Command("lower")
    .summary("lower a level's text from there on")
    .description("Reads a level's text, as `quern inspect` prints it, and runs the passes that are left.")
    .argument("<text>", "file with a program at a level; `-` is standard input")
    .addOption(
      new Option("--from <level or pass>", "the level of the text, or the last pass behind it")
        .argParser(parseLevelOrPass)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option("--to <level>", "the level to print; `wgsl` is the shader level as a device compiles it")
        .choices([...levels, "wgsl"])
        .default("kernel"),
    )
    .option("--source <file>", "source file with the rules, sketches and schedules that are still to apply, beside the library's")
    .addOption(new Option("--schedule <which>", "schedules to apply").choices(["default", "none"]).default("default"))
    .addOption(new Option("--wat", "print WebAssembly text"))
    .addOption(new Option("--wasm <file>", "write WebAssembly"))
    .addOption(new Option("--variant <variant>", "of --wat and --wasm").choices(["simd", "relaxed"]).default("simd"))
    .addHelpText(
      "after",
      `\nPasses, in order:\n${passList()}\n${examples("quern inspect model.qn --level loop > model.loop", "quern lower model.loop --from loop --wasm model.wasm", "quern inspect model.qn | quern lower - --from nn --to tensor", "quern inspect model.qn --level loop --target webgpu | quern lower - --from loop --to wgsl")}`,
    )
    .action(async (file: string, options: Options, command: Command) => {
      const isCode = options.wat || options.wasm !== undefined;
      if (isCode && options.to !== "kernel") command.error("error: --wat and --wasm are of the kernel level");
      const [from, to] = [levelOf(options.from), levelTo(options)];
      if (from === "kernel" && to === "shader") command.error("error: shaders come from loops, as kernels do: take the loop level's text");
      if (levels.indexOf(from) > levels.indexOf(to)) {
        command.error(`error: the ${options.to} level comes before the text's, which is ${from}`);
      }
      await lower(file, options, terminal);
    });
}

function levelTo({ to }: Options): Level {
  return to === "wgsl" ? "shader" : to;
}

async function lower(path: string, options: Options, terminal: Terminal): Promise<void> {
  const { loadModule } = await import("../../compile.ts");
  const { parseLevel } = await import("../../frontend/levels/parse_level.ts");
  const { resume } = await import("../../pipeline/resume.ts");
  const { emitWasm } = await import("../../codegen/wasm/emit.ts");
  const { printAllWgsl, printWat } = await import("../print_level.ts");
  const { printLevel } = await import("../../ir/print_level.ts");
  const text = settle(readText(path), terminal, {});
  const file = path === "-" ? "stdin" : path;
  const texts = new Map([[file, text]]);
  const parsed = settle(parseLevel(text, file), terminal, {}, texts);
  settle({ value: true, diagnostics: checkLevel(parsed.level, options.from, file) }, terminal, {});
  const sources = settle(readSources(options.source === undefined ? [] : [options.source]), terminal, {});
  const module = settle(loadModule(sources), terminal, {}, textsOf(sources));
  const to = levelTo(options);
  const target = to === "shader" ? "webgpu" : "wasm";
  const lowered = settle(
    resume(parsed, passOn(target, options.from), to, module, { schedule: options.schedule, target }),
    terminal,
    {},
    new Map([...texts, ...textsOf(sources)]),
  );
  if (lowered.level === "kernel" && options.wasm !== undefined) {
    const { bytes } = emitWasm(lowered.program, { relaxed: options.variant === "relaxed", calls: "run" });
    settle({ value: true, diagnostics: writeFile(options.wasm, bytes) }, terminal, {});
  }
  if (lowered.level === "kernel" && options.wat) terminal.out(printWat(lowered.program, options.variant).trimEnd());
  else if (lowered.level === "shader" && options.to === "wgsl") terminal.out(printAllWgsl(lowered.program).trimEnd());
  else if (options.wasm === undefined) terminal.out(printLevel(lowered).trimEnd());
}

function checkLevel(found: Level, from: string, file: string): Diagnostic[] {
  if (found === levelOf(from)) return [];
  return [
    errorDiagnostic("other-level", `${file} is text of the ${found} level, and --from says ${levelOf(from)}`, {
      help: `write --from ${found}`,
    }),
  ];
}
