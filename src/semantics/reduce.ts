/** Reductions in comprehensions: `sum(i, j in n, ...r where c) body`. */

import type { Binder, Syntax } from "../ir/declaration.ts";
import { elementCount } from "../ir/dtype.ts";
import { wrapTo } from "../ir/evaluate.ts";
import { type Axis, constantExpr, dtypeOf, type Expr, type ReduceOp } from "../ir/expr.ts";
import { declareIterator, describe, extendScope, listValue, poison, report, type Scope, toExpr, type Value } from "./value.ts";

export function evaluateReduce(syntax: Extract<Syntax, { kind: "reduce" }>, scope: Scope): Value {
  const axes: Axis[] = [];
  let inner = scope;
  for (const binder of syntax.binders) {
    const bound = bindIterators(binder, inner);
    if (!bound) return poison;
    axes.push(...bound.axes);
    inner = extendScope(inner, [[binder.name, bound.value]]);
  }
  const where = syntax.where && scope.staging.evaluate(syntax.where, inner);
  const value = scope.staging.evaluate(syntax.body, inner);
  const body = toExpr(value, scope.staging.defaultDType, syntax.body.span, inner);
  if (!body || where?.kind === "poison") return poison;
  if (dtypeOf(body) === "bool")
    return report(
      scope,
      "type-mismatch",
      `\`${syntax.op}\` of conditions`,
      syntax.body.span,
      "convert with i32(...) or write `if c then 1 else 0`",
    );
  const condition = where && toExpr(where, "bool", syntax.where?.span ?? syntax.span, inner);
  if (condition && dtypeOf(condition) !== "bool")
    return report(scope, "type-mismatch", `\`where\` needs a condition, and this is ${where ? describe(where) : "none"}`, syntax.span);
  return { kind: "scalar", expr: simplifyReduce(syntax.op, axes, body, condition) };
}

/** A reduction over nothing is its body; a sum of equal constants is their count; `where true` is dropped. */
function simplifyReduce(op: ReduceOp, axes: readonly Axis[], body: Expr, condition: Expr | undefined): Expr {
  const positional = op === "argmax" || op === "argmin";
  const where = condition?.kind === "constant" && condition.value !== 0 ? undefined : condition;
  if (axes.length === 0 && !where) return positional ? constantExpr("i32", 0) : body;
  const count = elementCount(axes.map((axis) => axis.extent));
  if (op === "sum" && body.kind === "constant" && !where)
    return constantExpr(body.dtype, count === 0 ? 0 : wrapTo(body.dtype)(body.value * count));
  return { kind: "reduce", op, axes, body, dtype: positional ? "i32" : dtypeOf(body), ...(where ? { where } : {}) };
}

/** New iterators for a binder: over a range, a dimension in scope, or one for every element of a pack. */
function bindIterators(binder: Binder, scope: Scope): { axes: Axis[]; value: Value } | undefined {
  const source = binder.range ? scope.staging.evaluate(binder.range, scope) : scope.values.get(binder.name);
  if (source?.kind === "poison") return undefined;
  if (!source) {
    report(
      scope,
      "unknown-name",
      `\`${binder.name}\` is not a dimension, so its range must be given`,
      binder.span,
      `write \`${binder.name} in 0..n\``,
    );
    return undefined;
  }
  if (binder.spread) return bindPack(binder, source, scope);
  const extent = extentOf(source, binder);
  if (extent === undefined) {
    const already = source.kind === "index" && !binder.range;
    report(
      scope,
      already ? "iterator-rebound" : "not-a-range",
      already
        ? `\`${binder.name}\` is already an iterator here`
        : `an iterator goes over a range or an extent, and this is ${describe(source)}`,
      binder.span,
      already ? `give it a name of its own: \`k in n\`` : `write \`${binder.name} in 0..n\``,
    );
    return undefined;
  }
  const { axis, value } = declareIterator(binder.name, extent, scope);
  return { axes: [axis], value };
}

function extentOf(source: Value, binder: Binder): number | undefined {
  if (source.kind === "number" && Number.isInteger(source.value) && source.value >= 0) return source.value;
  // `i in 0..n`: a range is the list 0, 1, ..., n-1.
  const consecutive = source.kind === "list" && source.items.every((item, i) => item.kind === "number" && item.value === i);
  return binder.range && consecutive ? source.items.length : undefined;
}

function bindPack(binder: Binder, source: Value, scope: Scope): { axes: Axis[]; value: Value } | undefined {
  const extents =
    source.kind === "list"
      ? source.items.map((item) => (item.kind === "number" && Number.isInteger(item.value) ? item.value : undefined))
      : [undefined];
  // What is wrong with one of them has been said.
  if (source.kind === "list" && source.items.some((item) => item.kind === "poison")) return undefined;
  if (extents.some((extent) => extent === undefined)) {
    report(
      scope,
      "not-a-range",
      `\`...${binder.name}\` needs a list of extents, and this is ${describe(source)}`,
      binder.span,
      `write \`...${binder.name} in [3, 3]\``,
    );
    return undefined;
  }
  const bound = extents.map((extent, d) => declareIterator(`${binder.name}${d}`, extent ?? 0, scope));
  return { axes: bound.map(({ axis }) => axis), value: listValue(bound.map(({ value }) => value)) };
}
