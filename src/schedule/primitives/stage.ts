/** stage: data moves to where it is read fast: a result's partial sums to registers, a weight to a copy in the order of its reads. */
import { type Argument, accept, type Change, clause, namingRefusals, type Primitive, refuse } from "../primitive.ts";
import { type RegionPlan, regionRefusals } from "../region.ts";
import { applyMemory, checkMemory } from "./stage_memory.ts";
import { applyPacked, checkPacked, type PackedPlan } from "./stage_packed.ts";
import { applyRegisters, checkRegisters, type RegistersPlan, reductionOf } from "./stage_registers.ts";

type Plan =
  | { readonly kind: "registers"; readonly plan: RegistersPlan }
  | { readonly kind: "memory"; readonly plan: RegionPlan }
  | { readonly kind: "packed"; readonly plan: PackedPlan };

export const stage: Primitive<Plan> = {
  name: "stage",
  summary:
    "`stage RESULT in registers at LOOP` keeps a tile of the result in registers while the loops inside LOOP run, and writes it once (cache write, accumulator), where elements that a guard leaves out are summed and not written, if all that is read for them lies in memory (padding); `in memory` keeps it in memory of its own. `stage TENSOR in memory at LOOP` copies what the loops inside LOOP read of a tensor at its beginning (cache read, row buffer); the region is inferred. `in workgroup` copies what all invocations of a workgroup read to memory that they share (shared memory, cooperative fetch): they have the copying among them, and wait for each other. `stage WEIGHT packed by LOOPS` reads a constant tensor from a copy that lies in the order of those loops (packing, layout transformation); the copy is made at build time.",
  syntax: "stage RESULT in registers|memory [at LOOP] | stage TENSOR in memory|workgroup at LOOP | stage TENSOR packed by LOOP, LOOP, ...",
  refusals: {
    ...namingRefusals,
    "stage-no-reduction": "nothing is left to keep in registers",
    "stage-result": "the tensor named is not the one that the nest computes",
    "stage-imperfect": "several statements stand inside the loop",
    "stage-reduction-outside": "a loop of the reduction is outside the tile",
    "stage-serial": "registers would be indexed by a loop that is neither unrolled nor vectorised",
    "stage-in-vector": "a loop around the tile is vectorised",
    "stage-dependence": "the reduction overwrites what it reads",
    ...regionRefusals,
    "stage-written": "an element of the tensor's memory is written and read while the copy would be in use",
    "stage-alone": "no loop around is bound to invocations that would share the copy",
    "stage-missed": "some invocations of the workgroup would not come by the copy",
    "stage-outside": "the box that is read reaches beyond the tensor, where only a guard keeps the nest from reading",
    "stage-unknown": "the nest does not read the tensor that would be packed",
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
      title: "rows in memory",
      source: "model m(x: f32[1, 8, 8, 4]) -> y: f32[1, 6, 6, 4] { depthwise_conv2d(x, @k: [3, 3, 4, 1] = he_normal) }",
      prepare: "",
      step: "stage x in memory at oh",
    },
    {
      title: "rows of a workgroup",
      source: "model m(x: f32[8, 16]) -> y: f32[8, 8] { matmul(x, @w: [16, 8] = he_normal) }",
      prepare:
        "split m by 4; split c by 4; reorder m.o, m.i, f, c.o, c.i; bind m.i to invocation.y; bind f to invocation.x; stage result in registers at f",
      step: "stage x in workgroup at c.o",
    },
    {
      title: "with padding",
      source: "model m(x: f32[8, 16]) -> y: f32[8, 6] { matmul(x, @w: [16, 6] = he_normal) }",
      prepare: "split f by 8 tail guard; reorder m, f.o, c, f.i; vectorize f.i; stage w packed by f.o, c, f.i",
      step: "stage result in registers at f.o",
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
    const [place] = clause(step, "in")?.arguments ?? [];
    if (place !== "registers" && place !== "memory" && place !== "workgroup")
      return refuse(step, context, {
        code: "bad-step",
        message: "`stage` says where the data goes",
        help: "write `in registers`, `in memory`, `in workgroup` or `packed by LOOPS`",
      });
    const [at] = clause(step, "at")?.arguments ?? [];
    const isResult = place === "registers" || tensor === "result" || reductionOf(context.nest.body, String(tensor)) !== undefined;
    if (isResult && place === "workgroup")
      return refuse(step, context, {
        code: "stage-result",
        message: "an invocation's part of the result is its own: nothing is shared",
        help: `write \`stage ${tensor} in registers\``,
      });
    if (!isResult) {
      const { value, diagnostics } = checkMemory(step, String(tensor), place, at, context);
      return value ? accept<Plan>({ kind: "memory", plan: value }) : { diagnostics };
    }
    const { value, diagnostics } = checkRegisters(step, String(tensor), at, place === "registers" ? "register" : "memory", context);
    return value ? accept<Plan>({ kind: "registers", plan: value }) : { diagnostics };
  },

  apply(plan, context): Change {
    switch (plan.kind) {
      case "packed":
        return applyPacked(plan.plan, context);
      case "memory":
        return applyMemory(plan.plan, context);
      case "registers":
        return applyRegisters(plan.plan, context);
    }
  },

  neighbours: () => [],
};

function loopsOfPacking(step: Parameters<typeof clause>[0]): Argument[] {
  return [...(clause(step, "by")?.arguments ?? [])];
}
