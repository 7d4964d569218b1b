/** quern profile: where the time goes, layer by layer, and how near each comes to the engine's peak. */
import { Command, Option } from "commander";
import type { LayerProfile, Profile } from "../../pipeline/profile.ts";
import {
  algorithmOption,
  examples,
  jsonOption,
  modelOption,
  parsePositive,
  scheduleOption,
  seedOption,
  targetOption,
  weightsOption,
} from "../options.ts";
import { loadProgram, loadWeights, type ProgramOptions, type WeightOptions } from "../program.ts";
import { formatTable } from "../table.ts";
import { printJson, type Terminal } from "../terminal.ts";

type Options = ProgramOptions &
  WeightOptions & {
    readonly seed: number;
    readonly seconds: number;
    readonly variant?: "simd" | "relaxed";
    readonly sort?: true;
    readonly trace?: true;
  };

export function profileCommand(terminal: Terminal): Command {
  return new Command("profile")
    .summary("time every layer, beside the engine's peak")
    .description(
      "Times every layer inside whole runs, in this Node. GFLOP/s counts what the kernel executes (two for a multiply-add); the peak is that of a loop of 128-bit multiply-adds in registers alone, measured beside it.",
    )
    .argument("<file>", "source file")
    .addOption(weightsOption())
    .addOption(seedOption())
    .option("--seconds <n>", "how long to measure", parsePositive, 5)
    .addOption(
      new Option("--variant <which>", "which module to time (default: the one that this engine would load)").choices(["simd", "relaxed"]),
    )
    .option("--sort", "the slowest layer first")
    .option("--trace", "each layer's schedule too")
    .addOption(scheduleOption())
    .addOption(algorithmOption())
    .addOption(targetOption())
    .addOption(modelOption())
    .addOption(jsonOption())
    .addHelpText("after", examples("quern profile model.qn", "quern profile model.qn --sort --trace", "quern profile model.qn --json"))
    .action((file: string, options: Options, command: Command) => profile(file, options, command, terminal));
}

async function profile(file: string, options: Options, command: Command, terminal: Terminal): Promise<void> {
  const compiled = await loadProgram(file, options, terminal);
  const weights = loadWeights(compiled, options, terminal);
  const { hasRelaxedSimd } = await import("../../pipeline/peak.ts");
  const canRelax = hasRelaxedSimd();
  if (options.variant === "relaxed" && !canRelax)
    command.error(`error: Node ${process.versions.node} has no relaxed SIMD: take a newer one, or --variant simd`);
  const relaxed = options.variant === undefined ? canRelax : options.variant === "relaxed";
  const { profileModel } = await import("../../pipeline/profile.ts");
  const { seconds, seed } = options;
  const result = profileModel(compiled, weights, { now: () => performance.now(), seconds, seed, relaxed });
  const layers = options.sort ? [...result.layers].sort((a, b) => b.us - a.us) : result.layers;
  if (options.json)
    printJson(terminal, { ...describeTotal(result), layers: layers.map((layer) => ({ ...layer, ...rates(layer, result) })) });
  else for (const line of describe(layers, result, options)) terminal.out(line);
}

/** Operations per nanosecond, which is GFLOP/s, and the part of the peak that they are. */
function rates({ us, operations }: Pick<LayerProfile, "us" | "operations">, { peak }: Profile) {
  const gflops = us > 0 ? operations / us / 1e3 : 0;
  return { gflops, ofPeak: (gflops * 1e9) / peak };
}

function describeTotal(profile: Profile) {
  const us = profile.layers.reduce((sum, layer) => sum + layer.us, 0);
  const operations = profile.layers.reduce((sum, layer) => sum + layer.operations, 0);
  const { peak, relaxed, runs } = profile;
  return {
    ms: us / 1000,
    operations,
    ...rates({ us, operations }, profile),
    peakGflops: peak / 1e9,
    variant: relaxed ? "relaxed" : "simd",
    runs,
  };
}

function describe(layers: readonly LayerProfile[], profile: Profile, { trace }: Pick<Options, "trace">): string[] {
  const total = describeTotal(profile);
  const rows = layers.map((layer) => {
    const { gflops, ofPeak } = rates(layer, profile);
    const share = layer.us / 1000 / total.ms;
    const works = layer.operations > 0;
    return [
      layer.name,
      layer.shape.join("x"),
      layer.us.toFixed(1),
      percent(share),
      works ? (layer.operations / 1e6).toFixed(2) : "",
      works ? gflops.toFixed(1) : "",
      works ? percent(ofPeak) : "",
      ...(trace ? [layer.trace.join("; ")] : []),
    ];
  });
  const heading = ["layer", "writes", "us", "share", "MFLOP", "GFLOP/s", "of peak", ...(trace ? ["schedule"] : [])];
  return [
    ...formatTable(heading, rows, ["left", "left", "right", "right", "right", "right", "right", "left"]),
    "",
    `${total.ms.toFixed(3)} ms in ${layers.length} calls (${total.variant}, medians of ${total.runs} runs)`,
    `${total.gflops.toFixed(1)} GFLOP/s, ${percent(total.ofPeak)} of this engine's ${total.peakGflops.toFixed(1)}`,
  ];
}

function percent(part: number): string {
  return `${(100 * part).toFixed(1)}%`;
}
