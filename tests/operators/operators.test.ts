/** Every operator of the library against vectors that the compiler's own interpreters did not make. */
import { describe, expect, test } from "vitest";
import { libraryFiles } from "../../src/compile.ts";
import { full } from "../support.ts";
import { ownVectors } from "./own_vectors.ts";
import { mismatch, outcomesOf, type Vector } from "./tensors.ts";

/** float64 against float64, and f32 against float64 over short reductions. */
const tolerances = { reference: 1e-12, wasm: 4e-6 } as const;

const { literal, loops } = ownVectors(full ? 40 : 4);
const vectors: readonly Vector[] = [...literal, ...loops];
const operators = libraryFiles()
  .flatMap((file) => file.declarations)
  .filter((declaration) => declaration.kind === "op")
  .map((declaration) => declaration.name);

test("no operator of the library lacks a vector", () => {
  const tested = new Set(vectors.map((vector) => vector.operator));
  expect(operators.filter((name) => !tested.has(name))).toEqual([]);
  expect([...tested].filter((name) => !operators.includes(name))).toEqual([]);
});

describe.each(operators)("%s", (operator) => {
  const own = vectors.filter((vector) => vector.operator === operator);
  test.each(own.map((vector) => [vector.call, vector] as const))("%s", (_, vector) => {
    for (const { target, values } of outcomesOf(vector))
      expect(`${target}: ${mismatch(vector.expected, values, tolerances[target]) ?? "agrees"}`).toBe(`${target}: agrees`);
  });
});
