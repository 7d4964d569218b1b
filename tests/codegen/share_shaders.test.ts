/** Shaders that share one text: with the numbers put back, each has its own text again, or that of its form for any extents. */
import { expect, test } from "vitest";
import { oneForm } from "../../src/codegen/wgsl/one_form.ts";
import { printCode, printWgsl } from "../../src/codegen/wgsl/print_wgsl.ts";
import { shareShaders } from "../../src/codegen/wgsl/share_shaders.ts";
import { interpretShader } from "../../src/ir/interpret_shader.ts";
import { gpuPlan, shadersOf } from "../../src/pipeline/gpu.ts";
import { drawInputs, drawWeights } from "../random/compare_levels.ts";
import { randomProgram } from "../random/program.ts";
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
    const forms = [shader, oneForm(shader)].flatMap((form) => (form ? [printCode(form, { names: [], next: String })] : []));
    expect(forms.map(withoutZeros)).toContain(withoutZeros(restored));
  }
});

/** An offset that is 0 in one of the shaders is in the text that they share. */
function withoutZeros(code: string): string {
  return code.replace(/ \+ 0(?=[\])])/g, "");
}

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

test("in the form for any extents, shaders of random programs give the same numbers", () => {
  let formed = 0;
  for (let seed = 0; seed < 40; seed++) {
    const random = randomProgram(seed);
    const compiled = compileText(random.source, "test.qn", { target: "webgpu" });
    const program = shadersOf(compiled);
    const shaders = program.shaders.map((shader) => {
      const form = oneForm(shader);
      if (form) formed++;
      return form ?? shader;
    });
    const given = new Map([...drawInputs(compiled, random, 0), ...drawWeights(compiled, random, 0)]);
    expect(interpretShader({ ...program, shaders }, given), `seed ${seed}\n${random.source}`).toEqual(interpretShader(program, given));
  }
  expect(formed).toBeGreaterThan(10);
});

test("layers whose extents make divisions and tests fall away share a text with those that keep them", () => {
  const { shaders } = shadersOf(compileExample("mobilenet-v2", { target: "webgpu" }));
  expect(shareShaders(shaders).texts.length).toBeLessThanOrEqual(shaders.length / 2);
});

test("reductions over a subgroup share a text with their numbers in it, and stand behind no test of the invocation", () => {
  const source = `
    op total(x: [n, c]) -> y: [n] { y[n] = sum(c) x[n, c] }
    model m(x: f32[6, 24], z: f32[9, 40]) -> (a: f32[6], b: f32[9]) { let a = total(x)\n let b = total(z)\n (a, b) }
    schedule six on webgpu for a { split c by 6; rfactor c.o in workgroup; bind c.o to invocation.x }
    schedule ten on webgpu for b { split c by 10; rfactor c.o in workgroup; bind c.o to invocation.x }`;
  const program = shadersOf(compileText(source, "test.qn", { target: "webgpu" }));
  expect(program.shaders.map(({ name }) => name)).toEqual(["a", "a.subgroups", "b", "b.subgroups"]);
  const plan = gpuPlan(program);
  const [first, second] = plan.dispatches.map(([shader, , , , subgroups]) => ({ shader, subgroups }));
  expect(plan.shaders).toHaveLength(2);
  expect(second?.shader).toBe(first?.shader);
  expect(second?.subgroups?.slice(0, 2)).toEqual([4, first?.subgroups?.[1]]);
  expect(second?.subgroups?.[2]).not.toEqual(first?.subgroups?.[2]);
  expect(program.shaders.map(oneForm)).toEqual([undefined, undefined, undefined, undefined]);
});

test("transforms of Winograd's tiles share a text, whether or not the last workgroup has invocations with nothing to do", () => {
  const source = `
    model m(x: f32[1, 32, 32, 16], y: f32[1, 24, 24, 20]) -> (a: f32[1, 32, 32, 16], b: f32[1, 24, 24, 20]) {
      let a = conv2d(x, @k: [3, 3, 16, 16] = he_normal, stride: [1, 1], dilation: [1, 1], pad: same) + @a: [16] = ones
      let b = conv2d(y, @l: [3, 3, 20, 20] = he_normal, stride: [1, 1], dilation: [1, 1], pad: same) + @b: [20] = ones
      (a, b)
    }`;
  const { shaders } = shadersOf(compileText(source, "test.qn", { target: "webgpu" }));
  const { uses } = shareShaders(shaders);
  const textsOf = (sketch: string) => shaders.flatMap(({ trace }, i) => (trace.includes(`sketch ${sketch}`) ? [uses[i]?.text] : []));
  const transforms = textsOf("cases_of_channels");
  // To the tiles and back, of each.
  expect(transforms).toHaveLength(4);
  expect(new Set(transforms).size).toBe(2);
});
