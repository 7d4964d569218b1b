/**
 * Values that are computed by cases: how many different expressions an axis chooses between. `if w % 4 == 0 then a else b`
 * has four cases along w, and a comparison with the iterator itself one for each iteration. A schedule that writes that
 * many iterations out decides every condition before the program runs.
 */
import { type Index, variablesOf } from "./affine.ts";
import { type Axis, type Expr, visitExpr } from "./expr.ts";

/** The smallest number of iterations after which the choice repeats; 1 where nothing is chosen by this axis. */
export function casesAlong(value: Expr, { name, extent }: Axis): number {
  let cases = 1;
  visitExpr(value, (expr) => {
    if (expr.kind !== "select") return;
    for (const index of comparedIndices(expr.condition)) {
      if (variablesOf(index).has(name)) cases = leastCommonMultiple(cases, periodOf(index, name, extent));
    }
  });
  return Math.min(cases, extent);
}

/** Whether any axis chooses. */
export function isByCases(value: Expr, axes: readonly Axis[]): boolean {
  return axes.some((axis) => casesAlong(value, axis) > 1);
}

/** Both sides of every comparison for equality that the condition is made of. */
function comparedIndices(condition: Expr): Index[] {
  if (condition.kind !== "apply") return [];
  if (condition.function === "eq" || condition.function === "ne")
    return condition.args.flatMap((side) => (side.kind === "index" ? [side.index] : []));
  return condition.args.flatMap(comparedIndices);
}

function periodOf({ terms }: Index, name: string, extent: number): number {
  const [only, other] = terms;
  if (!only || other || only.atom.kind !== "mod") return extent;
  const { value, by } = only.atom;
  const [term, more] = value.terms;
  const isPlain = term?.atom.kind === "variable" && term.atom.name === name && !more;
  return isPlain ? by : extent;
}

function leastCommonMultiple(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y !== 0) [x, y] = [y, x % y];
  return (a / x) * b;
}
