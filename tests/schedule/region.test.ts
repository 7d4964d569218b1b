/** The region that is inferred for a tile is the box of what enumerating the loops inside finds, wherever the tile stands. */
import { expect, test } from "vitest";
import { evaluateIndex, type Index } from "../../src/ir/affine.ts";
import { readsOf } from "../../src/ir/expr.ts";
import type { For } from "../../src/ir/loop.ts";
import { printNest } from "../../src/ir/print_loop.ts";
import { leavesOf, loopsOf, valuesOf } from "../../src/schedule/nest.ts";
import { inferRegion } from "../../src/schedule/region.ts";
import { createRandom } from "../../src/support/random.ts";
import { full } from "../support.ts";
import { buffers, randomNest, randomReduction } from "./random_nests.ts";

const nests = full ? 6_000 : 600;

test(`regions of tiles in ${nests} nests are those of enumeration`, () => {
  const counts = { exact: 0, larger: 0, refused: 0 };
  for (let seed = 0; seed < nests; seed++) {
    const random = createRandom(`region/${seed}`);
    const options = { extents: [1, 2, 3, 4, 5], quasiAffine: seed % 3 === 0 };
    const nest = seed % 2 === 0 ? randomNest(random, options) : randomReduction(random, options);
    const loop = random.pick(loopsOf(nest.body));
    const tensor = random.pick(["a", "b", "p", "x"]);
    const { value } = inferRegion(
      { clauses: [] },
      tensor,
      loop.name,
      { what: "the tile", scope: "memory", tile: "tile", loops: [] },
      { nest, buffers, nests: [], outputs: new Set() },
    );
    if (!value) {
      counts.refused++;
      continue;
    }
    const inside = leavesOf(nest.body).filter((leaf) => leaf.loops.includes(loop));
    const around = inside[0]?.loops.slice(0, inside[0].loops.indexOf(loop) + 1) ?? [];
    for (const outer of pointsOf(around)) {
      const reads = inside.flatMap(({ statement, loops }) =>
        valuesOf(statement).flatMap((expr) =>
          readsOf(expr, tensor).flatMap(({ indices }) =>
            pointsOf(loops.slice(around.length)).map((inner) => indices.map((index) => at(index, new Map([...outer, ...inner])))),
          ),
        ),
      );
      value.region.forEach(({ base, start, extent }, d) => {
        const places = reads.map((read) => read[d] as number);
        const first = at(base, outer);
        const where = () => `seed ${seed}, ${tensor} at ${loop.name}, dimension ${d}\n${printNest(nest, () => "i32")}`;
        const isExact = Math.min(...places) === first && Math.max(...places) === first + extent - 1;
        const holds = Math.min(...places) >= first && Math.max(...places) < first + extent;
        expect(options.quasiAffine ? holds : isExact, where()).toBe(true);
        expect(first >= start.low && first <= start.high, where()).toBe(true);
        counts[isExact ? "exact" : "larger"]++;
      });
    }
  }
  console.log(counts);
  expect(counts.exact).toBeGreaterThan(nests);
  // Only where division, modulus, smaller and larger bend an index.
  expect(counts.larger).toBeLessThan(counts.exact / 10);
});

function at(index: Index, values: ReadonlyMap<string, number>): number {
  return evaluateIndex(
    index,
    (name) => values.get(name) as number,
    () => Number.NaN,
  );
}

function pointsOf(loops: readonly For[]): Map<string, number>[] {
  return loops.reduce<Map<string, number>[]>(
    (points, { name, extent }) => points.flatMap((point) => Array.from({ length: extent }, (_, i) => new Map(point).set(name, i))),
    [new Map()],
  );
}
