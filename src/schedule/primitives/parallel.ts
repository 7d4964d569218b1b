/** parallel: the iterations of a loop may run at the same time, in any order, by different workers. */
import type { For } from "../../ir/loop.ts";
import { carriedBy, dependencesOf, readsItsResult } from "../dependence.ts";
import { leavesOf, replaceLoop } from "../nest.ts";
import { accept, changed, clause, modeRefusals, namingRefusals, type Primitive, refuse, serialLoop } from "../primitive.ts";

type Plan = { readonly loop: For };

export const parallel: Primitive<Plan> = {
  name: "parallel",
  summary:
    "Marks a loop whose iterations are proven independent of each other: they may run at the same time. A target without threads runs them in order.",
  syntax: "parallel LOOP",
  refusals: {
    ...namingRefusals,
    ...modeRefusals,
    "parallel-reduction": "the loop is reduced over",
    "parallel-dependence": "an iteration of the loop needs another one, or both write one element",
  },
  examples: [
    {
      title: "the outermost loop",
      source: "model m(x: f32[4, 8]) -> y: f32[4, 8] { relu(x) }",
      prepare: "vectorize i1",
      step: "parallel i0",
    },
  ],

  check(step, context) {
    const [name] = clause(step, "parallel")?.arguments ?? [];
    if (name === undefined)
      return refuse(step, context, { code: "bad-step", message: "`parallel` names a loop", help: "write `parallel oh`" });
    const help = "leave this step out, or split the loop first: one part may be parallel and the other vectorised";
    const { value: loop, diagnostics } = serialLoop(step, name, context, () => help);
    if (!loop) return { diagnostics };
    const { nest, buffers } = context;
    const isReduced = ({ statement, loops }: ReturnType<typeof leavesOf>[number]) =>
      loops.includes(loop) && statement.kind === "reduce" && statement.over.includes(loop.name);
    if (leavesOf(nest.body).some(isReduced))
      return refuse(step, context, {
        code: "parallel-reduction",
        message: `\`${loop.name}\` is reduced over: its iterations add to one element`,
        help: "take a loop of the result",
        loops: [loop.name],
      });
    const dependence = carriedBy(loop.name, dependencesOf(nest, buffers, "apart")) ?? readsItsResult(nest, buffers);
    if (dependence)
      return refuse(step, context, {
        code: "parallel-dependence",
        message: `iterations of \`${loop.name}\` depend on each other: ${dependence.reason}`,
        help: "take a loop whose iterations are independent",
        loops: [loop.name],
      });
    return accept({ loop });
  },

  apply({ loop }, { nest }) {
    return changed(
      nest,
      replaceLoop(nest.body, loop.name, (found) => ({ ...found, mode: "parallel" })),
    );
  },

  neighbours: () => [],
};
