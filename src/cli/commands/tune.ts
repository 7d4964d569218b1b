/** quern tune: measures schedules of each layer in the engine that will run them, and writes down the fastest. */
import { existsSync } from "node:fs";
import { Command, Option } from "commander";
import type { Compiled } from "../../compile.ts";
import { elementCount } from "../../ir/dtype.ts";
import type { Weights } from "../../pipeline/execute.ts";
import { errorDiagnostic } from "../../support/diagnostic.ts";
import type { LogRecord } from "../../tuner/log.ts";
import type { Measurer } from "../../tuner/measurer.ts";
import type { Outcome } from "../../tuner/outcome.ts";
import type { Tuned } from "../../tuner/tune.ts";
import { type Engine, engines } from "../engines.ts";
import { readText, writeFile } from "../io/files.ts";
import { examples, gpuLimitOption, jsonOption, modelOption, parsePositive, parseWhole, targetOption, weightsOption } from "../options.ts";
import { loadProgram, loadWeights, type ProgramOptions, settle, stop, tunedFileOf } from "../program.ts";
import { formatBytes, formatTable } from "../table.ts";
import { report, type Terminal } from "../terminal.ts";

export type TuneCommandOptions = ProgramOptions & {
  readonly engine?: Engine;
  readonly weights?: string;
  readonly trials?: number;
  readonly seconds?: number;
  readonly seed: number;
  readonly log?: string;
  readonly resume?: true;
  readonly out?: string;
  readonly explain?: true;
  readonly keepSize?: true;
  readonly node?: string;
  readonly chromium: string;
  readonly listen?: number;
  readonly strategy: "evolutionary" | "random";
};

/** Seconds, where no budget is given. */
const defaultSeconds = 180;

export function tuneCommand(terminal: Terminal): Command {
  return new Command("tune")
    .summary("find faster schedules by measuring")
    .description(
      "Measures schedules of each layer in the engine that will run them, each checked against the reference first, and writes the fastest into NAME.schedule, which run and build then take.",
    )
    .argument("<file>", "source file")
    .addOption(weightsOption())
    .addOption(targetOption())
    .addOption(gpuLimitOption())
    .addOption(
      new Option(
        "--engine <engine>",
        "where to measure (default: node, or dawn for --target webgpu); `stand-in` makes times up, for tests",
      ).choices(engines),
    )
    .option("--trials <n>", "candidates to measure", parsePositive)
    .option("--seconds <s>", `how long to search (default: ${defaultSeconds}, without --trials)`, parsePositive)
    .option("--seed <n>", "seed of the search", parseWhole, 0)
    .option("--log <file>", "the log to append to (default: NAME.tuning.jsonl beside the source)")
    .option("--resume", "go on with the run that the log ends with")
    .option("--out <file>", "where to write the schedules (default: NAME.schedule beside the source)")
    .option("--explain", "print the space of each workload, and measure nothing")
    .option("--keep-size", "choose no algorithm whose weights are larger than they are by default")
    .option("--node <path>", "the Node to measure in (default: this one)")
    .option("--chromium <path>", "the browser", "/usr/bin/chromium")
    .option(
      "--listen <port>",
      "with --engine chromium: wait for a page to be opened, on this machine or a phone, instead of starting the browser",
      parsePositive,
    )
    .addOption(new Option("--strategy <which>", "how to search").choices(["evolutionary", "random"]).default("evolutionary"))
    .addOption(modelOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      examples(
        "quern tune model.qn",
        "quern tune model.qn --engine chromium --seconds 600",
        "quern tune model.qn --target webgpu",
        "quern tune model.qn --trials 500 --resume",
        "quern tune model.qn --explain",
      ),
    )
    .action((file: string, options: TuneCommandOptions, command: Command) => tuneFile(file, options, command, terminal));
}

async function tuneFile(file: string, options: TuneCommandOptions, command: Command, terminal: Terminal): Promise<void> {
  if (file === "-" && (options.log === undefined || options.out === undefined))
    command.error("error: for standard input name --log and --out");
  const isGpu = options.target === "webgpu";
  const engine = options.engine ?? (isGpu ? "dawn" : "node");
  if (engine !== "chromium" && isGpu !== (engine === "dawn"))
    command.error(
      `error: --engine ${engine} measures ${isGpu ? "wasm" : "webgpu"}: ${isGpu ? "shaders take dawn or chromium" : "add --target webgpu"}`,
    );
  const compiled = await loadProgram(file, { ...options, schedule: "default" }, terminal);
  if (options.explain) {
    const { explain } = await import("../tuning/explain.ts");
    explain(compiled, options, terminal);
    return;
  }
  const out = options.out ?? tunedFileOf(file);
  const existing = await readOutcome(out, options, terminal);
  const log = await openRun(options.log ?? `${tunedFileOf(file).replace(/\.schedule$/, "")}.tuning.jsonl`, options, terminal);
  const weights = options.weights === undefined ? await anyWeights(compiled) : loadWeights(compiled, options, terminal);
  const { startMeasurer } = await import("../measurers/start.ts");
  const measurer = await startMeasurer({ ...options, engine }, terminal);
  const cancel = onInterrupt(terminal);
  try {
    const tuned = await run(compiled, measurer, log, cancel, options, terminal);
    const { outcomeOf, writeOutcome } = await import("../../tuner/outcome.ts");
    const found = outcomeOf(compiled.name, measurer.environment, tuned);
    const { confirm } = await import("../../tuner/confirm.ts");
    const append = (record: LogRecord) => log.file.append(record);
    const outcome = cancel.isCancelled() ? found : await confirm(compiled, found, measurer, { weights, resumed: log.resumed, append });
    const { value, text } = existing;
    settle({ value: true, diagnostics: writeFile(out, writeOutcome(outcome, text, value)) }, terminal, options);
    await describe({ compiled, tuned, outcome, measurer, out }, options, terminal);
  } finally {
    cancel.end();
    log.file.close();
    await measurer.close();
  }
}

/** Times do not depend on the values: without a file, those of the initialisers, or any. */
async function anyWeights({ source, weights }: Compiled): Promise<Weights> {
  const { initializeWeights } = await import("../../ir/initialize.ts");
  const values = initializeWeights(source.weights, 0);
  for (const { path, type } of weights) if (!values.has(path)) values.set(path, new Float64Array(elementCount(type.shape)).fill(0.01));
  return values;
}

/** A file that cannot be read whole is not written over. */
async function readOutcome(out: string, options: TuneCommandOptions, terminal: Terminal) {
  const { parseTuned } = await import("../../frontend/parse_tuned.ts");
  const text = existsSync(out) ? settle(readText(out), terminal, options) : "";
  return { text, value: settle(parseTuned(text, out), terminal, options, new Map([[out, text]])) };
}

/** The log with what it held, divided where this run began. */
async function openRun(path: string, options: TuneCommandOptions, terminal: Terminal) {
  const { openLog, readLog } = await import("../tuning/log_file.ts");
  const records = settle(readLog(path, existsSync(path)), terminal, options);
  const file = settle(openLog(path), terminal, options);
  const begin = options.resume ? records.findLastIndex(({ kind }) => kind === "run") : -1;
  const at = begin < 0 ? records.length : begin;
  return { file, earlier: records.slice(0, at), resumed: records.slice(at) };
}

type Cancel = { readonly isCancelled: () => boolean; end(): void };

/** The first interrupt ends the run after its batch, the second at once. */
function onInterrupt(terminal: Terminal): Cancel {
  let isCancelled = false;
  const listener = () => {
    if (isCancelled) process.exit(130);
    isCancelled = true;
    terminal.err("\nending with the best so far (once more to stop at once)");
  };
  process.on("SIGINT", listener);
  return { isCancelled: () => isCancelled, end: () => void process.off("SIGINT", listener) };
}

type Log = Awaited<ReturnType<typeof openRun>>;

async function run(
  compiled: Compiled,
  measurer: Measurer,
  log: Log,
  cancel: Cancel,
  options: TuneCommandOptions,
  terminal: Terminal,
): Promise<Tuned> {
  const { tune } = await import("../../tuner/tune.ts");
  const { networkOf } = await import("../../tuner/plans.ts");
  const { createDisplay } = await import("../tuning/display.ts");
  const { seed, strategy, trials, seconds, keepSize } = options;
  const budget = trials === undefined ? { seconds: seconds ?? defaultSeconds } : { trials, ...(seconds === undefined ? {} : { seconds }) };
  const display = createDisplay(terminal, terminal.isLive && !options.json, () => performance.now());
  const result = await tune(networkOf(compiled, { keepSize }), compiled.module.sketches, measurer, {
    model: compiled.name,
    seed,
    budget,
    strategy,
    earlier: log.earlier,
    resumed: log.resumed,
    append: (record: LogRecord) => log.file.append(record),
    progress: (progress) => display.show(progress),
    isCancelled: cancel.isCancelled,
  });
  display.end();
  if (result.kind === "tuned") return result;
  const { reproduce } = await import("../../tuner/reproduce.ts");
  const { message, notes } = await reproduce(result, measurer, compiled.module.sketches);
  report(terminal, [
    errorDiagnostic("wrong-candidate", message, { notes, help: "this is a mistake in Quern: please report it with this text" }),
  ]);
  await measurer.close();
  return stop();
}

type Found = {
  readonly compiled: Compiled;
  readonly tuned: Tuned;
  readonly outcome: Outcome;
  readonly measurer: Measurer;
  readonly out: string;
};

async function describe(
  { compiled, tuned, outcome, measurer, out }: Found,
  options: TuneCommandOptions,
  terminal: Terminal,
): Promise<void> {
  const { environment, peak } = measurer;
  const { totals } = outcome;
  const weights = await shippedWeights(compiled, outcome);
  const judgement = tuned.judgement();
  if (options.json) {
    const used = tuned.results.filter(({ workload }) => tuned.composition.has(workload.key));
    const workloads = used.map(({ workload, trials, defaultTime, best, scheduled }) => ({
      key: workload.key,
      layers: workload.layers,
      trials,
      defaultUs: defaultTime.us,
      us: best.us,
      gflops: best.operations / best.us / 1e3,
      candidate: scheduled.candidate,
      steps: scheduled.steps,
    }));
    const { trials, seconds } = tuned;
    terminal.out(
      JSON.stringify({
        trials,
        seconds,
        defaultMs: totals?.defaultMs ?? null,
        tunedMs: totals?.tunedMs ?? null,
        untimed: tuned.untimed,
        weights,
        environment,
        choices: outcome.choices,
        peakGflops: peak / 1e9,
        judgement,
        workloads,
      }),
    );
    return;
  }
  const changed = tuned.results
    .filter(({ isDefault, workload }) => !isDefault && tuned.composition.has(workload.key))
    .sort((a, b) => saving(b) - saving(a));
  const rows = changed.map(({ workload, defaultTime, best, scheduled }) => [
    workload.layers[0] ?? "",
    String(workload.layers.length),
    defaultTime.us.toFixed(1),
    best.us.toFixed(1),
    (defaultTime.us / best.us).toFixed(2),
    (best.operations / best.us / 1e3).toFixed(1),
    `${((1e8 * best.operations) / best.us / peak).toFixed(0)}%`,
    [scheduled.candidate.sketch, ...scheduled.candidate.knobs.map(({ name, value }) => `${name}=${value}`)].join(" "),
  ]);
  const heading = ["layer", "layers", "default us", "tuned us", "times", "GFLOP/s", "of peak", "schedule"];
  if (rows.length > 0)
    for (const line of formatTable(heading, rows, ["left", "right", "right", "right", "right", "right", "right", "left"]))
      terminal.out(line);
  for (const { algorithm, layers } of outcome.choices) terminal.out(`${layers.join(", ")}: ${algorithm}`);
  if (tuned.failures.length > 0) terminal.out(`${tuned.failures.length} candidates hung or were refused by the engine; the log names them`);
  if (judgement)
    terminal.out(
      `cost model: rank correlation on held-out candidates ${judgement.learned.toFixed(3)}, the analytic prior's ${judgement.prior.toFixed(3)} (${judgement.candidates} candidates)`,
    );
  if (Math.abs(weights.tunedBytes / weights.defaultBytes - 1) > 0.01)
    terminal.out(`weights that a module ships: ${formatBytes(weights.defaultBytes)} -> ${formatBytes(weights.tunedBytes)}`);
  const gain = totals
    ? `${outcome.model} ${totals.defaultMs.toFixed(3)} -> ${totals.tunedMs.toFixed(3)} ms`
    : `${tuned.untimed} of the ${tuned.base.size} workloads of ${outcome.model} were not timed`;
  const where = `in ${environment.engine} ${environment.version}`;
  terminal.out(`${tuned.trials} trials in ${tuned.seconds.toFixed(0)} s ${where}; ${gain}; written to ${out}`);
}

/** Other algorithms have weights of other sizes, and other tiles pad them otherwise. */
async function shippedWeights(
  compiled: Compiled,
  outcome: Outcome,
): Promise<{ readonly defaultBytes: number; readonly tunedBytes: number }> {
  const { compiledWith } = await import("../../tuner/confirm.ts");
  const { weightBytes } = await import("../../pipeline/weight_bytes.ts");
  return { defaultBytes: weightBytes(compiled), tunedBytes: weightBytes(compiledWith(compiled, outcome)) };
}

function saving({ workload, defaultTime, best }: Tuned["results"][number]): number {
  return workload.layers.length * (defaultTime.us - best.us);
}
