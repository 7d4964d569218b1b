/** decompose: every reduction that no schedule has staged gets a tile around its outermost loop: registers where indices are constant, else memory. */
import type { Nest, Reduce, Statement } from "../ir/loop.ts";
import { invariant } from "../support/invariant.ts";
import { findReduce, leavesOf } from "./nest.ts";
import { applyRegisters, chainTo, tileLoops } from "./primitives/stage_registers.ts";

export function decompose(nest: Nest): Nest {
  const reduce = findReduce(nest.body);
  if (!reduce) return nest;
  const at = parentOf(nest.body, reduce);
  const chain = chainTo(at ? at.body : nest.body);
  invariant(chain, `the reduction of ${nest.name} does not stand alone`);
  const registers = tileLoops(chain, reduce).every((loop) => loop.mode === "unroll" || loop.mode === "vectorize" || loop.extent === 1);
  const { nest: staged } = applyRegisters({ at, reduce, scope: registers ? "register" : "memory" }, { nest, buffers: new Map() });
  return decompose(staged);
}

/** The loop directly around the outermost loop that is reduced over or vectorised: lanes share no tile. */
function parentOf(body: Statement, reduce: Reduce) {
  const loops = leavesOf(body).find((leaf) => leaf.statement === reduce)?.loops ?? [];
  const first = loops.findIndex((loop) => reduce.over.includes(loop.name) || loop.mode === "vectorize");
  return first < 0 ? loops.at(-1) : loops[first - 1];
}
