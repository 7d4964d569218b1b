/** quern check: every mistake of every file, in one run. */
import { Command } from "commander";
import type { SourceText } from "../../compile.ts";
import type { Diagnostic } from "../../support/diagnostic.ts";
import { examples, jsonOption } from "../options.ts";
import { readEach, stop, textsOf } from "../program.ts";
import { diagnosticJson, printJson, report, type Terminal } from "../terminal.ts";

type Options = { readonly json?: boolean };

export function checkCommand(terminal: Terminal): Command {
  return new Command("check")
    .summary("report every mistake in source files")
    .description("Reports every mistake in source files: each file is a program of its own, and `-` is standard input.")
    .argument("<files...>", "source files")
    .addOption(jsonOption())
    .addHelpText("after", examples("quern check model.qn", "quern check examples/*/*.qn --json"))
    .action((files: string[], options: Options) => checkFiles(files, options, terminal));
}

async function checkFiles(files: readonly string[], options: Options, terminal: Terminal): Promise<void> {
  const compiler = await import("../../compile.ts");
  const { sources, diagnostics } = readEach(files);
  const texts = textsOf(sources);
  const found = [...diagnostics, ...sources.flatMap((source) => checkSource(source, compiler))];
  const errors = found.filter((diagnostic) => diagnostic.severity === "error").length;
  if (options.json) {
    printJson(terminal, { ok: errors === 0, diagnostics: found.map((diagnostic) => diagnosticJson(diagnostic, texts)) });
  } else {
    report(terminal, found, texts);
    terminal.out([count(files.length, "file"), count(errors, "error"), count(found.length - errors, "warning")].join(", "));
  }
  if (errors > 0) stop();
}

/** What is said of several models alike is said once. */
function checkSource(source: SourceText, { check }: typeof import("../../compile.ts")): readonly Diagnostic[] {
  const { diagnostics } = check([source]);
  return [...new Map(diagnostics.map((diagnostic) => [JSON.stringify(diagnostic), diagnostic])).values()];
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}
