/**
 * How near the large pointwise convolutions come to this engine's peak: npm --prefix bench run pointwise -- [NAME...] [--variant simd] [--write]
 * Pointwise is a sum of products over one axis, with a constant matrix, at more than one place; large is a sum of at least 128
 * products and 10 million floating-point operations a layer.
 */
import { parseArgs } from "node:util";
import { variablesOfExpr } from "../src/ir/expr.ts";
import { type Group, resultOf, rootReduction } from "../src/ir/tensor.ts";
import { hasRelaxedSimd } from "../src/pipeline/peak.ts";
import { profileModel } from "../src/pipeline/profile.ts";
import { loadNetwork, multiplyAddsOf, networkNames } from "./networks.ts";
import { machineText } from "./report.ts";
import { writePart } from "./results.ts";
import { formatTable } from "./table.ts";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { variant: { type: "string" }, seconds: { type: "string", default: "5" }, write: { type: "boolean", default: false } },
});
const relaxed = options.variant === undefined ? hasRelaxedSimd() : options.variant === "relaxed";
const unknown = positionals.find((name) => !(networkNames as readonly string[]).includes(name));
if (unknown !== undefined) {
  console.error(`there is no network ${unknown}: choose ${networkNames.join(", ")}`);
  process.exit(2);
}

if (options.variant !== undefined && options.variant !== "simd" && options.variant !== "relaxed") {
  console.error(`there is no variant ${options.variant}: choose simd or relaxed`);
  process.exit(2);
}

const rows = (positionals.length > 0 ? positionals : networkNames).map((name) => {
  const { compiled, weights } = loadNetwork(name);
  const large = new Set(
    compiled.levels
      .layers()
      .groups.filter(isLargePointwise)
      .map((group) => group.name),
  );
  const { layers, peak } = profileModel(compiled, weights, {
    now: () => performance.now(),
    seconds: Number(options.seconds),
    seed: 0,
    relaxed,
  });
  const found = layers.filter((layer) => large.has(layer.name));
  const us = found.reduce((sum, layer) => sum + layer.us, 0);
  const undisturbedUs = found.reduce((sum, layer) => sum + layer.undisturbedUs, 0);
  const operations = found.reduce((sum, layer) => sum + layer.operations, 0);
  return { name, count: found.length, us, undisturbedUs, operations, peak };
});
const measured = rows.filter((row) => row.count > 0);
const percent = (fraction: number) => `${(100 * fraction).toFixed(1)}%`;
const cells = measured.map(({ name, count, us, undisturbedUs, operations, peak }) => [
  name,
  String(count),
  (us / 1000).toFixed(2),
  (operations / us / 1e3).toFixed(1),
  (peak / 1e9).toFixed(1),
  percent((operations * 1e6) / us / peak),
  percent((operations * 1e6) / undisturbedUs / peak),
]);
/** Each layer's fraction, weighted by its time: the time that all would take at the peak, over the time that they take. */
const ofAll = (time: "us" | "undisturbedUs") =>
  percent(
    measured.reduce((sum, { operations, peak }) => sum + (operations * 1e6) / peak, 0) / measured.reduce((sum, row) => sum + row[time], 0),
  );
const variant = relaxed ? "relaxed" : "simd";
const report = [
  `## Large pointwise convolutions: ${variant}, Node ${process.versions.node}`,
  `\`npm --prefix bench run pointwise -- --variant ${variant}\``,
  machineText(),
  formatTable(["network", "layers", "ms", "GFLOP/s", "peak", "of peak", "undisturbed"], cells, { left: [0] }),
  `Of all, weighted by time: ${ofAll("us")} of the multiply-add peak; undisturbed, ${ofAll("undisturbedUs")}.`,
].join("\n\n");
console.log(report);
if (options.write) writePart(new URL("RESULTS.md", import.meta.url), `pointwise ${variant}`, report);

function isLargePointwise(group: Group): boolean {
  const [first] = group.computes;
  const reduction = first && rootReduction(first);
  if (reduction?.body.kind !== "apply") return false;
  const over = reduction.axes.filter((axis) => axis.extent > 1);
  const along = resultOf(group).axes.filter((axis) => axis.extent > 1);
  // One matrix for all places: what is read along the channels alone. Products of many matrices, as of transforms, have another.
  const matrix = reduction.body.args.some((arg) => arg.kind === "read" && variablesOfExpr(arg).size === 2);
  return matrix && along.length > 1 && over.length === 1 && (over[0]?.extent ?? 0) >= 128 && 2 * multiplyAddsOf(group) >= 10e6;
}
