/**
 * A nest arranged for its float64 reference to be fast: eight elements that lie side by side are summed at a time, each in the order in
 * which it is declared, and the loop over such eights is the outermost, so that their weights stay in a cache. Only loops change places,
 * and one that eight divides becomes two: no tail, no step of a schedule, the same sums.
 */
import { add, scale, variableIndex } from "../ir/affine.ts";
import type { For, Nest, Statement } from "../ir/loop.ts";
import { leavesOf, rangesOfLoops, substituteInStatement } from "../schedule/nest.ts";
import { chainTo } from "../schedule/primitives/stage_registers.ts";

/** Sums at a time: as many as find a register beside their operands. */
const widths = [8, 4];

export function referenceNest(nest: Nest): Nest {
  const chain = chainTo(nest.body);
  const [leaf] = leavesOf(nest.body);
  if (!chain || leaf?.statement.kind !== "reduce" || leaf.guards.length > 0) return nest;
  const { statement } = leaf;
  const { over } = statement;
  const parallel = chain.filter((loop) => !over.includes(loop.name));
  const last = parallel.findLast((loop) => loop.extent > 1);
  const width = last && widths.find((each) => last.extent % each === 0);
  if (!last || width === undefined) return nest;
  const [outer, inner] = [`${last.name}.o`, `${last.name}.i`];
  const ofTiles: For = { ...last, name: outer, extent: last.extent / width };
  const inTile: For = { ...last, name: inner, extent: width, mode: "unroll" };
  const reduced = chain.filter((loop) => over.includes(loop.name));
  const loops = [ofTiles, ...parallel.filter((loop) => loop !== last), ...reduced, inTile];
  const index = add(scale(variableIndex(outer), width), variableIndex(inner));
  const moved = substituteInStatement(statement, (name) => (name === last.name ? index : undefined), rangesOfLoops(loops));
  return { ...nest, body: loops.reduceRight<Statement>((body, loop) => ({ ...loop, body }), moved) };
}
