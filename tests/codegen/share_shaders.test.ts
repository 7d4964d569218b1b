/** Shaders that share one text: with the numbers put back, each has its own text again. */
import { expect, test } from "vitest";
import { printCode, printWgsl } from "../../src/codegen/wgsl/print_wgsl.ts";
import { shareShaders } from "../../src/codegen/wgsl/share_shaders.ts";
import { gpuPlan, shadersOf } from "../../src/pipeline/gpu.ts";
import { compileExample, compileText } from "../support.ts";

test.each(["resnet8", "vgg-cifar"])("%s: every shader is its shared text with its numbers", (name) => {
  const { shaders } = shadersOf(compileExample(name, { target: "webgpu" }));
  const { texts, uses } = shareShaders(shaders);
  expect(texts.length).toBeLessThan(shaders.length);
  for (const [i, { text, numbers }] of uses.entries()) {
    const shader = shaders[i];
    if (!shader) throw new Error("more uses than shaders");
    const code = (texts[text] ?? "").replace(/^(\/\/.*\n)+\n/, "");
    const restored = code
      .replace(/^struct Numbers .*\n.*\n/, "")
      .replace(/^ *let number_\d+ = numbers.number_\d+;\n/gm, "")
      .replace(/\bnumber_(\d+)\b/g, (_, column) => String(numbers[Number(column)]));
    expect(restored).toBe(printCode(shader, { names: [], next: String }));
  }
});

test("two layers that differ in their extents are one shader, given its numbers by each dispatch", () => {
  const source = "model m(x: f32[40, 36], y: f32[50, 36]) -> (a: f32[40, 36], b: f32[50, 36]) { (relu(x), relu(y)) }";
  const program = shadersOf(compileText(source, "test.qn", { target: "webgpu" }));
  expect(program.shaders).toHaveLength(2);
  const plan = gpuPlan(program);
  expect(plan.shaders).toHaveLength(1);
  const [first, second] = plan.dispatches.map(([, , , numbers]) => numbers);
  expect(first).not.toEqual(second);
  expect(first).toHaveLength(second?.length ?? 0);
});

test("one shader alone keeps its numbers", () => {
  const program = shadersOf(compileText("model m(x: f32[40, 32]) -> y: f32[40, 32] { relu(x) }", "test.qn", { target: "webgpu" }));
  expect(gpuPlan(program).shaders).toEqual(program.shaders.map(printWgsl));
  expect(gpuPlan(program).dispatches[0]?.[3]).toEqual([]);
});
