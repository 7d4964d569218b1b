/** decompose: every reduction that no schedule has staged gets a tile around its outermost loop: registers where indices are constant, else memory. */

import type { Nest, Reduce, Statement } from "../ir/loop.ts";
import { childStatements } from "../ir/loop_accesses.ts";
import { invariant } from "../support/invariant.ts";
import { findReduce } from "./nest.ts";
import { applyRegisters, chainTo, tileLoops } from "./primitives/stage_registers.ts";

export function decompose(nest: Nest): Nest {
  const reduce = findReduce(nest.body);
  if (!reduce) return nest;
  const tree = treeOf(nest.body, reduce);
  const chain = chainTo(tree);
  invariant(chain, `the reduction of ${nest.name} does not stand alone`);
  const registers = tileLoops(chain, reduce).every((loop) => loop.mode === "unroll" || loop.mode === "vectorize" || loop.extent === 1);
  const { nest: staged } = applyRegisters(
    { tree, reduce, scope: registers ? "register" : "memory" },
    { nest, buffers: new Map(), nests: [], outputs: new Set() },
  );
  return decompose(staged);
}

/** From the outermost loop that is reduced over or vectorised on, with the guards around it: lanes share no tile. */
function treeOf(body: Statement, reduce: Reduce): Statement {
  const path = pathTo(body, reduce) ?? [];
  const isInside = (statement: Statement) =>
    statement === reduce || (statement.kind === "for" && (reduce.over.includes(statement.name) || statement.mode === "vectorize"));
  let first = path.findIndex(isInside);
  while (path[first - 1]?.kind === "if") first--;
  return path[first] ?? body;
}

/** From the statement down to the reduction, both included. */
function pathTo(statement: Statement, reduce: Reduce): Statement[] | undefined {
  if (statement === reduce) return [statement];
  for (const child of childStatements(statement)) {
    const path = pathTo(child, reduce);
    if (path) return [statement, ...path];
  }
  return undefined;
}
