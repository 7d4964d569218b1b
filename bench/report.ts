/** What was measured, as Markdown: the same text for the terminal and for RESULTS.md. */
import { cpus, loadavg, release, type as system, totalmem } from "node:os";
import { isDisturbed, type Measurement, opponent, type Timing } from "./measure.ts";
import type { FileSize, Prepared } from "./prepare.ts";
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

/** What matters, first: where Quern is faster, where it is not, and whether that can be believed. */
export function summaryText(measurements: readonly Measurement[]): string {
  const lines = measurements.map((measurement) => {
    const { engine, network, timings } = measurement;
    const best = callsOf(timings).reduce((left, right) => (right.ratio.median < left.ratio.median ? right : left));
    const { median, low, high } = best.ratio;
    const verdict = median <= 1 ? `${(1 / median).toFixed(2)} times as fast` : `${median.toFixed(2)} times as slow`;
    const cpu = best.cpuRatio ? `, of processor time ${best.cpuRatio.median.toFixed(2)}` : "";
    const numbers = `quartiles ${low.toFixed(2)}-${high.toFixed(2)}; of the fastest batches ${best.fastestRatio.toFixed(2)}${cpu}`;
    const doubt = isDisturbed(measurement) ? " *Disturbed*." : "";
    return `- ${network}, ${engine}: ${best.kind} takes ${median.toFixed(2)} of the time of ${opponent} (${numbers}): ${verdict}.${doubt}`;
  });
  const remark =
    "*Disturbed*: quartiles of a contender are more than a quarter apart, for other programs ran; run it again when they don't.";
  return [...lines, ...(measurements.some(isDisturbed) ? ["", remark] : [])].join("\n");
}

export function engineText(engine: string, measurements: readonly Measurement[]): string {
  const rows = measurements.flatMap((measurement) => measurement.timings.map((timing) => timingRow(measurement, timing)));
  const heads = [
    "network",
    "contender",
    "median ms",
    "min",
    "quartiles",
    `time / ${opponent}`,
    "quartiles",
    "of minima",
    "of CPU time",
    "GFLOP/s",
    "rounds",
  ];
  const loads = measurements.flatMap(({ network, loads }) =>
    loads.map(({ kind, loadMs, firstRunMs }) => [
      network,
      kind,
      loadMs.toFixed(1),
      firstRunMs.toFixed(1),
      (loadMs + firstRunMs).toFixed(1),
    ]),
  );
  const worst = Math.max(...measurements.map(({ difference }) => difference));
  return [
    `## ${engine}`,
    `Outputs of all contenders agree within ${worst.toExponential(1)} (relative, the largest of all).`,
    formatTable(heads, rows, { left: [0, 1] }),
    "Load and first run, in a fresh process (median):",
    formatTable(["network", "contender", "load ms", "first run ms", "together"], loads, { left: [0, 1] }),
  ].join("\n\n");
}

export function sizesText(prepared: readonly Prepared[]): string {
  const rows = prepared.flatMap(({ network, sizes }) => {
    const fetched = (variant: string) => sizes.quern.filter(({ name }) => !name.endsWith(".wasm") || name === `model.${variant}.wasm`);
    const line = (who: string, files: readonly FileSize[]) => {
      const code = files.filter(({ name }) => !isWeights(name));
      const data = files.filter(({ name }) => isWeights(name));
      return [network.name, who, ...[code, data, files].flatMap((part) => [kilobytes(part, "raw"), kilobytes(part, "gzip")])];
    };
    return [line("quern simd", fetched("simd")), line("quern relaxed", fetched("relaxed")), line(opponent, sizes.onnx)];
  });
  const heads = ["network", "contender", "code kB", "gzip", "weights kB", "gzip", "all kB", "gzip"];
  const notes = `Code: Quern's \`model.js\` and one wasm; for ${opponent} its wasm-only loader and wasm. Weights: \`model.weights.bin\`, or the ONNX file.`;
  return [`## Bytes to fetch`, notes, formatTable(heads, rows, { left: [0, 1] })].join("\n\n");
}

function timingRow({ network, multiplyAdds, rounds }: Measurement, { kind, mode, ms, ratio, fastestRatio, cpuRatio }: Timing): string[] {
  const isReference = kind === opponent;
  return [
    network,
    mode === "kernels" ? `${kind}, kernels alone` : kind,
    ms.median.toFixed(3),
    ms.min.toFixed(3),
    `${ms.low.toFixed(3)}-${ms.high.toFixed(3)}`,
    isReference ? "1" : ratio.median.toFixed(3),
    isReference ? "" : `${ratio.low.toFixed(3)}-${ratio.high.toFixed(3)}`,
    isReference ? "" : fastestRatio.toFixed(3),
    isReference ? "" : (cpuRatio?.median.toFixed(3) ?? ""),
    ((2e-6 * multiplyAdds) / ms.median).toFixed(1),
    String(rounds),
  ];
}

function callsOf(timings: readonly Timing[]): Timing[] {
  return timings.filter(({ kind, mode }) => kind !== opponent && mode === "call");
}

function isWeights(name: string): boolean {
  return name === "model.weights.bin" || name === "model.onnx";
}

function kilobytes(files: readonly FileSize[], of: "raw" | "gzip"): string {
  return (files.reduce((sum, file) => sum + file[of], 0) / 1000).toFixed(1);
}
