/** Reads of tensors in comprehensions: `x[i]`, `x[i] else e`, `inside(x[i])`, `first(k in n) x.(k)[i]`. */
import { constantIndex, type Index, rangeOf, variablesOf } from "../ir/affine.ts";
import type { Syntax } from "../ir/declaration.ts";
import { constantExpr, dtypeOf, type Expr } from "../ir/expr.ts";
import type { Span } from "../support/diagnostic.ts";
import { applyBinary } from "./arithmetic.ts";
import {
  booleanValue,
  describe,
  evaluateItems,
  extendScope,
  listValue,
  poison,
  report,
  type Scope,
  toExpr,
  toIndex,
  type Value,
} from "./value.ts";

type Access = Extract<Syntax, { kind: "access" }>;
type Read = Extract<Expr, { kind: "read" }>;

/** A read that must lie inside its tensor, wherever the iterators are. */
export function evaluateAccess(syntax: Access, scope: Scope): Value {
  const read = resolveRead(syntax, scope);
  if (!read) return poison;
  return checkInside(read, syntax, scope) ? { kind: "scalar", expr: read.expr } : poison;
}

/** `x[i] else e`, `first(...) xs.(k)[i] else e`; a read that is always inside drops its default. */
export function evaluateElse(syntax: Extract<Syntax, { kind: "else" }>, scope: Scope): Value {
  const otherwise = scope.staging.evaluate(syntax.otherwise, scope);
  if (syntax.read.kind === "first") return evaluateFirst(syntax.read, scope, { value: otherwise, span: syntax.otherwise.span });
  if (syntax.read.kind !== "access") {
    return report(
      scope,
      "else-without-read",
      "`else` gives the value of a read outside its tensor, and this is no read",
      syntax.read.span,
      "write `x[...] else value`",
    );
  }
  const read = resolveRead(syntax.read, scope);
  if (!read) return poison;
  const fallback = toExpr(otherwise, read.expr.dtype, syntax.otherwise.span, scope);
  if (!fallback) return poison;
  if (dtypeOf(fallback) !== read.expr.dtype) {
    return report(
      scope,
      "type-mismatch",
      `the tensor holds ${read.expr.dtype}, and the default is ${dtypeOf(fallback)}`,
      syntax.otherwise.span,
    );
  }
  if (alwaysInside(read.expr.indices, read.shape, scope)) return { kind: "scalar", expr: read.expr };
  return { kind: "scalar", expr: { ...read.expr, otherwise: fallback } };
}

/** Whether every index lies within the tensor, as a condition. */
export function evaluateInside(syntax: Extract<Syntax, { kind: "inside" }>, scope: Scope): Value {
  if (syntax.access.kind !== "access")
    return report(
      scope,
      "inside-without-read",
      "`inside` asks about a read, and this is none",
      syntax.access.span,
      "write `inside(x[...])`",
    );
  const read = resolveRead(syntax.access, scope);
  if (!read) return poison;
  let condition: Value = booleanValue(true);
  read.expr.indices.forEach((index, d) => {
    const value: Value = { kind: "index", index };
    const low = applyBinary("ge", value, { kind: "number", value: 0 }, syntax.span, scope);
    const high = applyBinary("lt", value, { kind: "number", value: read.shape[d] ?? 0 }, syntax.span, scope);
    condition = applyBinary("and", applyBinary("and", condition, low, syntax.span, scope), high, syntax.span, scope);
  });
  return condition;
}

/** The reads for k = 0, 1, ...: each one's default is the next, the last one's what is given, or 0. */
export function evaluateFirst(
  syntax: Extract<Syntax, { kind: "first" }>,
  scope: Scope,
  otherwise?: { readonly value: Value; readonly span: Span },
): Value {
  const range = syntax.binder.range ? scope.staging.evaluate(syntax.binder.range, scope) : poison;
  const positions =
    range.kind === "number" ? listValue(Array.from({ length: range.value }, (_, value) => ({ kind: "number", value }) as const)) : range;
  if (positions.kind !== "list" || positions.items.length === 0) {
    return positions.kind === "poison"
      ? poison
      : report(
          scope,
          "first-range",
          "`first` goes over a range with at least one element",
          syntax.span,
          "write `first(k in 0..count(xs)) xs.(k)[...]`",
        );
  }
  if (syntax.body.kind !== "access")
    return report(
      scope,
      "first-without-read",
      "the body of `first` is a read",
      syntax.body.span,
      "write `first(k in 0..count(xs)) xs.(k)[...]`",
    );
  const body = syntax.body;
  const reads = positions.items.map((position) => resolveRead(body, extendScope(scope, [[syntax.binder.name, position]])));
  const dtype = reads.at(-1)?.expr.dtype ?? "f32";
  let result = otherwise && toExpr(otherwise.value, dtype, otherwise.span, scope);
  if (otherwise && !result) return poison;
  for (const read of reads.reverse()) {
    if (!read) return poison;
    if (result && dtypeOf(result) !== read.expr.dtype)
      return report(scope, "type-mismatch", `the tensor holds ${read.expr.dtype}, and what follows it is ${dtypeOf(result)}`, body.span);
    const inside = alwaysInside(read.expr.indices, read.shape, scope);
    result = inside ? read.expr : { ...read.expr, otherwise: result ?? constantExpr(read.expr.dtype, 0) };
  }
  return result ? { kind: "scalar", expr: result } : poison;
}

function resolveRead(syntax: Access, scope: Scope): { expr: Read; shape: readonly number[] } | undefined {
  const tensor = scope.staging.evaluate(syntax.tensor, scope);
  const values = evaluateItems(syntax.indices, scope);
  if (tensor.kind === "poison") return undefined;
  if (tensor.kind !== "operand") {
    report(
      scope,
      "not-a-tensor",
      `only a tensor is read with [...], and this is ${describe(tensor)}`,
      syntax.tensor.span,
      tensor.kind === "list" ? "write `list.(i)` for an element of a list" : "leave the brackets out",
    );
    return undefined;
  }
  const { shape, dtype } = tensor.type;
  if (values.length !== shape.length) {
    report(
      scope,
      "index-count",
      `\`${tensor.name}\` has ${shape.length} dimension${shape.length === 1 ? "" : "s"} and is read with ${values.length} ind${values.length === 1 ? "ex" : "ices"}`,
      syntax.span,
      "write one index for each dimension",
    );
    return undefined;
  }
  const indices = values.map((value) => toIndex(value, syntax.span, scope));
  if (indices.some((index) => index === undefined)) return undefined;
  return { expr: { kind: "read", tensor: tensor.name, indices: indices as Index[], dtype }, shape };
}

function checkInside(read: { expr: Read; shape: readonly number[] }, syntax: Access, scope: Scope): boolean {
  if (alwaysInside(read.expr.indices, read.shape, scope)) return true;
  const { indices, tensor } = read.expr;
  const d = indices.findIndex((index, i) => !within(index, read.shape[i] ?? 0, scope));
  const range = rangeOf(indices[d] ?? constantIndex(0), scope.staging.ranges);
  const bound = (value: number) => (Number.isFinite(value) ? String(value) : "anything");
  report(
    scope,
    "read-out-of-range",
    `dimension ${d} of \`${tensor}\` has extent ${read.shape[d]}, and this reads it at ${bound(range.low)} to ${bound(range.high)}`,
    syntax.span,
    "say what a read outside gives: `x[...] else 0`",
  );
  return false;
}

/** Over an empty domain nothing is read at all. */
function alwaysInside(indices: readonly Index[], shape: readonly number[], scope: Scope): boolean {
  if ([...scope.values.values()].some((value) => goesOverNothing(value, scope))) return true;
  return indices.every((index, d) => within(index, shape[d] ?? 0, scope));
}

/** Whether a value stands for an iterator, or is made of one, that has no values at all. */
function goesOverNothing(value: Value, scope: Scope): boolean {
  if (value.kind === "list") return value.items.some((item) => goesOverNothing(item, scope));
  return value.kind === "index" && [...variablesOf(value.index)].some((name) => scope.staging.extents.get(name) === 0);
}

function within(index: Index, extent: number, scope: Scope): boolean {
  const { low, high } = rangeOf(index, scope.staging.ranges);
  return low >= 0 && high < extent;
}
