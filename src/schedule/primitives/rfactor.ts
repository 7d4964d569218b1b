/**
 * rfactor: every iteration of one loop of a reduction gets a partial result of its own, and the partial results are reduced in
 * the end. The loop is then one of the result's, and may be vectorised, unrolled or parallel.
 */
import { constantIndex, type Index, variableIndex } from "../../ir/affine.ts";
import type { Expr } from "../../ir/expr.ts";
import type { For, Reduce, Statement } from "../../ir/loop.ts";
import { readsItsResult } from "../dependence.ts";
import { leavesOf, loopsOf, replaceStatement } from "../nest.ts";
import { accept, changed, clause, modeRefusals, namingRefusals, type Primitive, refuse, serialLoop } from "../primitive.ts";
import { chainTo } from "./stage_registers.ts";

/** `tree` begins at the outermost loop that is reduced over. */
type Plan = { readonly loop: For; readonly reduce: Reduce; readonly tree: For };

export const rfactor: Primitive<Plan> = {
  name: "rfactor",
  summary:
    "Gives each iteration of one loop of a reduction a partial result of its own, and reduces those in the end (reduction factoring, split-K). The loop can then be vectorised, unrolled or parallel, and sums are added in another order.",
  syntax: "rfactor LOOP",
  refusals: {
    ...namingRefusals,
    ...modeRefusals,
    "rfactor-no-reduction": "nothing whose order is open is reduced over the loop",
    "rfactor-inside": "a loop of the result, or a guard, stands inside the reduction",
    "rfactor-in-vector": "a loop around the reduction is vectorised, whose lanes would share the partial results",
    "rfactor-dependence": "the reduction overwrites what it reads",
    "name-taken": "the nest already has something with the name of a part",
  },
  examples: [
    {
      title: "four partial sums",
      source: "model m(x: f32[8, 16]) -> y: f32[8, 8] { matmul(x, @w: [16, 8] = he_normal) }",
      prepare: "split c by 4",
      step: "rfactor c.i",
    },
  ],

  check(step, context) {
    const { nest, buffers } = context;
    const [name] = clause(step, "rfactor")?.arguments ?? [];
    if (name === undefined)
      return refuse(step, context, { code: "bad-step", message: "`rfactor` names a loop", help: "write `rfactor c.i`" });
    const { value: loop, diagnostics } = serialLoop(step, name, context, () => "rfactor first");
    if (!loop) return { diagnostics };
    const leaf = leavesOf(nest.body).find(({ statement }) => statement.kind === "reduce" && statement.over.includes(loop.name));
    if (leaf?.statement.kind !== "reduce")
      return refuse(step, context, {
        code: "rfactor-no-reduction",
        message: `nothing is reduced over \`${loop.name}\` whose order is still open`,
        help: "name a loop of the reduction, before it is staged",
        loops: [loop.name],
      });
    const reduce = leaf.statement;
    const first = leaf.loops.findIndex((outer) => reduce.over.includes(outer.name));
    const tree = leaf.loops[first] as For;
    const own = leaf.loops.slice(first);
    const other = own.find((inner) => !reduce.over.includes(inner.name));
    if (other || own.some((inner) => inner.body.kind === "if") || !chainTo(tree))
      return refuse(step, context, {
        code: "rfactor-inside",
        message: other
          ? `\`${other.name}\`, a loop of the result, stands inside \`${tree.name}\``
          : `a guard or another statement stands inside \`${tree.name}\``,
        help: other ? `first \`reorder ${other.name}, ${tree.name}\`` : "split by a factor that divides the loop",
        loops: [tree.name, ...(other ? [other.name] : [])],
      });
    const vector = leaf.loops.slice(0, first).find((outer) => outer.mode === "vectorize");
    if (vector)
      return refuse(step, context, {
        code: "rfactor-in-vector",
        message: `the partial results would be shared by the lanes of \`${vector.name}\`, which is vectorised around them`,
        help: "leave one of the two out",
        loops: [vector.name],
      });
    const dependence = readsItsResult(nest, buffers);
    if (dependence)
      return refuse(step, context, {
        code: "rfactor-dependence",
        message: `the reduction overwrites what it reads: ${dependence.reason}`,
        help: "leave this step out",
        loops: reduce.over,
      });
    const taken = [...loopsOf(nest.body).map((each) => each.name), ...leaf.locals.keys(), ...buffers.keys()];
    const clash = [partialName(reduce), finalName(loop)].find((part) => taken.includes(part));
    if (clash !== undefined)
      return refuse(step, context, {
        code: "name-taken",
        message: `there is already something called \`${clash}\``,
        help: "leave this step out: the reduction has been factored once",
        loops: [loop.name],
      });
    return accept({ loop, reduce, tree });
  },

  apply({ loop, reduce, tree }, { nest }) {
    const partial = partialName(reduce);
    const place = (name: string): Index => (loop.extent === 1 ? constantIndex(0) : variableIndex(name));
    const raw: Expr = { kind: "read", tensor: reduce.accumulator, indices: [], dtype: reduce.dtype };
    const factored: Reduce = {
      ...reduce,
      buffer: partial,
      indices: [place(loop.name)],
      over: reduce.over.filter((name) => name !== loop.name),
      finish: raw,
    };
    const parts = replaceStatement(tree, reduce, factored);
    const { where: _, ...rest } = reduce;
    const value: Expr = { kind: "read", tensor: partial, indices: [place(finalName(loop))], dtype: reduce.dtype };
    const final: Statement = {
      kind: "for",
      name: finalName(loop),
      extent: loop.extent,
      mode: "serial",
      body: { ...rest, over: [finalName(loop)], value },
    };
    const local: Statement = {
      kind: "local",
      name: partial,
      dtype: reduce.dtype,
      shape: [loop.extent],
      scope: "memory",
      body: { kind: "sequence", statements: [parts, final] },
    };
    return changed(nest, replaceStatement(nest.body, tree, local));
  },

  neighbours: () => [],
};

function partialName({ buffer }: Reduce): string {
  return `${buffer}.partial`;
}

function finalName({ name }: For): string {
  return `${name}.final`;
}
