/**
 * Where the invocations of a workgroup wait for each other: before a statement that reads what others have written to a tile that they
 * share, or writes what others may still read. They wait between statements that stand side by side, where all of them come by.
 */
import type { For, Statement } from "../ir/loop.ts";
import { childStatements, readsOf, writesOf } from "../ir/loop_accesses.ts";
import type { Company, Place } from "./kernel_builder.ts";

/** At the beginning of a shader. */
export const everyone: Company = { tiles: new Set(), isWhole: true, own: new Set() };

/** To be called before a statement that stands in a sequence or right inside a tile. */
export function awaitTiles(statement: Statement, { block, builder, company }: Place): void {
  const { shader } = builder;
  if (!shader || !company.isWhole || statement.kind === "local" || statement.kind === "sequence") return;
  const { pending } = shader;
  const reads = [...readsOf(statement)].filter((name) => company.tiles.has(name));
  const writes = [...writesOf(statement)].filter((name) => company.tiles.has(name));
  const mustWait =
    reads.some((name) => pending.writes.has(name)) || writes.some((name) => pending.writes.has(name) || pending.reads.has(name));
  if (mustWait) {
    block.statements.push({ kind: "barrier" });
    block.loaded.clear();
    pending.reads.clear();
    pending.writes.clear();
  }
  for (const name of reads) pending.reads.add(name);
  for (const name of writes) pending.writes.add(name);
}

/** What an iteration of a loop writes, the next one finds. */
export function carryTiles({ body }: For, { builder, company }: Place): void {
  const { shader } = builder;
  if (!shader || !company.isWhole) return;
  const tiles = new Set([...company.tiles, ...tilesIn(body)]);
  for (const name of writesOf(body)) if (tiles.has(name)) shader.pending.writes.add(name);
}

/** Lowers what may not run: what was touched before it still was, if it does not. */
export function besideBranch(place: Place, lower: () => void): void {
  const { pending } = place.builder.shader ?? {};
  const before = pending && { reads: [...pending.reads], writes: [...pending.writes] };
  lower();
  for (const name of before?.reads ?? []) pending?.reads.add(name);
  for (const name of before?.writes ?? []) pending?.writes.add(name);
}

function tilesIn(statement: Statement): string[] {
  const inner = childStatements(statement).flatMap(tilesIn);
  return statement.kind === "local" && statement.scope === "workgroup" ? [statement.name, ...inner] : inner;
}
