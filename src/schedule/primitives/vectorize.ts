/** vectorize: the iterations of a loop become lanes of 128-bit vectors. */
import type { For } from "../../ir/loop.ts";
import type { Checked } from "../../support/diagnostic.ts";
import { carriedBy, dependencesOf, readsItsResult } from "../dependence.ts";
import { leavesOf, replaceLoop } from "../nest.ts";
import {
  accept,
  type Context,
  changed,
  clause,
  modeRefusals,
  namingRefusals,
  type Primitive,
  refuse,
  type Step,
  serialLoop,
} from "../primitive.ts";
import { chainTo } from "./stage_registers.ts";

type Plan = { readonly loop: For };

/** Elements of 32 bits in a vector. */
const lanes = 4;

export const vectorize: Primitive<Plan> = {
  name: "vectorize",
  summary: "Runs four iterations of a loop at a time, one in each lane of a vector (SIMD); a longer loop becomes several vectors.",
  syntax: "vectorize LOOP",
  refusals: {
    ...namingRefusals,
    ...modeRefusals,
    "vectorize-extent": `the extent is no multiple of ${lanes}`,
    "vectorize-nested": "another loop around or inside it is vectorised",
    "vectorize-reduction": "the loop is reduced over",
    "vectorize-imperfect": "a reduction whose order is open stands beside other statements inside the loop",
    "vectorize-dependence": "an iteration of the loop needs another one, or both write one element",
  },
  examples: [
    {
      title: "the innermost loop",
      source: "model m(x: f32[4, 8]) -> y: f32[4, 8] { relu(x) }",
      prepare: "",
      step: "vectorize i1",
    },
  ],

  check(step, context) {
    const [name] = clause(step, "vectorize")?.arguments ?? [];
    if (name === undefined)
      return refuse(step, context, { code: "bad-step", message: "`vectorize` names a loop", help: "write `vectorize f.i`" });
    const { value: loop, diagnostics } = serialLoop(step, name, context, (mode) =>
      mode === "unroll" ? "leave `unroll` out: the vectors of a longer loop are written out anyway" : "leave this step out",
    );
    if (!loop) return { diagnostics };
    if (loop.extent % lanes !== 0)
      return refuse(step, context, {
        code: "vectorize-extent",
        message: `\`${name}\` runs over ${loop.extent}, which is no multiple of ${lanes} lanes`,
        help:
          loop.extent > lanes
            ? `split it first: \`split ${name} by ${lanes}\`, then \`vectorize ${name}.i\``
            : "vectorise a longer loop, or leave this step out",
        loops: [loop.name],
      });
    return checkLanes(step, loop, context);
  },

  apply({ loop }, { nest }) {
    return changed(
      nest,
      replaceLoop(nest.body, loop.name, (found) => ({ ...found, mode: "vectorize" })),
    );
  },

  neighbours: () => [],
};

function checkLanes(step: Step, loop: For, context: Context): Checked<Plan> {
  const { nest, buffers } = context;
  for (const { statement, loops } of leavesOf(nest.body).filter((leaf) => leaf.loops.includes(loop))) {
    const nested = loops.find((outer) => outer.mode === "vectorize");
    if (nested)
      return refuse(step, context, {
        code: "vectorize-nested",
        message: `\`${nested.name}\` is already vectorised around or inside \`${loop.name}\``,
        help: "vectorise one loop of a nest and unroll the other",
        loops: [loop.name, nested.name],
      });
    if (statement.kind === "reduce" && statement.over.includes(loop.name))
      return refuse(step, context, {
        code: "vectorize-reduction",
        message: `\`${loop.name}\` is reduced over: its iterations add to one element`,
        help: "vectorise a loop of the result, such as its last dimension",
        loops: [loop.name],
      });
    // Its sums would need a tile inside the vectorised loop, which lanes cannot share.
    if (statement.kind === "reduce" && !chainTo(loop.body))
      return refuse(step, context, {
        code: "vectorize-imperfect",
        message: `several statements stand inside \`${loop.name}\`, a reduction among them`,
        help: "vectorise each part by itself, or stage the reduction in registers first",
        loops: [loop.name],
      });
  }
  const dependence = carriedBy(loop.name, dependencesOf(nest, buffers, "at once")) ?? readsItsResult(nest, buffers);
  if (dependence)
    return refuse(step, context, {
      code: "vectorize-dependence",
      message: `iterations of \`${loop.name}\` depend on each other: ${dependence.reason}`,
      help: "vectorise a loop whose iterations are independent",
      loops: [loop.name],
    });
  return accept({ loop });
}
