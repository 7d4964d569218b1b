/** Evolutionary search with the cost model beside random search at equal trials, over five seeds. */
import { networkOf } from "../../src/tuner/plans.ts";
import { loadNetwork } from "../networks.ts";
import { formatTable } from "../table.ts";
import type { Options } from "./main.ts";
import { measurerFor, runTuning } from "./support.ts";

const seeds = 5;
const strategies = ["evolutionary", "random"] as const;

export async function curvesText({ seconds: [limit = 360], networks, trials = 250, engine }: Options): Promise<string> {
  const end = performance.now() + limit * 1000;
  const texts: string[] = [];
  for (const name of networks) {
    const { compiled } = loadNetwork(name);
    // Of the compiler's own algorithms: what is compared is how schedules are found.
    const whole = networkOf(compiled);
    const network = { ...whole, groups: [], workloads: whole.workloads.filter(({ key }) => whole.base.has(key)) };
    const measurer = await measurerFor(engine);
    const marks = [0.25, 0.5, 0.75, 1].map((part) => Math.round(part * trials));
    const rows: string[][] = [];
    const last = new Map<string, number[]>();
    for (let seed = 0; seed < seeds; seed++)
      for (const strategy of strategies) {
        // Both of a seed or neither, so that as many of each are compared.
        if (performance.now() > end && strategy === "evolutionary") break;
        if (strategy === "random" && rows.length % 2 === 0) break;
        const { tuned, records } = await runTuning(compiled, measurer, { budget: { trials }, seed, strategy }, network);
        const best = new Map<string, number>();
        const curve = new Map<number, number>();
        for (const record of records) {
          if (record.kind !== "trial" || record.origin === "final") continue;
          const { workload, verdict, trial } = record;
          if (verdict.kind === "timed") best.set(workload, Math.min(best.get(workload) ?? Infinity, verdict.us));
          curve.set(trial + 1, [...best].reduce((sum, [key, us]) => sum + us * (network.base.get(key) ?? 0), 0) / 1000);
        }
        last.set(strategy, [...(last.get(strategy) ?? []), curve.get(trials) ?? Number.NaN]);
        const { learned, prior } = tuned.judgement() ?? {};
        const found = marks.map((mark) => curve.get(mark)?.toFixed(4) ?? "");
        rows.push([strategy, String(seed), ...found, learned?.toFixed(3) ?? "", prior?.toFixed(3) ?? ""]);
      }
    await measurer.close();
    const medians = strategies.map((strategy) => `${strategy} ${medianOf(last.get(strategy) ?? []).toFixed(4)} ms`).join(", ");
    texts.push(
      `${name}: milliseconds of all layers by the best so far, after so many trials; last, rank correlations of the cost model and of its prior on held-out candidates.`,
      formatTable(["strategy", "seed", ...marks.map((mark) => `${mark} trials`), "learned", "prior"], rows, { left: [0] }),
      `Median of the seeds in the end: ${medians}.`,
    );
  }
  return texts.join("\n\n");
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
