/**
 * scheduleProgram: each nest takes the user's schedule for it, or else the first sketch that fits; what neither stages
 * is decomposed. A sketch whose step is refused does not fit; a refused step of a schedule is the user's error.
 */
import type { ScheduleDeclaration, SketchDeclaration, StepSyntax } from "../ir/declaration.ts";
import type { LoopProgram, Nest } from "../ir/loop.ts";
import type { Buffer } from "../ir/tensor.ts";
import { type Checked, type Diagnostic, errorDiagnostic } from "../support/diagnostic.ts";
import { nearest } from "../support/nearest.ts";
import { decompose } from "./decompose.ts";
import { distribute } from "./distribute.ts";
import { matchSketch } from "./match_sketch.ts";
import { applyStep } from "./primitives.ts";
import { concreteStep, evaluateStep, type Names } from "./step_expressions.ts";
import { firstOption, isTrue, type StepValue } from "./step_values.ts";

export type ScheduleOptions = {
  readonly sketches: readonly SketchDeclaration[];
  readonly schedules: readonly ScheduleDeclaration[];
  readonly target: string;
};

/** A nest as one step left it. */
export type ScheduledStep = { readonly step: string; readonly nest: Nest; readonly buffers: ReadonlyMap<string, Buffer> };

/** How a nest came to its schedule. */
export type NestHistory = {
  readonly nest: Nest;
  /** `sketch contraction`, `a schedule of the program`, or nothing where none fits. */
  readonly from: string | undefined;
  readonly steps: readonly ScheduledStep[];
};

/** A nest under way, with what its steps have added. */
type State = {
  readonly nest: Nest;
  readonly buffers: ReadonlyMap<string, Buffer>;
  readonly added: readonly Buffer[];
  readonly before: readonly Nest[];
  readonly from: string | undefined;
  readonly steps: readonly ScheduledStep[];
};

export function scheduleProgram(program: LoopProgram, options: ScheduleOptions): Checked<LoopProgram> {
  const { value: states, diagnostics } = scheduleNests(program, options);
  if (!states) return { diagnostics };
  const nests = states.flatMap((state) => [...state.before, decompose(onTarget(state, options.target))]);
  const added = states.flatMap((state) => state.added);
  return { value: { ...program, buffers: [...program.buffers, ...added], nests: buildFirst(nests) }, diagnostics };
}

/** Every nest of the program with each step of its schedule, for people to follow. */
export function scheduleHistory(program: LoopProgram, options: ScheduleOptions): Checked<readonly NestHistory[]> {
  const { value: states, diagnostics } = scheduleNests(program, options);
  if (!states) return { diagnostics };
  const histories = states.map(({ from, steps }, i): NestHistory => ({ nest: program.nests[i] as Nest, from, steps }));
  return { value: histories, diagnostics };
}

function scheduleNests(program: LoopProgram, options: ScheduleOptions): Checked<readonly State[]> {
  const buffers = new Map(program.buffers.map((buffer) => [buffer.name, buffer]));
  const diagnostics: Diagnostic[] = [];
  const schedules = options.schedules.filter((schedule) => schedule.target === options.target);
  const sketches = options.sketches.filter((sketch) => sketch.target === options.target);
  diagnostics.push(...unknownLayers(schedules, program));
  const states = program.nests.map((nest): State => {
    const start: State = { nest, buffers, added: [], before: [], from: undefined, steps: [] };
    const schedule = schedules.find((candidate) => candidate.layer === nest.name);
    if (!schedule) return applyFirstSketch(sketches, start);
    const { value, diagnostics: found } = applySteps(schedule.steps, new Map(), start);
    diagnostics.push(...found);
    return { ...(value ?? start), from: "a schedule of the program" };
  });
  return diagnostics.length > 0 ? { diagnostics } : { value: states, diagnostics };
}

/** On a GPU nothing runs but what is bound to its grid; what is known at build time is computed elsewhere. */
function onTarget({ nest, buffers }: State, target: string): Nest {
  return target === "webgpu" && nest.phase === "run" ? distribute(nest, buffers) : nest;
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

function applyFirstSketch(sketches: readonly SketchDeclaration[], state: State): State {
  for (const sketch of sketches) {
    const match = matchSketch(sketch, state);
    const applied = match && applySteps(sketch.steps, match.names, state).value;
    if (!applied) continue;
    const from = `sketch ${sketch.name}`;
    return { ...applied, from, nest: { ...applied.nest, trace: [from, ...applied.nest.trace] } };
  }
  return state;
}

/** All steps in order; the first refusal ends it. */
function applySteps(steps: readonly StepSyntax[], names: Names, state: State): Checked<State> {
  let current = state;
  const scope = new Map<string, StepValue>(names);
  for (const step of steps) {
    if (step.kind === "let") {
      const { value, diagnostics } = evaluateStep(step.value, scope, current, firstOption);
      if (!value) return { diagnostics };
      scope.set(step.name, value);
      continue;
    }
    const { value, diagnostics } = step.kind === "if" ? applyBranch(step, scope, current) : applyOne(step, scope, current);
    if (!value) return { diagnostics };
    current = value;
  }
  return { value: current, diagnostics: [] };
}

function applyBranch(step: Extract<StepSyntax, { kind: "if" }>, names: Names, state: State): Checked<State> {
  const { value, diagnostics } = evaluateStep(step.condition, names, state, firstOption);
  if (!value) return { diagnostics };
  return applySteps(isTrue(value) ? step.whenTrue : step.whenFalse, names, state);
}

function applyOne(syntax: Extract<StepSyntax, { kind: "step" }>, names: Names, state: State): Checked<State> {
  const step = concreteStep(syntax, names, state);
  if (!step.value) return { diagnostics: step.diagnostics };
  const { value, diagnostics } = applyStep(step.value, state);
  if (!value) return { diagnostics };
  // Few steps add a buffer, and a program has hundreds.
  const added = value.buffers.map((buffer) => [buffer.name, buffer] as const);
  const buffers = added.length === 0 ? state.buffers : new Map([...state.buffers, ...added]);
  const next: State = {
    ...state,
    nest: value.nest,
    buffers,
    added: [...state.added, ...value.buffers],
    before: [...state.before, ...value.nests],
    steps: [...state.steps, { step: value.nest.trace.at(-1) ?? "", nest: value.nest, buffers }],
  };
  return { value: next, diagnostics };
}
