/** How near a short run comes to a long one, each from nothing. */
import { totalsOf } from "../../src/tuner/tune.ts";
import { loadNetwork } from "../networks.ts";
import { formatTable } from "../table.ts";
import type { Options } from "./main.ts";
import { measurerFor, runTuning } from "./support.ts";

export async function budgetText({ seconds, networks, engine }: Options): Promise<string> {
  const rows: string[][] = [];
  for (const name of networks) {
    const { compiled } = loadNetwork(name);
    const runs: { readonly seconds: number; readonly trials: number; readonly defaultMs: number; readonly tunedMs: number }[] = [];
    for (const limit of seconds) {
      const measurer = await measurerFor(engine);
      const { tuned } = await runTuning(compiled, measurer, { budget: { seconds: limit } });
      await measurer.close();
      const totals = totalsOf(tuned);
      if (!totals) throw new Error(`in ${limit} s ${tuned.untimed} workloads of ${name} were not timed: give it more`);
      runs.push({ seconds: limit, trials: tuned.trials, ...totals });
    }
    const longest = runs.at(-1)?.tunedMs ?? Number.NaN;
    for (const run of runs) {
      const above = `${((100 * run.tunedMs) / longest - 100).toFixed(1)}%`;
      rows.push([name, String(run.seconds), String(run.trials), run.defaultMs.toFixed(3), run.tunedMs.toFixed(3), above]);
    }
  }
  return formatTable(["network", "seconds", "trials", "default ms", "tuned ms", "above the longest run"], rows);
}
