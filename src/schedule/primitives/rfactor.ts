/**
 * rfactor: every iteration of one loop of a reduction gets a partial result of its own, and the partial results are reduced in
 * the end. The loop is then one of the result's, and may be vectorised, unrolled, parallel, or bound to a workgroup's invocations.
 */
import { constantIndex, type Index, variableIndex } from "../../ir/affine.ts";
import type { Expr } from "../../ir/expr.ts";
import { type For, isGridAxis, isInvocation, type Reduce, type Statement } from "../../ir/loop.ts";
import { readsItsResult } from "../dependence.ts";
import { leavesOf, loopsOf, replaceStatement, substituteInStatement } from "../nest.ts";
import { accept, changed, clause, modeRefusals, namingRefusals, type Primitive, refuse, serialLoop } from "../primitive.ts";
import { partialName } from "../region.ts";
import { chainTo } from "./stage_registers.ts";

/** `tree` begins at the outermost loop that is reduced over; `inner` are the loops of the result inside it. */
type Plan = {
  readonly loop: For;
  readonly reduce: Reduce;
  readonly tree: For;
  readonly inner: readonly For[];
  readonly scope: "memory" | "workgroup";
};

export const rfactor: Primitive<Plan> = {
  name: "rfactor",
  summary:
    "Gives each iteration of one loop of a reduction a partial result of its own, and reduces those in the end (reduction factoring, split-K). The loop can then be vectorised, unrolled or parallel, and sums are added in another order. With `in workgroup` the partial results lie in memory that a workgroup shares, and the loop can be bound to its invocations.",
  syntax: "rfactor LOOP [in memory|workgroup]",
  refusals: {
    ...namingRefusals,
    ...modeRefusals,
    "rfactor-no-reduction": "nothing whose order is open is reduced over the loop",
    "rfactor-inside": "a guard or another statement stands inside the reduction",
    "rfactor-shared": "the invocations of a workgroup would not share the partial results",
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
    {
      title: "shared by a workgroup",
      source: "model m(x: f32[1, 64]) -> y: f32[1, 8] { matmul(x, @w: [64, 8] = he_normal) }",
      prepare: "split f by 4; split c by 16; reorder m, c.o, f.o, c.i, f.i",
      step: "rfactor c.o in workgroup",
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
    if (own.some((inner) => inner.body.kind === "if") || !chainTo(tree))
      return refuse(step, context, {
        code: "rfactor-inside",
        message: `a guard or another statement stands inside \`${tree.name}\``,
        help: "split by a factor that divides the loop",
        loops: [tree.name],
      });
    const [place = "memory"] = clause(step, "in")?.arguments ?? [];
    if (place !== "memory" && place !== "workgroup")
      return refuse(step, context, {
        code: "bad-step",
        message: `partial results do not lie in \`${place}\``,
        help: `write \`rfactor ${name} in workgroup\`, or leave \`in\` out`,
      });
    const bound = leaf.loops.find(
      ({ mode }, depth) => isGridAxis(mode) && (depth >= first || (place === "workgroup" && isInvocation(mode))),
    );
    if (bound)
      return refuse(step, context, {
        code: "rfactor-shared",
        message: `\`${bound.name}\` is bound to ${bound.mode}: each of its iterations would have partial results of its own`,
        help: "factor first, then bind",
        loops: [bound.name],
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
    const inner = own.filter((each) => !reduce.over.includes(each.name));
    const taken = [...loopsOf(nest.body).map((each) => each.name), ...leaf.locals.keys(), ...buffers.keys()];
    const clash = [partialName(reduce.buffer), ...[loop, ...inner].map(finalName)].find((part) => taken.includes(part));
    if (clash !== undefined)
      return refuse(step, context, {
        code: "name-taken",
        message: `there is already something called \`${clash}\``,
        help: "leave this step out: the reduction has been factored once",
        loops: [loop.name],
      });
    return accept({ loop, reduce, tree, inner, scope: place });
  },

  apply({ loop, reduce, tree, inner, scope }, { nest }) {
    const partial = partialName(reduce.buffer);
    const kept = [loop, ...inner];
    const places = (nameOf: (each: For) => string): Index[] =>
      kept.map((each) => (each.extent === 1 ? constantIndex(0) : variableIndex(nameOf(each))));
    const raw: Expr = { kind: "read", tensor: reduce.accumulator, indices: [], dtype: reduce.dtype };
    const factored: Reduce = {
      ...reduce,
      buffer: partial,
      indices: places((each) => each.name),
      over: reduce.over.filter((name) => name !== loop.name),
      finish: raw,
    };
    const parts = replaceStatement(tree, reduce, factored);
    const { where: _, ...rest } = reduce;
    const value: Expr = { kind: "read", tensor: partial, indices: places(finalName), dtype: reduce.dtype };
    const ofResult = new Map(inner.map((each) => [each.name, variableIndex(finalName(each))]));
    const final = [...inner, { ...loop, mode: "serial" as const }].reduceRight<Statement>(
      (body, each) => ({ ...each, name: finalName(each), body }),
      substituteInStatement({ ...rest, over: [finalName(loop)], value }, (name) => ofResult.get(name)),
    );
    const local: Statement = {
      kind: "local",
      name: partial,
      dtype: reduce.dtype,
      shape: kept.map((each) => each.extent),
      scope,
      body: { kind: "sequence", statements: [parts, final] },
    };
    return changed(nest, replaceStatement(nest.body, tree, local));
  },

  neighbours: () => [],
};

function finalName({ name }: For): string {
  return `${name}.final`;
}
