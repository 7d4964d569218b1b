/**
 * Evolutionary search with the cost model beside random search at equal trials, over five seeds: of each what `tune` would end with after so many
 * trials, its choice of algorithms and its finals included. Searches run one after the other, and a machine is faster at one moment than at
 * another: so what they end with is timed again twice, all beside each other, and only those times are compared.
 */
import type { Scheduled } from "../../src/tuner/candidate.ts";
import type { Judgement } from "../../src/tuner/cost_model.ts";
import type { LogRecord } from "../../src/tuner/log.ts";
import type { Measurer } from "../../src/tuner/measurer.ts";
import { networkOf } from "../../src/tuner/plans.ts";
import { stepsOf } from "../../src/tuner/space.ts";
import type { Tuned, TunedResult } from "../../src/tuner/tune.ts";
import type { Workload } from "../../src/tuner/workload.ts";
import { loadNetwork } from "../networks.ts";
import { formatTable } from "../table.ts";
import type { Options } from "./main.ts";
import { measurerFor, runTuning } from "./support.ts";

const seeds = 5;
const strategies = ["evolutionary", "random"] as const;
const rounds = 48;

type Search = {
  readonly strategy: (typeof strategies)[number];
  readonly seed: number;
  /** For each mark. */
  readonly ends: readonly Tuned[];
  readonly judgement: Judgement | undefined;
};

export async function curvesText({ seconds: [limit = 600], networks, trials = 500, engine }: Options): Promise<string> {
  const texts: string[] = [];
  for (const name of networks) {
    const { compiled } = loadNetwork(name);
    const network = networkOf(compiled);
    const marks = [0.125, 0.25, 0.5, 1].map((part) => Math.round(part * trials));
    const measurer = await measurerFor(engine);
    const searches: Search[] = [];
    // Both of a seed or neither, so that as many of each are compared.
    const end = performance.now() + (limit / networks.length) * 1000;
    for (let seed = 0; seed < seeds && (seed === 0 || performance.now() < end); seed++)
      for (const strategy of strategies) {
        // Each mark goes on from the one before, without its finals.
        let known: readonly LogRecord[] = [];
        const ends: Tuned[] = [];
        for (const mark of marks) {
          const { tuned, records } = await runTuning(
            compiled,
            measurer,
            { budget: { trials: mark }, seed, strategy, resumed: known },
            network,
          );
          if (tuned.untimed > 0) throw new Error(`in ${mark} trials not all workloads of ${name} were timed: give it more`);
          known = [...known, ...records.filter((record) => record.kind !== "trial" || record.origin !== "final")];
          ends.push(tuned);
        }
        searches.push({ strategy, seed, ends, judgement: ends.at(-1)?.judgement() });
      }
    const times = await timesOf(searches, measurer);
    await measurer.close();
    const total = ({ results, composition }: Tuned) => {
      const needed = results.filter(({ workload: { key } }) => composition.has(key));
      const timeOf = ({ workload: { key }, scheduled }: TunedResult) => times.get(key)?.us.get(stepsOf(scheduled)) ?? Number.NaN;
      return needed.reduce((sum, result) => sum + (composition.get(result.workload.key) ?? 0) * timeOf(result), 0) / 1000;
    };
    const rows = searches.map(({ strategy, seed, ends, judgement }) => [
      strategy,
      String(seed),
      ...ends.map((each) => total(each).toFixed(4)),
      judgement?.learned.toFixed(3) ?? "",
      judgement?.prior.toFixed(3) ?? "",
    ]);
    const medians = strategies.map((strategy) => {
      const own = searches.filter((search) => search.strategy === strategy);
      const totals = (i: number) => own.flatMap(({ ends }) => ends.slice(i, i + 1).map(total));
      return [`${strategy}, median`, "", ...marks.map((_, i) => medianOf(totals(i)).toFixed(4)), "", ""];
    });
    texts.push(
      `${name}: milliseconds of all layers as \`tune\` would end after so many trials, timed again twice in the end, all beside each other, the lesser time each; last, rank correlations of the cost model and of its prior on held-out candidates.`,
      formatTable(["strategy", "seed", ...marks.map((mark) => `${mark} trials`), "learned", "prior"], [...rows, ...medians], { left: [0] }),
    );
  }
  return texts.join("\n\n");
}

/** Microseconds of every schedule that some search would end with, by workload and steps. */
async function timesOf(searches: readonly Search[], measurer: Measurer) {
  const ends = new Map<
    string,
    { readonly workload: Workload; readonly schedules: Map<string, Scheduled>; readonly us: Map<string, number> }
  >();
  for (const { results, composition } of searches.flatMap((search) => search.ends))
    for (const { workload, scheduled } of results) {
      if (!composition.has(workload.key)) continue;
      const known = ends.get(workload.key) ?? { workload, schedules: new Map(), us: new Map() };
      ends.set(workload.key, known);
      known.schedules.set(stepsOf(scheduled), scheduled);
    }
  // What disturbs the machine lasts for seconds: each workload is timed again after all others, and the lesser time counts.
  for (let pass = 0; pass < 2; pass++)
    for (const { workload, schedules, us } of ends.values()) {
      const verdicts = await measurer.measure(workload, [...schedules.values()], { rounds, best: Infinity, keepAll: true });
      for (const [i, steps] of [...schedules.keys()].entries()) {
        const verdict = verdicts[i];
        if (verdict?.kind !== "timed") throw new Error(`a schedule of ${workload.nest.name} that was timed before failed`);
        us.set(steps, Math.min(us.get(steps) ?? Infinity, verdict.us));
      }
    }
  return ends;
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
