/** JSON writes infinities, NaN and null alike: what is compared as text must not. */
import { expect, test } from "vitest";
import { createReference, createWasm } from "../../src/pipeline/execute.ts";
import { exactJson } from "../../src/support/exact_json.ts";
import { compileText } from "../support.ts";

test("numbers that JSON has no text for stay apart", () => {
  const values = [Infinity, -Infinity, Number.NaN, -0, 0, null, "-0", "NaN"];
  expect(new Set(values.map((value) => exactJson([value]))).size).toBe(values.length);
});

test.each([
  ["constants", "(full(shape: [2], value: inf), full(shape: [2], value: -inf))", [Infinity, Infinity], [-Infinity, -Infinity]],
  ["kernels", "(minimum(x, inf), minimum(x, -inf))", [1, 2], [-Infinity, -Infinity]],
  ["signs of zero", "(1 / (x * 0), 1 / (x * -0))", [Infinity, Infinity], [-Infinity, -Infinity]],
  ["attributes", "(clip(x, low: -inf, high: 1), clip(x, low: inf, high: 1))", [1, 1], [1, 1]],
])("two results that differ in an infinity: %s", (_, body, a, b) => {
  const compiled = compileText(`model m(x: f32[2]) -> (a: f32[2], b: f32[2]) {\n  ${body}\n}\n`);
  for (const create of [createReference, createWasm]) {
    const results = create(compiled, new Map()).run(new Map([["x", Float64Array.of(1, 2)]]));
    expect([...(results.get("a") ?? [])]).toEqual(a);
    expect([...(results.get("b") ?? [])]).toEqual(b);
  }
});

test("borders that differ in the infinity that fills them", () => {
  const body = "(pad(x, pad: [1, 1], value: inf), pad(x, pad: [1, 1], value: -inf))";
  const compiled = compileText(`model m(x: f32[2]) -> (a: f32[4], b: f32[4]) {\n  ${body}\n}\n`);
  for (const create of [createReference, createWasm]) {
    const results = create(compiled, new Map()).run(new Map([["x", Float64Array.of(1, 2)]]));
    expect([...(results.get("a") ?? []), ...(results.get("b") ?? [])]).toEqual([Infinity, 1, 2, Infinity, -Infinity, 1, 2, -Infinity]);
  }
});
