/** Code that kernels share computes what each of them computes alone, to the bit. */
import { expect, test } from "vitest";
import { type EmitOptions, emitWasm } from "../../src/codegen/wasm/emit.ts";
import { kernelFunction, type WasmStatement } from "../../src/codegen/wasm/function.ts";
import { instantiate } from "../../src/codegen/wasm/instance.ts";
import { separatePointers } from "../../src/codegen/wasm/separate_pointers.ts";
import { shareCode } from "../../src/codegen/wasm/share_code.ts";
import { type Compiled, compile } from "../../src/compile.ts";
import { initializeWeights } from "../../src/ir/initialize.ts";
import type { Kernel, KernelExpr, KernelStatement } from "../../src/ir/kernel.ts";
import { writeSources } from "../../src/pipeline/execute.ts";
import { createRandom, type Random } from "../../src/support/random.ts";
import { randomProgram } from "../random/program.ts";
import { full } from "../support.ts";

const chains = full ? 150 : 15;
const programs = full ? 500 : 50;

test(`${chains} chains of layers that differ in their sizes`, () => {
  let shared = 0;
  for (let seed = 0; seed < chains; seed++) {
    const compiled = compiledFrom(chain(createRandom(seed)));
    shared += countShared(compiled);
    const alone = run(compiled, seed, { leastShared: Infinity });
    for (const separatePointers of [true, false]) expect(run(compiled, seed, { leastShared: 1, separatePointers })).toEqual(alone);
  }
  expect(shared).toBeGreaterThan(2 * chains);
});

test(`${programs} random programs`, () => {
  let shared = 0;
  for (let seed = 0; seed < programs; seed++) {
    const compiled = compiledFrom(randomProgram(seed).source);
    shared += countShared(compiled);
    const alone = run(compiled, seed, { leastShared: Infinity });
    for (const separatePointers of [true, false]) expect(run(compiled, seed, { leastShared: 1, separatePointers })).toEqual(alone);
  }
  expect(shared).toBeGreaterThan(programs / 10);
});

test("warming up calls every shared function, which then goes round an empty loop", () => {
  const alike = [3, 5].map((size) => kernel(`k${size}`, [set("p", base), fill(size)]));
  const { functions, warmUp } = shareCode(alike, (name) => name, { separate: true, least: 2 });
  const [shared] = functions;
  expect(warmUp.map((call) => call.function)).toEqual(["shared 0"]);
  expect(warmUp[0]?.arguments).toHaveLength(shared?.parameters.length ?? 0);
  const times = warmUp[0]?.arguments.at(-1);
  expect(times?.kind === "constant" && times.value).toBeGreaterThan(1);
  // All that the function does is behind a test of that number, which calls with work have as 1.
  const [counter, outermost, ...rest] = shared?.body ?? [];
  expect([counter?.kind, outermost?.kind, rest]).toEqual(["set", "repeat", []]);
  const [behind, next] = outermost?.kind === "repeat" ? outermost.body : [];
  expect(behind).toMatchObject({ kind: "if", condition: { function: "eq", args: [{ name: "once" }, { value: 1 }] }, otherwise: [] });
  expect(next).toMatchObject({ kind: "set" });
});

test("a module that has warmed up has written nothing, and computes what one does that has not", () => {
  const compiled = compiledFrom(chain(createRandom(2)));
  const program = compiled.levels.kernel();
  const [warm, cold] = [1, Infinity].map((leastShared) => {
    const { bytes } = emitWasm(program, { relaxed: false, calls: "run", leastShared });
    const instance = instantiate(program, bytes, "run");
    expect(new Uint8Array(instance.memory.buffer).every((byte) => byte === 0)).toBe(true);
    const memory = new Float32Array(instance.memory.buffer);
    memory.forEach((_, i) => {
      memory[i] = (i % 13) - 6;
    });
    instance.run();
    return { length: bytes.length, outputs: program.outputs.map(({ value }) => instance.read(value)) };
  });
  expect(warm?.length).not.toBe(cold?.length);
  expect(warm?.outputs).toEqual(cold?.outputs);
});

function compiledFrom(source: string): Compiled {
  const { value, diagnostics } = compile(source);
  if (!value) throw new Error(`${diagnostics.map(({ message }) => message).join("; ")}\n${source}`);
  return value;
}

function countShared({ levels }: Compiled): number {
  const { kernels } = levels.kernel();
  return shareCode(kernels, (name) => name, { separate: true, least: 1 }).functions.length - kernels.length;
}

/** Every output, with functions shared as the options say. */
function run(compiled: Compiled, seed: number, options: Pick<EmitOptions, "leastShared" | "separatePointers">): Float64Array[] {
  const program = compiled.levels.kernel();
  const instance = instantiate(program, emitWasm(program, { relaxed: false, calls: "build", ...options }).bytes, "build");
  const random = createRandom(seed);
  writeSources(instance, program, initializeWeights(compiled.weights, seed));
  instance.build();
  for (const name of program.inputs) {
    const shape = program.placements.find(({ buffer }) => buffer === name)?.shape ?? [];
    const count = shape.reduce((product, extent) => product * extent, 1);
    const values = Float64Array.from({ length: count }, () => random.integer(0, 8));
    instance.write(name, values);
  }
  instance.run();
  return program.outputs.map(({ value }) => instance.read(value));
}

function chain(random: Random): string {
  let side = random.integer(3, 9);
  let channels = random.integer(1, 4) * 4;
  const input = `f32[1, ${side}, ${side}, ${channels}]`;
  const lines = Array.from({ length: random.integer(3, 6) }, (_, i) => {
    const activation = random.pick(["|> relu", "|> relu6", ""]);
    if (random.integer(0, 3) === 0)
      return `let x${i + 1} = depthwise_conv2d(x${i}, @k${i}: [3, 3, ${channels}, 1] = he_normal, pad: same) ${activation}`;
    const [size, stride, filters] = [random.pick([1, 1, 3]), random.pick([1, 1, 2]), random.integer(1, 5) * 4];
    const kernel = `@k${i}: [${size}, ${size}, ${channels}, ${filters}] = he_normal`;
    side = Math.ceil(side / stride);
    channels = filters;
    return `let x${i + 1} = conv2d(x${i}, ${kernel}, stride: [${stride}, ${stride}], pad: same) ${activation}`;
  });
  const output = `f32[1, ${side}, ${side}, ${channels}]`;
  return `model m(x0: ${input}) -> y: ${output} {\n  ${lines.join("\n  ")}\n  x${lines.length}\n}`;
}

const get = (name: string): KernelExpr => ({ kind: "get", name, type: "i32" });
const whole = (value: number): KernelExpr => ({ kind: "constant", type: "i32", value });
const add = (a: KernelExpr, b: KernelExpr): KernelExpr => ({ kind: "apply", function: "add", on: "i32", args: [a, b] });
const set = (name: string, value: KernelExpr): KernelStatement => ({ kind: "set", name, type: "i32", value });
const zero: KernelExpr = { kind: "constant", type: "f32", value: 0 };
const store = (address: KernelExpr, offset = 0): KernelStatement => ({
  kind: "store",
  dtype: "f32",
  type: "f32",
  buffer: "y",
  address,
  offset,
  value: zero,
});
const loop = (name: string, extent: number, body: readonly KernelStatement[]): KernelStatement => ({ kind: "for", name, extent, body });
const kernel = (name: string, body: readonly KernelStatement[]): Kernel => ({
  name,
  trace: [],
  parameters: [{ name: "y", dtype: "f32", writes: true }],
  body,
});

/** The statements of a kernel when it stands beside another that differs in a number; loops with their bodies in brackets. */
function besideAnother(make: (size: number) => readonly KernelStatement[]): string {
  const { functions } = shareCode([kernel("a", make(3)), kernel("b", make(5))], (name) => name, { separate: true, least: 2 });
  const outline = (list: readonly WasmStatement[]): string =>
    list.map((statement) => (statement.kind === "repeat" ? `repeat[${outline(statement.body)}]` : statement.kind)).join(" ");
  return outline(functions.find(({ name }) => name === "a")?.body ?? []);
}

const base: KernelExpr = { kind: "base", buffer: "y" };
const fill = (size: number) => loop("i", size, [store(get("p")), set("p", add(get("p"), whole(4)))]);

test("a loop whose numbers differ is shared", () => {
  expect(besideAnother((size) => [set("p", base), fill(size)])).toBe("set call");
});

test("what carries a value from one time to the next is not moved without what is around it", () => {
  // Each time round, `i` goes on from where it was: the loop around it is moved, and not `i` alone.
  expect(besideAnother((size) => [set("p", base), loop("o", 7, [fill(size)])])).toBe("set call");
  const next = set("o2", add(get("o"), whole(1)));
  expect(besideAnother((size) => [set("p", base), loop("o", 7, [fill(size), next]), set("q", get("o2")), store(get("q"))])).toBe(
    "set set repeat[set repeat[store set] set set] set store",
  );
});

test("what is read later stays where it is set", () => {
  expect(besideAnother((size) => [set("p", base), fill(size), set("q", get("p")), store(get("q"))])).toBe(
    "set set repeat[store set] set store",
  );
});

test("rows at different distances are pointers of their own", () => {
  const rows = (size: number) => loop("i", 4, [store(get("p")), store(get("p"), 64 * size), set("p", add(get("p"), whole(4)))]);
  const alike = [kernel("a", [set("p", base), rows(3)]), kernel("b", [set("p", base), rows(5)])];
  const { functions } = shareCode(alike, (name) => name, { separate: true, least: 2 });
  const [shared, a] = functions;
  expect(functions.map(({ name }) => name)).toEqual(["shared 0", "a", "b"]);
  expect(a?.body.at(-1)).toEqual({
    kind: "call",
    function: "shared 0",
    arguments: [get("p"), add(get("p"), whole(192)), whole(1)],
  });
  expect(JSON.stringify(shared?.body)).not.toContain("192");
});

test("pointers as they are: only rows that are equally far apart are shared, and every pointer begins as a sum", () => {
  const rows = (size: number, extent: number) =>
    loop("i", extent, [store(get("p")), store(get("p"), 64 * size), set("p", add(get("p"), whole(4)))]);
  const share = (...sizes: number[]) =>
    shareCode(
      sizes.map((size, i) => kernel(`k${i}`, [set("p", base), rows(size, 4 + i)])),
      (name) => name,
      { separate: false, least: 2 },
    ).functions;
  expect(share(3, 5).map(({ name }) => name)).toEqual(["k0", "k1"]);
  const [shared, k0] = share(3, 3);
  expect(shared?.name).toBe("shared 0");
  expect(k0?.body.at(-1)).toMatchObject({ kind: "call", arguments: [get("p"), whole(4), whole(1)] });
  const [, outermost] = shared?.body ?? [];
  const [behind] = outermost?.kind === "repeat" ? outermost.body : [];
  const pointer = shared?.parameters[0]?.name ?? "";
  expect(behind?.kind === "if" && behind.whenTrue[0]).toEqual(set(pointer, add(get(pointer), add(get("once"), whole(-1)))));
});

test("pointers are set in the order of their use, but for one that is made from another", () => {
  const moves = (...list: KernelStatement[]) =>
    separatePointers([...list, store(get("p")), store(get("q"))]).statements.slice(0, list.length);
  const [begin, other, onward] = [set("p", get("a")), set("q", get("b")), set("p", add(get("p"), whole(4)))];
  expect(moves(other, begin)).toEqual([begin, other]);
  expect(moves(set("q", get("p")), onward)).toEqual([set("q", get("p")), onward]);
});

test("a loop is counted by a pointer that it alone moves, and else by its counter", () => {
  const counted = (...body: KernelStatement[]) => {
    const made = kernelFunction(kernel("k", [set("p", base), loop("i", 3, body)]), "k", () => undefined);
    return made.body.find((statement) => statement.kind === "repeat")?.register;
  };
  const onward = set("p", add(get("p"), whole(4)));
  expect(counted(store(get("p")), onward)).toBe("p");
  expect(counted(store(get("p")), onward, onward)).toBe("i");
  expect(counted(store(get("p")), onward, store(add(get("p"), get("i"))))).toBe("i");
  expect(counted(store(get("p")), set("p", add(get("p"), whole(0))))).toBe("i");
});
