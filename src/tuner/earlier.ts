/** What a log of earlier runs is good for: observations for the cost model, and candidates to begin with. */
import type { Candidate } from "./candidate.ts";
import { formatCandidate } from "./candidate.ts";
import type { Observation } from "./cost_model.ts";
import { type LogRecord, sameEnvironment, type TrialRecord } from "./log.ts";
import type { Environment } from "./measurer.ts";
import type { Workload } from "./workload.ts";

/** Fewer than this from the same engine and device, and others teach too: what is slow is so nearly everywhere. */
const enough = 100;

export function observationsIn(records: readonly LogRecord[], environment: Environment): Observation[] {
  const timed = records.filter((record): record is TrialRecord => record.kind === "trial" && record.features.length > 0);
  const own = timed.filter((record) => sameEnvironment(record.environment, environment));
  const chosen = own.length >= enough ? own : timed.filter((record) => record.environment.target === environment.target);
  return chosen.flatMap(({ workload, features, verdict }) => (verdict.kind === "timed" ? [{ workload, features, us: verdict.us }] : []));
}

/** Candidates that earlier runs hand on to a workload. */
const handed = 4;

/**
 * The best candidates of the same workload, in the same environment first; or else the best of each other workload, whose knobs
 * the search turns to the nearest that this one has.
 */
export function earlierFor(workload: Workload, records: readonly LogRecord[], environment: Environment): Candidate[] {
  const timed = records.flatMap((record) =>
    record.kind === "trial" && record.verdict.kind === "timed" && record.environment.target === environment.target
      ? [{ record, us: record.verdict.us }]
      : [],
  );
  const own = timed.filter(({ record }) => record.workload === workload.key);
  const here = own.filter(({ record }) => sameEnvironment(record.environment, environment));
  if (own.length > 0) return different([...byTime(here), ...byTime(own)]);
  const best = new Map<string, (typeof timed)[number]>();
  for (const each of timed) if (each.us < (best.get(each.record.workload)?.us ?? Infinity)) best.set(each.record.workload, each);
  return mostFrequent([...best.values()].map(({ record }) => record.candidate));
}

type Timed = { readonly record: TrialRecord; readonly us: number };

function byTime(list: readonly Timed[]): Timed[] {
  return [...list].sort((a, b) => a.us - b.us);
}

function different(list: readonly Timed[]): Candidate[] {
  const found = new Map(list.map(({ record }) => [formatCandidate(record.candidate), record.candidate]));
  return [...found.values()].slice(0, handed);
}

/** What was best most often. */
function mostFrequent(candidates: readonly Candidate[]): Candidate[] {
  const counts = new Map<string, { readonly candidate: Candidate; count: number }>();
  for (const candidate of candidates) {
    const known = counts.get(formatCandidate(candidate));
    if (known) known.count++;
    else counts.set(formatCandidate(candidate), { candidate, count: 1 });
  }
  return [...counts.values()]
    .sort((a, b) => b.count - a.count)
    .slice(0, handed)
    .map(({ candidate }) => candidate);
}
