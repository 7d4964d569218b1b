/** Evolutionary search with the cost model beside random search, over five seeds: npm --prefix bench run tuner curves.ts [NETWORK] [TRIALS] [ENGINE] */

import { networkOf } from "../../src/tuner/plans.ts";
import { loadNetwork } from "../networks.ts";
import { machineText } from "../report.ts";
import { formatTable } from "../table.ts";
import { measurerFor, runTuning } from "./support.ts";

const [name = "vgg-cifar", trials = "400", engine = "node"] = process.argv.slice(2);
const total = Number(trials);
const { compiled } = loadNetwork(name);
// Of the compiler's own algorithms: what is compared is how schedules are found.
const network = { ...networkOf(compiled), groups: [] };
const workloads = network.workloads.filter(({ key }) => network.base.has(key));
const measurer = await measurerFor(engine);
const marks = [0.25, 0.5, 0.75, 1].map((part) => Math.round(part * total));
const rows: string[][] = [];
for (const strategy of ["evolutionary", "random"] as const)
  for (let seed = 0; seed < 5; seed++) {
    const { tuned, records } = await runTuning(
      compiled,
      measurer,
      { budget: { trials: total }, seed, strategy },
      { ...network, workloads },
    );
    const best = new Map<string, number>();
    const curve = new Map<number, number>();
    for (const record of records) {
      if (record.kind !== "trial" || record.origin === "final") continue;
      if (record.verdict.kind === "timed") best.set(record.workload, Math.min(best.get(record.workload) ?? Infinity, record.verdict.us));
      curve.set(record.trial + 1, [...best].reduce((sum, [key, us]) => sum + us * (network.base.get(key) ?? 0), 0) / 1000);
    }
    rows.push([
      strategy,
      String(seed),
      ...marks.map((mark) => curve.get(mark)?.toFixed(4) ?? ""),
      tuned.judgement?.learned.toFixed(3) ?? "",
      tuned.judgement?.prior.toFixed(3) ?? "",
    ]);
  }
await measurer.close();
console.log(machineText());
console.log(
  `${name}: milliseconds of all layers by the best so far, after so many trials; last, rank correlations of the cost model on held-out candidates.`,
);
console.log(formatTable(["strategy", "seed", ...marks.map((mark) => `${mark} trials`), "learned", "prior"], rows, { left: [0] }));
