/**
 * The space of a workload: every sketch that matches it, with every way to turn its knobs. It is never written out whole: later
 * knobs depend on earlier ones, so a candidate is drawn by walking the sketch.
 */
import type { SketchDeclaration } from "../ir/declaration.ts";
import { applySketch } from "../schedule/schedule_program.ts";
import { firstOption } from "../schedule/step_values.ts";
import type { Random } from "../support/random.ts";
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
  const sketches = declared.filter((sketch) => sketch.target === target && applySketch(sketch, workload, firstOption) !== undefined);
  for (const sketch of sketches) {
    const made = attempt(workload, sketch, (_, options) => options[0] ?? 1);
    if (made.kind === "scheduled") return { workload, sketches, defaultSchedule: made.scheduled };
  }
  const made = realize(workload, { sketch: asLowered, knobs: [] }, []);
  if (made.kind === "refused") throw new Error(`internal error: ${workload.nest.name} cannot be left as it was lowered`);
  return { workload, sketches, defaultSchedule: made.scheduled };
}

/** Each knob turned at random; sketches are equally likely. */
export function drawCandidate({ workload, sketches }: Space, random: Random): Attempt {
  if (sketches.length === 0) return { kind: "refused", code: "no-match", decisions: [] };
  return attempt(workload, random.pick(sketches), (_, options) => random.pick(options));
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
      const steps = made.scheduled.steps.join("\n");
      if (seen.has(steps)) count("equal");
      seen.add(steps);
    }
  }
  return { schedules: seen.size, settings, cut, isPartial: false };
}
