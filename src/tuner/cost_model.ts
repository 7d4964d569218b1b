/**
 * The cost model: the analytic prior, corrected by what was measured. Learned is the logarithm of measured time over the prior's, from what a
 * nest executes, so that one workload teaches about another; and how well it ranks is judged on candidates that it has not seen.
 */
import { type Boosted, fitBoosted, predictBoosted } from "./boosting.ts";
import type { Scheduled } from "./candidate.ts";
import { countNest, featuresOf } from "./features.ts";
import { priorTime } from "./prior.ts";
import type { Workload } from "./workload.ts";

/** What the model knows of a candidate before it is measured. */
export type Estimate = { readonly features: readonly number[]; readonly prior: number };

export type Observation = { readonly workload: string; readonly features: readonly number[]; readonly us: number };

export type CostModel = { readonly learned: Boosted | undefined };

export const noModel: CostModel = { learned: undefined };

/** The features, with the prior's own guess as the last of them. */
export function estimate(workload: Workload, scheduled: Scheduled, peak: number): Estimate {
  const counts = countNest(workload, scheduled);
  const prior = priorTime(counts, peak);
  return { features: [...featuresOf(counts), Math.round(Math.log2(prior) * 1e4) / 1e4], prior };
}

/** Fewer observations than this are worth less than the prior. */
const enough = 24;
/** The most recent ones, for learning takes time. */
const most = 800;

export function learn(observations: readonly Observation[]): CostModel {
  if (observations.length < enough) return noModel;
  return {
    learned: fitBoosted(observations.slice(-most).map(({ features, us }) => ({ features, target: Math.log2(us) - priorOf(features) }))),
  };
}

/** Microseconds. */
export function predict({ learned }: CostModel, features: readonly number[]): number {
  return 2 ** (priorOf(features) + (learned ? predictBoosted(learned, features) : 0));
}

/** The base-2 logarithm of the prior's microseconds. */
function priorOf(features: readonly number[]): number {
  return features.at(-1) ?? 0;
}

export type Judgement = { readonly learned: number; readonly prior: number; readonly candidates: number };

/** Spearman's rank correlation with the measured times within each workload, each fifth held out in turn; nothing where too little was measured. */
export function judge(observations: readonly Observation[]): Judgement | undefined {
  const folds = 5;
  const predicted = new Map<Observation, number>();
  for (let fold = 0; fold < folds; fold++) {
    const model = learn(observations.filter((_, i) => i % folds !== fold));
    observations.forEach((each, i) => {
      if (i % folds === fold) predicted.set(each, predict(model, each.features));
    });
  }
  const groups = new Map<string, Observation[]>();
  for (const each of observations) groups.set(each.workload, [...(groups.get(each.workload) ?? []), each]);
  const large = [...groups.values()].filter((group) => group.length >= 8);
  const candidates = large.reduce((sum, group) => sum + group.length, 0);
  if (candidates < enough) return undefined;
  const mean = (of: (each: Observation) => number) =>
    large.reduce(
      (sum, group) =>
        sum +
        group.length *
          spearman(
            group.map(of),
            group.map(({ us }) => us),
          ),
      0,
    ) / candidates;
  return { learned: mean((each) => predicted.get(each) ?? 0), prior: mean(({ features }) => priorOf(features)), candidates };
}

/** Between -1 and 1; equal values share their mean rank. */
export function spearman(a: readonly number[], b: readonly number[]): number {
  const [x, y] = [ranks(a), ranks(b)];
  const middle = (a.length - 1) / 2;
  const product = (p: readonly number[], q: readonly number[]) =>
    p.reduce((sum, rank, i) => sum + (rank - middle) * ((q[i] ?? 0) - middle), 0);
  const scale = Math.sqrt(product(x, x) * product(y, y));
  return scale === 0 ? 0 : product(x, y) / scale;
}

function ranks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((i, j) => (values[i] ?? 0) - (values[j] ?? 0));
  const found = new Array<number>(values.length).fill(0);
  for (let i = 0; i < order.length; ) {
    let end = i + 1;
    while (end < order.length && values[order[end] as number] === values[order[i] as number]) end++;
    for (let k = i; k < end; k++) found[order[k] as number] = (i + end - 1) / 2;
    i = end;
  }
  return found;
}
