/** Every element type computes: integers exactly, half precision as storage. */
import { expect, test } from "vitest";
import { initializeWeights } from "../../src/ir/initialize.ts";
import { verifyModel } from "../../src/pipeline/verify.ts";
import { compileText } from "../support.ts";

test.each([
  ["f16[1, 6, 6, 8]", "relu(conv2d(x, @k: f16[3, 3, 8, 8] = he_normal, pad: same) + (@b: f16[8] = ones))"],
  ["f16[3, 8]", "softmax(x)"],
  ["f16[5]", "x * x + x"],
  ["f16[4, 8]", 'cast(x, to: "f32") * 2'],
  ["f32[4, 8]", 'cast(x * 100, to: "f16")'],
  ["f16[4, 8]", "reduce_sum(x, axes: [1])"],
  ["i8[3, 8]", "maximum(x, x) + x"],
  ["u8[3, 8]", "x * x - x"],
  ["i32[3, 8]", "x * x - x"],
  ["bool[8]", "select(x, @a: [8] = ones, @b: [8] = zeros)"],
])("%s: %s", (type, body) => {
  const compiled = compileText(`model m(x: ${type}) -> y { ${body} }`);
  for (const seed of [0, 1, 2]) {
    const report = verifyModel(compiled, initializeWeights(compiled.weights, seed), { seed });
    expect(report.layers.filter((layer) => !layer.ok)).toEqual([]);
    expect(report.ok).toBe(true);
    // Integers are exact, not merely close.
    if (!type.startsWith("f")) expect(report.layers.every((layer) => layer.error === 0)).toBe(true);
  }
});
