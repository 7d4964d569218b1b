/**
 * Evolutionary search with the cost model beside random search at equal trials, over five seeds. Searches run one after the other, and a
 * machine is faster at one moment than at another: so what each had found after so many trials is timed again in the end, all beside each other.
 */
import type { SketchDeclaration } from "../../src/ir/declaration.ts";
import { realize, type Scheduled } from "../../src/tuner/candidate.ts";
import type { Judgement } from "../../src/tuner/cost_model.ts";
import type { LogRecord } from "../../src/tuner/log.ts";
import type { Measurer } from "../../src/tuner/measurer.ts";
import { type Network, networkOf } from "../../src/tuner/plans.ts";
import { stepsOf } from "../../src/tuner/space.ts";
import type { Workload } from "../../src/tuner/workload.ts";
import { loadNetwork } from "../networks.ts";
import { formatTable } from "../table.ts";
import type { Options } from "./main.ts";
import { measurerFor, runTuning } from "./support.ts";

const seeds = 5;
const strategies = ["evolutionary", "random"] as const;
const rounds = 24;

type Search = {
  readonly strategy: (typeof strategies)[number];
  readonly seed: number;
  /** For each mark, the best schedule of each workload by then, by the workload's key. */
  readonly found: readonly ReadonlyMap<string, Scheduled>[];
  readonly judgement: Judgement | undefined;
};

export async function curvesText({ seconds: [limit = 600], networks, trials = 250, engine }: Options): Promise<string> {
  const texts: string[] = [];
  for (const name of networks) {
    const { compiled } = loadNetwork(name);
    const { sketches } = compiled.module;
    // Of the compiler's own algorithms: what is compared is how schedules are found.
    const whole = networkOf(compiled);
    const network = { ...whole, groups: [], workloads: whole.workloads.filter(({ key }) => whole.base.has(key)) };
    const marks = [0.25, 0.5, 0.75, 1].map((part) => Math.round(part * trials));
    const measurer = await measurerFor(engine);
    const searches: Search[] = [];
    // Both of a seed or neither, so that as many of each are compared.
    const end = performance.now() + (limit / networks.length) * 1000;
    for (let seed = 0; seed < seeds && (seed === 0 || performance.now() < end); seed++)
      for (const strategy of strategies) {
        const { tuned, records } = await runTuning(compiled, measurer, { budget: { trials }, seed, strategy }, network);
        searches.push({
          strategy,
          seed,
          found: marks.map((mark) => bestBy(mark, records, network, sketches)),
          judgement: tuned.judgement(),
        });
      }
    const times = new Map<string, ReadonlyMap<string, number>>();
    for (const workload of network.workloads) times.set(workload.key, await timesOf(workload, searches, measurer));
    await measurer.close();
    const total = (found: ReadonlyMap<string, Scheduled>) =>
      [...found].reduce(
        (sum, [key, scheduled]) => sum + (network.base.get(key) ?? 0) * (times.get(key)?.get(stepsOf(scheduled)) ?? Number.NaN),
        0,
      ) / 1000;
    const rows = searches.map(({ strategy, seed, found, judgement }) => [
      strategy,
      String(seed),
      ...found.map((each) => total(each).toFixed(4)),
      judgement?.learned.toFixed(3) ?? "",
      judgement?.prior.toFixed(3) ?? "",
    ]);
    const medians = strategies.map((strategy) => {
      const own = searches.filter((search) => search.strategy === strategy);
      return [
        `${strategy}, median`,
        "",
        ...marks.map((_, i) => medianOf(own.map(({ found }) => total(found[i] ?? new Map()))).toFixed(4)),
        "",
        "",
      ];
    });
    texts.push(
      `${name}: milliseconds of all layers by the best found after so many trials, timed again in the end, all beside each other; last, rank correlations of the cost model and of its prior on held-out candidates.`,
      formatTable(["strategy", "seed", ...marks.map((mark) => `${mark} trials`), "learned", "prior"], [...rows, ...medians], { left: [0] }),
    );
  }
  return texts.join("\n\n");
}

/** As the search itself would choose: by what it measured until then. */
function bestBy(mark: number, records: readonly LogRecord[], { workloads }: Network, sketches: readonly SketchDeclaration[]) {
  return new Map(
    workloads.flatMap((workload): [string, Scheduled][] => {
      const own = records.flatMap((record) =>
        record.kind === "trial" &&
        record.origin !== "final" &&
        record.trial < mark &&
        record.workload === workload.key &&
        record.verdict.kind === "timed"
          ? [{ candidate: record.candidate, us: record.verdict.us }]
          : [],
      );
      const [best] = own.sort((a, b) => a.us - b.us);
      const made = best && realize(workload, best.candidate, sketches);
      return made?.kind === "scheduled" ? [[workload.key, made.scheduled]] : [];
    }),
  );
}

/** Microseconds of every schedule of the workload that some search had found at some mark, by its steps. */
async function timesOf(workload: Workload, searches: readonly Search[], measurer: Measurer): Promise<ReadonlyMap<string, number>> {
  const all = new Map<string, Scheduled>();
  for (const { found } of searches)
    for (const each of found) {
      const scheduled = each.get(workload.key);
      if (scheduled) all.set(stepsOf(scheduled), scheduled);
    }
  const verdicts = await measurer.measure(workload, [...all.values()], { rounds, best: Infinity, keepAll: true });
  return new Map(
    [...all.keys()].map((steps, i): [string, number] => {
      const verdict = verdicts[i];
      if (verdict?.kind !== "timed") throw new Error(`a schedule of ${workload.nest.name} that was timed before failed`);
      return [steps, verdict.us];
    }),
  );
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
