/**
 * The outcome as text: a section for a target and engine, which replaces the section that the file has for them and leaves
 * every other line of it as it is.
 */
import { isPlainName } from "../ir/print_literal.ts";
import type { TunedFile } from "../ir/tuned.ts";
import type { Environment } from "./measurer.ts";
import { type Totals, type Tuned, totalsOf } from "./tune.ts";

export type OutcomeWorkload = {
  readonly key: string;
  readonly layers: readonly string[];
  readonly us: number;
  readonly defaultUs: number;
  readonly steps: readonly string[];
};

export type Outcome = {
  readonly environment: Environment;
  readonly model: string;
  /** Of the whole network, where all of it was timed. */
  readonly totals: Totals | undefined;
  readonly choices: readonly { readonly algorithm: string; readonly layers: readonly string[] }[];
  /** Those whose schedule is not the default. */
  readonly workloads: readonly OutcomeWorkload[];
};

/** Times of the network are the sums over its layers. */
export function outcomeOf(model: string, environment: Environment, tuned: Tuned): Outcome {
  const workloads = tuned.results
    .filter(({ isDefault, workload }) => !isDefault && tuned.composition.has(workload.key))
    .map(({ workload, best, defaultTime, scheduled }) => ({
      key: workload.key,
      layers: workload.layers,
      us: best.us,
      defaultUs: defaultTime.us,
      steps: scheduled.steps,
    }));
  return { environment, model, totals: totalsOf(tuned), choices: tuned.choices, workloads };
}

const head = `# Found by \`quern tune\`, which replaces the section of its target and engine and nothing else. The steps are those of
# docs/schedules.md; what is edited here is checked like any schedule. docs/tuning.md says how a section is chosen.
`;

/** The text of the file with this outcome's section in it; `existing` is what `text` parses to. */
export function writeOutcome(outcome: Outcome, text: string, existing: TunedFile): string {
  const section = printSection(outcome);
  const { engine, target } = outcome.environment;
  const old = existing.sections.find((each) => each.engine === engine && each.target === target && each.model === outcome.model);
  if (old) return text.slice(0, old.span.start) + section + text.slice(old.span.end);
  return `${text.trim() === "" ? head : text.trimEnd()}\n${text.trim() === "" ? "" : "\n"}${section}\n`;
}

function printSection({ environment, model, totals, choices, workloads }: Outcome): string {
  const { target, engine, version, relaxed, device, compiler } = environment;
  const about = [
    `engine ${engine} ${quote(version)} ${relaxed ? "relaxed" : "simd"}`,
    `device ${quote(device)}`,
    `compiler ${quote(compiler)}`,
    ...(totals ? [`takes ${time(totals.tunedMs)} ms default ${time(totals.defaultMs)} ms`] : []),
  ];
  const made = [...choices.map(({ algorithm, layers }) => `use ${algorithm} for ${layerList(layers)}`)];
  const entries = workloads.map(({ key, layers, us, defaultUs, steps }) => {
    const opening = `workload ${quote(key)} for ${layerList(layers)} takes ${time(us)} us default ${time(defaultUs)} us {`;
    return [opening, ...steps.map((step) => `  ${step}`), "}"].join("\n");
  });
  const body = [about.join("\n"), ...(made.length > 0 ? [made.join("\n")] : []), ...entries].join("\n\n").replace(/^(?=.)/gm, "  ");
  return `tuned ${model} on ${target} {\n${body}\n}`;
}

function layerList(layers: readonly string[]): string {
  return layers.map((layer) => (isPlainName(layer) ? layer : quote(layer))).join(", ");
}

/** The language's strings have no escapes. */
function quote(text: string): string {
  return `"${text.replace(/["\n\r]/g, "'")}"`;
}

/** Four significant digits, without an exponent. */
function time(value: number): string {
  return String(Number(value.toPrecision(4)));
}
