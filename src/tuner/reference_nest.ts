/**
 * A nest arranged for its float64 reference to be fast: eight elements that lie side by side are summed at a time, each in the order in
 * which it is declared. Only loops change places, and one that eight divides becomes two: no tail, no step of a schedule, the same sums.
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
  const { over } = leaf.statement;
  const parallel = chain.filter((loop) => !over.includes(loop.name));
  const last = parallel.findLast((loop) => loop.extent > 1);
  const width = last && widths.find((each) => last.extent % each === 0);
  if (!last || width === undefined) return nest;
  const [outer, inner] = [`${last.name}.o`, `${last.name}.i`];
  const tile: readonly For[] = [
    { ...last, name: outer, extent: last.extent / width },
    { ...last, name: inner, extent: width, mode: "unroll" },
  ];
  const [ofTiles, inTile] = tile as [For, For];
  const reduced = chain.filter((loop) => over.includes(loop.name));
  const loops = [...parallel.filter((loop) => loop !== last), ofTiles, ...reduced, inTile];
  const index = add(scale(variableIndex(outer), width), variableIndex(inner));
  const statement = substituteInStatement(leaf.statement, (name) => (name === last.name ? index : undefined), rangesOfLoops(loops));
  return { ...nest, body: loops.reduceRight<Statement>((body, loop) => ({ ...loop, body }), statement) };
}
