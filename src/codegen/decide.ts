/** Conditions that the place of a statement decides: with loops written out, which case of a value is meant is known. */
import { constantIndex, type Index } from "../ir/affine.ts";
import { compareIndices } from "../ir/compare_indices.ts";
import { childrenOf, type Expr, mapExpr } from "../ir/expr.ts";
import { type Place, rangesOf, resolve } from "./kernel_builder.ts";

/** The expression without the branches that are never taken here. */
export function decided(expr: Expr, place: Place): Expr {
  if (!hasSelect(expr)) return expr;
  const go = (inner: Expr): Expr => decided(inner, place);
  if (expr.kind !== "select") return mapExpr(expr, go, (index) => index);
  const holds = decide(expr.condition, place);
  if (holds !== undefined) return go(holds ? expr.whenTrue : expr.whenFalse);
  return mapExpr(expr, go, (index) => index);
}

/** Expressions do not change, so that each is looked through once however often its loop is written out. */
function hasSelect(expr: Expr): boolean {
  const known = withSelect.get(expr);
  if (known !== undefined) return known;
  const found = expr.kind === "select" || childrenOf(expr).some(hasSelect);
  withSelect.set(expr, found);
  return found;
}

const withSelect = new WeakMap<Expr, boolean>();

function decide(condition: Expr, place: Place): boolean | undefined {
  if (condition.kind === "constant") return condition.value !== 0;
  if (condition.kind !== "apply") return undefined;
  const [first, second] = condition.args;
  if (!first) return undefined;
  if (condition.function === "not") {
    const holds = decide(first, place);
    return holds === undefined ? undefined : !holds;
  }
  if (!second) return undefined;
  if (condition.function === "and" || condition.function === "or") {
    const settling = condition.function === "or";
    const [left, right] = [decide(first, place), decide(second, place)];
    if (left === settling || right === settling) return settling;
    return left === undefined || right === undefined ? undefined : !settling;
  }
  const [left, right] = [indexOf(first), indexOf(second)];
  if (!left || !right) return undefined;
  return compareIndices(condition.function, resolve(left, place), resolve(right, place), rangesOf(place.builder));
}

/** An integer expression as an index, where it is one. */
function indexOf(expr: Expr): Index | undefined {
  if (expr.kind === "index") return expr.index;
  return expr.kind === "constant" && expr.dtype === "i32" ? constantIndex(expr.value) : undefined;
}
