/**
 * A tuning run: proposes candidates, has them checked and timed, and keeps what was measured. It is a pure function of the seed and
 * of the verdicts: the same run again, with a log of its verdicts, asks for the same candidates in the same order. So resuming is
 * running again with what the log holds, and measuring on from where it ends.
 */
import type { SketchDeclaration } from "../ir/declaration.ts";
import { type Candidate, formatCandidate, type Scheduled } from "./candidate.ts";
import { type CostModel, type Judgement, judge, learn, type Observation } from "./cost_model.ts";
import { earlierFor, observationsIn } from "./earlier.ts";
import { countNest } from "./features.ts";
import type { LogRecord, Origin, RunRecord, TrialRecord } from "./log.ts";
import type { Effort, Measurer, Timing, Verdict } from "./measurer.ts";
import { type Composition, choose, type Network } from "./plans.ts";
import { createReplay } from "./replay.ts";
import { createSearch, type Proposal, type Search } from "./search.ts";
import { spaceOf } from "./space.ts";
import { fruitlessAfter, leastTime, margin, pickTask, type Task, wantedCounts } from "./task_scheduler.ts";
import type { Workload } from "./workload.ts";

export type Budget = { readonly trials?: number; readonly seconds?: number };

export type TuneOptions = {
  readonly model: string;
  readonly seed: number;
  readonly budget: Budget;
  readonly strategy: "evolutionary" | "random";
  /** What the log held before this run began: it teaches the cost model, and gives candidates to begin with. */
  readonly earlier: readonly LogRecord[];
  /** What this run has logged already, if it is resumed; its verdicts are taken instead of measuring again. */
  readonly resumed: readonly LogRecord[];
  /** Called with each record as soon as it is known, and never with one of `resumed`. */
  append(record: LogRecord): void;
  progress(progress: Progress): void;
  /** Ends the run after the batch that is being measured, with the best so far. */
  isCancelled(): boolean;
};

export type Totals = { readonly defaultMs: number; readonly tunedMs: number };

export type Progress = {
  readonly workload: Workload;
  /** Of the whole run. */
  readonly trials: number;
  readonly seconds: number;
  readonly budget: Budget;
  /** Of this workload: microseconds, and of the operations that its default schedule executes, those per second; as they are at the peak. */
  readonly best: number;
  readonly defaultTime: number;
  readonly flops: number;
  readonly peak: number;
  /** Of the whole network, by the sum of its layers, once all were timed. */
  readonly totals: Totals | undefined;
  readonly phase: "search" | "final";
};

export type TunedResult = {
  readonly workload: Workload;
  readonly trials: number;
  readonly defaultTime: Timing;
  /** The default's own where nothing better was found. */
  readonly best: Timing;
  readonly scheduled: Scheduled;
  readonly isDefault: boolean;
};

export type Tuned = {
  readonly kind: "tuned";
  /** Of the workloads that the network computes, and of those that it would by default. */
  readonly results: readonly TunedResult[];
  /** Of the workloads that the network computes by default, those of which no time is known: the run ended before, or the default failed. */
  readonly untimed: number;
  /** Calls that another algorithm computes than by default. */
  readonly choices: readonly { readonly algorithm: string; readonly layers: readonly string[] }[];
  readonly composition: Composition;
  readonly base: Composition;
  readonly trials: number;
  readonly seconds: number;
  /** Takes a second. */
  readonly judgement: () => Judgement | undefined;
  /** Candidates that hung or that the engine refused. */
  readonly failures: readonly { readonly workload: Workload; readonly candidate: Candidate; readonly verdict: Verdict }[];
  readonly isCancelled: boolean;
};

/** A candidate that computes something else: a mistake of the compiler's, which ends the run. */
export type Mismatch = {
  readonly kind: "mismatch";
  readonly workload: Workload;
  readonly scheduled: Scheduled;
  readonly verdict: Extract<Verdict, { kind: "wrong" }>;
};

/** Candidates measured beside each other. */
const batchSize = 8;
const rounds = 6;
/** The best of each workload and its default, measured again beside each other in the end. */
const finalists = 3;
const finalRounds = 24;
/** Trials after which the model is learned anew, and of those that it has learned from the part that must have come since. */
const relearn = 16;
const relearnPart = 0.25;
/** Of a run's seconds, what the search leaves for the finals. */
const searching = 0.85;

type Entry = {
  readonly workload: Workload;
  readonly search: Search;
  readonly floor: number;
  defaultTime: Timing | undefined;
  /** Candidates, those that are being measured included; and those that were. */
  drawn: number;
  trials: number;
  fruitless: number;
};

/** Candidates under way: their verdicts are there once all are. */
type Batch = {
  readonly entry: Entry;
  readonly proposals: readonly Proposal[];
  readonly verdicts: () => Promise<readonly Verdict[]>;
};

export async function tune(
  network: Network,
  sketches: readonly SketchDeclaration[],
  measurer: Measurer,
  options: TuneOptions,
): Promise<Tuned | Mismatch> {
  const { environment } = measurer;
  // As the run began: what is proposed follows from it, and a second measurement would differ.
  const begun = options.resumed.find((record) => record.kind === "run");
  const peak = begun?.kind === "run" ? begun.peak : measurer.peak;
  const { model, seed, budget, strategy, earlier } = options;
  const logged = createReplay(options.resumed);
  const known = observationsIn(earlier, environment);
  const observations: Observation[] = [];
  const failures: Tuned["failures"][number][] = [];
  const { workloads } = network;
  const bandwidth = environment.target === "webgpu" ? 5e12 : 100e9;
  const entries = workloads.map((workload): Entry => {
    const space = spaceOf(workload, sketches, environment.target);
    const search = createSearch(space, { seed, strategy, peak, earlier: earlierFor(workload, earlier, environment) });
    return {
      workload,
      search,
      floor: leastTime(workload, countNest(workload, space.defaultSchedule), { peak, bandwidth }),
      defaultTime: undefined,
      drawn: 0,
      trials: 0,
      fruitless: 0,
    };
  });
  const floors = new Map(entries.map(({ workload, floor }) => [workload.key, floor]));
  let cost: CostModel = learn(known);
  let learned = 0;
  let trials = 0;
  let drawn = 0;
  let clock = 0;
  const began = measurer.seconds();
  const beginning: RunRecord = {
    kind: "run",
    environment,
    model,
    seed,
    peak,
    workloads: workloads.map(({ key, layers }) => ({ key, layers })),
  };
  if (!logged.hasBegun) options.append(beginning);

  const isOver = (part: number) => options.isCancelled() || clock >= part * (budget.seconds ?? Infinity);
  // The next batch is drawn and built while the one before it is measured: by what was known before that one.
  for (let pending: Batch | undefined; ; ) {
    const next = begin();
    if (pending) {
      const mismatch = await finish(pending);
      if (mismatch) return mismatch;
    } else if (!next) break;
    pending = next;
  }

  // Only what the network will compute is compared once more.
  const { chosen, composition } = choose(network, (key) => timesOf(entries).get(key));
  const needed = entries.filter(({ workload }) => composition.has(workload.key) || network.base.has(workload.key));
  const results: TunedResult[] = [];
  for (const entry of needed) {
    const result = await settle(entry);
    if (!result) continue;
    if (result.kind === "mismatch") return result;
    results.push(result.result);
  }
  return {
    kind: "tuned",
    results,
    untimed: workloads.filter(({ key }) => network.base.has(key) && !results.some(({ workload }) => workload.key === key)).length,
    choices: chosen.map(({ algorithm, layers }) => ({ algorithm, layers })),
    composition,
    base: network.base,
    trials,
    seconds: clock,
    judgement: () => judge(observations),
    failures,
    isCancelled: options.isCancelled(),
  };

  /** The next batch, on its way to the measurer; nothing where the run is over, or all that is left waits for the batch before. */
  function begin(): Batch | undefined {
    const open = (budget.trials ?? Infinity) - drawn;
    if (open <= 0 || isOver(searching)) return undefined;
    const times = timesOf(entries);
    const counts = wantedCounts(
      network,
      (key) => times.get(key),
      (key) => floors.get(key) ?? 0,
    );
    const place = pickTask(entries.map((each) => taskOf(each, counts.get(each.workload.key) ?? 0)));
    const entry = place === undefined ? undefined : entries[place];
    if (!entry) return undefined;
    // At first only the default, and what earlier runs hand on: then it is known which workloads matter.
    const wanted = entry.drawn === 0 ? entry.search.beginning : batchSize;
    const proposals = entry.search.propose(cost, Math.min(wanted, open));
    entry.drawn += proposals.length;
    drawn += proposals.length;
    return { entry, ...measure(entry, proposals, { rounds, best: entry.search.results()[0]?.us ?? Infinity }) };
  }

  async function finish({ entry, proposals, verdicts }: Batch): Promise<Mismatch | undefined> {
    for (const [i, verdict] of (await verdicts()).entries()) {
      const proposal = proposals[i];
      if (!proposal) continue;
      if (verdict.kind === "wrong") return { kind: "mismatch", workload: entry.workload, scheduled: proposal.scheduled, verdict };
      take(entry, proposal, verdict);
    }
    if (observations.length >= learned + Math.max(relearn, relearnPart * learned) && strategy === "evolutionary") {
      learned = observations.length;
      cost = learn([...known, ...observations]);
    }
    report(entry, "search");
    return undefined;
  }

  function take(entry: Entry, { scheduled, origin, estimate }: Proposal, verdict: Verdict): void {
    const us = verdict.kind === "timed" ? verdict.us : Infinity;
    const best = entry.search.results()[0]?.us ?? Infinity;
    entry.search.report({ scheduled, origin, estimate, predicted: 0 }, us);
    entry.trials++;
    entry.fruitless = fruitlessAfter(entry.fruitless, us, best);
    trials++;
    if (verdict.kind !== "timed") {
      failures.push({ workload: entry.workload, candidate: scheduled.candidate, verdict });
      return;
    }
    if (origin === "default") entry.defaultTime = verdict;
    observations.push({ workload: entry.workload.key, features: estimate.features, us });
  }

  /** From the log as far as it goes, then by the measurer, which begins at once; each record is appended as its verdict is asked for. */
  function measure(entry: Entry, proposals: readonly Proposal[], effort: Effort, origin?: Origin): Omit<Batch, "entry"> {
    const { workload } = entry;
    const found = proposals.map(({ scheduled, origin: own }) => logged.take(workload, scheduled.candidate, origin ?? own));
    const missing = proposals.filter((_, i) => found[i] === undefined).map(({ scheduled }) => scheduled);
    const measuring = missing.length === 0 ? undefined : measurer.measure(workload, missing, effort);
    const verdicts = async () => {
      const measured = (await measuring) ?? [];
      let next = 0;
      return proposals.map((proposal, i): Verdict => {
        const old = found[i];
        if (old) {
          clock = Math.max(clock, old.seconds);
          return old.verdict;
        }
        const verdict = measured[next++] ?? { kind: "failed", message: "the measurer gave no verdict" };
        clock = Math.max(clock, round(logged.seconds + measurer.seconds() - began));
        options.append(recordOf(entry, proposal, verdict, origin ?? proposal.origin, trials + i));
        return verdict;
      });
    };
    return { proposals, verdicts };
  }

  function recordOf({ workload }: Entry, proposal: Proposal, verdict: Verdict, origin: Origin, trial: number): TrialRecord {
    const { scheduled, estimate, predicted } = proposal;
    const about = { environment, model, workload: workload.key, candidate: scheduled.candidate, origin, trial, seconds: clock };
    return { kind: "trial", ...about, verdict, features: estimate.features, predicted: round(predicted) };
  }

  /** The default and the best beside each other, longer than before: one of several that is best by luck is found out. */
  async function settle(entry: Entry) {
    const { workload, search } = entry;
    const { defaultSchedule } = search.space;
    const isDefault = ({ scheduled }: { readonly scheduled: Scheduled }) =>
      formatCandidate(scheduled.candidate) === formatCandidate(defaultSchedule.candidate);
    const timed = search.results().filter(({ us }) => us < Infinity);
    const first = timed.find(isDefault);
    if (!first || !entry.defaultTime) return undefined;
    const before = {
      workload,
      trials: entry.trials,
      defaultTime: entry.defaultTime,
      best: entry.defaultTime,
      scheduled: defaultSchedule,
      isDefault: true,
    };
    const rivals = timed.filter((each) => !isDefault(each) && each.us < first.us).slice(0, finalists);
    if (rivals.length === 0) return { kind: "result" as const, result: before };
    // Who does not want to wait gets the best as the search saw it.
    const [rival] = rivals;
    if (options.isCancelled() && rival)
      return {
        kind: "result" as const,
        result:
          rival.us < margin * first.us
            ? { ...before, best: { ...before.best, us: rival.us }, scheduled: rival.scheduled, isDefault: false }
            : before,
      };
    const again = [first, ...rivals].map(({ scheduled }): Proposal => proposalOf(scheduled));
    const verdicts = await measure(entry, again, { rounds: finalRounds, best: Infinity, keepAll: true }, "final").verdicts();
    const wrong = verdicts.findIndex(({ kind }) => kind === "wrong");
    const mistaken = verdicts[wrong];
    if (mistaken?.kind === "wrong")
      return { kind: "mismatch" as const, workload, scheduled: again[wrong]?.scheduled ?? defaultSchedule, verdict: mistaken };
    const times = verdicts.flatMap((verdict, i) => (verdict.kind === "timed" ? [{ timing: verdict, scheduled: again[i]?.scheduled }] : []));
    const own = verdicts[0]?.kind === "timed" ? verdicts[0] : entry.defaultTime;
    const best = times
      .slice(own === verdicts[0] ? 1 : 0)
      .reduce<(typeof times)[number] | undefined>(
        (least, each) => (least === undefined || each.timing.us < least.timing.us ? each : least),
        undefined,
      );
    report(entry, "final");
    const isBetter = best?.scheduled !== undefined && best.timing.us < margin * own.us;
    if (!best?.scheduled || !isBetter) return { kind: "result" as const, result: { ...before, defaultTime: own, best: own } };
    return {
      kind: "result" as const,
      result: { ...before, defaultTime: own, best: best.timing, scheduled: best.scheduled, isDefault: false },
    };
  }

  function proposalOf(scheduled: Scheduled): Proposal {
    return { scheduled, origin: "final", estimate: { features: [], prior: 0 }, predicted: 0 };
  }

  function report(entry: Entry, phase: Progress["phase"]): void {
    const best = entry.search.results()[0];
    const { composition } = choose(network, (key) => timesOf(entries).get(key));
    const isTimed = entries.every(({ workload, defaultTime }) => defaultTime || !network.base.has(workload.key));
    const sum = (counts: Composition, of: (each: Entry) => number) =>
      entries.reduce((total, each) => total + (counts.get(each.workload.key) ?? 0) * of(each), 0) / 1000;
    const defaultMs = sum(network.base, (each) => each.defaultTime?.us ?? 0);
    const tunedMs = sum(composition, (each) => each.search.results()[0]?.us ?? 0);
    options.progress({
      workload: entry.workload,
      trials,
      seconds: clock,
      budget,
      best: best?.us ?? 0,
      defaultTime: entry.defaultTime?.us ?? 0,
      flops: best && entry.defaultTime ? entry.defaultTime.operations / (best.us / 1e6) : 0,
      peak,
      totals: isTimed ? { defaultMs, tunedMs } : undefined,
      phase,
    });
  }
}

function taskOf({ search, floor, drawn, trials, fruitless }: Entry, count: number): Task {
  const best = search.results()[0]?.us ?? Infinity;
  // Of what is measured for the first time nothing is known yet.
  const isBeginning = drawn > 0 && trials === 0;
  return { count, best, floor, trials, fruitless, isExhausted: search.isExhausted() || count === 0 || isBeginning };
}

function timesOf(entries: readonly Entry[]): ReadonlyMap<string, number> {
  return new Map(
    entries.flatMap(({ workload, search }) => {
      const best = search.results()[0]?.us;
      return best === undefined || best === Infinity ? [] : [[workload.key, best] as const];
    }),
  );
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** Milliseconds of the network's layers, by default and as chosen; nothing where some were not timed. */
export function totalsOf({ results, untimed, base, composition }: Tuned): Totals | undefined {
  if (untimed > 0) return undefined;
  const sum = (counts: Composition, of: (result: TunedResult) => number) =>
    results.reduce((total, result) => total + (counts.get(result.workload.key) ?? 0) * of(result), 0) / 1000;
  return { defaultMs: sum(base, ({ defaultTime }) => defaultTime.us), tunedMs: sum(composition, ({ best }) => best.us) };
}
