/** quern log: what tuning logs hold, and several put together. */
import { existsSync } from "node:fs";
import { Command } from "commander";
import type { Diagnostic } from "../../support/diagnostic.ts";
import type { LogRecord, TrialRecord } from "../../tuner/log.ts";
import { writeFile } from "../io/files.ts";
import { examples, jsonOption } from "../options.ts";
import { settle } from "../program.ts";
import { formatTable } from "../table.ts";
import { printJson, report, type Terminal } from "../terminal.ts";

export function logCommand(terminal: Terminal): Command {
  const show = new Command("show")
    .summary("what a log holds")
    .description("Prints, for each workload in each environment, how many candidates were measured and the best of them.")
    .argument("<files...>", "logs of quern tune")
    .addOption(jsonOption())
    .action((files: string[], options: { readonly json?: boolean }) => showLogs(files, options, terminal));
  const merge = new Command("merge")
    .summary("put logs together")
    .description("Writes the records of several logs into one, each once. Lines that are none are named and left out.")
    .argument("<files...>", "logs of quern tune")
    .requiredOption("--out <file>", "where to write")
    .action((files: string[], options: { readonly out: string }) => mergeFiles(files, options.out, terminal));
  return new Command("log")
    .summary("show or merge tuning logs")
    .description("Shows what tuning logs hold, or puts logs of several runs, devices and engines together.")
    .addCommand(show)
    .addCommand(merge)
    .addHelpText("after", examples("quern log show model.tuning.jsonl", "quern log merge laptop.jsonl phone.jsonl --out all.jsonl"));
}

async function readAll(files: readonly string[], terminal: Terminal, options: { readonly json?: boolean }) {
  const { readLog } = await import("../tuning/log_file.ts");
  // A log that is named must be there.
  return files.map((file) => settle(readLog(file, true), terminal, options));
}

async function mergeFiles(files: readonly string[], out: string, terminal: Terminal): Promise<void> {
  const logs = await readAll(files, terminal, {});
  const { mergeLogs, printRecord } = await import("../../tuner/log.ts");
  const merged = mergeLogs(logs);
  const diagnostics: Diagnostic[] = writeFile(out, merged.map(printRecord).join(""));
  report(terminal, diagnostics);
  settle({ value: true, diagnostics }, terminal, {});
  terminal.out(`${out}: ${merged.length} records of ${files.filter((file) => existsSync(file)).length} logs`);
}

async function showLogs(files: readonly string[], options: { readonly json?: boolean }, terminal: Terminal): Promise<void> {
  const logs = await readAll(files, terminal, options);
  const { environmentKey, mergeLogs } = await import("../../tuner/log.ts");
  const { formatCandidate } = await import("../../tuner/candidate.ts");
  const groups = new Map<string, TrialRecord[]>();
  const records: readonly LogRecord[] = mergeLogs(logs);
  const layers = new Map(
    records.flatMap((record) => (record.kind === "run" ? record.workloads.map(({ key, layers: names }) => [key, names] as const) : [])),
  );
  for (const record of records) {
    if (record.kind !== "trial") continue;
    const key = `${environmentKey(record.environment)} ${record.workload}`;
    groups.set(key, [...(groups.get(key) ?? []), record]);
  }
  const rows = [...groups.values()].map((trials) => summaryOf(trials, formatCandidate));
  if (options.json) {
    printJson(terminal, { records: records.length, workloads: rows });
    return;
  }
  const described = rows.map(({ engine, workload, trials, failures, bestUs, defaultUs, best }) => [
    engine,
    workload,
    layers.get(workload)?.[0] ?? "",
    String(trials),
    failures === 0 ? "" : String(failures),
    bestUs?.toFixed(1) ?? "",
    defaultUs?.toFixed(1) ?? "",
    best ?? "",
  ]);
  const heading = ["engine", "workload", "layer", "trials", "failed", "best us", "default us", "best"];
  for (const line of formatTable(heading, described, ["left", "left", "left", "right", "right", "right", "right", "left"]))
    terminal.out(line);
  terminal.out(`${records.length} records`);
}

function summaryOf(trials: readonly TrialRecord[], format: (candidate: TrialRecord["candidate"]) => string) {
  const timed = trials.flatMap((record) => (record.verdict.kind === "timed" ? [{ record, us: record.verdict.us }] : []));
  const [best] = [...timed].sort((a, b) => a.us - b.us);
  const { environment, workload } = trials[0] as TrialRecord;
  return {
    ...environment,
    engine: `${environment.engine} ${environment.version}`,
    workload,
    trials: trials.length,
    failures: trials.length - timed.length,
    bestUs: best?.us,
    defaultUs: timed.find(({ record }) => record.origin === "default")?.us,
    best: best && format(best.record.candidate),
  };
}
