/** What tuning asks of an engine: to check candidates of a workload and to time them, beside each other. */
import type { Compiled } from "../pipeline/compiled.ts";
import type { Weights } from "../pipeline/execute.ts";
import type { Scheduled } from "./candidate.ts";
import type { Workload } from "./workload.ts";

/** Where measurements come from; measurements of different environments are never compared. */
export type Environment = {
  /** `wasm`. */
  readonly target: string;
  /** `node` or `chromium`. */
  readonly engine: string;
  readonly version: string;
  /** The processor's model. */
  readonly device: string;
  /** With relaxed multiply-adds, if the engine has them, as a built module's loader chooses. */
  readonly relaxed: boolean;
  /** `quern 0.1.0`. */
  readonly compiler: string;
};

/** Times in microseconds. */
export type Timing = {
  readonly kind: "timed";
  /** The lower quartile of the samples, and of few the fastest: an interruption makes a sample longer, never shorter. */
  readonly us: number;
  /** A 95% confidence interval of the median, from the order of the samples. */
  readonly low: number;
  readonly high: number;
  readonly samples: number;
  /** Given up early, because it is far behind the best: `us` is what was seen until then. */
  readonly isStopped: boolean;
  /** Floating-point operations of one run. */
  readonly operations: number;
};

export type Verdict =
  | Timing
  /** An element of the result lies outside its bound. */
  | { readonly kind: "wrong"; readonly at: number; readonly actual: number; readonly expected: number; readonly bound: number }
  /** It did not come to an end in time, and was killed. */
  | { readonly kind: "hung"; readonly seconds: number }
  /** The engine refused the module, or trapped. */
  | { readonly kind: "failed"; readonly message: string };

export type Effort = {
  /** Samples of each candidate. */
  readonly rounds: number;
  /** The best time so far (us), far behind which a candidate is given up; Infinity keeps all. */
  readonly best: number;
  /** None is given up: for the last comparison. */
  readonly keepAll?: true;
};

export type TimedNetwork = { readonly compiled: Compiled; readonly weights: Weights };

export type Measurer = {
  readonly environment: Environment;
  /** Floating-point operations per second of a loop in registers alone. */
  readonly peak: number;
  /** One verdict for each candidate, in order. May be called again before the verdicts are there: what it builds, it builds at once. */
  measure(workload: Workload, candidates: readonly Scheduled[], effort: Effort): Promise<readonly Verdict[]>;
  /** Whole networks beside each other, unchecked: what they are made of was. A stand-in has none. */
  measureNetworks?(networks: readonly TimedNetwork[], effort: Effort): Promise<readonly Verdict[]>;
  /** Seconds since the measurer began; a stand-in counts its own. */
  seconds(): number;
  close(): Promise<void>;
};
