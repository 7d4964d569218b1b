/**
 * A candidate is one schedule of a workload, as data: a sketch and what its knobs are turned to. Making it may fail, for a knob
 * may ask for what a step refuses: that is ordinary, and says which step.
 */
import type { SketchDeclaration } from "../ir/declaration.ts";
import type { Nest } from "../ir/loop.ts";
import type { Buffer } from "../ir/tensor.ts";
import { decompose } from "../schedule/decompose.ts";
import { type Argument, formatStep, type Step } from "../schedule/primitive.ts";
import { applyDefault, applySketch, type ScheduledNest } from "../schedule/schedule_program.ts";
import type { ChooseKnob } from "../schedule/step_values.ts";
import { operandNames } from "../schedule/workload_key.ts";
import type { Workload } from "./workload.ts";

/** The knobs in the order in which the sketch turns them. */
export type Candidate = { readonly sketch: string; readonly knobs: readonly Knob[] };
export type Knob = { readonly name: string; readonly value: number };

/** A decision that the sketch left open, with what it may be; the first option is the default. */
export type Decision = Knob & { readonly options: readonly number[] };

/** A candidate carried out. */
export type Scheduled = {
  readonly candidate: Candidate;
  /** What each decision could have been. */
  readonly decisions: readonly Decision[];
  /** The steps, with tensors called as in `operandNames`: the same for every layer of the workload. */
  readonly steps: readonly string[];
  /** Nests that run at build time, such as the packing of weights, and the nest itself. */
  readonly before: readonly Nest[];
  readonly nest: Nest;
  readonly added: readonly Buffer[];
};

export type Attempt =
  | { readonly kind: "scheduled"; readonly scheduled: Scheduled }
  /** The sketch does not fit the nest, or one of its steps is refused: `code` as in docs/schedules.md. */
  | { readonly kind: "refused"; readonly code: string; readonly decisions: readonly Decision[] };

/** `contraction columns=8 panel=4 rows=4`: equal for equal candidates. */
export function formatCandidate({ sketch, knobs }: Candidate): string {
  return [sketch, ...knobs.map(({ name, value }) => `${name}=${value}`)].join(" ");
}

/** The name of a workload's schedule where no sketch fits. */
export const asLowered = "none";

/** `turn` decides each knob when the sketch comes to it, knowing those before. */
export function attempt(
  workload: Workload,
  sketch: SketchDeclaration,
  turn: (name: string, options: readonly number[], before: readonly Decision[]) => number,
): Attempt {
  const decisions: Decision[] = [];
  const seen = new Map<string, number>();
  const choose: ChooseKnob = (stem, options) => {
    // A name for each, should a `let` or a step hold several knobs.
    const count = (seen.get(stem) ?? 0) + 1;
    seen.set(stem, count);
    const name = count === 1 ? stem : `${stem}_${count}`;
    const wanted = turn(name, options, decisions);
    const value = options.includes(wanted) ? wanted : (options[0] ?? 1);
    decisions.push({ name, value, options });
    return value;
  };
  const applied = applySketch(sketch, workload, choose);
  if (!applied?.value) return { kind: "refused", code: applied?.diagnostics[0]?.code ?? "no-match", decisions };
  return { kind: "scheduled", scheduled: scheduledFrom(workload, sketch.name, decisions, applied.value) };
}

/** The candidate carried out exactly: a knob that cannot be turned to its value refuses it. */
export function realize(workload: Workload, candidate: Candidate, sketches: readonly SketchDeclaration[]): Attempt {
  if (candidate.sketch === asLowered)
    return { kind: "scheduled", scheduled: scheduledFrom(workload, asLowered, [], applyDefault([], workload)) };
  const sketch = sketches.find(({ name }) => name === candidate.sketch);
  if (!sketch) return { kind: "refused", code: "unknown-sketch", decisions: [] };
  const wanted = new Map(candidate.knobs.map(({ name, value }) => [name, value]));
  const made = attempt(workload, sketch, (name, options) => wanted.get(name) ?? options[0] ?? 1);
  if (made.kind === "refused" || formatCandidate(made.scheduled.candidate) === formatCandidate(candidate)) return made;
  return { kind: "refused", code: "other-knobs", decisions: made.scheduled.decisions };
}

function scheduledFrom(workload: Workload, sketch: string, decisions: readonly Decision[], applied: ScheduledNest): Scheduled {
  const names = new Map([...operandNames(workload.nest)].flatMap(([name, value]) => (value.kind === "tensor" ? [[value.name, name]] : [])));
  const computed = new Set(workload.producer ? [workload.producer.name] : []);
  return {
    candidate: { sketch, knobs: decisions.map(({ name, value }) => ({ name, value })) },
    decisions,
    steps: applied.steps.map(({ concrete }) => formatStep(withNames(concrete, names, computed))),
    before: applied.before,
    nest: decompose(applied.nest),
    added: applied.added,
  };
}

/** `stage` and `compute` name a tensor, as their first argument; the loops that compute one begin with its name. */
function withNames(step: Step, names: ReadonlyMap<string, string>, computed: ReadonlySet<string>): Step {
  const renamed = (argument: Argument, isTensor: boolean): Argument => {
    const text = String(argument);
    if (isTensor) return names.get(text) ?? text;
    const tensor = [...computed].find((each) => text.startsWith(`${each}.`));
    return tensor === undefined ? argument : `${names.get(tensor)}${text.slice(tensor.length)}`;
  };
  return {
    clauses: step.clauses.map((clause) => {
      const namesTensor = clause.keyword === "stage" || clause.keyword === "compute";
      return { ...clause, arguments: clause.arguments.map((argument, i) => renamed(argument, namesTensor && i === 0)) };
    }),
  };
}
