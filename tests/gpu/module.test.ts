/** The code that ships for WebGPU, on a small module made by hand: what it takes and why, buffers, lost devices. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import binaryen from "binaryen";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DType } from "../../src/ir/dtype.ts";
import type { KernelProgram } from "../../src/ir/kernel.ts";
import { moduleFiles } from "../../src/pipeline/build_module.ts";
import type { GpuPlan } from "../../src/runtime/interface.ts";
import { gpuRuntime } from "../../src/runtime/text.ts";
import { root } from "../support.ts";
import { drivers, environmentOf, hasDriver } from "./dawn.ts";

const folder = mkdtempSync(join(tmpdir(), "quern-gpu-module-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** y = x + w and o = ids, both of four elements. `w` is all of the weights. */
const wasm = binaryen.parseText(`(module (memory (export "memory") 1 1) (func (export "run")
  (v128.store (i32.const 32) (f32x4.add (v128.load (i32.const 16)) (v128.load (i32.const 0))))
  (v128.store (i32.const 64) (v128.load (i32.const 48)))))`);
wasm.setFeatures(binaryen.Features.All);
const bytes = wasm.emitBinary();
const weights = new Uint8Array(Float32Array.of(10, 20, 30, 40).buffer);

const tensors: readonly { name: string; dtype: DType; offset: number }[] = [
  { name: "x", dtype: "f32", offset: 16 },
  { name: "ids", dtype: "i64", offset: 48 },
  { name: "y", dtype: "f32", offset: 32 },
  { name: "o", dtype: "i64", offset: 64 },
];
const kernel: KernelProgram = {
  name: "sample",
  kernels: [],
  calls: [],
  placements: tensors.map(({ name, dtype, offset }) => ({ buffer: name, dtype, shape: [4], offset, bytes: 16 })),
  sources: [],
  weightBytes: 16,
  runBytes: 80,
  buildBytes: 80,
  inputs: ["x", "ids"],
  outputs: ["y", "o"].map((name) => ({ name, value: name })),
};

const add = `@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(4) fn main(@builtin(local_invocation_index) i: u32) { y[i] = x[i] + w[i]; }`;
const copy = `@group(0) @binding(0) var<storage, read> x: array<i32>;
@group(0) @binding(1) var<storage, read_write> y: array<i32>;
@compute @workgroup_size(4) fn main(@builtin(local_invocation_index) i: u32) { y[i] = x[i]; }`;
const plan: GpuPlan = {
  arenas: [16, 2048, 2048],
  shaders: [add, copy],
  dispatches: [
    [
      0,
      [
        [1, 0, 16],
        [0, 0, 16],
        [2, 256, 16],
      ],
      [1, 1, 1],
      [],
    ],
    [
      1,
      [
        [1, 512, 16],
        [2, 768, 16],
      ],
      [1, 1, 1],
      [],
    ],
  ],
  inputs: [
    [1, 0, 16],
    [1, 512, 16],
  ],
  outputs: [
    [2, 256, 16],
    [2, 768, 16],
  ],
  limits: {},
};
const valuesOf = (names: readonly string[]) =>
  tensors.filter(({ name }) => names.includes(name)).map(({ name, dtype }) => ({ name, type: { dtype, shape: [4] } }));
const model = { name: "sample", inputs: valuesOf(["x", "ids"]), outputs: valuesOf(["y", "o"]) };
const variant = { wasm: bytes, weights, kernel };
const built = { simd: variant, relaxed: variant };

function writeModule(name: string, gpu: GpuPlan = plan): string {
  const target = join(folder, name);
  mkdirSync(target, { recursive: true });
  writeFileSync(join(target, "package.json"), '{ "type": "module" }');
  for (const file of moduleFiles(built, model, { plan: gpu, weights })) writeFileSync(join(target, file.name), file.contents);
  return target;
}

const home = writeModule("whole");

/** The same, but for y = sum(x) where a subgroup has four invocations. */
const total = `enable subgroups;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(4) fn main(@builtin(local_invocation_index) i: u32) { y[i] = subgroupAdd(x[i]) + 0 * w[i]; }`;
const [first, ...others] = plan.dispatches;
const withSubgroups = writeModule("subgroups", {
  ...plan,
  shaders: [...plan.shaders, total],
  dispatches: first ? [[...first.slice(0, 4), [4, 2, []]] as unknown as typeof first, ...others] : [],
});
const names = ["model.js", "model.d.ts", "model.simd.wasm", "model.relaxed.wasm", "model.weights.bin"];
const contents = (name: string) => new Uint8Array(readFileSync(join(home, name)));
const given = { x: Float32Array.of(1, 2, 3, 4), ids: BigInt64Array.of(-1n, 2n, 3n, 4n) };
const sum = [11, 22, 33, 44];

describe("a module for both targets", () => {
  test("has two files more, and none of them without WebGPU; little code", () => {
    expect(moduleFiles(built, model).map(({ name }) => name)).toEqual(names);
    const files = moduleFiles(built, model, { plan, weights }).map(({ name }) => name);
    expect(files).toEqual([...names, "model.webgpu.json", "model.webgpu.bin"]);
    expect(gpuRuntime.text.length).toBeLessThan(10_200);
  });

  test("runs as WebAssembly where there is no GPU, and says so", async () => {
    const { load } = await import(pathToFileURL(join(home, "model.js")).href);
    const net = await load();
    expect(net.target).toMatch(/^(relaxed|simd)$/);
    expect(net.reason).toMatch(/^there is no WebGPU here; /);
    expect([...(await net.run(given)).y]).toEqual(sum);
    await expect(load({ target: "webgpu" })).rejects.toThrow("there is no WebGPU here");
    await expect(load({ target: "cuda" })).rejects.toThrow('there is no target "cuda": choose "webgpu", "wasm", "relaxed" or "simd"');
    expect((await load({ target: "wasm" })).reason).not.toContain("WebGPU");
    await net.reload();
    expect([net.device, net.lost]).toEqual([undefined, undefined]);
  });

  test("takes the files of WebAssembly that are given, and asks for nothing else", async () => {
    const { load } = await import(pathToFileURL(join(home, "model.js")).href);
    const files = { "model.simd.wasm": contents("model.simd.wasm"), "model.weights.bin": contents("model.weights.bin") };
    const net = await load({ files });
    expect([net.target, net.reason]).toEqual(["simd", expect.stringContaining("the files of WebAssembly were given")]);
    expect([...(await net.run(given)).y]).toEqual(sum);
  });
});

type Seen = { readonly [what: string]: unknown };

describe.each(drivers.filter(hasDriver))("on %s", (driver) => {
  let seen: Seen = {};
  beforeAll(() => {
    seen = scenario(driver, home, withSubgroups);
  });

  test("takes no software adapter by itself, and says why", () => {
    expect(seen.withoutAdapter).toEqual([expect.stringMatching(/^WebGPU has no adapter here; /), "Error: WebGPU has no adapter here"]);
    const [isSoftware, target, reason, message, device, lost] = seen.chosen as unknown[];
    if (!isSoftware) {
      expect([target, reason, message]).toEqual(["webgpu", "there is a WebGPU adapter", "no error"]);
      return;
    }
    expect(target).toMatch(/^(relaxed|simd)$/);
    expect(reason).toMatch(/^the only WebGPU adapter is a software one; /);
    expect([message, device, lost]).toEqual(["Error: this net runs as WebAssembly, and keeps nothing on a GPU", null, null]);
  });

  test("runs there when it is asked to", () => {
    expect(seen.asked).toEqual(["webgpu", "asked for", { y: sum, o: [-1, 2, 3, 4] }]);
    expect(seen.into).toEqual(sum);
    expect(seen.someOutputs).toEqual({ o: [-1, 2, 3, 4] });
  });

  test("overlapping runs follow each other, each with what was given in its call", () => {
    expect(seen.overlapping).toEqual([10, 11, 12, 13, 14]);
  });

  test("keeps outputs on the GPU, and takes them as inputs", () => {
    expect(seen.kept).toEqual([["y"], 16]);
    expect(seen.chained).toEqual([21, 42, 63, 84]);
  });

  test("refuses what is no input or output by its name", () => {
    const buffer = 'TypeError: the input "x" takes a buffer of at least 16 bytes whose usage includes COPY_SRC';
    const [first, second, ...others] = seen.wrong as string[];
    expect([first, second]).toEqual([buffer, buffer]);
    for (const message of others) expect(message).toMatch(/^TypeError: .*"?[xz]"?/);
    expect([seen.foreignBuffer, seen.afterForeign]).toEqual([true, sum]);
  });

  test("says that its device is lost, and begins anew", () => {
    expect(seen.lost).toMatch(/^Error: the GPU device is lost \(.+\): reload\(\) makes a new one$/);
    expect(seen.lostInRun).toMatch(/^Error: the GPU device (is|was) lost.* \(.+\): reload\(\) makes a new one$/);
    expect([seen.reloaded, seen.reloadedOn]).toEqual([sum, [true, sum]]);
  });

  test("asks for subgroups, and does without on a device that was not asked for them", () => {
    expect(seen.subgroups).toEqual([
      [true, [10, 10, 10, 10]],
      [false, sum],
    ]);
  });

  test("lets go of everything but a device that was given", () => {
    expect(seen.disposed).toEqual(["Error: the net is disposed", "Error: the net is disposed"]);
    expect([seen.given, seen.givenAgain]).toEqual([["webgpu", "its device was given", sum], sum]);
  });
});

function scenario(driver: (typeof drivers)[number], ...modules: readonly string[]): Seen {
  const args = ["--import", "tsx", join(root, "tests/gpu/module_scenario.ts"), ...modules];
  const env = { ...process.env, ...environmentOf(driver) };
  return JSON.parse(execFileSync(process.execPath, args, { cwd: root, env, encoding: "utf8", timeout: 300_000 }));
}
