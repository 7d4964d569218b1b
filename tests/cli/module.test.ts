/** The code that ships, on a small module made by hand: names, types, variants, files, errors. */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import binaryen from "binaryen";
import { afterAll, describe, expect, test } from "vitest";
import type { DType } from "../../src/ir/dtype.ts";
import type { KernelProgram } from "../../src/ir/kernel.ts";
import { moduleFiles } from "../../src/pipeline/build_module.ts";
import { runtime } from "../../src/runtime/text.ts";

const folder = mkdtempSync(join(tmpdir(), "quern-module-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** y = x + w for four floats; the other inputs go through unchanged. `w` is all of the weights. */
function wasm(relaxed: boolean): Uint8Array {
  const one = "(v128.const f32x4 1 1 1 1)";
  const load = (at: number) => `(v128.load (i32.const ${at}))`;
  const sum = relaxed ? `(f32x4.relaxed_madd ${load(16)} ${one} ${load(0)})` : `(f32x4.add ${load(16)} ${load(0)})`;
  const module = binaryen.parseText(`(module (memory (export "memory") 1 1) (func (export "run")
    (v128.store (i32.const 32) ${sum}) (v128.store (i32.const 80) ${load(48)}) (v128.store (i32.const 96) ${load(64)})))`);
  module.setFeatures(binaryen.Features.All);
  return module.emitBinary();
}

const tensors: readonly { name: string; buffer: string; dtype: DType; shape: number[]; offset: number; output?: true }[] = [
  { name: "x", buffer: "x", dtype: "f32", shape: [1, 4], offset: 16 },
  { name: "ids", buffer: "ids", dtype: "i64", shape: [4], offset: 48 },
  { name: "mask", buffer: "mask", dtype: "bool", shape: [4], offset: 64 },
  { name: "half", buffer: "half", dtype: "f16", shape: [2], offset: 68 },
  { name: "raw", buffer: "raw", dtype: "u8", shape: [2, 1], offset: 72 },
  { name: "y", buffer: "sum", dtype: "f32", shape: [1, 4], offset: 32, output: true },
  { name: "ids_out", buffer: "b", dtype: "i64", shape: [4], offset: 80, output: true },
  { name: "mask_out", buffer: "c", dtype: "bool", shape: [4], offset: 96, output: true },
  { name: "half_out", buffer: "d", dtype: "f16", shape: [2], offset: 100, output: true },
  { name: "raw_out", buffer: "e", dtype: "u8", shape: [2, 1], offset: 104, output: true },
];
const inputs = tensors.filter((tensor) => !tensor.output);
const outputs = tensors.filter((tensor) => tensor.output);
const values = (of: typeof tensors) => of.map(({ name, dtype, shape }) => ({ name, type: { dtype, shape } }));

const kernel: KernelProgram = {
  name: "sample",
  kernels: [],
  calls: [],
  placements: tensors.map(({ buffer, dtype, shape, offset }) => ({ buffer, dtype, shape, offset, bytes: 0 })),
  sources: [],
  weightBytes: 16,
  runBytes: 128,
  buildBytes: 128,
  inputs: inputs.map(({ buffer }) => buffer),
  outputs: outputs.map(({ name, buffer }) => ({ name, value: buffer })),
};
const weights = new Uint8Array(Float32Array.of(10, 20, 30, 40).buffer);
const built = { simd: { wasm: wasm(false), weights, kernel }, relaxed: { wasm: wasm(true), weights, kernel } };
const files = moduleFiles(built, { name: "sample", inputs: values(inputs), outputs: values(outputs) });
const contents = (name: string) => files.find((file) => file.name === name)?.contents as Uint8Array;

function writeModule(name: string, omit: readonly string[] = [], module = files): string {
  const target = join(folder, name);
  mkdirSync(target, { recursive: true });
  writeFileSync(join(target, "package.json"), '{ "type": "module" }');
  for (const file of module) if (!omit.includes(file.name)) writeFileSync(join(target, file.name), file.contents);
  return target;
}

type Net = {
  inputs: unknown;
  outputs: unknown;
  target: string;
  reason: string;
  run(inputs: object, options?: object): Promise<{ [name: string]: Float32Array }>;
  dispose(): void;
};
type Load = (options?: object) => Promise<Net>;
const loadFrom = async (target: string): Promise<Load> => (await import(pathToFileURL(join(target, "model.js")).href)).load;

const given = {
  x: Float32Array.of(1, 2, 3, 4),
  ids: BigInt64Array.of(-1n, 2n ** 31n - 1n, 0n, 7n),
  mask: Uint8Array.of(0, 1, 255, 1),
  half: Uint16Array.of(1, 2),
  raw: Uint8ClampedArray.of(7, 8),
};
const wanted = {
  y: Float32Array.of(11, 22, 33, 44),
  ids_out: given.ids,
  mask_out: Uint8Array.of(0, 1, 1, 1),
  half_out: given.half,
  raw_out: Uint8Array.of(7, 8),
};

const target = writeModule("whole");
const rejection = (promise: Promise<unknown>) =>
  promise.then(
    () => "no error",
    (error: Error) => `${error.name}: ${error.message}`,
  );

describe("a built module", () => {
  test("has five files and little code", () => {
    expect(files.map(({ name }) => name)).toEqual(["model.js", "model.d.ts", "model.simd.wasm", "model.relaxed.wasm", "model.weights.bin"]);
    expect(readFileSync(join(target, "model.js"), "utf8")).not.toMatch(/\beval\b|new Function|import\(|^import /m);
    const script = new URL("../../scripts/runtime.mjs", import.meta.url).pathname;
    expect(execFileSync(process.execPath, [script, "--check"], { encoding: "utf8" })).toBe("");
    expect(runtime.text.length).toBeLessThan(4096);
  });

  test("runs with typed arrays by dtype, under the source's names and in its order", async () => {
    const net = await (await loadFrom(target))();
    expect(net.inputs).toEqual(inputs.map(({ name, shape, dtype }) => ({ name, shape, dtype })));
    expect(net.outputs).toEqual(outputs.map(({ name, shape, dtype }) => ({ name, shape, dtype })));
    const results = await net.run(given);
    expect(results).toEqual(wanted);
    expect(Object.keys(results)).toEqual(Object.keys(wanted));
    expect(given.mask).toEqual(Uint8Array.of(0, 1, 255, 1));
  });

  test("gives copies, or fills what it is given", async () => {
    const net = await (await loadFrom(target))();
    const first = await net.run(given);
    const y = new Float32Array(4);
    const second = await net.run({ ...given, x: new Float32Array(4) }, { into: { y } });
    expect(first).toEqual(wanted);
    expect(second.y).toBe(y);
    expect([...y]).toEqual([10, 20, 30, 40]);
    expect(second.ids_out).not.toBe(first.ids_out);
    const ids = BigInt64Array.of(9n, 9n, 9n, 9n);
    expect((await net.run(given, { into: { ids_out: ids } })).ids_out).toBe(ids);
    expect(ids).toEqual(given.ids);
  });

  test("names that every object of JavaScript inherits are names like others", async () => {
    const names = new Map([
      ["x", "constructor"],
      ["y", "toString"],
    ]);
    const rename = <T extends { readonly name: string }>(items: readonly T[]): T[] =>
      items.map((item) => ({ ...item, name: names.get(item.name) ?? item.name }));
    const placements = kernel.placements.map((place) => (place.buffer === "x" ? { ...place, buffer: "constructor" } : place));
    const own = { ...built.simd, kernel: { ...kernel, placements, outputs: rename(kernel.outputs) } };
    const renamed = moduleFiles(
      { simd: own, relaxed: { ...own, wasm: built.relaxed.wasm } },
      { name: "sample", inputs: rename(values(inputs)), outputs: rename(values(outputs)) },
    );
    const net = await (await loadFrom(writeModule("inherited", [], renamed)))();
    const { x, ...others } = given;
    expect((await net.run({ ...others, constructor: x })).toString).toEqual(wanted.y);
    expect(await rejection(net.run(others))).toBe(
      'TypeError: the input "constructor" is f32[1, 4], a Float32Array of 4 elements, not missing',
    );
  });

  test("overlapping runs keep apart, whatever the caller does with its arrays meanwhile", async () => {
    const net = await (await loadFrom(target))();
    const x = Float32Array.of(0, 0, 0, 0);
    const runs = Array.from({ length: 20 }, (_, i) => net.run({ ...given, x: x.fill(i) }));
    x.fill(99);
    for (const [i, result] of (await Promise.all(runs)).entries()) expect(result.y?.[0]).toBe(10 + i);
  });

  test("says what is wrong with what it is given", async () => {
    const net = await (await loadFrom(target))();
    const run = (change: object, options?: object) => rejection(net.run({ ...given, ...change }, options));
    const x = 'TypeError: the input "x" is f32[1, 4], a Float32Array of 4 elements, not';
    expect(await run({ x: undefined })).toBe(`${x} missing`);
    expect(await run({ x: [1, 2, 3, 4] })).toBe(`${x} Array of 4`);
    expect(await run({ x: new Float64Array(4) })).toBe(`${x} Float64Array of 4`);
    expect(await run({ x: new Float32Array(5) })).toBe(`${x} Float32Array of 5`);
    expect(await run({ x: null })).toBe(`${x} Null`);
    expect(await run({ x: { [Symbol.toStringTag]: "Float32Array", length: 4 } })).toBe(`${x} Float32Array of 4`);
    expect(await run({ image: given.x })).toBe('TypeError: there is no input "image": the inputs are x, ids, mask, half, raw');
    expect(await rejection(net.run(undefined as never))).toContain("TypeError");
    expect(await run({ ids: BigInt64Array.of(0n, 0n, 2n ** 31n, 0n) })).toBe(
      'RangeError: the input "ids" holds 2147483648, which takes more than 32 bits',
    );
    expect(await run({}, { into: { z: new Float32Array(4) } })).toBe(
      'TypeError: there is no output "z": the outputs are y, ids_out, mask_out, half_out, raw_out',
    );
    expect(await run({}, { into: { y: new Float32Array(3) } })).toBe(
      'TypeError: the output "y" is f32[1, 4], a Float32Array of 4 elements, not Float32Array of 3',
    );
    expect(await net.run(given)).toEqual(wanted);
    net.dispose();
    expect(await rejection(net.run(given))).toBe("Error: the net is disposed");
  });

  test("loads once for each net: two nets do not share memory", async () => {
    const load = await loadFrom(target);
    const [a, b] = await Promise.all([load(), load()]);
    const [first, second] = await Promise.all([a.run(given), b.run({ ...given, x: new Float32Array(4) })]);
    expect(first.y?.[0]).toBe(11);
    expect(second.y?.[0]).toBe(10);
  });
});

describe("variants", () => {
  const script = `
    import { load } from ${JSON.stringify(pathToFileURL(join(target, "model.js")).href)};
    const net = await load(JSON.parse(process.argv[1] ?? "{}"));
    const { y } = await net.run({ x: Float32Array.of(1, 2, 3, 4), ids: new BigInt64Array(4), mask: new Uint8Array(4), half: new Uint16Array(2), raw: new Uint8Array(2) });
    console.log(JSON.stringify([net.target, net.reason, [...y]]));`;
  const node = (flags: readonly string[], options: object = {}) =>
    JSON.parse(
      execFileSync(process.execPath, [...flags, "--input-type=module", "-e", script, JSON.stringify(options)], { encoding: "utf8" }),
    );
  const relaxedFlags =
    process.allowedNodeEnvironmentFlags.has("--experimental-wasm-relaxed-simd") || Number(process.versions.node.split(".")[0]) < 22
      ? ["--experimental-wasm-relaxed-simd"]
      : [];

  test("the engine is asked: relaxed where it has it", () => {
    expect(node(relaxedFlags)).toEqual(["relaxed", "this engine has relaxed SIMD", [11, 22, 33, 44]]);
    if (relaxedFlags.length > 0) expect(node([])).toEqual(["simd", "this engine has no relaxed SIMD", [11, 22, 33, 44]]);
  });

  test("the caller decides", async () => {
    expect(node(relaxedFlags, { target: "simd" })).toEqual(["simd", "asked for", [11, 22, 33, 44]]);
    const load = await loadFrom(target);
    expect(await rejection(load({ target: "webgpu" }))).toBe('Error: there is no target "webgpu": choose "relaxed" or "simd"');
    if (relaxedFlags.length > 0)
      expect(await rejection(load({ target: "relaxed" }))).toBe('Error: this engine has no relaxed SIMD: use the target "simd"');
  });
});

describe("files", () => {
  test("only what is needed is read", async () => {
    const load = await loadFrom(writeModule("simd-only", ["model.relaxed.wasm"]));
    expect(await (await load({ target: "simd" })).run(given)).toEqual(wanted);
  });

  test("where the two variants have schedules of their own, each has its weights and its places in memory", async () => {
    // None of the other one's places would do.
    const moved = { ...kernel, placements: kernel.placements.map((place) => ({ ...place, offset: place.offset + 65536 })) };
    const others = new Uint8Array(8);
    const apart = (simd: typeof built.simd, relaxed: typeof built.relaxed) =>
      moduleFiles({ simd, relaxed }, { name: "sample", inputs: values(inputs), outputs: values(outputs) });
    const own = { ...built.relaxed, kernel: moved, weights: others };
    const written = apart(built.simd, own);
    expect(written.map(({ name }) => name).slice(2)).toEqual([
      "model.simd.wasm",
      "model.relaxed.wasm",
      "model.weights.bin",
      "model.simd.weights.bin",
    ]);
    const load = await loadFrom(writeModule("apart", ["model.relaxed.wasm", "model.weights.bin"], written));
    expect(await (await load({ target: "simd" })).run(given)).toEqual(wanted);
    // The same weights are one file, wherever the rest lies.
    const alike = apart({ ...built.simd, weights: weights.slice() }, { ...built.relaxed, kernel: moved });
    expect(alike.map(({ name }) => name)).toEqual(files.map(({ name }) => name));
    expect(await (await (await loadFrom(writeModule("alike", [], alike)))({ target: "simd" })).run(given)).toEqual(wanted);
  });

  test("bytes in hand are not fetched", async () => {
    const load = await loadFrom(writeModule("bare", ["model.simd.wasm", "model.relaxed.wasm", "model.weights.bin"]));
    const buffer = contents("model.simd.wasm").slice().buffer;
    const padded = new Uint8Array(20);
    padded.set(weights, 4);
    const net = await load({ files: { "model.simd.wasm": buffer, "model.weights.bin": padded.subarray(4) } });
    expect([net.target, net.reason]).toEqual(["simd", "its file was given"]);
    expect(await net.run(given)).toEqual(wanted);
    const view = new DataView(weights.slice().buffer);
    expect(await (await load({ files: { "model.simd.wasm": contents("model.simd.wasm"), "model.weights.bin": view } })).run(given)).toEqual(
      wanted,
    );
  });

  test("one that is missing, cut, or of another build", async () => {
    const missing = writeModule("missing", ["model.weights.bin"]);
    const message = await rejection((await loadFrom(missing))({ target: "simd" }));
    expect(message).toContain(`Error: cannot read model.weights.bin from ${pathToFileURL(join(missing, "model.weights.bin"))}: ENOENT`);
    const cut = writeModule("cut");
    writeFileSync(join(cut, "model.weights.bin"), weights.subarray(1));
    expect(await rejection((await loadFrom(cut))())).toBe(
      "Error: model.weights.bin has 15 bytes and should have 16: it is not of this build",
    );
  });

  test("over HTTP, as a page does: one wasm is fetched, and an answer that is no file is found out", async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      const name = request.url?.slice(1) ?? "";
      asked.push(name);
      const missing = name.startsWith("gone");
      response.writeHead(missing ? 404 : 200).end(missing ? "" : name.startsWith("spa") ? "<!doctype html>" : contents(name));
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as { port: number };
    const over = async (prefix: string): Promise<Load> => {
      const copy = join(writeModule(`http-${prefix || "plain"}`), "model.js");
      const text = readFileSync(copy, "utf8")
        .replaceAll("import.meta.url", `"http://127.0.0.1:${port}/"`)
        .replaceAll('new URL("./', `new URL("./${prefix}`);
      writeFileSync(copy, text);
      return loadFrom(join(copy, ".."));
    };
    try {
      expect(await (await (await over(""))({ target: "simd" })).run(given)).toEqual(wanted);
      expect(asked.sort()).toEqual(["model.simd.wasm", "model.weights.bin"]);
      expect(await rejection((await over("gone."))({ target: "simd" }))).toMatch(/cannot read model\.\w+\.\w+ from http:.*: HTTP 404/);
      expect(await rejection((await over("spa."))({ target: "simd" }))).toMatch(
        /has 15 bytes and should have \d+: it is not of this build/,
      );
    } finally {
      server.close();
    }
  });

  test("the declarations say names, shapes and types, and type-check", () => {
    const program = join(writeModule("typed"), "use.ts");
    copyFileSync(join(target, "model.d.ts"), join(folder, "typed", "model.d.ts"));
    const use = (x: string) => `import { load, type Net, type Outputs } from "./model.js";
const net: Net = await load({ target: "simd", files: { "model.weights.bin": new ArrayBuffer(16) } });
const y = new Float32Array(4);
const outputs: Outputs = await net.run({ x: ${x}, ids: new BigInt64Array(4), mask: new Uint8Array(4), half: new Uint16Array(2), raw: new Uint8ClampedArray(2) }, { into: { y } });
const ids: BigInt64Array = outputs.ids_out;
const dtype: "f32" | "i64" | "bool" | "f16" | "u8" | undefined = net.inputs[0]?.dtype;
console.log(ids, dtype, net.target, net.reason, net.outputs.map((output) => output.shape.length));
net.dispose();
`;
    const check = () => {
      const tsc = new URL("../../node_modules/typescript/bin/tsc", import.meta.url).pathname;
      const flags = ["--noEmit", "--strict", "--target", "es2022", "--lib", "es2022,dom", "--module", "nodenext", "--types", "", program];
      try {
        return execFileSync(process.execPath, [tsc, ...flags], { encoding: "utf8", cwd: folder });
      } catch (error) {
        return String((error as { stdout?: string }).stdout);
      }
    };
    writeFileSync(program, use("new Float32Array(4)"));
    expect(check()).toBe("");
    writeFileSync(program, use("[1, 2, 3, 4]"));
    expect(check()).toContain("Float32Array");
    const text = readFileSync(join(target, "model.d.ts"), "utf8");
    expect(text).toContain("  /** f32[1, 4], 4 elements */\n  x: Float32Array;");
    expect(text).toContain("  /** f16[2], 2 elements; the bits of IEEE 754 binary16 */\n  half: Uint16Array;");
  });
});
