/** The course of the log's last run: for each workload its trials in order, and the best time so far. */
import { formatCandidate } from "../tuner/candidate.ts";
import { type LogRecord, type RunRecord, sameEnvironment, type TrialRecord } from "../tuner/log.ts";
import type { Convergence, Curve, Trial } from "./report.ts";

/** Nothing where the log has no run of that model in that engine. */
export function convergenceOf(records: readonly LogRecord[], model: string, engine: string): Convergence | undefined {
  const at = records.findLastIndex((record) => record.kind === "run" && record.model === model && record.environment.engine === engine);
  const run = records[at];
  if (run?.kind !== "run") return undefined;
  // A log that others were merged into may go on with theirs.
  const end = records.findIndex((record, i) => i > at && record.kind === "run" && sameEnvironment(record.environment, run.environment));
  const trials = records
    .slice(at, end < 0 ? undefined : end)
    .flatMap((record) => (record.kind === "trial" && belongs(record, run) ? [record] : []));
  const byWorkload = new Map<string, TrialRecord[]>();
  for (const trial of trials) {
    const list = byWorkload.get(trial.workload) ?? [];
    list.push(trial);
    byWorkload.set(trial.workload, list);
  }
  const layers = new Map(run.workloads.map(({ key, layers: names }) => [key, names]));
  const curves = [...byWorkload].map(([workload, list]) => curveOf(workload, layers.get(workload) ?? [], list));
  const { version, device, relaxed } = run.environment;
  return { where: `${engine} ${version} (${relaxed ? "relaxed" : "simd"}), ${device}, seed ${run.seed}`, curves };
}

function belongs({ model, environment }: TrialRecord, run: RunRecord): boolean {
  return model === run.model && sameEnvironment(environment, run.environment);
}

function curveOf(workload: string, layers: readonly string[], records: readonly TrialRecord[]): Curve {
  const trials: Trial[] = [];
  let best = Number.POSITIVE_INFINITY;
  records.forEach(({ verdict, origin, candidate }, i) => {
    if (verdict.kind !== "timed" || verdict.isStopped) return;
    best = Math.min(best, verdict.us);
    trials.push({ trial: i + 1, us: verdict.us, best, origin, candidate: formatCandidate(candidate) });
  });
  return { workload, layers, trials, others: records.length - trials.length };
}
