#!/usr/bin/env node
/** quern: the command line. Exit codes: 0 fine, 1 the user's program or data is wrong, 2 usage. */
import { Command, CommanderError } from "commander";
import { buildCommand } from "./commands/build.ts";
import { checkCommand } from "./commands/check.ts";
import { exportCommand } from "./commands/export.ts";
import { fmtCommand } from "./commands/fmt.ts";
import { importCommand } from "./commands/import.ts";
import { inspectCommand } from "./commands/inspect.ts";
import { logCommand } from "./commands/log.ts";
import { lowerCommand } from "./commands/lower.ts";
import { profileCommand } from "./commands/profile.ts";
import { reportCommand } from "./commands/report.ts";
import { runCommand } from "./commands/run.ts";
import { tuneCommand } from "./commands/tune.ts";
import { verifyCommand } from "./commands/verify.ts";
import { examples, fixOption, shapeOption } from "./options.ts";
import { isStop } from "./program.ts";
import { type ExitCode, processTerminal, type Terminal } from "./terminal.ts";
import { packageVersion } from "./version.ts";

const commands: readonly ((terminal: Terminal) => Command)[] = [
  checkCommand,
  fmtCommand,
  inspectCommand,
  lowerCommand,
  runCommand,
  buildCommand,
  importCommand,
  exportCommand,
  verifyCommand,
  profileCommand,
  tuneCommand,
  logCommand,
  reportCommand,
];

function createProgram(terminal: Terminal): Command {
  const program = new Command("quern")
    .description("Grinds convolutional networks, written in Quern, into WebAssembly.")
    .version(packageVersion())
    .showSuggestionAfterError()
    .addHelpText(
      "after",
      examples("quern check model.qn", "quern run model.qn --random 1", "quern build model.qn --weights w.safetensors --out dist"),
    );
  for (const create of commands) program.addCommand(create(terminal));
  // What takes a model takes a foreign network.
  for (const command of program.commands.filter(({ options }) => options.some(({ long }) => long === "--model")))
    command.addOption(shapeOption()).addOption(fixOption());
  for (const command of [program, ...program.commands.flatMap((each) => [each, ...each.commands])]) {
    command.exitOverride().configureOutput({ writeErr: (text) => terminal.err(text.trimEnd()) });
  }
  return program;
}

async function main(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  try {
    await createProgram(terminal).parseAsync([...args], { from: "user" });
    return 0;
  } catch (error) {
    if (isStop(error)) return 1;
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    terminal.err(internalError(error));
    return 1;
  }
}

/** The last resort: a mistake of Quern's own. */
function internalError(error: unknown): string {
  const message = (error instanceof Error ? error.message : String(error)).replace(/^internal error: /, "");
  const stack = process.env.QUERN_DEBUG && error instanceof Error ? `\n${error.stack}` : "";
  return `internal error: ${message}\nThis is a mistake in Quern, not in your files: please report it, with the command and the files.${stack}`;
}

// `quern inspect model.qn | head` closes the pipe early: nobody is left to be told.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

process.exitCode = await main(process.argv.slice(2), processTerminal());
