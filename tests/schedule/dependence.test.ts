/** dependencesOf finds exactly the direction vectors that brute force finds. */
import { expect, test } from "vitest";
import { variableIndex } from "../../src/ir/affine.ts";
import type { Nest, Statement } from "../../src/ir/loop.ts";
import { printNest } from "../../src/ir/print_loop.ts";
import { type Buffer, shareMemory } from "../../src/ir/tensor.ts";
import { dependencesOf, type Execution } from "../../src/schedule/dependence.ts";
import { createRandom } from "../../src/support/random.ts";
import { conflictsOf, directionVectors, instancesOf } from "./enumerate.ts";
import { buffers, randomNest } from "./random_nests.ts";

const nests = process.env.QUERN_TEST === "full" ? 12_000 : 1_200;

test.each(["order", "at once"] as const)(`direction vectors are those of enumeration, %s, on ${nests} nests`, (execution) => {
  let vectors = 0;
  for (let seed = 0; seed < nests; seed++) {
    const random = createRandom(`dependence/${execution}/${seed}`);
    const nest = randomNest(random, { extents: [1, 2, 2, 3, 4, 5], quasiAffine: seed % 2 === 0 });
    const expected = directionVectors(conflictsOf(instancesOf(nest, buffers), execution));
    const found = vectorsOf(nest, execution);
    vectors += expected.size;
    if ([...found].sort().join("; ") !== [...expected].sort().join("; "))
      expect.fail(`seed ${seed}\n${printNest(nest, () => "i32")}\nfound    ${[...found].sort()}\nexpected ${[...expected].sort()}`);
  }
  expect(vectors).toBeGreaterThan(nests);
});

test("an index that reads a tensor is taken to meet anything", () => {
  const index = { terms: [{ coefficient: 1, atom: { kind: "read" as const, tensor: "x", indices: [variableIndex("i")] } }], constant: 0 };
  const store: Statement = { kind: "store", buffer: "a", indices: [index], value: { kind: "index", index: variableIndex("i") } };
  expect(vectorsOf(over("i", 4, store), "order")).toEqual(new Set(["i: <"]));
});

test("a tensor that an index reads is read", () => {
  const index = { terms: [{ coefficient: 1, atom: { kind: "read" as const, tensor: "a", indices: [variableIndex("i")] } }], constant: 0 };
  const read = { kind: "read", tensor: "x", indices: [index], dtype: "i32" } as const;
  const store: Statement = { kind: "store", buffer: "a", indices: [{ ...variableIndex("i"), constant: 1 }], value: read };
  expect(vectorsOf(over("i", 4, store), "order")).toEqual(new Set(["i: <"]));
});

test("a tile belongs to one iteration of the loops around it, unless they run at once", () => {
  const accumulate: Statement = {
    kind: "accumulate",
    buffer: "t",
    indices: [],
    op: "sum",
    value: { kind: "index", index: variableIndex("j") },
  };
  const finish: Statement = {
    kind: "store",
    buffer: "a",
    indices: [variableIndex("i")],
    value: { kind: "read", tensor: "t", indices: [], dtype: "i32" },
  };
  const init: Statement = { kind: "store", buffer: "t", indices: [], value: { kind: "constant", dtype: "i32", value: 0 } };
  const loop: Statement = { kind: "for", name: "j", extent: 3, mode: "serial", body: accumulate };
  const body: Statement = { kind: "sequence", statements: [init, loop, finish] };
  const nest = over("i", 4, { kind: "local", name: "t", dtype: "i32", shape: [], scope: "register", body });
  expect(vectorsOf(nest, "order")).toEqual(new Set());
  expect(vectorsOf(nest, "at once")).toEqual(new Set(["i: <", "i,j: <,<", "i,j: <,=", "i,j: <,>", "i,j: =,<"]));
});

test("buffers share memory where their bytes meet, and an alias is its source", () => {
  const buffer = (name: string, extra: Partial<Buffer>): Buffer => ({
    name,
    dtype: "f32",
    shape: [4],
    role: { kind: "temporary" },
    ...extra,
  });
  const all = [
    buffer("a", { offset: 0 }),
    buffer("b", { offset: 12 }),
    buffer("c", { offset: 16 }),
    buffer("d", {}),
    buffer("e", { aliasOf: "d" }),
    buffer("f", {}),
    buffer("g", { overwrites: "f" }),
    buffer("h", { overwrites: "g" }),
  ];
  const map = new Map(all.map((one) => [one.name, one]));
  const pairs = all.flatMap(({ name: a }) => all.filter(({ name: b }) => a < b && shareMemory(a, b, map)).map(({ name: b }) => a + b));
  expect(pairs).toEqual(["ab", "bc", "de", "fg", "fh", "gh"]);
});

function over(name: string, extent: number, body: Statement): Nest {
  return { name: "nest", phase: "run", result: "a", trace: [], body: { kind: "for", name, extent, mode: "serial", body } };
}

function vectorsOf(nest: Nest, execution: Execution): Set<string> {
  return new Set(
    dependencesOf(nest, buffers, execution).flatMap(({ loops, directions }) => directions.map((list) => `${loops.join()}: ${list.join()}`)),
  );
}
