/**
 * A nest without the names of its buffers, tiles and accumulators: nests that compute the same on memory that lies alike have one text,
 * however often a network repeats them.
 */
import { exactJson } from "../support/exact_json.ts";
import type { Nest, Statement } from "./loop.ts";
import { childStatements } from "./loop_accesses.ts";
import { type Buffers, shareMemory } from "./tensor.ts";

export type CanonicalNest = {
  /** Equal for nests that differ in these names alone. */
  readonly text: string;
  /** Buffers, tiles and accumulators in the order in which the text meets them. */
  readonly names: readonly string[];
};

export function canonicalNest({ body }: Nest, buffers: Buffers): CanonicalNest {
  const places = new Map<string, number>();
  const tiles = new Set(tilesOf(body));
  // In the JSON of a statement a quotation mark inside a name is escaped, so that only a property looks like one.
  const renamed = exactJson(body).replace(
    /"(buffer|tensor|accumulator|name)":("(?:[^"\\]|\\.)*")/g,
    (property, key: string, quoted: string) => {
      const name = JSON.parse(quoted) as string;
      if (!tiles.has(name) && (key === "name" || !buffers.has(name))) return property;
      const place = places.get(name) ?? places.size;
      places.set(name, place);
      return `"${key}":${place}`;
    },
  );
  const names = [...places.keys()];
  const used = names.flatMap((name) => buffers.get(name) ?? []);
  const memory = used.map(({ dtype, shape, halo, layout, role }, i) => [
    dtype,
    shape,
    halo,
    layout ?? [],
    role.kind,
    used.slice(0, i).map((other) => shareMemory(other.name, used[i]?.name ?? "", buffers)),
  ]);
  return { text: exactJson([renamed, memory]), names };
}

function tilesOf(statement: Statement): string[] {
  const own = statement.kind === "local" ? [statement.name] : statement.kind === "reduce" ? [statement.accumulator] : [];
  return [...own, ...childStatements(statement).flatMap(tilesOf)];
}
