/** What was measured, as Markdown and as JSON. */
import { cpus, loadavg, release, type as system, totalmem } from "node:os";
import { isDisturbed, type Measurement, type Timing } from "./measure.ts";
import { type Beside, isOwn } from "./systems.ts";
import { formatTable } from "./table.ts";

export function machineText(): string {
  const [cpu] = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const lines = [
    `Machine: ${cpu?.model.trim() ?? "unknown CPU"}, ${cpus().length} cores, ${memory}; ${system()} ${release()}, ${process.arch}.`,
    `Date: ${new Date().toISOString().slice(0, 10)}. Load average of the last minute as it ended: ${loadavg()[0]?.toFixed(1)} (one process measures at a time).`,
  ];
  return lines.join("\n");
}

/** One record of the JSON: what was measured of one system on one network. */
export function records(measurements: readonly Measurement[]) {
  return measurements.flatMap(({ network, engine, schedule, timings }) =>
    timings.map(({ contender, ms, firstMs, shipped }) => ({
      network,
      system: contender.system,
      target: contender.target,
      engine: contender.runsIn === "native" ? `Node ${process.versions.node}` : engine,
      threads: 1,
      schedule: isOwn(contender) ? schedule : (contender.beside ?? "default"),
      medianMs: ms.median,
      lowMs: ms.low,
      highMs: ms.high,
      firstMs,
      shippedBytesGz: shipped.code.gzip,
    })),
  );
}

/** What matters, first: Quern's time over each peer's, one line a network. */
export function summaryText(measurements: readonly Measurement[], earlier?: string): string {
  const kinds = [...new Set(measurements.flatMap(({ timings }) => timings.filter(isPeer).map(({ contender }) => contender.kind)))];
  const gains = (["default", "earlier"] as const).flatMap((beside) => {
    const ratios = measurements.flatMap(({ timings }) => gainOf(timings, beside) ?? []);
    return ratios.length > 0 ? [{ beside, ratios }] : [];
  });
  const now = measurements[0]?.schedule === "tuned" ? "tuned" : "Quern";
  const rows = measurements.map(({ network, timings }, i) => {
    const best = fastestOf(timings);
    const cells = kinds.map((kind) => {
      const timing = timings.find(({ contender }) => contender.kind === kind);
      if (!timing) return "cannot run";
      return `${timing.ratio.median.toFixed(2)}${isDisturbed(timing) || isDisturbed(best) ? " ?" : ""}`;
    });
    const gained = gains.map(({ ratios }) => times(ratios[i] ?? Number.NaN));
    return [network, best.contender.kind, best.ms.median.toFixed(3), ...cells, times(aheadOf(timings)), ...gained];
  });
  const all = measurements.map(({ timings }) => aheadOf(timings)).filter(Number.isFinite);
  const slowest = measurements.reduce((a, b) => (aheadOf(b.timings) < aheadOf(a.timings) ? b : a));
  return [
    "Quern's fastest variant: its time, and that time over each peer's within the same round (median; below 1, Quern is faster). Last, the " +
      "median of the fastest peer, native ones left out, over Quern's (above 1, Quern is faster).",
    formatTable(
      [
        "network",
        "variant",
        "ms",
        ...kinds.map((kind) => `/ ${kind}`),
        "fastest / Quern",
        ...gains.map(({ beside }) => `${beside} / ${now}`),
      ],
      rows,
      { left: [0, 1] },
    ),
    ...gains.map(
      ({ beside, ratios }) =>
        `${beside === "default" ? "The default schedules' time" : `The time of an earlier Quern's default schedules (commit ${earlier}), compiled by it,`} over Quern's within the same round: geometric mean ${times(geometricMean(ratios))}, least ${times(Math.min(...ratios))}.`,
    ),
    `The fastest peer over Quern, of ${measurements.length} networks: geometric mean ${times(geometricMean(all))}, least ${times(aheadOf(slowest.timings))} (${slowest.network}).`,
    "A question mark: the quartiles of one of the two are more than a quarter apart, for other programs ran; run it again when they don't.",
  ].join("\n\n");
}

/** The median of the fastest peer, native ones left out, over that of Quern's fastest variant. */
function aheadOf(timings: readonly Timing[]): number {
  const peers = timings.filter((timing) => isPeer(timing) && timing.contender.runsIn !== "native");
  return Math.min(...peers.map(({ ms }) => ms.median)) / fastestOf(timings).ms.median;
}

function geometricMean(ratios: readonly number[]): number {
  return Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
}

function times(ratio: number): string {
  return Number.isFinite(ratio) ? ratio.toFixed(2) : "";
}

export function engineText(measurements: readonly Measurement[]): string {
  const rows = measurements.flatMap((measurement) => measurement.timings.map((timing) => timingRow(measurement, timing)));
  const heads = ["network", "system", "median ms", "quartiles", "min", "CPU ms", "Quern's / its", "quartiles", "GFLOP/s", "rounds"];
  const worst = Math.max(...measurements.map(({ difference }) => difference));
  const absent = measurements.flatMap(({ network, missing }) =>
    missing.map(({ kind, reason }) => `- ${kind} cannot run ${network}: ${reason}`),
  );
  return [
    `Outputs of all agree within ${worst.toExponential(1)} (relative, the largest of all). Schedules: ${measurements[0]?.schedule}.`,
    formatTable(heads, rows, { left: [0, 1] }),
    ...(absent.length > 0 ? [absent.join("\n")] : []),
    "What it takes to begin, and to hold: bytes to fetch (kB; code and, apart, weights with what describes the model), the time from all of them in " +
      "memory to the first output in a fresh process (median), and the most memory that the process has had.",
    formatTable(beginHeads, measurements.flatMap(beginRows), { left: [0, 1] }),
    ...gpuText(measurements),
    "Quern's own memory (MB), which never grows: all of it, and of that the weights; the rest is the arena.",
    formatTable(
      ["network", "all", "weights"],
      measurements.map(({ network, memory }) => [network, megabytes(memory.whole), megabytes(memory.weights)]),
    ),
  ].join("\n\n");
}

/** Nothing where no system used WebGPU. */
function gpuText(measurements: readonly Measurement[]): string[] {
  const rows = measurements.flatMap(({ network, timings }) =>
    timings.flatMap(({ contender, gpu }) =>
      gpu ? [[network, contender.kind, String(gpu.dispatches), String(gpu.pipelines), gpu.pipelineMs.toFixed(1)]] : [],
    ),
  );
  if (rows.length === 0) return [];
  return [
    "What each asks of WebGPU: dispatches of one run, compute pipelines, and the milliseconds up to the first result in which at least one of them was being " +
      "made (a pipeline made at once, without waiting, is compiled later, and its time is then in the first run).",
    formatTable(["network", "system", "dispatches", "pipelines", "pipelines ms"], rows, { left: [0, 1] }),
  ];
}

const beginHeads = ["network", "system", "code", "gzip", "model", "gzip", "first ms", "peak MB"];

function beginRows({ network, timings }: Measurement): string[][] {
  return timings.map(({ contender, firstMs, shipped, peakBytes }) => [
    network,
    contender.kind,
    kilobytes(shipped.code.raw),
    kilobytes(shipped.code.gzip),
    kilobytes(shipped.model.raw),
    kilobytes(shipped.model.gzip),
    firstMs.toFixed(1),
    peakBytes === undefined ? "" : megabytes(peakBytes),
  ]);
}

function timingRow({ network, multiplyAdds, rounds }: Measurement, timing: Timing): string[] {
  const { contender, ms, cpuMs, ratio } = timing;
  return [
    network,
    `${contender.kind}${isDisturbed(timing) ? " ?" : ""}`,
    ms.median.toFixed(3),
    `${ms.low.toFixed(3)}-${ms.high.toFixed(3)}`,
    ms.min.toFixed(3),
    cpuMs?.toFixed(3) ?? "",
    isOwn(contender) ? "" : ratio.median.toFixed(3),
    isOwn(contender) ? "" : `${ratio.low.toFixed(3)}-${ratio.high.toFixed(3)}`,
    ((2e-6 * multiplyAdds) / ms.median).toFixed(1),
    String(rounds),
  ];
}

function isPeer({ contender }: Timing): boolean {
  return contender.system !== "quern";
}

function fastestOf(timings: readonly Timing[]): Timing {
  return fastest(timings.filter(({ contender }) => isOwn(contender)));
}

function fastest(timings: readonly Timing[]): Timing {
  return timings.reduce((best, timing) => (timing.ms.median < best.ms.median ? timing : best));
}

/** What runs beside Quern, in its fastest variant, over the fastest as it is measured, within the same round. */
function gainOf(timings: readonly Timing[], beside: Beside): number | undefined {
  const before = timings.filter(({ contender }) => contender.beside === beside);
  return before.length === 0 ? undefined : 1 / fastest(before).ratio.median;
}

function kilobytes(bytes: number): string {
  return (bytes / 1000).toFixed(1);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
