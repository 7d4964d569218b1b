/** What initialisers draw: by path and seed, and as spread as He et al. (2015) and Glorot and Bengio (2010) say. */
import { expect, test } from "vitest";
import { initializeWeights } from "../../src/ir/initialize.ts";
import type { Initializer } from "../../src/ir/nn.ts";

const shape = [3, 3, 16, 32];

function draw(initializer: Initializer, path = "kernel", seed: number | string = 0): Float64Array {
  return initializeWeights([{ path, type: { dtype: "f32", shape }, initializer }], seed).get(path) as Float64Array;
}

function deviation(values: Float64Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}

test("he_normal has the variance 2 / fan-in", () => {
  expect(deviation(draw({ kind: "he_normal" })) / Math.sqrt(2 / (3 * 3 * 16))).toBeCloseTo(1, 1);
});

test("glorot_uniform lies within sqrt(6 / (fan-in + fan-out)), and fills it", () => {
  const limit = Math.sqrt(6 / (3 * 3 * 16 + 3 * 3 * 32));
  const values = draw({ kind: "glorot_uniform" });
  expect(Math.max(...values)).toBeLessThanOrEqual(limit);
  expect(deviation(values) / (limit / Math.sqrt(3))).toBeCloseTo(1, 1);
});

test("uniform goes from its first number to its second", () => {
  const values = draw({ kind: "uniform", low: 2, high: 5 });
  expect([Math.round(Math.min(...values) * 50) / 50, Math.round(Math.max(...values) * 50) / 50]).toEqual([2, 5]);
});

test("the numbers hang on the seed and the path, and on nothing else", () => {
  const he: Initializer = { kind: "he_normal" };
  expect(draw(he, "a", 1)).toEqual(draw(he, "a", 1));
  expect(draw(he, "a", 1)).not.toEqual(draw(he, "a", 2));
  expect(draw(he, "a", 1)).not.toEqual(draw(he, "b", 1));
});
