/** What tuning has found, as the file beside a model says it: a section for each target and engine. */
import type { Span } from "../support/diagnostic.ts";
import type { StepSyntax } from "./declaration.ts";

/** `use winograd_2x2 for conv_3`: the rule that decides how these values are computed; `direct` is none, `apart` has layers compute no other's tensor, and `unfused` leaves their last map a kernel of its own. */
export type TunedChoice = { readonly algorithm: string; readonly layers: readonly string[]; readonly span: Span };

/** `workload "5f..." for conv_3, conv_4 takes 812.1 us default 934.0 us { steps }`. Times are for readers, in microseconds. */
export type TunedWorkload = {
  readonly key: string;
  /** The layers that it was found for, for readers: the key decides. */
  readonly layers: readonly string[];
  readonly us?: number;
  readonly defaultUs?: number;
  readonly steps: readonly StepSyntax[];
  readonly span: Span;
};

export type TunedSection = {
  readonly model: string;
  readonly target: string;
  /** `node` or `chromium`, its version, and whether its modules have relaxed multiply-adds. */
  readonly engine: string;
  readonly version: string;
  readonly relaxed: boolean;
  readonly device: string;
  readonly compiler: string;
  /** Of the whole network, in milliseconds. */
  readonly ms?: number;
  readonly defaultMs?: number;
  readonly choices: readonly TunedChoice[];
  readonly workloads: readonly TunedWorkload[];
  readonly span: Span;
};

export type TunedFile = { readonly file: string; readonly sections: readonly TunedSection[] };
