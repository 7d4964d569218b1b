/** The search beside the whole of small spaces: npm --prefix bench run tuner exhaustive.ts [ENGINE] */
import type { Scheduled } from "../../src/tuner/candidate.ts";
import { enumerate, spaceOf, stepsOf } from "../../src/tuner/space.ts";
import { type Workload, workloadsOf } from "../../src/tuner/workload.ts";
import { loadNetwork } from "../networks.ts";
import { machineText } from "../report.ts";
import { formatTable } from "../table.ts";
import { measurerFor, runTuning } from "./support.ts";

/** A layer of a network, and the trials that the search is given: far fewer than the space holds. */
const cases = [
  ["vgg-cifar", "relu", 48],
  ["mobilenet-v2", "relu6", 48],
  ["vgg-cifar", "e_3", 64],
] as const;

const [engine = "node"] = process.argv.slice(2);
const measurer = await measurerFor(engine);
const rows: string[][] = [];
for (const [name, layer, trials] of cases) {
  const { compiled } = loadNetwork(name);
  const workload = workloadsOf(compiled).find(({ layers }) => layers.includes(layer));
  if (!workload) throw new Error(`${name} has no layer ${layer}`);
  const all = [
    ...new Map(
      [...enumerate(spaceOf(workload, compiled.module.sketches))].flatMap((made) =>
        made.kind === "scheduled" ? [[stepsOf(made.scheduled), made.scheduled] as const] : [],
      ),
    ).values(),
  ];
  const best = await bestOf(workload, all);
  const network = { workloads: [workload], base: new Map([[workload.key, 1]]), groups: [] };
  const { tuned } = await runTuning(compiled, measurer, { budget: { trials } }, network);
  const found = tuned.results[0]?.scheduled;
  if (!found) throw new Error("the search found nothing");
  // Both beside each other, for two runs are two moments.
  const [searched, exhaustive] = await measurer.measure(workload, [found, best], { rounds: 40, best: Infinity, keepAll: true });
  if (searched?.kind !== "timed" || exhaustive?.kind !== "timed") throw new Error("a candidate failed");
  rows.push([
    `${name} ${layer}`,
    String(all.length),
    String(trials),
    exhaustive.us.toFixed(2),
    searched.us.toFixed(2),
    `${((100 * searched.us) / exhaustive.us - 100).toFixed(1)}%`,
  ]);
}
await measurer.close();
console.log(machineText());
console.log(formatTable(["workload", "schedules", "trials", "best of all us", "found us", "above"], rows, { left: [0] }));

/** In heats, whose winners run again beside each other, longer. */
async function bestOf(workload: Workload, all: readonly Scheduled[]): Promise<Scheduled> {
  const timed: { readonly scheduled: Scheduled; readonly us: number }[] = [];
  for (let at = 0; at < all.length; at += 8) {
    const heat = all.slice(at, at + 8);
    const verdicts = await measurer.measure(workload, heat, { rounds: 8, best: Math.min(Infinity, ...timed.map(({ us }) => us)) });
    for (const [i, verdict] of verdicts.entries())
      if (verdict.kind === "timed") timed.push({ scheduled: heat[i] as Scheduled, us: verdict.us });
  }
  const finalists = timed
    .sort((a, b) => a.us - b.us)
    .slice(0, 8)
    .map(({ scheduled }) => scheduled);
  const verdicts = await measurer.measure(workload, finalists, { rounds: 40, best: Infinity, keepAll: true });
  const times = verdicts.map((verdict) => (verdict.kind === "timed" ? verdict.us : Infinity));
  const winner = finalists[times.indexOf(Math.min(...times))];
  if (!winner) throw new Error("nothing was timed");
  return winner;
}
