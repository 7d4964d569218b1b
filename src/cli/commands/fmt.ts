/** quern fmt: source files laid out, in place. */
import { Command } from "commander";
import { type Diagnostic, hasErrors } from "../../support/diagnostic.ts";
import { writeFile } from "../io/files.ts";
import { examples } from "../options.ts";
import { readSources, settle, stop, textsOf } from "../program.ts";
import { report, type Terminal } from "../terminal.ts";

type Options = { readonly check?: boolean };

export function fmtCommand(terminal: Terminal): Command {
  return new Command("fmt")
    .summary("lay out source files")
    .description("Lays out source files in place and names those that changed; `-` reads standard input and prints.")
    .argument("<files...>", "source files")
    .option("--check", "change nothing; name the files that would change, and exit with 1 if there are any")
    .addHelpText("after", examples("quern fmt model.qn", "quern fmt --check examples/*/*.qn"))
    .action((files: string[], options: Options) => formatFiles(files, options, terminal));
}

/** A file that does not parse stays as it is, and the others are laid out all the same. */
async function formatFiles(files: readonly string[], options: Options, terminal: Terminal): Promise<void> {
  const { formatSource } = await import("../../frontend/format.ts");
  const sources = settle(readSources(files), terminal, {});
  const found: Diagnostic[] = [];
  let changed = 0;
  for (const [i, { file, text }] of sources.entries()) {
    const { value, diagnostics } = formatSource(text, file);
    found.push(...diagnostics);
    if (value === undefined || hasErrors(diagnostics)) continue;
    const isPrinted = files[i] === "-" && !options.check;
    if (isPrinted) terminal.out(value.replace(/\n$/, ""));
    if (isPrinted || value === text) continue;
    changed++;
    terminal.out(file);
    if (!options.check) found.push(...writeFile(file, value));
  }
  report(terminal, found, textsOf(sources));
  if (options.check && changed > 0) terminal.err(`${changed} of ${files.length} would change: run quern fmt`);
  if (hasErrors(found) || (options.check && changed > 0)) stop();
}
