/**
 * scheduleProgram: each nest takes the user's schedule for it, or else the first sketch that fits; what neither stages
 * is decomposed. A sketch whose step is refused does not fit; a refused step of a schedule is the user's error.
 */
import type { ScheduleDeclaration, SketchDeclaration, StepSyntax } from "../ir/declaration.ts";
import type { LoopProgram, Nest } from "../ir/loop.ts";
import type { Buffer } from "../ir/tensor.ts";
import { type Checked, type Diagnostic, errorDiagnostic, hasErrors, warningDiagnostic } from "../support/diagnostic.ts";
import { nearest } from "../support/nearest.ts";
import { decompose } from "./decompose.ts";
import { distribute } from "./distribute.ts";
import { dropUnread } from "./drop_unread.ts";
import { matchSketch } from "./match_sketch.ts";
import { type Context, formatStep, type Step, surroundings } from "./primitive.ts";
import { applyStep } from "./primitives.ts";
import { concreteStep, evaluateStep, type Names } from "./step_expressions.ts";
import { type ChooseKnob, firstOption, isTrue, type StepValue } from "./step_values.ts";

export type ScheduleOptions = {
  readonly sketches: readonly SketchDeclaration[];
  readonly schedules: readonly ScheduleDeclaration[];
  readonly target: string;
  /** Steps that were found for nests by measuring, by the nest's name: after the user's own schedules, before every sketch. */
  readonly tuned?: ReadonlyMap<string, TunedSteps>;
  /** Nests that take no sketch of two nests. */
  readonly apart?: ReadonlySet<string>;
};

/** Steps written for every nest of a workload: they name its tensors by `names`. A nest that refuses them takes its default. */
export type TunedSteps = {
  readonly steps: readonly StepSyntax[];
  readonly names: Names;
  /** They compute another nest's tensor as well, as the default would; others are for the nest alone. */
  readonly isTogether?: true;
};

/** A nest as one step left it. */
export type ScheduledStep = {
  readonly step: string;
  /** The same as data, with every knob turned. */
  readonly concrete: Step;
  readonly nest: Nest;
  readonly buffers: ReadonlyMap<string, Buffer>;
};

/** How a nest came to its schedule. */
export type NestHistory = {
  readonly nest: Nest;
  /** `sketch contraction`, `a schedule of the program`, or nothing where none fits. */
  readonly from: string | undefined;
  readonly steps: readonly ScheduledStep[];
};

/** A nest under way, with what its steps have added. */
export type ScheduledNest = {
  readonly nest: Nest;
  readonly buffers: ReadonlyMap<string, Buffer>;
  readonly nests: readonly Nest[];
  readonly outputs: ReadonlySet<string>;
  readonly added: readonly Buffer[];
  readonly before: readonly Nest[];
  readonly from: string | undefined;
  readonly steps: readonly ScheduledStep[];
};

export function scheduleProgram(program: LoopProgram, options: ScheduleOptions): Checked<LoopProgram> {
  const { value: states, diagnostics } = scheduleNests(program, options);
  if (!states) return { diagnostics };
  const onTarget = (state: ScheduledNest) =>
    [...state.before, state.nest].map((nest) => bound({ ...state, nest, nests: program.nests }, options.target));
  const nests = states.flatMap((state) => onTarget(state).map(decompose));
  const all = new Map([...program.buffers, ...states.flatMap((state) => state.added)].map((buffer) => [buffer.name, buffer]));
  return { value: dropUnread({ ...program, buffers: [...all.values()], nests: buildFirst(nests) }), diagnostics };
}

/** Every nest of the program with each step of its schedule, for people to follow. */
export function scheduleHistory(program: LoopProgram, options: ScheduleOptions): Checked<readonly NestHistory[]> {
  const { value: states, diagnostics } = scheduleNests(program, options);
  if (!states) return { diagnostics };
  const histories = states.map(({ from, steps }, i): NestHistory => ({ nest: program.nests[i] as Nest, from, steps }));
  return { value: histories, diagnostics };
}

function scheduleNests(program: LoopProgram, options: ScheduleOptions): Checked<readonly ScheduledNest[]> {
  const around = surroundings(program);
  // What a step changes of a buffer holds for all later nests.
  let { buffers } = around;
  const diagnostics: Diagnostic[] = [];
  const schedules = options.schedules.filter((schedule) => schedule.target === options.target);
  const sketches = options.sketches.filter((sketch) => sketch.target === options.target);
  const [pairs, others] = [sketches.filter((sketch) => sketch.producer), sketches.filter((sketch) => !sketch.producer)];
  diagnostics.push(...unknownLayers(schedules, program));
  const states = program.nests.map((nest): ScheduledNest => {
    const state = scheduled(unscheduled({ ...around, nest, buffers }));
    const changed = state.added.filter(({ name }) => buffers.has(name));
    if (changed.length > 0) buffers = new Map([...buffers, ...changed.map((buffer) => [buffer.name, buffer] as const)]);
    return state;
  });
  return hasErrors(diagnostics) ? { diagnostics } : { value: states, diagnostics };

  function scheduled(start: ScheduledNest): ScheduledNest {
    const { nest } = start;
    const schedule = schedules.find((candidate) => candidate.layer === nest.name);
    if (!schedule) {
      const tuned = options.tuned?.get(nest.name);
      const isApart = options.apart?.has(nest.name) === true;
      // What was tuned is one layer alone; a default that computes two together leaves nothing of it.
      const together = tuned && !tuned.isTogether && !isApart ? applyFirstSketch(pairs, start) : undefined;
      if (together?.from !== undefined) return together;
      const applied = tuned && applySteps(tuned.steps, tuned.names, start, firstOption);
      if (tuned && !applied?.value) diagnostics.push(refusedEntry(nest, applied?.diagnostics[0]));
      return applied?.value ? { ...applied.value, from: "a tuned schedule" } : applyFirstSketch(isApart ? others : sketches, start);
    }
    const { value, diagnostics: found } = applySteps(schedule.steps, new Map(), start, firstOption);
    diagnostics.push(...found);
    return { ...(value ?? start), from: "a schedule of the program" };
  }
}

/** The same state again where one nest in the same surroundings is asked for: what its steps made of it is known by it. */
function unscheduled({ nest, buffers, nests, outputs }: Context): ScheduledNest {
  const known = starts.get(nest);
  if (known?.buffers === buffers && known.nests === nests && known.outputs === outputs) return known;
  const start = { nest, buffers, nests, outputs, added: [], before: [], from: undefined, steps: [] };
  starts.set(nest, start);
  return start;
}

const starts = new WeakMap<Nest, ScheduledNest>();
/** Candidates of one nest have their first steps in common: what a step makes of a state is found once, while it is kept. */
let madeOf = new WeakMap<ScheduledNest, Map<string, Checked<ScheduledNest>>>();
let kept = 0;
/** A long search must not keep every nest that it has seen. */
const mostKept = 2000;

function refusedEntry({ name }: Nest, refusal: Diagnostic | undefined): Diagnostic {
  const message = `the tuned schedule for \`${name}\` is refused, and the layer takes its default: ${refusal?.message ?? "no reason given"}`;
  return warningDiagnostic("stale-schedule", message, { span: refusal?.span, help: "mend its steps, or run `quern tune` again" });
}

/** The sketch's steps with each knob turned by `choose`: nothing where it does not fit the nest, a refusal where a step is refused. */
export function applySketch(sketch: SketchDeclaration, context: Context, choose: ChooseKnob): Checked<ScheduledNest> | undefined {
  const match = matchSketch(sketch, context);
  if (!match) return undefined;
  return applySteps(sketch.steps, match.names, unscheduled(context), choose);
}

/** Steps whose every knob is turned already. */
export function applyTuned({ steps, names }: TunedSteps, context: Context): Checked<ScheduledNest> {
  return applySteps(steps, names, unscheduled(context), firstOption);
}

/** The first sketch that fits with all its steps, each knob at its first option; the nest itself where none does. */
export function applyDefault(sketches: readonly SketchDeclaration[], context: Context): ScheduledNest {
  return applyFirstSketch(sketches, unscheduled(context));
}

/** On a GPU nothing runs but what is bound to its grid; what is known at build time is computed elsewhere. */
function bound(context: Context, target: string): Nest {
  return target === "webgpu" && context.nest.phase === "run" ? distribute(context) : context.nest;
}

/** Packing runs at build time: before everything that runs later, in the order it stands. */
function buildFirst(nests: readonly Nest[]): Nest[] {
  return [...nests.filter((nest) => nest.phase === "build"), ...nests.filter((nest) => nest.phase === "run")];
}

function unknownLayers(schedules: readonly ScheduleDeclaration[], program: LoopProgram): Diagnostic[] {
  const names = program.nests.filter((nest) => nest.phase === "run").map((nest) => nest.name);
  return schedules
    .filter((schedule) => !program.nests.some((nest) => nest.name === schedule.layer))
    .map((schedule) => {
      const guess = nearest(schedule.layer, names);
      const help = guess ? `did you mean \`${guess}\`?` : `its layers are ${names.join(", ")}`;
      return errorDiagnostic("unknown-layer", `the compiled model has no layer \`${schedule.layer}\``, { span: schedule.nameSpan, help });
    });
}

function applyFirstSketch(sketches: readonly SketchDeclaration[], state: ScheduledNest): ScheduledNest {
  for (const sketch of sketches) {
    const match = matchSketch(sketch, state);
    const applied = match && applySteps(sketch.steps, match.names, state, firstOption).value;
    if (!applied) continue;
    const from = `sketch ${sketch.name}`;
    return { ...applied, from, nest: { ...applied.nest, trace: [from, ...applied.nest.trace] } };
  }
  return state;
}

/** All steps in order; the first refusal ends it. */
function applySteps(steps: readonly StepSyntax[], names: Names, state: ScheduledNest, choose: ChooseKnob): Checked<ScheduledNest> {
  let current = state;
  const scope = new Map<string, StepValue>(names);
  for (const step of steps) {
    if (step.kind === "let") {
      // A knob bears the name of the value that it gives.
      const { value, diagnostics } = evaluateStep(step.value, scope, current, (_, options) => choose(step.name, options));
      if (!value) return { diagnostics };
      scope.set(step.name, value);
      continue;
    }
    const { value, diagnostics } = step.kind === "if" ? applyBranch(step, scope, current, choose) : applyOne(step, scope, current, choose);
    if (!value) return { diagnostics };
    current = value;
  }
  return { value: current, diagnostics: [] };
}

type BranchSyntax = Extract<StepSyntax, { kind: "if" }>;

function applyBranch(step: BranchSyntax, names: Names, state: ScheduledNest, choose: ChooseKnob): Checked<ScheduledNest> {
  const { value, diagnostics } = evaluateStep(step.condition, names, state, firstOption);
  if (!value) return { diagnostics };
  return applySteps(isTrue(value) ? step.whenTrue : step.whenFalse, names, state, choose);
}

type OneSyntax = Extract<StepSyntax, { kind: "step" }>;

function applyOne(syntax: OneSyntax, names: Names, state: ScheduledNest, choose: ChooseKnob): Checked<ScheduledNest> {
  const { value: step, diagnostics } = concreteStep(syntax, names, state, choose);
  if (!step) return { diagnostics };
  const text = formatStep(step);
  const known = madeOf.get(state)?.get(text);
  if (known) return known;
  const made = afterStep(step, state);
  if (kept++ === mostKept) {
    madeOf = new WeakMap();
    kept = 1;
  }
  const beside = madeOf.get(state);
  if (beside) beside.set(text, made);
  else madeOf.set(state, new Map([[text, made]]));
  return made;
}

function afterStep(step: Step, state: ScheduledNest): Checked<ScheduledNest> {
  const { value, diagnostics } = applyStep(step, state);
  if (!value) return { diagnostics };
  // Few steps add a buffer, and a program has hundreds.
  const added = value.buffers.map((buffer) => [buffer.name, buffer] as const);
  const buffers = added.length === 0 ? state.buffers : new Map([...state.buffers, ...added]);
  const next: ScheduledNest = {
    ...state,
    nest: value.nest,
    buffers,
    added: [...state.added, ...value.buffers],
    before: [...state.before, ...value.nests],
    steps: [...state.steps, { step: value.nest.trace.at(-1) ?? "", concrete: step, nest: value.nest, buffers }],
  };
  return { value: next, diagnostics };
}
