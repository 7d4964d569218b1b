/** The commands with `--target webgpu`, as a person starts them: on each driver, and where something is missing. */

import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { bundledMain, quern } from "../cli/quern.ts";
import { root } from "../support.ts";
import { drivers, environmentOf, hasDriver } from "./dawn.ts";

const folder = mkdtempSync(join(tmpdir(), "quern-gpu-commands-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A convolution with a schedule of its own to search, small enough for any driver. */
const source = `model small(x: f32[1, 8, 8, 4]) -> y: f32[1, 8, 8, 8] {
  x |> conv2d(@a: [3, 3, 4, 8] = he_normal, pad: same) |> relu
}

sketch by_vectors on webgpu for sum(a * b)
  axis f = last parallel where uses(b, f) and not uses(a, f) and extent(f) % 4 == 0
  where constant(b) and stride(result, f) == 1 {
  let columns = one_of(4, 8)
  split f by columns
  reorder ...rest, f.o, ...reduction, f.i
  vectorize f.i
  stage result in registers at f.o
}
`;
const file = join(folder, "small.qn");
writeFileSync(file, source);
const direct = ["--algorithm", "direct"];

describe.each(drivers.filter(hasDriver))("on %s", (driver) => {
  const run = (...args: readonly string[]) => quern(args, { env: environmentOf(driver) });
  const adapter = { swiftshader: /SwiftShader/, lavapipe: /llvmpipe/, machine: /./ }[driver];

  test("run gives what WebAssembly gives, and names the adapter", () => {
    const valuesOn = (target: string) => {
      const { code, out, err } = run("run", file, "--random", "1", "--target", target, "--json");
      expect([code, err]).toEqual([0, expect.stringMatching(target === "webgpu" ? /^note: on ./m : /^note: no --weights/)]);
      return JSON.parse(out).outputs[0].values as number[];
    };
    const [gpu, wasm] = [valuesOn("webgpu"), valuesOn("wasm")];
    expect(gpu.length).toBe(512);
    expect(Math.max(...gpu.map((value, i) => Math.abs(value - (wasm[i] as number))))).toBeLessThan(1e-4);
  });

  test("verify judges every layer and the outputs", () => {
    const { code, out } = run("verify", file, "--target", "webgpu");
    expect([code, out]).toEqual([0, expect.stringMatching(/^layer +max error +of bound\n(.*\n)+y: .* end to end\nall within bounds\n$/)]);
  });

  test("a device is asked for more than each offers, and what it does not offer is said", () => {
    const limit = (value: string) => run("verify", file, "--target", "webgpu", "--gpu-limit", value);
    expect(limit("maxBufferSize=300000000").code).toBe(0);
    expect(limit("maxBufferSize=9000000000000")).toMatchObject({
      code: 1,
      err: expect.stringMatching(/error\[gpu-limit\]: the adapter offers a maxBufferSize of \d+, and --gpu-limit asks for 9000000000000/),
    });
    expect(limit("maxBufferSize=1")).toMatchObject({ code: 2, err: expect.stringContaining("whole number from 268435456") });
    expect(limit("maxBuffer=1")).toMatchObject({ code: 2, err: expect.stringContaining("maxBufferSize") });
  });

  test("profile times every dispatch beside the device's peak", () => {
    const { code, out } = run("profile", file, "--target", "webgpu", "--seconds", "1", "--json", ...direct);
    const profile = JSON.parse(out);
    expect([code, profile.clock]).toEqual([0, expect.stringMatching(/^(timestamps|host)$/)]);
    expect(profile.adapter).toMatch(adapter);
    expect(profile.isSoftware).toBe(/SwiftShader|llvmpipe/.test(profile.adapter));
    expect(profile.peakGflops).toBeGreaterThan(0.1);
    for (const { us } of profile.layers) expect(us).toBeGreaterThan(0);
    const layer = profile.layers.at(-1);
    // Two for each of 36 products in 8 x 8 x 8 sums.
    expect(layer.operations).toBeGreaterThanOrEqual(2 * 512 * 36);
    expect(layer.trace).toContain("vectorize f.i");
  });

  test("tune checks, times and writes down, and the next run takes it", () => {
    const out = join(folder, `${driver}.schedule`);
    const log = join(folder, `${driver}.jsonl`);
    const tuned = run("tune", file, "--target", "webgpu", "--trials", "6", "--out", out, "--log", log, "--json");
    expect([tuned.code, JSON.parse(tuned.out).environment]).toMatchObject([0, { target: "webgpu", engine: "dawn" }]);
    const records = readFileSync(log, "utf8").trim().split("\n");
    for (const line of records)
      expect(JSON.parse(line)).toMatchObject({ target: "webgpu", engine: "dawn", device: expect.stringMatching(adapter) });
    expect(records.filter((line) => /"kind":"(wrong|failed|hung)"/.test(line))).toEqual([]);
    expect(readFileSync(out, "utf8")).toContain("tuned small on webgpu {\n  engine dawn ");
    expect(run("verify", file, "--target", "webgpu", "--schedule", out).code).toBe(0);
    const page = join(folder, `${driver}.html`);
    const shown = run("report", file, "--target", "webgpu", "--schedule", out, "--log", log, "--seconds", "1", "--out", page);
    expect([shown.code, shown.out]).toEqual([0, expect.stringContaining("small in ")]);
    const record = JSON.parse(/<script[^>]*id="report"[^>]*>(.*?)<\/script>/s.exec(readFileSync(page, "utf8"))?.[1] ?? "");
    expect(record).toMatchObject({ language: "WGSL", engine: expect.stringMatching(/^Dawn /), device: expect.stringMatching(adapter) });
    expect(record.convergence.curves.length).toBeGreaterThan(0);
    for (const { functions } of record.kernels) expect(record.functions[functions[0]]).toContain("@compute @workgroup_size(");
    for (const { offset, bytes } of record.memory.bars) expect(offset + bytes).toBeLessThanOrEqual(record.memory.arenaBytes);
  });
});

describe("without a device", () => {
  const target = ["--target", "webgpu"];

  test.skipIf(process.platform !== "linux")("a driver that is missing is said, with what to install", () => {
    const { code, out, err } = quern(["run", file, "--random", "1", ...target], { env: { VK_ICD_FILENAMES: join(folder, "none.json") } });
    expect([code, out]).toEqual([1, ""]);
    expect(err).toMatch(
      /error\[no-adapter\]: Dawn finds no WebGPU adapter on this machine\n {2}help: install the driver of the GPU; on Linux/,
    );
  });

  test("a package that is missing is said, with the command that installs it", () => {
    const home = join(folder, "home");
    // Everything that the compiler needs, but not Dawn.
    const { dependencies, version } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
    mkdirSync(join(home, "node_modules"), { recursive: true });
    for (const name of Object.keys(dependencies)) {
      mkdirSync(dirname(join(home, "node_modules", name)), { recursive: true });
      symlinkSync(`${root}node_modules/${name}`, join(home, "node_modules", name));
    }
    writeFileSync(join(home, "package.json"), JSON.stringify({ version, type: "module" }));
    cpSync(dirname(dirname(bundledMain())), join(home, "dist"), { recursive: true });
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(home, "dist/cli/main.js"), "verify", file, ...target], {
      cwd: home,
      encoding: "utf8",
    });
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(
      "error[no-dawn]: --target webgpu runs in Dawn for Node, and the package webgpu is not installed\n  help: npm install webgpu\n",
    );
  });

  test("build writes both targets, and says what a wrong one should be", () => {
    const outdir = join(folder, "built");
    const { code, out } = quern(["build", file, ...target, "--out", outdir, "--json"]);
    const names = JSON.parse(out).files.map(({ path }: { path: string }) => path.slice(outdir.length + 1));
    expect([code, names]).toEqual([
      0,
      ["model.js", "model.d.ts", "model.simd.wasm", "model.relaxed.wasm", "model.weights.bin", "model.webgpu.json", "model.webgpu.bin"],
    ]);
    expect(quern(["build", file, "--target", "cuda", "--out", outdir])).toMatchObject({
      code: 2,
      err: expect.stringContaining("It should be wasm, or wasm,webgpu."),
    });
    expect(quern(["tune", file, ...target, "--engine", "node"])).toMatchObject({
      code: 2,
      err: expect.stringContaining("shaders take dawn"),
    });
  });

  test("inspect and lower print WGSL, from any level's text the same", () => {
    const wgsl = quern(["inspect", file, "--level", "wgsl"]).out;
    expect(wgsl).toContain("@compute @workgroup_size(");
    const loops = quern(["inspect", file, "--level", "loop", ...target]).out;
    const shaders = quern(["inspect", file, "--level", "shader"]).out;
    const nn = quern(["inspect", file]).out;
    const lower = (input: string, from: string, ...more: readonly string[]) =>
      quern(["lower", "-", "--from", from, ...more], { input }).out;
    expect(lower(loops, "loop", "--to", "wgsl")).toBe(wgsl);
    expect(lower(shaders, "shader", "--to", "wgsl")).toBe(wgsl);
    expect(lower(nn, "nn", "--to", "shader", "--source", file)).toBe(shaders);
    expect(quern(["inspect", file, "--level", "kernel", ...target])).toMatchObject({
      code: 2,
      err: expect.stringContaining("shader level"),
    });
    const kernel = quern(["inspect", file, "--level", "kernel"]).out;
    expect(quern(["lower", "-", "--from", "kernel", "--to", "wgsl"], { input: kernel }).err).toContain("shaders come from loops");
  });
});
