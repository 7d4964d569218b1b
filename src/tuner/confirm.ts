/**
 * The last word is the whole network's: the outcome beside the default, in one process, with the caches as in use. What is not faster there is
 * not kept: of the algorithms and the schedules together, the schedules alone, and the default, the fastest stands.
 */
import { parseTuned } from "../frontend/parse_tuned.ts";
import type { Compiled } from "../pipeline/compiled.ts";
import type { Weights } from "../pipeline/execute.ts";
import type { LogRecord, NetworkRecord } from "./log.ts";
import type { Measurer, Verdict } from "./measurer.ts";
import { type Outcome, writeOutcome } from "./outcome.ts";

export type ConfirmOptions = {
  readonly weights: Weights;
  /** What a resumed run has logged already. */
  readonly resumed: readonly LogRecord[];
  append(record: LogRecord): void;
};

const rounds = 25;
/** The outcome must be this much faster to replace the default. */
const margin = 0.995;

type Plan = { readonly plan: NetworkRecord["plan"]; readonly outcome: Outcome };

/** The outcome that stands, with the times of the whole network; as it was where nothing can be timed. */
export async function confirm(compiled: Compiled, outcome: Outcome, measurer: Measurer, options: ConfirmOptions): Promise<Outcome> {
  const without: Outcome = { ...outcome, choices: [] };
  const nothing: Outcome = { ...without, workloads: [] };
  if (outcome.choices.length === 0 && outcome.workloads.length === 0) return outcome;
  const plans: Plan[] = [
    { plan: "default", outcome: nothing },
    { plan: "schedules", outcome: without },
    ...(outcome.choices.length > 0 ? [{ plan: "algorithms and schedules", outcome }] : []),
  ];
  const verdicts = await measurePlans(compiled, plans, measurer, options);
  const timed = plans.flatMap((plan, i) => {
    const verdict = verdicts?.[i];
    return verdict?.kind === "timed" ? [{ ...plan, us: verdict.us }] : [];
  });
  const [byDefault] = timed;
  if (byDefault?.plan !== "default" || timed.length < 2) return outcome;
  const best = timed.reduce((least, each) => (each.us < least.us ? each : least));
  const chosen = best.us < margin * byDefault.us ? best : byDefault;
  return { ...chosen.outcome, totals: { tunedMs: chosen.us / 1000, defaultMs: byDefault.us / 1000 } };
}

async function measurePlans(compiled: Compiled, plans: readonly Plan[], measurer: Measurer, options: ConfirmOptions) {
  const logged = options.resumed.filter((record): record is NetworkRecord => record.kind === "network");
  const known = plans.map(({ plan }) => logged.find((record) => record.plan === plan)?.verdict);
  if (known.every((verdict): verdict is Verdict => verdict !== undefined)) return known;
  const networks = plans.map(({ outcome }) => ({ compiled: compiledWith(compiled, outcome), weights: options.weights }));
  const verdicts = await measurer.measureNetworks?.(networks, { rounds, best: Infinity, keepAll: true });
  verdicts?.forEach((verdict, i) => {
    options.append({ kind: "network", environment: measurer.environment, model: compiled.name, plan: plans[i]?.plan ?? "", verdict });
  });
  return verdicts;
}

/** As the commands will compile it: through the outcome's own text. */
export function compiledWith(compiled: Compiled, outcome: Outcome): Compiled {
  const { value } = parseTuned(writeOutcome(outcome, "", { file: "", sections: [] }), "");
  return compiled.withTuned(value?.sections ?? []);
}
