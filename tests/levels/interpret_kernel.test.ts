import { describe, expect, test } from "vitest";
import { emitWasm } from "../../src/codegen/wasm/emit.ts";
import { instantiate } from "../../src/codegen/wasm/instance.ts";
import { type DType, dtypes } from "../../src/ir/dtype.ts";
import { initializeWeights } from "../../src/ir/initialize.ts";
import { interpretKernel } from "../../src/ir/interpret_kernel.ts";
import { interpretLoop } from "../../src/ir/interpret_loop.ts";
import { verifyLevel } from "../../src/ir/level_program.ts";
import { createRandom } from "../../src/support/random.ts";
import { stagesOf } from "./examples.ts";
import { parsed } from "./levels.ts";

/** One kernel over `x` and `y`, each of 8 elements; the values of `y`. */
function run(body: string, x: readonly number[], from: DType = "f32", to: DType = "f32"): number[] {
  const bytes = (dtype: DType) => 8 * dtypes[dtype].bytes;
  const text = `quern kernel 1
program p
memory weights 0 run 128 build 128

inputs x
output y = y

place x: ${from}[8] at 0 bytes ${bytes(from)}
place y: ${to}[8] at 64 bytes ${bytes(to)}

call run k(x, y) nest y

kernel k(x: ${from}, y: ${to} writes) {
${body}
}
`;
  const at = parsed(text);
  if (at.level !== "kernel") throw new Error("not a kernel program");
  expect(verifyLevel(at)).toEqual([]);
  return [...(interpretKernel(at.program, new Map([["x", Float64Array.from(x)]])).get("y") ?? [])];
}

/** `y[i] = value` for every element, with `a` for x[i]. */
function each(
  value: string,
  x: readonly number[],
  from: DType = "f32",
  to: DType = "f32",
  register = from === "f64" ? "f64" : from.startsWith("f") ? "f32" : "i32",
  result = to === "f64" ? "f64" : to.startsWith("f") ? "f32" : "i32",
): number[] {
  const body = `for i in 8 {
  a: ${register} = load ${register} x[&x + i * ${dtypes[from].bytes}]
  store ${result} y[&y + i * ${dtypes[to].bytes}] = ${value}
}`;
  return run(body, x, from, to);
}

const few = [0, 1, -1, 2.5, -2.5, 7, 100, -300];

describe("scalars", () => {
  test("f32 rounds after every operation, a multiply_add twice", () => {
    const f = Math.fround;
    expect(each("a * 0.1 + 0.2", few)).toEqual(few.map((a) => f(f(f(a) * f(0.1)) + f(0.2))));
    expect(each("multiply_add(a, 0.1, 0.2)", few)).toEqual(few.map((a) => f(f(f(a) * f(0.1)) + f(0.2))));
    expect(each("f32(f64(a) * 0.1_f64)", few)).toEqual(few.map((a) => f(a * 0.1)));
    expect(each("sqrt(abs(a))", few)).toEqual(few.map((a) => f(Math.sqrt(Math.abs(a)))));
    expect(each("round(a)", few)).toEqual([0, 1, -1, 2, -2, 7, 100, -300]);
    expect(each("f32(host exp(f64(a)))", few)).toEqual(few.map((a) => f(Math.exp(a))));
  });
  test("i32 wraps", () => {
    const x = [0, 1, -1, 65536, 2147483647, -2147483648, 123456789, -7];
    expect(each("a * a", x, "i32", "i32")).toEqual(x.map((a) => Math.imul(a, a)));
    expect(each("a + 2147483647", x, "i32", "i32")).toEqual(x.map((a) => (a + 2147483647) | 0));
    expect(each("-a", x, "i32", "i32")).toEqual(x.map((a) => -a | 0));
    expect(each("a // 4", x, "i32", "i32")).toEqual(x.map((a) => Math.floor(a / 4)));
    expect(each("a % 4", x, "i32", "i32")).toEqual(x.map((a) => a - 4 * Math.floor(a / 4)));
    expect(each("a // 0 + a % 0", x, "i32", "i32")).toEqual(x.map(() => 0));
    expect(each("wrap:i8(a)", x, "i32", "i32")).toEqual(x.map((a) => (a << 24) >> 24));
    expect(each("float_bits(bits_float(bit_and(a, 8388607)))", x, "i32", "i32")).toEqual(x.map((a) => a & 8388607));
  });
  test("conversion truncates and saturates", () => {
    const x = [1.9, -1.9, 3e9, -3e9, NaN, Infinity, -Infinity, 0];
    expect(each("i32(a)", x, "f32", "i32")).toEqual([1, -1, 2147483647, -2147483648, 0, 2147483647, -2147483648, 0]);
    expect(each("if a < 0.0 or not (a < 2.0) then 1 else 0", x, "f32", "i32")).toEqual([0, 1, 1, 1, 1, 1, 1, 0]);
  });
});

describe("every dtype in memory", () => {
  test.each([
    ["i8", [0, 1, -1, 127, -128, 5, 6, 7]],
    ["u8", [0, 1, 255, 127, 128, 5, 6, 7]],
    ["bool", [0, 1, 1, 0, 0, 1, 1, 1]],
    ["i32", [0, 1, -1, 2147483647, -2147483648, 5, 6, 7]],
    ["i64", [0, 1, -1, 2147483647, -2147483648, 5, 6, 7]],
    ["f32", [0, -0, 0.5, Infinity, NaN, Math.fround(0.1), -3, 1e-40].map(Math.fround)],
    ["f64", [0, -0, 0.5, Infinity, NaN, 0.1, -3, 5e-324]],
    ["f16", [0, -0, 0.5, Infinity, NaN, 65504, 2 ** -24, 1.0009765625]],
  ] as const)("%s is read as it was written", (dtype, values) => {
    expect(each("a", values, dtype, dtype)).toEqual(values);
  });
  test("f16 rounds to nearest, ties to even, and overflows to infinity", () => {
    const x = [1.00048828125, 1.00146484375, 65519, 65520, 2 ** -25, 2 ** -24 * 1.5, 6.1e-5, -0.1];
    const halves = [1, 1.001953125, 65504, Infinity, 0, 2 ** -23, 1023 * 2 ** -24, -0.0999755859375];
    expect(each("a", x, "f32", "f16")).toEqual(halves);
  });
});

describe("vectors", () => {
  const x = [1, -2, 3, -4, 5, -6, 7, -8];
  test("lanes, splats, masks", () => {
    const body = `v: f32x4 = load f32x4 x[&x]
w: f32x4 = load f32x4 x[&x; 16]
m: i32x4 = v < splat(0.0)
store f32x4 y[&y] = if m then -v else w
s: f32x4 = load f32x4 splat x[&x; 8]
store f32x4 y[&y; 16] = if not m and w < s then s else replace(w, 1, extract(v, 3))`;
    expect(run(body, x)).toEqual([5, 2, 7, 4, 5, -4, 7, -8]);
  });
  test("a register filled lane by lane", () => {
    const body = `t: f32x4 = replace(t:f32x4, 2, 3.0)
t = replace(replace(t, 0, 1.0), 1, 2.0)
t = replace(t, 3, 4.0)
store f32x4 y[&y] = t
store f32x4 y[&y; 16] = f32x4(i32x4(load f32x4 x[&x]) * splat(3))`;
    expect(run(body, x)).toEqual([1, 2, 3, 4, 3, -6, 9, -12]);
  });
  test("branches and loops", () => {
    const body = `sum: f32 = 0.0
for i in 8 {
  a: f32 = load f32 x[&x + shift_left(i, 2)]
  if 0.0 < a {
    sum = sum + a
  } else {
    sum = sum - 0.5
  }
  store f32 y[&y + i * 4] = sum
}`;
    expect(run(body, x)).toEqual([1, 0.5, 3.5, 3, 8, 7.5, 14.5, 14]);
  });
});

test("an access outside its buffer is found", () => {
  expect(() => run("p: i32 = i32(load f32 x[&x])\nstore f32 y[&y + p] = 1.0", [400, 0, 0, 0, 0, 0, 0, 0])).toThrow(
    /accesses y at byte 400 of 32/,
  );
});

describe("the example custom-op", () => {
  const stages = stagesOf("custom-op");
  const source = stages.nn[0]?.program;
  const loop = stages.loop[0]?.program;
  const [scheduled, reference] = stages.kernel.map((stage) => stage.program);
  if (!source || !loop || !scheduled || !reference) throw new Error("no program");
  const random = createRandom("image");
  const weights = initializeWeights(source.weights, 3);
  const image = Float64Array.from({ length: 16 * 16 * 8 }, () => Math.fround(random.normal()));
  const given = new Map([...weights, ["image", image] as const]);
  const wanted = interpretLoop(loop, given).get("features") as Float64Array;

  test("the reference's kernels agree with the loops", () => {
    const found = interpretKernel(reference, given).get("features") as Float64Array;
    found.forEach((value, i) => {
      expect(Math.abs(value - (wanted[i] as number))).toBeLessThan(1e-11);
    });
  });
  test("scheduled kernels agree with the loops as far as f32 goes, and with the wasm to the bit", () => {
    const found = interpretKernel(scheduled, given).get("features") as Float64Array;
    found.forEach((value, i) => {
      expect(Math.abs(value - (wanted[i] as number))).toBeLessThan(1e-4);
    });
    const instance = instantiate(scheduled, emitWasm(scheduled, { relaxed: false, calls: "build" }).bytes, "build");
    for (const { buffer, source: from } of scheduled.sources)
      instance.write(buffer, from.kind === "constant" ? from.data : (weights.get(from.path) ?? []));
    instance.build();
    instance.write("image", image);
    instance.run();
    expect(Buffer.compare(Buffer.from(found.buffer), Buffer.from(Float64Array.from(instance.read("features")).buffer))).toBe(0);
  });
});
