/**
 * Reductions over a subgroup: a dispatch whose workgroup may be one has a second shader, without memory that is shared and without a
 * barrier, which gives the same in the interpreter and on a device, and which a device takes whose subgroups are large enough.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { printWgsl } from "../../src/codegen/wgsl/print_wgsl.ts";
import { defaultGpuLimits } from "../../src/ir/gpu_limits.ts";
import { initializeWeights } from "../../src/ir/initialize.ts";
import { interpretShader } from "../../src/ir/interpret_shader.ts";
import type { Shader, ShaderProgram } from "../../src/ir/shader.ts";
import { createReference } from "../../src/pipeline/execute.ts";
import { gpuPlan } from "../../src/pipeline/gpu.ts";
import { randomInputs } from "../../src/pipeline/verify.ts";
import { compileShaders, planFor } from "../../src/runtime/gpu.ts";
import { compileText } from "../support.ts";
import { type Driver, drivers, hasDriver, openDriver } from "./dawn.ts";

/** By the number of parts: a matrix and a vector, in vectors of four columns. */
const columns = (parts: number) => `
model m(x: f32[1, 96]) -> y: f32[1, 16] { relu(matmul(x, @w: [96, 16] = he_normal) + @b: [16] = ones) }
schedule by_parts on webgpu for y {
  split f by 4
  split c by ${96 / parts}
  reorder m, f.o, c.o, c.i, f.i
  rfactor c.o in workgroup
  vectorize f.i
  vectorize f.i.final
  bind c.o to invocation.x
}`;

const rows = (op: string, dtype: string, parts: number) => `
op reduced(x: [n, c]) -> y: [n] { y[n] = ${op}(c) x[n, c] }
model m(x: ${dtype}[6, 24]) -> y: ${dtype}[6] { reduced(x) }
schedule by_parts on webgpu for y {
  split c by ${24 / parts}
  rfactor c.o in workgroup
  bind c.o to invocation.x
}`;

const programs: readonly (readonly [name: string, source: string, parts: number, wgsl: RegExp])[] = [
  ["columns in 4 parts", columns(4), 4, /= subgroupAdd\(\w+\);/],
  ["columns in 8 parts", columns(8), 8, /= subgroupAdd\(\w+\);/],
  ["sums in 4 parts", rows("sum", "f32", 4), 4, /= subgroupAdd\(\w+\);/],
  ["products in 4 parts", rows("prod", "f32", 4), 4, /= subgroupMul\(\w+\);/],
  ["maxima in 8 parts", rows("max", "f32", 8), 8, /= subgroupMax\(\w+\);/],
  ["minima of integers in 4 parts", rows("min", "i32", 4), 4, /= subgroupMin\(\w+\);/],
  ["sums of integers in 8 parts", rows("sum", "i32", 8), 8, /= subgroupAdd\(\w+\);/],
];

/** Invocations of a subgroup; NVIDIA's have 32, as have those of most others that are a machine's own. */
const sizes = { swiftshader: 4, lavapipe: 8, machine: 32 } as const;

describe.each(programs)("%s", (_, source, parts, wgsl) => {
  const compiled = compileText(source, "test.qn", { target: "webgpu" });
  const weights = initializeWeights(compiled.weights, 0);
  const inputs = randomInputs(compiled, 0);
  const expected = createReference(compiled, weights).run(inputs);
  const { program, portable, together } = shadersIn(source);

  test("has a shader that shares nothing beside one that does", () => {
    expect(portable.workgroup).toEqual([parts, 1, 1]);
    expect(portable.arrays.map(({ space }) => space)).toEqual(["workgroup"]);
    expect(printWgsl(portable)).toContain("workgroupBarrier();");
    expect(together?.arrays).toEqual([]);
    const text = printWgsl(together as Shader);
    expect(text).toMatch(/^(\/\/.*\n)+\nenable subgroups;\n/);
    expect(text).toMatch(wgsl);
    expect(text).not.toContain("workgroupBarrier");
  });

  test.each([0, parts - 1, parts])("means the same in the interpreter, with subgroups of %i", (size) => {
    const given = new Map([...inputs, ...weights] as [string, Float64Array][]);
    // What is not run may do nothing.
    expectAlike(interpretShader(size < parts ? emptied(program, together) : emptied(program, portable), given, size));
  });

  for (const name of drivers) {
    const isThere = hasDriver(name);
    let driver: Driver;
    beforeAll(() => {
      if (isThere) driver = openDriver(name);
    });
    afterAll(() => driver?.close());
    test.runIf(isThere)(`runs on ${name} as the size of its subgroups allows`, async () => {
      const unused = parts <= sizes[name] ? portable : together;
      expectAlike(await driver.run(emptied(program, unused), weights, inputs));
      expectAlike(await driver.run(withoutChoice(program), weights, inputs));
    });
  }

  function expectAlike(actual: ReadonlyMap<string, Float64Array>): void {
    for (const [output, values] of expected)
      values.forEach((value, i) => {
        expect(actual.get(output)?.[i]).toBeCloseTo(value, 4);
      });
  }
});

/** All columns in one workgroup, so that a part has several. */
const wide = columns(4).replace("reorder m, f.o, c.o,", "reorder m, c.o, f.o,");
const stepped = (source: string, step: string) => source.replace(/\n}$/, `\n  ${step}\n}`);

test("a part may be as long as registers can be told apart", () => {
  expect(shadersIn(stepped(wide, "unroll f.o; unroll f.o.final")).together?.arrays).toEqual([]);
});

test.each([
  ["an element of a part is told by a loop that runs", wide],
  ["an element of a result is told by a loop that runs", stepped(wide, "unroll f.o")],
  ["invocations reduce columns of their own", stepped(wide, "unroll f.o; bind f.o.final to invocation.x")],
  ["there are invocations along another coordinate", stepped(wide, "unroll f.o; bind f.o.final to invocation.y")],
  ["there are more parts than any subgroup has invocations", rows("sum", "f32", 4).replaceAll("24", "512").replace("by 6", "by 2")],
  ["no loop is bound to the invocations", columns(4).replace("bind c.o to invocation.x", "")],
])("there is no other shader where %s", (_, source) => {
  expect(shadersIn(source).together).toBeUndefined();
});

test("a device compiles what it runs, and nothing else", async () => {
  const plan = gpuPlan(shadersIn(columns(8)).program);
  const device = (features: readonly string[], adapterInfo?: object) =>
    ({ features: new Set(features), adapterInfo }) as unknown as GPUDevice;
  const takesSubgroups = async (of: GPUDevice) => {
    const chosen = planFor(of, plan);
    const [shader, ...others] = new Set(chosen.dispatches.map(([shader]) => shader));
    expect(others).toEqual([]);
    const compiled: string[] = [];
    const maker = {
      createShaderModule: ({ code }: { code: string }) => compiled.push(code),
      createComputePipelineAsync: async () => ({}),
    } as unknown as GPUDevice;
    expect((await compileShaders(maker, chosen)).flatMap((pipeline, i) => (pipeline ? [i] : []))).toEqual([shader]);
    expect(compiled).toEqual([plan.shaders[shader ?? -1]]);
    return compiled[0]?.includes("enable subgroups;");
  };
  expect(plan.shaders).toHaveLength(2);
  expect(await takesSubgroups(device(["subgroups"], { subgroupMinSize: 8 }))).toBe(true);
  expect(await takesSubgroups(device(["subgroups"], { subgroupMinSize: 32 }))).toBe(true);
  expect(await takesSubgroups(device(["subgroups"], { subgroupMinSize: 4 }))).toBe(false);
  expect(await takesSubgroups(device([], { subgroupMinSize: 8 }))).toBe(false);
  expect(await takesSubgroups(device(["subgroups"]))).toBe(false);
});

test("bindings that are packed are packed alike in both", () => {
  const names = Array.from({ length: 9 }, (_, i) => `b${i}`);
  const source = rows("sum", "f32", 4)
    .replace("m(x: f32[6, 24])", `m(x: f32[6, 24], ${names.map((name) => `${name}: f32[6]`).join(", ")})`)
    .replace("{ reduced(x) }", `{ reduced(x) + ${names.join(" + ")} }`);
  const compiled = compileText(source, "test.qn", { target: "webgpu" });
  const { program } = shadersIn(source);
  expect(program.placements.some(({ packs }) => packs)).toBe(true);
  expect(Math.max(...program.shaders.map(({ parameters }) => parameters.length))).toBeLessThanOrEqual(
    defaultGpuLimits.maxStorageBuffersPerShaderStage,
  );
  const inputs = new Map(randomInputs(compiled, 0)) as Map<string, Float64Array>;
  const [shared, together] = [0, 4].map((size) => interpretShader(program, inputs, size).get("y"));
  together?.forEach((value, i) => {
    expect(value).toBeCloseTo(shared?.[i] ?? Number.NaN, 4);
  });
});

/** The program with both shaders of its only dispatch. */
function shadersIn(source: string): { readonly program: ShaderProgram; readonly portable: Shader; readonly together: Shader | undefined } {
  const { value: program } = compileText(source, "test.qn", { target: "webgpu" }).levels.shader();
  const named = (name: string | undefined) => program?.shaders.find((shader) => shader.name === name);
  const [dispatch] = program?.dispatches ?? [];
  const portable = named(dispatch?.shader);
  if (!program || !portable) throw new Error("no shaders");
  return { program, portable, together: named(dispatch?.subgroups) };
}

/** The program with a shader that does nothing. */
function emptied(program: ShaderProgram, emptied: Shader | undefined): ShaderProgram {
  return { ...program, shaders: program.shaders.map((shader) => (shader === emptied ? { ...shader, body: [] } : shader)) };
}

function withoutChoice(program: ShaderProgram): ShaderProgram {
  return { ...program, dispatches: program.dispatches.map(({ subgroups: _, ...dispatch }) => dispatch) };
}
