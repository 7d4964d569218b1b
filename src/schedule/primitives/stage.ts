/** stage: data moves to where it is read fast: a result's partial sums to registers, a weight to a copy in the order of its reads. */
import { type Argument, accept, type Change, clause, namingRefusals, type Primitive, refuse } from "../primitive.ts";
import { applyPacked, checkPacked, type PackedPlan } from "./stage_packed.ts";
import { applyRegisters, checkRegisters, type RegistersPlan } from "./stage_registers.ts";

type Plan = { readonly kind: "registers"; readonly plan: RegistersPlan } | { readonly kind: "packed"; readonly plan: PackedPlan };

export const stage: Primitive<Plan> = {
  name: "stage",
  summary:
    "`stage RESULT in registers at LOOP` keeps a tile of the result in registers while the loops inside LOOP run, and writes it once (cache write, accumulator). `stage WEIGHT packed by LOOPS` reads a constant tensor from a copy that lies in the order of those loops (packing, layout transformation); the copy is made at build time.",
  syntax: "stage RESULT in registers [at LOOP] | stage TENSOR packed by LOOP, LOOP, ...",
  refusals: {
    ...namingRefusals,
    "stage-no-reduction": "nothing is left to keep in registers",
    "stage-result": "the tensor named is not the one that the nest computes",
    "stage-imperfect": "several statements stand inside the loop",
    "stage-reduction-outside": "a loop of the reduction is outside the tile",
    "stage-serial": "registers would be indexed by a loop that is neither unrolled nor vectorised",
    "stage-in-vector": "a loop around the tile is vectorised",
    "stage-dependence": "the reduction overwrites what it reads",
    "stage-unknown": "the nest does not read the tensor",
    "stage-not-constant": "the tensor is computed at run time",
    "stage-several-reads": "the tensor is read in several ways, or beyond its edges",
    "stage-missing-loop": "the place that is read depends on a loop that is not named",
  },
  examples: [
    {
      title: "in registers",
      source: "model m(x: f32[8, 16]) -> y: f32[8, 8] { matmul(x, @w: [16, 8] = he_normal) }",
      prepare: "split m by 4; reorder m.o, c, m.i, f; vectorize f; unroll m.i",
      step: "stage result in registers at m.o",
    },
    {
      title: "packed",
      source: "model m(x: f32[8, 16]) -> y: f32[8, 8] { matmul(x, @w: [16, 8] = he_normal) }",
      prepare: "split f by 4; reorder f.o, m, c, f.i",
      step: "stage w packed by f.o, c, f.i",
    },
  ],

  check(step, context) {
    const [tensor] = clause(step, "stage")?.arguments ?? [];
    if (tensor === undefined)
      return refuse(step, context, {
        code: "bad-step",
        message: "`stage` names a tensor",
        help: "write `stage y in registers at oh` or `stage k packed by f.o, c, f.i`",
      });
    if (clause(step, "packed")) {
      const { value, diagnostics } = checkPacked(step, String(tensor), loopsOfPacking(step), context);
      return value ? accept<Plan>({ kind: "packed", plan: value }) : { diagnostics };
    }
    if (clause(step, "in")?.arguments[0] !== "registers")
      return refuse(step, context, {
        code: "bad-step",
        message: "`stage` says where the data goes",
        help: "write `in registers` or `packed by LOOPS`",
      });
    const { value, diagnostics } = checkRegisters(step, String(tensor), clause(step, "at")?.arguments[0], context);
    return value ? accept<Plan>({ kind: "registers", plan: value }) : { diagnostics };
  },

  apply(plan, context): Change {
    return plan.kind === "packed" ? applyPacked(plan.plan, context) : applyRegisters(plan.plan, context);
  },

  neighbours: () => [],
};

function loopsOfPacking(step: Parameters<typeof clause>[0]): Argument[] {
  return [...(clause(step, "by")?.arguments ?? [])];
}
