/**
 * Shaders pass Dawn's validation without a word under the limits that every device has; what would break a limit is packed or split,
 * or refused before there is a shader.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { compile } from "../../src/compile.ts";
import { defaultGpuLimits } from "../../src/ir/gpu_limits.ts";
import type { ShaderProgram } from "../../src/ir/shader.ts";
import { verifyShader } from "../../src/ir/verify_shader.ts";
import { gpuPlan } from "../../src/pipeline/gpu.ts";
import { ownVectors } from "../operators/own_vectors.ts";
import { sourceOf } from "../operators/tensors.ts";
import { randomProgram } from "../random/program.ts";
import { compileExample, compileText, examples, full } from "../support.ts";
import { type Driver, openDriver } from "./dawn.ts";

let driver: Driver;
beforeAll(() => {
  driver = openDriver("null");
});
afterAll(() => driver.close());

function shadersOf(source: string): ShaderProgram {
  const { value, diagnostics } = compileText(source, "test.qn", { target: "webgpu" }).levels.shader();
  if (!value) throw new Error(diagnostics[0]?.message);
  return value;
}

async function requireValid(program: ShaderProgram): Promise<void> {
  expect(await driver.validate(gpuPlan(program).shaders)).toEqual([]);
}

/** Those that no driver runs in a short test. */
const short = ["vgg-cifar", "detector", "mobilenet-v3-small"];

test.each(full ? examples : short)("%s", async (name) => {
  const { value, diagnostics } = compileExample(name, { target: "webgpu" }).levels.shader();
  expect(diagnostics).toEqual([]);
  if (value) await requireValid(value);
});

test("every operator's vectors", async () => {
  const { literal, loops } = ownVectors(full ? 10 : 1);
  const vectors = full ? [...literal, ...loops] : [...new Map([...literal, ...loops].map((vector) => [vector.operator, vector])).values()];
  for (const vector of vectors) await requireValid(shadersOf(sourceOf(vector)));
});

test("random programs", async () => {
  for (let seed = 0; seed < (full ? 400 : 40); seed++) await requireValid(shadersOf(randomProgram(1000 + seed).source));
});

test("the driver's validation finds what is wrong", async () => {
  expect(await driver.validate(["@compute @workgroup_size(1) fn main() { let x = 1 + 1.5f + true; }"])).not.toEqual([]);
  expect(await driver.validate(["@compute @workgroup_size(512) fn main() {}"])).not.toEqual([]);
});

test("a grid longer than one coordinate goes on along another", async () => {
  const program = shadersOf("model m(x: f32[40, 100001]) -> y: f32[40, 100001] { relu(x) }");
  const [shader] = program.shaders;
  expect(shader?.grid).toEqual([32768, 2, 1]);
  await requireValid(program);
});

test("bindings beyond the limit are packed by arena", async () => {
  const names = Array.from({ length: 11 }, (_, i) => `x${i}`);
  const source = `model m(${names.map((name) => `${name}: f32[5]`).join(", ")}) -> y: f32[5] { ${names.join(" + ")} }`;
  const program = shadersOf(source);
  expect(Math.max(...program.shaders.map(({ parameters }) => parameters.length))).toBeLessThanOrEqual(8);
  expect(program.placements.some(({ packs }) => packs !== undefined)).toBe(true);
  await requireValid(program);
});

test.each([
  [
    "a binding",
    "model m(x: f32[40000000]) -> y: f32[40000000] { relu(x) }",
    /`x` has 160000000 bytes, and the device binds at most 134217728/,
  ],
  [
    "private memory",
    "model m(x: f32[64, 64]) -> y: f32[64, 64] { matmul(x, @w: [64, 64] = ones) }\nschedule s on webgpu for y { stage w in memory at m }",
    /private memory of 16384, and the device's limit is 8192/,
  ],
  [
    "a workgroup",
    "model m(x: f32[512]) -> y: f32[512] { relu(x) }\nschedule s on webgpu for y { bind i0 to invocation.x }",
    /workgroup size along x of 512, and the device's limit is 256/,
  ],
  [
    "a grid",
    "model m(x: f32[70000]) -> y: f32[70000] { relu(x) }\nschedule s on webgpu for y { bind i0 to workgroup.x }",
    /grid side of 70000, and the device's limit is 65535/,
  ],
])("%s beyond its limit is refused", (_, source, message) => {
  const { value, diagnostics } = compile([{ file: "test.qn", text: source }], { target: "webgpu" });
  expect(value).toBeUndefined();
  expect(diagnostics[0]?.code).toBe("gpu-limit");
  expect(diagnostics[0]?.message).toMatch(message);
  expect(diagnostics[0]?.help).toBeTruthy();
});

test("a device with larger limits takes what others refuse", () => {
  const limits = { ...defaultGpuLimits, maxComputeInvocationsPerWorkgroup: 1024, maxComputeWorkgroupSizeX: 1024 };
  const source = "model m(x: f32[512]) -> y: f32[512] { relu(x) }\nschedule s on webgpu for y { bind i0 to invocation.x }";
  const { value } = compileText(source, "test.qn", { target: "webgpu", limits }).levels.shader();
  expect(value && verifyShader(value, limits)).toEqual([]);
});
