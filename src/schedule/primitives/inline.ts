/** inline: what is read of another nest's result is computed where it is read. */
import { type Index, type Ranges, rangeOf } from "../../ir/affine.ts";
import { constantExpr, type Expr, substituteVariables, tensorsRead, visitExpr } from "../../ir/expr.ts";
import type { For, Statement } from "../../ir/loop.ts";
import { compared, leavesOf, mapReads, mapStatement, rangesOfLoops, valuesOf } from "../nest.ts";
import { accept, clause, namingRefusals, type Primitive, refuse } from "../primitive.ts";
import { findProducer, type Producer, producerRefusals } from "../producer.ts";

type Read = Extract<Expr, { kind: "read" }>;
type Plan = { readonly producer: Producer; readonly value: Expr };

/** Operations that a nest may come to by one step. */
const limit = 4096;

export const inline: Primitive<Plan> = {
  name: "inline",
  summary:
    "Replaces every read of a tensor by the expression that another nest computes it with (compute inline), and by the border's value where the read lies outside the tensor. What is read several times is computed several times. The nest that computes the tensor goes once nothing else reads it.",
  syntax: "inline TENSOR",
  refusals: {
    "bad-step": namingRefusals["bad-step"],
    ...producerRefusals,
    "inline-unread": "the nest does not read the tensor",
    "inline-reduction": "the tensor is a reduction, which is no expression",
    "inline-index": "the tensor is read inside an index, where only memory will do",
    "inline-size": `the expressions would have more than ${limit} operations`,
  },
  examples: [
    {
      title: "into a reduction",
      source: "model m(x: f32[4, 6]) -> y: f32[4, 8] {\n  let a = tanh(x)\n  matmul(a, @w: [6, 8] = he_normal)\n}",
      prepare: "",
      step: "inline a",
    },
    {
      title: "with its border",
      source:
        "model m(x: f32[12]) -> y: f32[12] {\n  let a = tanh(x)\n  smoothed(a)\n}\nop smoothed(x: [n]) -> y: [n] { y[i] = sum(t in 3) (x[i + t - 1] else 0) * 0.25 }",
      prepare: "",
      step: "inline a",
    },
  ],

  check(step, context) {
    const [tensor] = clause(step, "inline")?.arguments ?? [];
    if (tensor === undefined)
      return refuse(step, context, { code: "bad-step", message: "`inline` names a tensor", help: "write `inline a`" });
    const name = String(tensor);
    const { value: producer, diagnostics } = findProducer(step, name, context);
    if (!producer) return { diagnostics };
    const { nest } = context;
    const leaves = leavesOf(nest.body);
    const values = leaves.flatMap(({ statement, guards }) => [...valuesOf(statement), ...guards]);
    const indices = leaves.flatMap(({ statement }) => statement.indices);
    if (readsInIndices(name, values, indices))
      return refuse(step, context, {
        code: "inline-index",
        message: `${nest.name} reads \`${name}\` inside an index`,
        help: "leave this step out",
        loops: [],
      });
    const reads = values.reduce((sum, value) => sum + countOf(value, (expr) => expr.kind === "read" && expr.tensor === name), 0);
    if (reads === 0)
      return refuse(step, context, {
        code: "inline-unread",
        message: `${nest.name} does not read \`${name}\``,
        help: "name a tensor that it reads",
      });
    if (producer.leaf.kind === "reduce")
      return refuse(step, context, {
        code: "inline-reduction",
        message: `\`${name}\` is reduced over ${producer.leaf.over.map((loop) => `\`${loop}\``).join(", ")}`,
        help: `write \`compute ${name} at LOOP\``,
      });
    const { value } = producer.leaf;
    const size = values.reduce((sum, each) => sum + countOf(each, () => true), 0) + reads * countOf(value, () => true);
    if (size > limit)
      return refuse(step, context, {
        code: "inline-size",
        message: `${nest.name} reads \`${name}\` in ${reads} places and would come to ${size} operations; at most ${limit} are written`,
        help: `write \`compute ${name} at LOOP\``,
      });
    return accept({ producer, value });
  },

  apply({ producer, value }, { nest, buffers }) {
    const isApart = buffers.get(producer.buffer.name)?.overwrites === undefined;
    return { nest: { ...nest, body: inlined(nest.body, [], producer, value) }, buffers: isApart ? [] : [producer.buffer], nests: [] };
  },

  neighbours: () => [],
};

function readsInIndices(tensor: string, values: readonly Expr[], indices: readonly Index[]): boolean {
  const asExprs = indices.map((index): Expr => ({ kind: "index", index }));
  return [...values, ...asExprs].some((value) => {
    let found = false;
    visitExpr(value, (expr) => {
      const own: Expr[] = expr.kind === "read" ? expr.indices.map((index) => ({ kind: "index", index })) : [];
      if (expr.kind === "index") own.push(expr);
      found ||= own.some((index) => tensorsRead(index).has(tensor));
    });
    return found;
  });
}

function countOf(value: Expr, counts: (expr: Expr) => boolean): number {
  let count = 0;
  visitExpr(value, (expr) => {
    if (counts(expr)) count++;
  });
  return count;
}

/** Every expression of the statement, simplified under the loops around it. */
function inlined(statement: Statement, loops: readonly For[], producer: Producer, value: Expr): Statement {
  const ranges = rangesOfLoops(loops);
  const replaced = (expr: Expr) =>
    mapReads(expr, (read) => (read.tensor === producer.buffer.name ? valueAt(read, producer, value, ranges) : read));
  switch (statement.kind) {
    case "for":
      return { ...statement, body: inlined(statement.body, [...loops, statement], producer, value) };
    case "sequence":
    case "local":
      return mapStatement(statement, (inner) => inlined(inner, loops, producer, value));
    case "if":
      return { ...statement, condition: replaced(statement.condition), body: inlined(statement.body, loops, producer, value) };
    case "store":
      return { ...statement, value: replaced(statement.value) };
    case "reduce":
    case "accumulate":
      return {
        ...statement,
        value: replaced(statement.value),
        ...(statement.where ? { where: replaced(statement.where) } : {}),
        ...(statement.kind === "reduce" ? { finish: replaced(statement.finish) } : {}),
      };
  }
}

/** The producer's value at the element that is read. Outside the tensor it is the read's own default, or what the border holds. */
function valueAt(read: Read, { buffer, axes }: Producer, value: Expr, ranges: Ranges): Expr {
  const at = new Map(axes.map((axis, d) => [axis.name, read.indices[d]]));
  const inside = substituteVariables(value, (name) => at.get(name), ranges);
  const tests = read.indices.flatMap((index, d) => {
    const { low, high } = rangeOf(index, ranges);
    const size = buffer.shape[d] ?? 1;
    return [...(low < 0 ? [compared("ge", index, 0)] : []), ...(high >= size ? [compared("lt", index, size)] : [])];
  });
  const [first, ...others] = tests;
  if (!first) return inside;
  const condition = others.reduce<Expr>((left, right) => ({ kind: "apply", function: "and", args: [left, right], dtype: "bool" }), first);
  return { kind: "select", condition, whenTrue: inside, whenFalse: read.otherwise ?? constantExpr(buffer.dtype, buffer.halo?.fill ?? 0) };
}
