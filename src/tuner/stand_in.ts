/** A measurer for tests: it measures nothing. Times follow from the prior and a hash of the candidate, the same in every run. */
import { hashText } from "../support/hash.ts";
import { formatCandidate } from "./candidate.ts";
import { countNest } from "./features.ts";
import type { Measurer } from "./measurer.ts";
import { priorTime } from "./prior.ts";

const peak = 50e9;

/** `pause` is awaited before each batch, so that a test has time to interrupt it. */
export function createStandIn(compiler: string, pause: () => Promise<void> = async () => {}): Measurer {
  return {
    environment: { target: "wasm", engine: "stand-in", version: "1", device: "none", relaxed: false, compiler },
    peak,
    // It has no clock, so that a run's log does not tell when it was interrupted.
    seconds: () => 0,
    close: async () => {},
    async measure(workload, candidates) {
      await pause();
      return candidates.map((scheduled) => {
        const counts = countNest(workload, scheduled);
        const share = Number.parseInt(hashText(`${workload.key} ${formatCandidate(scheduled.candidate)}`).slice(0, 6), 16) / 0xffffff;
        const us = Math.round(priorTime(counts, peak) * (0.7 + 0.6 * share) * 1000) / 1000;
        return { kind: "timed", us, low: us, high: us, samples: 1, isStopped: false, operations: counts.flops };
      });
    },
  };
}
