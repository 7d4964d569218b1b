/** Whether iterations that a guard leaves out may be computed all the same, where what comes of them goes nowhere. */
import { rangeOf, readsTensor } from "../ir/affine.ts";
import { dtypes } from "../ir/dtype.ts";
import { dtypeOf, type Expr, indicesOf, visitExpr } from "../ir/expr.ts";
import type { Reduce, Statement } from "../ir/loop.ts";
import { childStatements } from "../ir/loop_accesses.ts";
import type { Buffer, Buffers } from "../ir/tensor.ts";
import { leavesOf, rangesOfLoops } from "./nest.ts";

/** Every read of what is reduced lies in memory in all iterations of the loops around, and nothing computed of it can fail. */
export function readsInMemory(reduce: Reduce, body: Statement, buffers: Buffers): boolean {
  const leaf = leavesOf(body).find(({ statement }) => statement === reduce);
  const ranges = rangesOfLoops(leaf?.loops ?? []);
  const tiles = new Map(tilesOf(body));
  const isInside = (expr: Extract<Expr, { kind: "read" }>) => {
    const { shape, halo } = buffers.get(expr.tensor) ?? { shape: tiles.get(expr.tensor) };
    return expr.indices.every((index, d) => {
      const { low, high } = rangeOf(index, ranges);
      return low >= -(halo?.before[d] ?? 0) && high < (shape?.[d] ?? 0) + (halo?.after[d] ?? 0);
    });
  };
  let isSafe = true;
  for (const value of reduce.where ? [reduce.value, reduce.where] : [reduce.value])
    visitExpr(value, (expr) => {
      if (indicesOf(expr).some(readsTensor)) isSafe = false;
      if (expr.kind === "read" && !expr.otherwise && !isInside(expr)) isSafe = false;
      if (expr.kind === "apply" && divides.has(expr.function) && dtypes[dtypeOf(expr)].kind === "integer") isSafe = false;
    });
  return isSafe;
}

/** Of whole numbers, these have no value for some operands. */
const divides: ReadonlySet<string> = new Set(["div", "floordiv", "mod"]);

function tilesOf(statement: Statement): [string, Buffer["shape"]][] {
  const own: [string, Buffer["shape"]][] = statement.kind === "local" ? [[statement.name, statement.shape]] : [];
  return [...own, ...childStatements(statement).flatMap(tilesOf)];
}
