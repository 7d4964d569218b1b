/** A resumed run's own log: what it holds is not measured again. */
import { type Candidate, formatCandidate } from "./candidate.ts";
import type { LogRecord, Origin, TrialRecord } from "./log.ts";
import type { Workload } from "./workload.ts";

/** What a resumed run has logged, handed out once each as the run asks for it again. */
export function createReplay(records: readonly LogRecord[]) {
  const waiting = new Map<string, TrialRecord[]>();
  const keyOf = (workload: string, candidate: Candidate, isFinal: boolean) => `${workload} ${formatCandidate(candidate)} ${isFinal}`;
  for (const record of records) {
    if (record.kind !== "trial") continue;
    const key = keyOf(record.workload, record.candidate, record.origin === "final");
    waiting.set(key, [...(waiting.get(key) ?? []), record]);
  }
  const seconds = Math.max(0, ...records.map((record) => (record.kind === "trial" ? record.seconds : 0)));
  return {
    hasBegun: records.some(({ kind }) => kind === "run"),
    seconds,
    take: ({ key }: Workload, candidate: Candidate, origin: Origin) => waiting.get(keyOf(key, candidate, origin === "final"))?.shift(),
  };
}
