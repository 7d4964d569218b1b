/**
 * The space of a workload: every sketch that matches it, with every way to turn its knobs. It is never written out whole: later
 * knobs depend on earlier ones, so a candidate is drawn by walking the sketch.
 */
import type { SketchDeclaration } from "../ir/declaration.ts";
import { applySketch } from "../schedule/schedule_program.ts";
import { firstOption } from "../schedule/step_values.ts";
import { type Attempt, asLowered, attempt, type Decision, realize, type Scheduled } from "./candidate.ts";
import type { Workload } from "./workload.ts";

export type Space = {
  readonly workload: Workload;
  /** Those whose structure and axes match, the default's first. */
  readonly sketches: readonly SketchDeclaration[];
  /** What the compiler takes without tuning. */
  readonly defaultSchedule: Scheduled;
};

export function spaceOf(workload: Workload, declared: readonly SketchDeclaration[], target = "wasm"): Space {
  // A pair is what sketches of two nests make; apart its layers are workloads of their own.
  const isPair = workload.producer !== undefined;
  const fits = (sketch: SketchDeclaration) =>
    (sketch.producer !== undefined) === isPair && applySketch(sketch, workload, firstOption) !== undefined;
  const sketches = declared.filter((sketch) => sketch.target === target && fits(sketch));
  for (const sketch of sketches) {
    const made = attempt(workload, sketch, (_, options) => options[0] ?? 1);
    if (made.kind === "scheduled") return { workload, sketches, defaultSchedule: made.scheduled };
  }
  const made = realize(workload, { sketch: asLowered, knobs: [] }, []);
  if (made.kind === "refused") throw new Error(`internal error: ${workload.nest.name} cannot be left as it was lowered`);
  return { workload, sketches, defaultSchedule: made.scheduled };
}

/** Turns a knob, knowing those before it. */
export type Turn = (name: string, options: readonly number[], before: readonly Decision[]) => number;

/**
 * Carries candidates out, and remembers what the knobs of each sketch lead to: a way that was gone before is not gone again. Where it
 * leads to a refusal, or to a schedule that `isKnown` by its steps, there is nothing to carry out.
 */
export type Drawer = (sketch: SketchDeclaration, turn: Turn, isKnown: (steps: string) => boolean) => Scheduled | undefined;

type Way =
  | { readonly kind: "knob"; readonly name: string; readonly options: readonly number[] }
  | { readonly kind: "end"; readonly steps: string | undefined };

export function createDrawer({ workload }: Pick<Space, "workload">): Drawer {
  const ways = new Map<string, Way>();
  return (sketch, turn, isKnown) => {
    const turned: Decision[] = [];
    const at = () => `${sketch.name} ${turned.map(({ value }) => value).join(" ")}`;
    let way = ways.get(at());
    while (way?.kind === "knob") {
      const { name, options } = way;
      const wanted = turn(name, options, turned);
      turned.push({ name, value: options.includes(wanted) ? wanted : (options[0] ?? 1), options });
      way = ways.get(at());
    }
    if (way && (way.steps === undefined || isKnown(way.steps))) return undefined;
    const made = attempt(workload, sketch, (name, options, before) => turned[before.length]?.value ?? turn(name, options, before));
    const decisions = made.kind === "scheduled" ? made.scheduled.decisions : made.decisions;
    const path = (length: number) =>
      `${sketch.name} ${decisions
        .slice(0, length)
        .map(({ value }) => value)
        .join(" ")}`;
    for (const [i, { name, options }] of decisions.entries()) ways.set(path(i), { kind: "knob", name, options });
    const steps = made.kind === "scheduled" ? stepsOf(made.scheduled) : undefined;
    ways.set(path(decisions.length), { kind: "end", steps });
    return made.kind === "scheduled" && !isKnown(stepsOf(made.scheduled)) ? made.scheduled : undefined;
  };
}

/** Equal for candidates that are the same schedule, whatever their knobs. */
export function stepsOf({ steps }: Scheduled): string {
  return steps.join("\n");
}

export type SpaceSize = {
  /** Different schedules, as far as the walk came. */
  readonly schedules: number;
  /** Ways to turn the knobs. */
  readonly settings: number;
  /** How many settings each refusal cut, by its code; settings that give a schedule which others give too are `equal`. */
  readonly cut: ReadonlyMap<string, number>;
  /** Whether the walk ended at its limit. */
  readonly isPartial: boolean;
};

/** Walks the whole space, up to a number of settings: the counter of a bicycle lock, whose wheels appear as it turns. */
export function* enumerate({ workload, sketches }: Space): Generator<Attempt> {
  for (const sketch of sketches) {
    let next: number[] | undefined = [];
    while (next) {
      const wheels: readonly number[] = next;
      const made = attempt(workload, sketch, (_, options, before) => options[wheels[before.length] ?? 0] ?? 1);
      yield made;
      next = advance(made.kind === "scheduled" ? made.scheduled.decisions : made.decisions);
    }
  }
}

/** The places of the options of the next setting: the last knob that can goes on, and those behind it begin anew. */
function advance(decisions: readonly Decision[]): number[] | undefined {
  const places = decisions.map(({ value, options }) => options.indexOf(value));
  const turned = places.findLastIndex((place, i) => place + 1 < (decisions[i]?.options.length ?? 0));
  return turned < 0 ? undefined : [...places.slice(0, turned), (places[turned] ?? 0) + 1];
}

export function measureSpace(space: Space, limit: number): SpaceSize {
  const seen = new Set<string>();
  const cut = new Map<string, number>();
  const count = (code: string) => cut.set(code, (cut.get(code) ?? 0) + 1);
  let settings = 0;
  for (const made of enumerate(space)) {
    if (settings === limit) return { schedules: seen.size, settings, cut, isPartial: true };
    settings++;
    if (made.kind === "refused") count(made.code);
    else {
      const steps = stepsOf(made.scheduled);
      if (seen.has(steps)) count("equal");
      seen.add(steps);
    }
  }
  return { schedules: seen.size, settings, cut, isPartial: false };
}
