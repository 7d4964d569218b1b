/** The table of schedule primitives. Everything else is a recipe composed of them. */
import type { Checked } from "../support/diagnostic.ts";
import { nearest } from "../support/nearest.ts";
import { type Change, type Context, formatStep, type Primitive, refuse, type Step } from "./primitive.ts";
import { bind } from "./primitives/bind.ts";
import { compute } from "./primitives/compute.ts";
import { fuse } from "./primitives/fuse.ts";
import { inline } from "./primitives/inline.ts";
import { layout } from "./primitives/layout.ts";
import { parallel } from "./primitives/parallel.ts";
import { reorder } from "./primitives/reorder.ts";
import { rfactor } from "./primitives/rfactor.ts";
import { split } from "./primitives/split.ts";
import { stage } from "./primitives/stage.ts";
import { unroll } from "./primitives/unroll.ts";
import { vectorize } from "./primitives/vectorize.ts";

/** A primitive with its plan hidden: what is checked is applied at once, or not at all. */
export type AnyPrimitive = Omit<Primitive, "check" | "apply"> & { run(step: Step, context: Context): Checked<Change> };

export const primitives: ReadonlyMap<string, AnyPrimitive> = new Map(
  [
    hidePlan(split),
    hidePlan(fuse),
    hidePlan(reorder),
    hidePlan(unroll),
    hidePlan(vectorize),
    hidePlan(parallel),
    hidePlan(bind),
    hidePlan(rfactor),
    hidePlan(stage),
    hidePlan(compute),
    hidePlan(inline),
    hidePlan(layout),
  ].map((primitive) => [primitive.name, primitive]),
);

/** Applies one step, and adds it to the nest's trace; or says why not, and changes nothing. */
export function applyStep(step: Step, context: Context): Checked<Change> {
  const name = step.clauses[0]?.keyword ?? "";
  const primitive = primitives.get(name);
  if (!primitive) {
    const guess = nearest(name, primitives.keys());
    const known = `the steps are ${[...primitives.keys()].join(", ")}`;
    const message = `there is no schedule step \`${name}\``;
    return refuse(step, context, { code: "unknown-step", message, help: guess ? `did you mean \`${guess}\`?` : known });
  }
  const { value, diagnostics } = primitive.run(step, context);
  if (!value) return { diagnostics };
  return { value: { ...value, nest: { ...value.nest, trace: [...value.nest.trace, formatStep(step)] } }, diagnostics };
}

function hidePlan<Plan>({ check, apply, ...primitive }: Primitive<Plan>): AnyPrimitive {
  return {
    ...primitive,
    run: (step, context) => {
      const { value, diagnostics } = check(step, context);
      return value === undefined ? { diagnostics } : { value: apply(value, context), diagnostics };
    },
  };
}
