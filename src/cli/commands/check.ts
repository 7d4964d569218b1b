/** quern check: every mistake of every file, in one run. */
import { Command } from "commander";
import type { SourceText } from "../../compile.ts";
import type { Checked, Diagnostic } from "../../support/diagnostic.ts";
import { type ForeignOptions, importerOf, readForeign } from "../io/foreign.ts";
import { examples, fixOption, jsonOption, shapeOption } from "../options.ts";
import { readEach, stop, textsOf } from "../program.ts";
import { diagnosticJson, printJson, report, type Terminal } from "../terminal.ts";

type Options = ForeignOptions & { readonly json?: boolean };

export function checkCommand(terminal: Terminal): Command {
  return new Command("check")
    .summary("report every mistake in source files")
    .description("Reports every mistake in source files: each file is a program of its own, and `-` is standard input.")
    .argument("<files...>", "source files")
    .addOption(shapeOption())
    .addOption(fixOption())
    .addOption(jsonOption())
    .addHelpText("after", examples("quern check model.qn", "quern check examples/*/*.qn --json"))
    .action((files: string[], options: Options) => checkFiles(files, options, terminal));
}

async function checkFiles(files: readonly string[], options: Options, terminal: Terminal): Promise<void> {
  const compiler = await import("../../compile.ts");
  const foreign = await Promise.all(files.map((file) => importText(file, options)));
  const imported = foreign.flatMap((one) => one ?? []);
  const read = readEach(files.filter((_, i) => foreign[i] === undefined));
  const sources = [...read.sources, ...imported.flatMap(({ value }) => value ?? [])];
  const diagnostics = [...read.diagnostics, ...imported.flatMap((one) => one.diagnostics)];
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

/** A foreign network as the text that it is imported as; undefined for a source file. */
async function importText(file: string, options: Options): Promise<Checked<SourceText> | undefined> {
  const importer = await importerOf(file);
  if (!importer) return undefined;
  const { value, diagnostics } = await readForeign(file, importer, options);
  return value ? { value: { file: `${file}.qn`, text: value.text }, diagnostics } : { diagnostics };
}

/** What is said of several models alike is said once. */
function checkSource(source: SourceText, { check }: typeof import("../../compile.ts")): readonly Diagnostic[] {
  const { diagnostics } = check([source]);
  return [...new Map(diagnostics.map((diagnostic) => [JSON.stringify(diagnostic), diagnostic])).values()];
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}
