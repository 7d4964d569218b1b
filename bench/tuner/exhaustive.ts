/** The search beside the whole of small spaces. */
import { createRandom } from "../../src/support/random.ts";
import type { Scheduled } from "../../src/tuner/candidate.ts";
import type { Measurer } from "../../src/tuner/measurer.ts";
import { enumerate, spaceOf, stepsOf } from "../../src/tuner/space.ts";
import { type Workload, workloadsOf } from "../../src/tuner/workload.ts";
import { loadNetwork } from "../networks.ts";
import { formatTable } from "../table.ts";
import type { Options } from "./main.ts";
import { measurerFor, runTuning } from "./support.ts";

/** A layer of a network, whose space is small enough to be walked whole. */
const cases = [
  ["vgg-cifar", "relu"],
  ["mobilenet-v2", "relu6_4"],
  ["vgg-cifar", "e_3"],
] as const;

export async function exhaustiveText({ seconds: [limit = 300], networks, trials = 48, engine }: Options): Promise<string> {
  const chosen = cases.filter(([name]) => networks.includes(name));
  const measurer = await measurerFor(engine);
  const rows: string[][] = [];
  for (const [name, layer] of chosen) {
    const end = performance.now() + (limit * 1000) / chosen.length;
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
    const network = { workloads: [workload], base: new Map([[workload.key, 1]]), groups: [] };
    const { tuned } = await runTuning(compiled, measurer, { budget: { trials } }, network);
    const found = tuned.results[0]?.scheduled;
    if (!found) throw new Error("the search found nothing");
    const { best, count } = await bestOf(workload, all, measurer, end);
    // Both beside each other, for two runs are two moments.
    const [searched, exhaustive] = await measurer.measure(workload, [found, best], { rounds: 40, best: Infinity, keepAll: true });
    if (searched?.kind !== "timed" || exhaustive?.kind !== "timed") throw new Error("a candidate failed");
    rows.push([
      `${name} ${layer}`,
      count < all.length ? `${count} of ${all.length}` : String(count),
      String(Math.min(trials, tuned.trials)),
      exhaustive.us.toFixed(2),
      searched.us.toFixed(2),
      `${((100 * searched.us) / exhaustive.us - 100).toFixed(1)}%`,
    ]);
  }
  await measurer.close();
  return formatTable(["workload", "schedules", "trials", "best of all us", "found us", "above"], rows);
}

/** Schedules that are measured however little time there is. */
const least = 32;

/** In heats, whose winners run again beside each other, longer; of all that come before the time is over, spread over the space. */
async function bestOf(workload: Workload, space: readonly Scheduled[], measurer: Measurer, end: number) {
  const random = createRandom(workload.key);
  const all = space
    .map((scheduled) => ({ scheduled, place: random.uniform() }))
    .sort((a, b) => a.place - b.place)
    .map(({ scheduled }) => scheduled);
  const timed: { readonly scheduled: Scheduled; readonly us: number }[] = [];
  let count = 0;
  for (let at = 0; at < all.length && (at < least || performance.now() < end); at += 8) {
    count = Math.min(all.length, at + 8);
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
  return { best: winner, count };
}
