/** Each engine's schedules in each engine. */
import { type Candidate, realize } from "../../src/tuner/candidate.ts";
import type { Measurer } from "../../src/tuner/measurer.ts";
import { networkOf } from "../../src/tuner/plans.ts";
import { spaceOf } from "../../src/tuner/space.ts";
import { loadNetwork } from "../networks.ts";
import { formatTable } from "../table.ts";
import type { Options } from "./main.ts";
import { measurerFor, runTuning } from "./support.ts";

/** Of the time, what the searches take; the rest is for the table. */
const searching = 0.85;

export async function enginesText({ seconds: [limit = 480], networks, node }: Options): Promise<string> {
  const texts: string[] = [];
  const engines = ["node", ...(node === undefined ? [] : [node]), "chromium"];
  for (const name of networks) texts.push(...(await tableOf(name, engines, (searching * limit) / engines.length / networks.length)));
  return texts.join("\n\n");
}

async function tableOf(name: string, engines: readonly string[], seconds: number): Promise<string[]> {
  const { compiled } = loadNetwork(name);
  // One algorithm for all, so that workloads can be compared one by one.
  const whole = networkOf(compiled);
  const network = { ...whole, groups: [], workloads: whole.workloads.filter(({ key }) => whole.base.has(key)) };
  const measurers: Measurer[] = [];
  const chosen: Map<string, Candidate>[] = [];
  for (const engine of engines) {
    const measurer = await measurerFor(engine);
    const { tuned } = await runTuning(compiled, measurer, { budget: { seconds } }, network);
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
  return [
    `${name}: milliseconds of all layers in the engine of the row, by the schedules that were found in the engine of the column.`,
    formatTable(["runs in", "default", ...measurers.map((each) => `tuned for ${title(each)}`)], rows),
  ];
}
