/** Memory is shared, and never while something is still to be read from it: models made for one way of sharing each. */
import { describe, expect, test } from "vitest";
import { emitWasm } from "../../src/codegen/wasm/emit.ts";
import { instantiate } from "../../src/codegen/wasm/instance.ts";
import { parseLevel } from "../../src/frontend/levels/parse_level.ts";
import { constantIndex } from "../../src/ir/affine.ts";
import type { Expr } from "../../src/ir/expr.ts";
import { type Buffer, type Group, isPart, type TensorProgram } from "../../src/ir/tensor.ts";
import { verifyLoop } from "../../src/ir/verify_loop.ts";
import { computeInPlace } from "../../src/passes/compute_in_place.ts";
import { lowerToLoop } from "../../src/passes/lower_to_loop.ts";
import { planBuffers } from "../../src/passes/plan_buffers.ts";
import { createReference, createWasm, writeSources } from "../../src/pipeline/execute.ts";
import { lowerKernel } from "../../src/pipeline/lower.ts";
import { randomInputs } from "../../src/pipeline/verify.ts";
import { createRandom, type Random } from "../../src/support/random.ts";
import { compileExample, compileText } from "../support.ts";

const models: { readonly [what: string]: string } = {
  "what a reshape names lives as long as the name is read": `model m(x: f32[6, 6]) -> y: f32[1, 6, 6] {
  let a = matmul(x, x)
  let named = reshape(matmul(a, x), to: [1, 6, 6])
  let b = matmul(a, a)
  let c = matmul(b, x)
  let d = matmul(c, b)
  matmul(named, d)
}`,
  "a transposition is no other name for the same memory": `model m(x: f32[6, 6]) -> y: f32[6, 6] {
  transpose(matmul(x, x), order: [1, 0])
}`,
  "a guarded tail writes nothing beyond its end": `model m(x: f32[9], z: f32[20]) -> (y: f32[9], last: f32[20]) {
  let first = tanh(x)
  let last = relu(z)
  (first, last)
}
schedule guarded on wasm for last { split i0 by 8 tail guard; vectorize i0.i }`,
  "a layer that reads its neighbours is not computed in their place": `op shifted_sum(x: [n]) -> y: [n] { y[i] = (x[i - 1] else 0) + (x[i + 1] else 7) * x[n - 1 - i] }
model m(x: f32[32]) -> y: f32[32] { x |> tanh |> shifted_sum |> shifted_sum |> shifted_sum }`,
  "a sum that an epilogue and another layer read is kept": `model m(x: f32[8, 8]) -> y: f32[8, 8] {
  let a = matmul(x, x)
  matmul(relu(a), a)
}`,
  "what is put side by side is computed in its place": `model m(x: f32[6, 6]) -> y: f32[6, 18] {
  let a = matmul(x, x)
  let b = relu(matmul(a, x))
  matmul(b, concat(matmul(a, a), tanh(b), matmul(b, a), axis: 1))
}`,
  "parts of a tensor with a border, one of them read elsewhere": `model m(x: f32[1, 5, 5, 4]) -> y: f32[1, 5, 5, 12] {
  let a = tanh(x)
  let b = avg_pool2d(a, window: [3, 3], stride: [1, 1], pad: same)
  let both = concat(b, a, relu(max_pool2d(x, window: [1, 1], stride: [1, 1])), axis: 3)
  max_pool2d(both, window: [3, 3], stride: [1, 1], pad: same) + avg_pool2d(both, window: [3, 3], stride: [1, 1], pad: same)
}`,
  "a tensor that stands twice in a whole": `model m(x: f32[6, 6]) -> y: f32[18, 6] {
  let a = matmul(x, x)
  concat(a, matmul(tanh(x), x), a, axis: 0)
}`,
  "a part that is whole itself, and a whole that is given out": `model m(x: f32[3, 4]) -> (y: f32[9, 4], part: f32[3, 4]) {
  let part = sin(x)
  let inner = concat(cos(x), tanh(x), axis: 0)
  (concat(inner, part, axis: 0), part)
}`,
  "a layer that is computed inside another has no memory, and what it was made of lives on": `model m(x: f32[8, 8]) -> y: f32[8, 8] {
  let a = matmul(x, x)
  let b = matmul(a, x)
  let c = matmul(x, matmul(x, x))
  matmul(b, c)
}
schedule inside on wasm for y { compute b at m }`,
  "a layer that was in place of another is computed again from it": `model m(x: f32[8, 8]) -> (y: f32[8, 8], z: f32[8, 1]) {
  let a = matmul(x, x)
  let s = a / (reduce_sum(a * a, axes: [1], keep: true) + 1)
  let z = reduce_sum(s, axes: [1], keep: true)
  let y = matmul(s, x)
  (y, z)
}
schedule again on wasm for y { inline s }`,
  "a layer that one reader inlines and another reads": `model m(x: f32[8, 8]) -> (y: f32[8, 8], z: f32[8, 8]) {
  let a = tanh(x)
  let z = matmul(a, a)
  let y = matmul(z, a)
  (y, z)
}
schedule inlined on wasm for y { inline a }`,
  "a layer that is read twice outlives the first reader": `model m(x: f32[8, 8]) -> y: f32[8, 8] {
  let a = matmul(x, x)
  let b = matmul(a, x)
  let c = matmul(b, b)
  matmul(a, c)
}`,
};

test.each(Object.keys(models))("%s", (what) => {
  const compiled = compileText(models[what] as string);
  const inputs = randomInputs(compiled, 1);
  const expected = createReference(compiled, new Map()).run(inputs).get("y") as Float64Array;
  const actual = createWasm(compiled, new Map()).run(inputs).get("y") as Float64Array;
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  expect(actual.length).toBe(expected.length);
  actual.forEach((value, i) => {
    expect(Math.abs(value - (expected[i] as number)), `element ${i}`).toBeLessThanOrEqual(1e-5 * largest);
  });
});

describe("what was loaded is loaded again once it has been overwritten", () => {
  const program = (body: string) => `quern loop 1
program p
arena 0

inputs x
output y = y

input x: f32[8]
temporary y: f32[8]

nest y run -> y {
${body}
}
`;
  const doubled = [2, 4, 6, 8];
  test.each([
    [
      "by a loop",
      "  y[1] = x[6]\n  local t: f32[] register {\n    t[] = y[1]\n    for i in 4 {\n      y[i] = x[i] * 2\n    }\n    y[4] = t[] + y[1]\n  }",
      [...doubled, 11],
    ],
    ["by a guarded store", "  y[0] = x[0]\n  y[1] = y[0] + 1\n  if x[1] > 1 {\n    y[0] = 9\n  }\n  y[2] = y[0]", [9, 2, 9]],
    ["by a store", "  y[0] = x[0]\n  y[1] = y[0] + 1\n  y[0] = x[1]\n  y[2] = y[0]", [2, 2, 2]],
  ])("%s", (_, body, expected) => {
    const { value: level, diagnostics } = parseLevel(program(body), "p.loop");
    expect(diagnostics).toEqual([]);
    if (level?.level !== "loop") throw new Error("no loop program");
    for (const float64 of [false, true]) {
      const kernel = lowerKernel(level.program, { float64 });
      const instance = instantiate(kernel, emitWasm(kernel, { relaxed: false, calls: "run" }).bytes, "run");
      instance.write("x", [1, 2, 3, 4, 5, 6, 7, 8]);
      instance.run();
      expect([...instance.read("y").subarray(0, expected.length)]).toEqual(expected);
    }
  });
});

test("every branch of SqueezeNet's modules is written to its place", () => {
  const { buffers, groups } = compileExample("squeezenet").levels.tensor();
  expect(buffers.filter(isPart)).toHaveLength(16);
  expect(groups.filter((group) => group.name.startsWith("concat"))).toEqual([]);
});

test("buffers of different sizes fill the holes that there are, and overlap nothing", () => {
  const random = createRandom("memory/holes");
  for (let i = 0; i < 100; i++) {
    const planned = planBuffers(lowerToLoop(computeInPlace(chain(random))));
    const problems = verifyLoop(planned);
    expect(problems.map(({ message }) => message)).toEqual([]);
  }
});

/** Maps of all sizes, each of which reads some of those before it. */
function chain(random: Random): TensorProgram {
  const count = 16;
  const buffers: Buffer[] = [{ name: "t0", dtype: "f32", shape: [1], role: { kind: "input" } }];
  const groups: Group[] = [];
  for (let i = 1; i <= count; i++) {
    const name = `t${i}`;
    const extent = random.integer(1, 60);
    const read = (tensor: string): Expr => ({ kind: "read", tensor, indices: [constantIndex(0)], dtype: "f32" });
    const operands = [read(`t${random.integer(Math.max(0, i - 8), i - 1)}`), read(`t${i - 1}`)];
    const value: Expr = { kind: "apply", function: "add", args: operands, dtype: "f32" };
    buffers.push({ name, dtype: "f32", shape: [extent], role: { kind: "temporary" } });
    groups.push({ name, phase: "run", computes: [{ name, dtype: "f32", axes: [{ name: "i", extent }], value }] });
  }
  return { name: "chain", buffers, groups, inputs: ["t0"], outputs: [{ name: "y", value: `t${count}` }] };
}

test("a table is not read beyond its end where a choice makes its element unnecessary", () => {
  const text = `quern loop 1
program p
arena 0

inputs x
output y = y

input x: f32[2]
constant t: i32[6] = [0, 1, 0, 1, 0, 1]
temporary y: f32[8]

nest y run -> y {
  for i in 8 {
    y[i] = if index(i) < 6_i32 then x[t[i] % 2] else 9
  }
}
`;
  const { value: level } = parseLevel(text, "p.loop");
  if (level?.level !== "loop") throw new Error("no loop program");
  // The verifier of kernels follows every access that no branch keeps from running.
  const kernel = lowerKernel(level.program);
  const instance = instantiate(kernel, emitWasm(kernel, { relaxed: false, calls: "build" }).bytes, "build");
  writeSources(instance, kernel, new Map());
  instance.build();
  instance.write("x", [3, 4]);
  instance.run();
  expect([...instance.read("y")]).toEqual([3, 4, 3, 4, 3, 4, 9, 9]);
});

test("what schedules make unnecessary is gone, and so is its memory", () => {
  const text = `model m(x: f32[1, 16, 16, 8]) -> y: f32[1, 16, 16, 8] {
  let a = conv2d(x, @v: [1, 1, 8, 64] = he_normal)
  let b = depthwise_conv2d(a, @k: [3, 3, 64, 1] = he_normal, pad: same)
  conv2d(b, @w: [1, 1, 64, 8] = he_normal)
}
`;
  const apart = compileText(text).levels;
  const inside = compileText(`${text}schedule rows on wasm for y { compute b at oh }`).levels;
  expect(apart.loop().nests.map(({ name }) => name)).toContain("b");
  const { nests, buffers, arenaBytes } = inside.loop();
  expect([...nests, ...buffers].map(({ name }) => name).filter((name) => /^b($|\.)/.test(name))).toEqual([]);
  // `b` has 64 KB, and one row of it is a tile.
  expect(apart.loop().arenaBytes - arenaBytes).toBeGreaterThan(40_000);
  expect(inside.kernel().runBytes).toBeLessThan(apart.kernel().runBytes);
});

test("tiles of different nests lie in one place, which no buffer shares", () => {
  const { levels } = compileText(`model m(x: f32[16, 16], z: f32[12, 16]) -> (y: f32[16, 8], last: f32[12, 8]) {
  let y = matmul(x, @w: [16, 8] = he_normal)
  let last = matmul(z, @v: [16, 8] = he_normal)
  (y, last)
}
schedule one on wasm for y { stage x in memory at m }
schedule other on wasm for last { stage z in memory at m }`);
  const { placements, runBytes } = levels.kernel();
  const tiles = placements.filter(({ buffer }) => buffer.includes(".copy"));
  expect(tiles).toHaveLength(2);
  expect(new Set(tiles.map(({ offset }) => offset)).size).toBe(1);
  const [begin, end] = [tiles[0]?.offset ?? 0, Math.max(...tiles.map(({ offset, bytes }) => offset + bytes))];
  const others = placements.filter((place) => !tiles.includes(place) && place.offset < runBytes);
  for (const { buffer, offset, bytes } of others) expect(offset + bytes <= begin || offset >= end, buffer).toBe(true);
});
