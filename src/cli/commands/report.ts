/** quern report: one page that shows where the time goes, what tuning found, and how memory is used. */
import { existsSync } from "node:fs";
import { Command, InvalidArgumentError, Option } from "commander";
import type { Compiled } from "../../compile.ts";
import type { Bandwidth } from "../../pipeline/bandwidth.ts";
import type { Weights } from "../../pipeline/execute.ts";
import type { Measured, ReportInput } from "../../report/make_report.ts";
import { invariant } from "../../support/invariant.ts";
import type { LogRecord } from "../../tuner/log.ts";
import { writeFile } from "../io/files.ts";
import {
  algorithmOption,
  examples,
  gpuLimitOption,
  modelOption,
  parsePositive,
  seedOption,
  targetOption,
  weightsOption,
} from "../options.ts";
import { loadProgram, loadWeights, type ProgramOptions, settle, tunedFileOf, type WeightOptions } from "../program.ts";
import type { Terminal } from "../terminal.ts";
import { packageVersion } from "../version.ts";

type Options = Omit<ProgramOptions, "json"> &
  Omit<WeightOptions, "json"> & {
    readonly engine?: "node" | "chromium" | "dawn";
    readonly log?: string;
    readonly out: string;
    readonly seconds: number;
    readonly seed: number;
  };

export function reportCommand(terminal: Terminal): Command {
  return new Command("report")
    .summary("a page on the model's times, memory, kernels and tuning")
    .description(
      "Writes one HTML page that needs nothing else: how the search of `quern tune` went, a roofline, the time of each layer by default and tuned, the memory plan, and each kernel's schedule, nest and WebAssembly (or WGSL). Layers are timed in this Node, or with --target webgpu on the adapter that Dawn finds; without a log or tuned schedules the page shows the default ones.",
    )
    .argument("<file>", "source file")
    .option("--out <file>", "where to write", "report.html")
    .option("--log <file>", "the log of `quern tune` (default: NAME.tuning.jsonl beside the source, if there is one)")
    .addOption(
      new Option(
        "--schedule <which>",
        "`default`, or a .schedule file of tuned ones (default: the .schedule file beside the source, if there is one)",
      ).argParser(parseSchedule),
    )
    .addOption(
      new Option("--engine <engine>", "whose section and log to show (default: node, or dawn for --target webgpu)").choices([
        "node",
        "chromium",
        "dawn",
      ]),
    )
    .addOption(weightsOption())
    .addOption(seedOption())
    .option("--seconds <n>", "how long to time each network", parsePositive, 3)
    .addOption(algorithmOption())
    .addOption(targetOption())
    .addOption(gpuLimitOption())
    .addOption(modelOption())
    .addHelpText(
      "after",
      examples(
        "quern report model.qn --out report.html",
        "quern report model.qn --target webgpu",
        "quern report model.qn --engine chromium",
      ),
    )
    .action((file: string, options: Options) => writeReport(file, options, terminal));
}

function parseSchedule(text: string): string {
  if (text !== "default" && !text.endsWith(".schedule")) throw new InvalidArgumentError("It should be `default` or a .schedule file.");
  return text;
}

async function writeReport(file: string, options: Options, terminal: Terminal): Promise<void> {
  const { out, engine = options.target === "webgpu" ? "dawn" : "node" } = options;
  const tuned = await loadProgram(file, { ...options, engines: [engine] }, terminal);
  // What is to be said of the source has been said.
  const quiet: Terminal = { ...terminal, err: () => {} };
  const plain = tuned.tuned ? await loadProgram(file, { ...options, schedule: "default" }, quiet) : tuned;
  const records = await readRecords(file, options, terminal);
  const weights = loadWeights(plain, options, terminal);
  const { makeReport } = await import("../../report/make_report.ts");
  const { renderPage } = await import("../../report/render_page.ts");
  const { readPageScript } = await import("../io/page_script.ts");
  const networks = tuned.tuned ? [plain, tuned] : [plain];
  const measured = await (options.target === "webgpu" ? measureOnGpu : measureHere)(networks, weights, options, terminal);
  const [before, after] = measured.networks;
  invariant(before, "the default was not measured");
  const { bandwidths, where } = measured;
  const compiler = `quern ${packageVersion()}`;
  const report = makeReport({ before, ...(after ? { after } : {}), bandwidths, records, tunedFor: engine, compiler, ...where, file });
  settle({ value: true, diagnostics: writeFile(out, renderPage(report, await readPageScript())) }, terminal, {});
  const times = report.afterMs === undefined ? "" : `, tuned ${report.afterMs.toFixed(3)} ms`;
  terminal.out(`${out}: ${report.model} in ${report.layers.length} layers, default ${report.beforeMs.toFixed(3)} ms${times}`);
  for (const { what, command } of report.missing) terminal.err(`note: it does not show ${what}; for that run ${command}`);
}

type MeasuredAll = {
  readonly networks: readonly Measured[];
  readonly bandwidths: readonly Bandwidth[];
  readonly where: Pick<ReportInput, "engine" | "device">;
};
type Measure = (networks: readonly Compiled[], weights: Weights, options: Options, terminal: Terminal) => Promise<MeasuredAll>;

const now = () => performance.now();

const measureHere: Measure = async (networks, weights, { seconds, seed }) => {
  const { hasRelaxedSimd } = await import("../../pipeline/peak.ts");
  const { profileModel } = await import("../../pipeline/profile.ts");
  const { measureBandwidths } = await import("../../pipeline/bandwidth.ts");
  const { deviceName } = await import("../measurers/node.ts");
  const relaxed = hasRelaxedSimd();
  return {
    networks: networks.map((compiled) => ({ compiled, profile: profileModel(compiled, weights, { now, seconds, seed, relaxed }) })),
    bandwidths: measureBandwidths({ relaxed }, now),
    where: { engine: `Node ${process.versions.node}`, device: deviceName() },
  };
};

const measureOnGpu: Measure = async (networks, weights, options, terminal) => {
  const { withGpu } = await import("../gpu/device.ts");
  const { profileGpu } = await import("../../pipeline/profile_gpu.ts");
  const { createGpuClock } = await import("../../pipeline/gpu_clock.ts");
  const { measureGpuBandwidths } = await import("../../pipeline/gpu_bandwidth.ts");
  const { seconds, seed } = options;
  return await withGpu(terminal, options, async ({ device, name, version }) => {
    const measured: Measured[] = [];
    for (const compiled of networks)
      measured.push({ compiled, profile: await profileGpu(compiled, weights, device, { now, seconds, seed }) });
    const clock = createGpuClock(device, now);
    const bandwidths = await measureGpuBandwidths(device, clock);
    clock.destroy();
    return { networks: measured, bandwidths, where: { engine: `Dawn ${version}`, device: name } };
  });
};

/** A log that is named must be there; the one beside the source may be. */
async function readRecords(file: string, { log }: Options, terminal: Terminal): Promise<readonly LogRecord[]> {
  const path = log ?? `${tunedFileOf(file).replace(/\.schedule$/, "")}.tuning.jsonl`;
  if (log === undefined && (file === "-" || !existsSync(path))) return [];
  const { readLog } = await import("../tuning/log_file.ts");
  return settle(readLog(path, true), terminal, {});
}
