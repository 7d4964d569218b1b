/** Operations are counted as executed: by lanes, by iterations, and of two branches the costlier. */
import { expect, test } from "vitest";
import { floatOperations } from "../../src/ir/float_operations.ts";
import type { KernelExpr, KernelStatement, KernelType } from "../../src/ir/kernel.ts";
import { compileText } from "../support.ts";

const get = (type: KernelType): KernelExpr => ({ kind: "get", name: "a", type });
const apply = (name: "add" | "lt" | "max", on: KernelType): KernelExpr => ({ kind: "apply", function: name, on, args: [get(on), get(on)] });
const set = (value: KernelExpr): KernelStatement => ({ kind: "set", name: "a", type: "f32", value });

test("an operation counts once in each lane, a multiply-add twice, and integers not at all", () => {
  const fma: KernelExpr = { kind: "multiply_add", on: "f32x4", args: [get("f32x4"), get("f32x4"), get("f32x4")] };
  expect(floatOperations([set(fma)])).toBe(8);
  expect(floatOperations([set(apply("add", "f32x4"))])).toBe(4);
  expect(floatOperations([set(apply("max", "f32"))])).toBe(1);
  expect(floatOperations([set(apply("add", "i32"))])).toBe(0);
  expect(floatOperations([set(apply("lt", "f32x4"))])).toBe(0);
});

test("a loop counts its iterations, a guard as executed, and of two branches the costlier", () => {
  const add = set(apply("add", "f32"));
  const branch: KernelStatement = { kind: "if", condition: get("i32"), whenTrue: [add], otherwise: [add, add, add] };
  expect(floatOperations([{ kind: "for", name: "i", extent: 10, body: [branch, add] }])).toBe(40);
});

test("a dense layer makes two for each product, whatever its schedule", () => {
  const source = "model m(x: f32[8, 32]) -> y: f32[8, 16] { matmul(x, @w: [32, 16] = he_normal) }";
  for (const schedule of ["default", "none"] as const) {
    const { kernels, calls } = compileText(source, "dense.qn", { schedule }).levels.kernel();
    const run = calls.filter((call) => call.phase === "run");
    const count = run.reduce((sum, call) => sum + floatOperations(kernels.find(({ name }) => name === call.kernel)?.body ?? []), 0);
    expect(count).toBe(2 * 8 * 16 * 32);
  }
});
