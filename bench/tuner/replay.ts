/** Searches beside each other on spaces that were measured whole (recorded.csv): what they find is compared with the best that there is. */
import { tune } from "../../src/tuner/tune.ts";
import { formatTable } from "../table.ts";
import type { Options } from "./main.ts";
import { readRecorded } from "./recorded.ts";

const seeds = 5;
const strategies = ["evolutionary", "random"] as const;

export async function replayText({ networks, trials = 250 }: Options): Promise<string> {
  const rows: string[][] = [];
  for (const name of networks) {
    const { network, sketches, measurer, least } = readRecorded(name);
    for (let seed = 0; seed < seeds; seed++)
      for (const strategy of strategies) {
        const best = new Map<string, number>();
        const curve: number[] = [];
        const result = await tune(network, sketches, measurer, {
          model: name,
          seed,
          budget: { trials },
          strategy,
          earlier: [],
          resumed: [],
          progress: () => {},
          isCancelled: () => false,
          append: (record) => {
            if (record.kind !== "trial" || record.origin === "final" || record.verdict.kind !== "timed") return;
            best.set(record.workload, Math.min(best.get(record.workload) ?? Infinity, record.verdict.us));
            curve.push([...best].reduce((sum, [key, us]) => sum + us * (network.base.get(key) ?? 0), 0));
          },
        });
        if (result.kind === "mismatch") throw new Error("recorded times cannot be wrong");
        const above = [0.2, 0.4, 0.6, 1].map((part) => {
          const us = curve[Math.round(part * trials) - 1];
          return us === undefined ? "" : `${((100 * us) / least - 100).toFixed(2)}%`;
        });
        const { learned, prior } = result.judgement() ?? {};
        rows.push([name, strategy, String(seed), ...above, learned?.toFixed(2) ?? "", prior?.toFixed(2) ?? ""]);
      }
  }
  const marks = [0.2, 0.4, 0.6, 1].map((part) => `${Math.round(part * trials)} trials`);
  return [
    "All layers by the best so far, above the best of their whole spaces; last, rank correlations of the cost model and of its prior on held-out candidates.",
    formatTable(["network", "strategy", "seed", ...marks, "learned", "prior"], rows, { left: [0, 1] }),
  ].join("\n\n");
}
