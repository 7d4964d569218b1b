/** quern profile: where the time goes, layer by layer, and how near each comes to the engine's peak. */
import { Command, Option } from "commander";
import type { Compiled } from "../../compile.ts";
import type { Weights } from "../../pipeline/execute.ts";
import type { LayerProfile } from "../../pipeline/profile.ts";
import {
  algorithmOption,
  examples,
  gpuLimitOption,
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
      "Times every layer inside whole runs, in this Node; with --target webgpu on the adapter that Dawn finds, by its timestamps where it has them, otherwise by batches of each dispatch. GFLOP/s counts what the kernel executes (two for a multiply-add); the peak is that of a loop of multiply-adds in registers alone, measured beside it.",
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
    .addOption(gpuLimitOption())
    .addOption(modelOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      examples(
        "quern profile model.qn",
        "quern profile model.qn --sort --trace",
        "quern profile model.qn --target webgpu",
        "quern profile model.qn --json",
      ),
    )
    .action((file: string, options: Options, command: Command) => profile(file, options, command, terminal));
}

/** Times with what they are measured against. */
type Timed = {
  readonly layers: readonly LayerProfile[];
  readonly runs: number;
  readonly peak: number;
  /** For programs. */
  readonly facts: { readonly [name: string]: string | boolean };
  /** For people: what was timed and how, and whose peak it is. */
  readonly how: string;
  readonly whose: string;
};

async function profile(file: string, options: Options, command: Command, terminal: Terminal): Promise<void> {
  if (options.target === "webgpu" && options.variant !== undefined) command.error("error: --variant is of the target wasm");
  const compiled = await loadProgram(file, options, terminal);
  const weights = loadWeights(compiled, options, terminal);
  const timed = await (options.target === "webgpu" ? timeOnGpu : timeHere)(compiled, weights, options, command, terminal);
  const layers = options.sort ? [...timed.layers].sort((a, b) => b.us - a.us) : timed.layers;
  if (options.json)
    printJson(terminal, {
      ...describeTotal(timed),
      ...timed.facts,
      runs: timed.runs,
      layers: layers.map((layer) => ({ ...layer, ...rates(layer, timed) })),
    });
  else for (const line of describe(layers, timed, options)) terminal.out(line);
}

type Time = (compiled: Compiled, weights: Weights, options: Options, command: Command, terminal: Terminal) => Promise<Timed>;

const timeHere: Time = async (compiled, weights, { seconds, seed, variant }, command) => {
  const { hasRelaxedSimd } = await import("../../pipeline/peak.ts");
  const canRelax = hasRelaxedSimd();
  if (variant === "relaxed" && !canRelax)
    command.error(`error: Node ${process.versions.node} has no relaxed SIMD: take a newer one, or --variant simd`);
  const relaxed = variant === undefined ? canRelax : variant === "relaxed";
  const { profileModel } = await import("../../pipeline/profile.ts");
  const { layers, runs, peak } = profileModel(compiled, weights, { now: () => performance.now(), seconds, seed, relaxed });
  const taken = relaxed ? "relaxed" : "simd";
  return { layers, runs, peak, facts: { variant: taken }, how: `calls (${taken}, medians of ${runs} runs)`, whose: "this engine's" };
};

const timeOnGpu: Time = async (compiled, weights, options, _command, terminal) => {
  const { withGpu } = await import("../gpu/device.ts");
  const { profileGpu } = await import("../../pipeline/profile_gpu.ts");
  const { seconds, seed } = options;
  return await withGpu(terminal, options, async ({ device, name, isSoftware }) => {
    const { layers, runs, peak, clock } = await profileGpu(compiled, weights, device, { now: () => performance.now(), seconds, seed });
    const by = clock === "timestamps" ? `medians of ${runs} runs` : `batches by the host's clock, medians of ${runs}`;
    const facts = { adapter: name, clock, isSoftware };
    if (isSoftware) terminal.err(`note: ${name} is software: its times say nothing of a GPU's`);
    return { layers, runs, peak, facts, how: `dispatches (${by})`, whose: `${name}'s` };
  });
};

/** Operations per nanosecond, which is GFLOP/s, and the part of the peak that they are. */
function rates({ us, operations }: Pick<LayerProfile, "us" | "operations">, { peak }: Timed) {
  const gflops = us > 0 ? operations / us / 1e3 : 0;
  return { gflops, ofPeak: (gflops * 1e9) / peak };
}

function describeTotal(timed: Timed) {
  const us = timed.layers.reduce((sum, layer) => sum + layer.us, 0);
  const operations = timed.layers.reduce((sum, layer) => sum + layer.operations, 0);
  return { ms: us / 1000, operations, ...rates({ us, operations }, timed), peakGflops: timed.peak / 1e9 };
}

function describe(layers: readonly LayerProfile[], timed: Timed, { trace }: Pick<Options, "trace">): string[] {
  const total = describeTotal(timed);
  const rows = layers.map((layer) => {
    const { gflops, ofPeak } = rates(layer, timed);
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
    `${total.ms.toFixed(3)} ms in ${layers.length} ${timed.how}`,
    `${total.gflops.toFixed(1)} GFLOP/s, ${percent(total.ofPeak)} of ${timed.whose} ${total.peakGflops.toFixed(1)}`,
  ];
}

function percent(part: number): string {
  return `${(100 * part).toFixed(1)}%`;
}
