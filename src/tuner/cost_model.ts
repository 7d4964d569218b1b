/**
 * The cost model: the analytic prior, corrected by what was measured. Learned is the logarithm of measured time over the prior's, from what a
 * nest executes, so that one workload teaches about another; and how well it ranks is judged on candidates that it has not seen.
 */
import { type Boosted, fitBoosted, predictBoosted, type Sample } from "./boosting.ts";
import type { Scheduled } from "./candidate.ts";
import { countNest, featuresOf } from "./features.ts";
import { priorTime } from "./prior.ts";
import type { Workload } from "./workload.ts";

/** What the model knows of a candidate before it is measured. */
export type Estimate = { readonly features: readonly number[]; readonly prior: number };

export type Observation = { readonly workload: string; readonly features: readonly number[]; readonly us: number };

/** `trust` says how much of what was learned counts: none of it leaves the prior as it is. */
export type CostModel = { readonly learned: Boosted | undefined; readonly trust: number };

export const noModel: CostModel = { learned: undefined, trust: 0 };

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

/** How much of the learned correction may count. */
const trusts = [0, 0.25, 0.5, 0.75, 1];
const folds = 3;
/** Doublings beyond which it does not matter how far from the others a candidate is: squares would count little else. */
const limit = 1;

/**
 * Learned is how a candidate's time differs from the prior's, against the median difference in its workload: what is the same for all candidates of
 * a workload ranks none of them. As much of it counts as ranks best what it was not learned from, so that it does no worse than the prior.
 */
export function learn(observations: readonly Observation[]): CostModel {
  const recent = observations.slice(-most);
  if (recent.length < enough) return noModel;
  const corrections = heldOut(recent, folds, (rest) => {
    const learned = fitBoosted(samplesOf(rest));
    return ({ features }) => predictBoosted(learned, features);
  });
  const rankBy = (trust: number) => meanCorrelation(recent, (each) => priorOf(each.features) + trust * (corrections.get(each) ?? 0)) ?? 0;
  const scores = trusts.map(rankBy);
  const trust = trusts[scores.indexOf(Math.max(...scores))] ?? 0;
  return { learned: fitBoosted(samplesOf(recent)), trust };
}

function samplesOf(observations: readonly Observation[]): Sample[] {
  const difference = ({ us, features }: Observation) => Math.log2(us) - priorOf(features);
  const middles = new Map([...byWorkload(observations)].map(([key, list]) => [key, medianOf(list.map(difference))]));
  const limited = (value: number) => Math.max(-limit, Math.min(limit, value));
  return observations.map((each) => ({ features: each.features, target: limited(difference(each) - (middles.get(each.workload) ?? 0)) }));
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? 0;
}

/** Each fold's values by what is made of the others. */
function heldOut(
  observations: readonly Observation[],
  count: number,
  make: (rest: readonly Observation[]) => (each: Observation) => number,
): ReadonlyMap<Observation, number> {
  const values = new Map<Observation, number>();
  for (let fold = 0; fold < count; fold++) {
    const guessOf = make(observations.filter((_, i) => i % count !== fold));
    observations.forEach((each, i) => {
      if (i % count === fold) values.set(each, guessOf(each));
    });
  }
  return values;
}

function byWorkload(observations: readonly Observation[]): ReadonlyMap<string, readonly Observation[]> {
  const groups = new Map<string, Observation[]>();
  for (const each of observations) {
    const group = groups.get(each.workload);
    if (group) group.push(each);
    else groups.set(each.workload, [each]);
  }
  return groups;
}

/** Microseconds as far as candidates of one workload compare. */
export function predict({ learned, trust }: CostModel, features: readonly number[]): number {
  return 2 ** (priorOf(features) + (learned ? trust * predictBoosted(learned, features) : 0));
}

/** The base-2 logarithm of the prior's microseconds. */
function priorOf(features: readonly number[]): number {
  return features.at(-1) ?? 0;
}

export type Judgement = { readonly learned: number; readonly prior: number; readonly candidates: number };

/** Spearman's rank correlation with the measured times within each workload, each fifth held out in turn; nothing where too little was measured. */
export function judge(observations: readonly Observation[]): Judgement | undefined {
  const predicted = heldOut(observations, 5, (rest) => {
    const model = learn(rest);
    return ({ features }) => predict(model, features);
  });
  const learned = meanCorrelation(observations, (each) => predicted.get(each) ?? 0);
  const prior = meanCorrelation(observations, ({ features }) => priorOf(features));
  if (learned === undefined || prior === undefined) return undefined;
  return { learned, prior, candidates: judged(observations).reduce((sum, group) => sum + group.length, 0) };
}

/** A rank of fewer says little. */
function judged(observations: readonly Observation[]): (readonly Observation[])[] {
  return [...byWorkload(observations).values()].filter((group) => group.length >= 8);
}

/** Weighted by the candidates of each workload; nothing where there are too few. */
function meanCorrelation(observations: readonly Observation[], guessOf: (each: Observation) => number): number | undefined {
  const groups = judged(observations);
  const candidates = groups.reduce((sum, group) => sum + group.length, 0);
  if (candidates < enough) return undefined;
  const times = (group: readonly Observation[]) => group.map(({ us }) => us);
  return groups.reduce((sum, group) => sum + group.length * spearman(group.map(guessOf), times(group)), 0) / candidates;
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
