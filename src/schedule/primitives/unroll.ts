/** unroll: the iterations of a loop are written out one after the other. */
import type { For, Statement } from "../../ir/loop.ts";
import { leavesOf, replaceLoop } from "../nest.ts";
import { accept, changed, clause, modeRefusals, namingRefusals, type Primitive, refuse, serialLoop } from "../primitive.ts";

type Plan = { readonly loop: For };

/** More copies than this of one statement help no engine and make modules large. */
const mostCopies = 4096;

export const unroll: Primitive<Plan> = {
  name: "unroll",
  summary: "Writes the iterations of a loop out one after the other, so that indices into register tiles become constants.",
  syntax: "unroll LOOP",
  refusals: {
    ...namingRefusals,
    ...modeRefusals,
    "unroll-size": `a statement would be written more than ${mostCopies} times`,
  },
  examples: [
    {
      title: "an outer loop",
      source: "model m(x: f32[4, 8]) -> y: f32[4, 8] { relu(x) }",
      prepare: "",
      step: "unroll i0",
    },
  ],

  check(step, context) {
    const [name] = clause(step, "unroll")?.arguments ?? [];
    if (name === undefined)
      return refuse(step, context, { code: "bad-step", message: "`unroll` names a loop", help: "write `unroll ow.i`" });
    const { value: loop, diagnostics } = serialLoop(step, name, context, (mode) =>
      mode === "vectorize" ? "leave `unroll` out: the vectors of a longer loop are written out anyway" : "leave this step out",
    );
    if (!loop) return { diagnostics };
    const copies = copiesWith(loop, context.nest.body);
    if (copies > mostCopies)
      return refuse(step, context, {
        code: "unroll-size",
        message: `unrolling \`${name}\` would write ${copies} copies of the body`,
        help: `split it first: at most ${mostCopies} copies are written`,
        loops: [loop.name],
      });
    return accept({ loop });
  },

  apply({ loop }, { nest }) {
    return changed(
      nest,
      replaceLoop(nest.body, loop.name, (found) => ({ ...found, mode: "unroll" })),
    );
  },

  neighbours: () => [],
};

/** How often the statement inside the loop that is written most often would be written. */
function copiesWith(loop: For, body: Statement): number {
  const inside = leavesOf(body).filter((leaf) => leaf.loops.includes(loop));
  return Math.max(
    ...inside.map(({ loops }) =>
      loops.reduce(
        (product, other) => (other.mode === "serial" || other.mode === "parallel" ? product : product * other.extent),
        loop.extent,
      ),
    ),
  );
}
