/** fuse: loops that stand directly inside each other become one. */
import { floordiv, type Index, mod, variableIndex } from "../../ir/affine.ts";
import type { For, Reduce, Statement } from "../../ir/loop.ts";
import type { Checked } from "../../support/diagnostic.ts";
import { leavesOf, loopsOf, mapStatement, rangesOfLoops, replaceLoop, substituteInStatement } from "../nest.ts";
import {
  accept,
  type Context,
  changed,
  clause,
  modeText,
  namedLoop,
  namingRefusals,
  type Primitive,
  refuse,
  type Step,
} from "../primitive.ts";

type Plan = { readonly loops: readonly For[]; readonly name: string };

export const fuse: Primitive<Plan> = {
  name: "fuse",
  summary:
    "Makes one loop of loops that stand directly inside each other (coalescing, flattening, collapse): its iterations are theirs, in the same order. Where what is read lies in that order too, indices need no division.",
  syntax: "fuse LOOP, LOOP, ... into NAME",
  refusals: {
    ...namingRefusals,
    "name-taken": "the nest already has a loop of the new name",
    "fuse-imperfect": "the loops do not stand directly inside each other, in that order",
    "fuse-mode": "a loop already has another mode",
    "fuse-empty": "a loop has no iterations",
    "fuse-reduction": "some of the loops are reduced over and others are not",
  },
  examples: [
    {
      title: "rows of a matrix",
      source: "model m(x: f32[6, 8]) -> y: f32[6, 8] { relu(x) }",
      prepare: "",
      step: "fuse i0, i1 into i",
    },
    {
      title: "a result that is spread out",
      source: "model m(x: f32[6, 8]) -> y: f32[8, 6] { transpose(x, order: [1, 0]) }",
      prepare: "",
      step: "fuse i0, i1 into i",
    },
  ],

  check(step, context) {
    const names = (clause(step, "fuse")?.arguments ?? []).map(String);
    const [name, another] = (clause(step, "into")?.arguments ?? []).map(String);
    if (names.length === 0 || name === undefined || another !== undefined)
      return refuse(step, context, {
        code: "bad-step",
        message: "`fuse` names loops from the outermost in, and the loop that they become",
        help: "write `fuse oh, ow into rows`",
      });
    const loops: For[] = [];
    for (const each of names) {
      const { value: loop, diagnostics } = namedLoop(step, each, context);
      if (!loop) return { diagnostics };
      if (loops.includes(loop))
        return refuse(step, context, {
          code: "bad-step",
          message: `\`${each}\` is named twice in \`fuse\``,
          help: "name every loop once, outermost first",
        });
      loops.push(loop);
    }
    return checkLoops(step, { loops, name }, context);
  },

  apply(plan, { nest }) {
    const [outermost] = plan.loops;
    return changed(
      nest,
      replaceLoop(nest.body, outermost?.name ?? "", () => fused(plan)),
    );
  },

  neighbours: () => [],
};

function checkLoops(step: Step, plan: Plan, context: Context): Checked<Plan> {
  const { loops, name } = plan;
  const names = loops.map((loop) => loop.name);
  const { body } = context.nest;
  if (loopsOf(body).some((loop) => loop.name === name && !loops.includes(loop)))
    return refuse(step, context, {
      code: "name-taken",
      message: `the nest already has a loop \`${name}\``,
      help: "choose another name",
      loops: [name],
    });
  const apart = loops.findIndex((loop, i) => i > 0 && loops[i - 1]?.body !== loop);
  if (apart > 0)
    return refuse(step, context, {
      code: "fuse-imperfect",
      message: `\`${names[apart]}\` does not stand directly inside \`${names[apart - 1]}\``,
      help: "name them from the outermost in; `reorder` brings them together",
      loops: names,
    });
  const busy = loops.find((loop) => loop.mode !== "serial");
  if (busy)
    return refuse(step, context, {
      code: "fuse-mode",
      message: `\`${busy.name}\` is already ${modeText(busy.mode)}`,
      help: "fuse first",
      loops: [busy.name],
    });
  const empty = loops.find((loop) => loop.extent === 0);
  if (empty)
    return refuse(step, context, {
      code: "fuse-empty",
      message: `\`${empty.name}\` has no iterations`,
      help: "leave this step out",
      loops: [empty.name],
    });
  for (const { statement } of leavesOf(body)) {
    const over = statement.kind === "reduce" ? loops.filter((loop) => statement.over.includes(loop.name)) : [];
    if (over.length > 0 && over.length < loops.length) {
      const [reduced] = over;
      const kept = loops.find((loop) => !over.includes(loop));
      return refuse(step, context, {
        code: "fuse-reduction",
        message: `\`${reduced?.name}\` is reduced over and \`${kept?.name}\` is not`,
        help: "fuse loops of the result, or loops of the reduction",
        loops: names,
      });
    }
  }
  return accept(plan);
}

function fused({ loops, name }: Plan): Statement {
  const extent = loops.reduce((product, loop) => product * loop.extent, 1);
  const loop: For = { kind: "for", name, extent, mode: "serial", body: { kind: "sequence", statements: [] } };
  const ranges = rangesOfLoops([loop]);
  const values = new Map<string, Index>();
  let inside = extent;
  loops.forEach(({ name: each, extent: own }) => {
    const around = inside / own;
    values.set(each, mod(floordiv(variableIndex(name), around, ranges), own, ranges));
    inside = around;
  });
  const names = new Set(loops.map((each) => each.name));
  const innermost = loops.at(-1) as For;
  const body = substituteInStatement(innermost.body, (variable) => values.get(variable), ranges);
  return { ...loop, body: overFused(body, names, name) };
}

/** A reduction over the loops is one over the loop that they became. */
function overFused(statement: Statement, names: ReadonlySet<string>, name: string): Statement {
  if (statement.kind !== "reduce") return mapStatement(statement, (inner) => overFused(inner, names, name));
  if (!statement.over.some((loop) => names.has(loop))) return statement;
  const over: Reduce["over"] = [...statement.over.filter((loop) => !names.has(loop)), name];
  return { ...statement, over };
}
