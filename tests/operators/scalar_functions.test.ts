/**
 * The scalar functions in WebAssembly against `Math` in float64: dense samples for those that are spelled with a
 * polynomial, whose error must stay within the table's; everything else exactly. Vector and scalar code agree bit for bit.
 */
import { expect, test } from "vitest";
import { compile } from "../../src/compile.ts";
import type { ScalarFunction } from "../../src/ir/expr.ts";
import { scalarFunctions } from "../../src/ir/scalar_functions.ts";
import { createWasm } from "../../src/pipeline/execute.ts";
import { full } from "../support.ts";

const names = Object.keys(scalarFunctions) as ScalarFunction[];
const polynomials = names.filter((name) => scalarFunctions[name].wasm !== "instruction");

/** Samples in one call of a kernel. */
const chunk = 1 << 16;

type Path = "vector" | "scalar";
type Apply = (...operands: readonly Float64Array[]) => Float64Array;

/** The function over `chunk` elements: scheduled, so that it is vectorised, or as plain loops. */
function kernelFor(expression: string, operands: readonly string[], gives: string, path: Path): Apply {
  const typed = operands.map((dtype, i) => `x${i}: ${dtype}[${chunk}]`).join(", ");
  const reads = operands.reduce((text, _, i) => text.replaceAll(`$${i}`, `x${i}[i]`), expression);
  const source = `op f(${operands.map((dtype, i) => `x${i}: ${dtype}[n]`).join(", ")}) -> y: ${gives}[n] { y[i] = ${reads} }
model one(${typed}) -> y: ${gives}[${chunk}] { f(${operands.map((_, i) => `x${i}`).join(", ")}) }`;
  const { value: compiled, diagnostics } = compile(source, { schedule: path === "vector" ? "default" : "none" });
  if (!compiled) throw new Error(diagnostics[0]?.message);
  const wasm = createWasm(compiled, new Map());
  return (...values) => {
    const filled = values.map((given) => {
      const all = new Float64Array(chunk);
      all.set(given);
      return all;
    });
    const result = wasm.run(new Map(filled.map((given, i) => [`x${i}`, given] as const))).get("y");
    return (result ?? new Float64Array()).subarray(0, values[0]?.length);
  };
}

const bits = new DataView(new ArrayBuffer(4));

function floatOf(pattern: number): number {
  bits.setUint32(0, pattern);
  return bits.getFloat32(0);
}

/** Every `step`th f32 by bit pattern, both signs: all exponents alike, subnormals, infinities and NaN included. */
function floats(step: number): Float64Array {
  const values: number[] = [];
  for (let pattern = 0; pattern < 2 ** 32; pattern += step) values.push(floatOf(pattern));
  return Float64Array.from(values);
}

const special = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  1.5,
  -1.5,
  2.5,
  -2.5,
  Infinity,
  -Infinity,
  Number.NaN,
  2 ** -149,
  -(2 ** -149),
  2 ** -126,
  -(2 ** -126),
].concat(
  [2 ** -127, 1 - 2 ** -24, 1 + 2 ** -23, 0.625, 2 ** 23, 2 ** 24 + 2, 2 ** 31, -(2 ** 31), 3.4028234663852886e38, -3.4028234663852886e38],
  // Where exp overflows, becomes subnormal and becomes 0, and log of numbers close to 1.
  [
    88.72283,
    88.722831,
    88.72284,
    89,
    -87.33654,
    -87.3366,
    -103.9,
    -103.97208,
    -103.98,
    -104,
    -105,
    -106,
    Math.SQRT1_2,
    0.70710677,
    0.9999,
    1.0001,
  ].map(Math.fround),
);

/** Uniform samples where the function is neither flat nor infinite. */
function dense(low: number, high: number, count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => Math.fround(low + ((high - low) * (i + 0.37)) / count));
}

function samplesFor(name: ScalarFunction): Float64Array[] {
  const count = full ? 1 << 21 : 1 << 16;
  const ranges: { readonly [name: string]: readonly (readonly [number, number])[] } = {
    exp: [
      [-104, 89],
      [-1, 1],
    ],
    log: [
      [0.4, 2.5],
      [0, 1e4],
    ],
    tanh: [
      [-10, 10],
      [-0.7, 0.7],
    ],
    sin: [
      [-100, 100],
      [-51000, 51000],
    ],
    cos: [
      [-100, 100],
      [-51000, 51000],
    ],
    erf: [
      [-4.5, 4.5],
      [-1, 1],
    ],
    atan: [
      [-3, 3],
      [-1000, 1000],
    ],
  };
  return [
    Float64Array.from(special),
    floats(full ? 2053 : 65521),
    ...(ranges[name] ?? [[-100, 100]]).map(([low, high]) => dense(low, high, count)),
  ];
}

/** The distance in units in the last place of the exact value; 0 where both are the same infinity or NaN. */
function ulpsBetween(found: number, exact: number): number {
  if (Number.isNaN(exact) || Number.isNaN(found)) return Number.isNaN(exact) && Number.isNaN(found) ? 0 : Infinity;
  if (!Number.isFinite(Math.fround(exact)) || !Number.isFinite(found)) return found === Math.fround(exact) ? 0 : Infinity;
  const exponent = exact === 0 ? -126 : Math.max(-126, Math.floor(Math.log2(Math.abs(exact))));
  return Math.abs(found - exact) / 2 ** (exponent - 23);
}

function inChunks(values: Float64Array): Float64Array[] {
  return Array.from({ length: Math.ceil(values.length / chunk) }, (_, i) => values.subarray(i * chunk, (i + 1) * chunk));
}

test.each(polynomials)("%s stays within the error that the table states", (name) => {
  const record = scalarFunctions[name];
  const run = { vector: kernelFor(`${name}($0)`, ["f32"], "f32", "vector"), scalar: kernelFor(`${name}($0)`, ["f32"], "f32", "scalar") };
  let worst = { ulps: 0, x: 0 };
  const apart: number[] = [];
  for (const values of samplesFor(name).flatMap(inChunks)) {
    const [vector, scalar] = [run.vector(values), run.scalar(values)];
    values.forEach((x, i) => {
      const holds = !(Math.abs(x) > (record.within ?? Infinity)) || !Number.isFinite(x);
      const ulps = holds ? ulpsBetween(vector[i] as number, record.meaning(x)) : 0;
      // What is not as exact as the table says still has a plausible value.
      if (!holds && !(Math.abs(vector[i] as number) <= 1)) worst = { ulps: Infinity, x };
      if (ulps > worst.ulps) worst = { ulps, x };
      if (!Object.is(vector[i], scalar[i]) && apart.length < 10) apart.push(x);
    });
  }
  console.log(`${name}: ${worst.ulps.toFixed(3)} ulps at ${worst.x}; the table says ${record.ulps}`);
  expect(apart).toEqual([]);
  expect(worst.ulps).toBeLessThanOrEqual(record.ulps);
});

test.each(polynomials)("%s keeps the sign of 0 and the limits", (name) => {
  const values = Float64Array.of(0, -0, Infinity, -Infinity, Number.NaN);
  const expected = Array.from(values, (x) => Math.fround(scalarFunctions[name].meaning(x)));
  for (const path of ["vector", "scalar"] as const) {
    expect([path, ...kernelFor(`${name}($0)`, ["f32"], "f32", path)(values)]).toEqual([path, ...expected]);
  }
});

const exactUnary = ["neg", "abs", "floor", "ceil", "trunc", "round", "sqrt"] as const;

test.each(exactUnary)("%s of f32 is correctly rounded", (name) => {
  const [vector, scalar] = (["vector", "scalar"] as const).map((path) => kernelFor(`${name}($0)`, ["f32"], "f32", path)) as [Apply, Apply];
  for (const values of [Float64Array.from(special), ...inChunks(floats(65521)), ...inChunks(dense(-9, 9, 4096))]) {
    const expected = Array.from(values, (x) => Math.fround(independent[name](x)));
    expect(firstApart(values, vector(values), expected)).toBeUndefined();
    expect(firstApart(values, scalar(values), expected)).toBeUndefined();
  }
});

/** The definitions written once more, not those of the table. */
const independent: { readonly [name in (typeof exactUnary)[number]]: (x: number) => number } = {
  neg: (x) => -x,
  abs: (x) => (x < 0 || Object.is(x, -0) ? -x : x),
  floor: Math.floor,
  ceil: Math.ceil,
  trunc: Math.trunc,
  round: (x) => {
    // Adding and taking away 1.5 x 2^52 rounds a float64 to the nearest integer, halves to even.
    const magnitude = Math.abs(x);
    const rounded = magnitude < 2 ** 40 ? magnitude + 1.5 * 2 ** 52 - 1.5 * 2 ** 52 : magnitude;
    return x < 0 || Object.is(x, -0) ? -rounded : rounded;
  },
  sqrt: (x) => Math.sqrt(x),
};

function firstApart(values: ArrayLike<number>, found: ArrayLike<number>, expected: readonly number[]): string | undefined {
  const position = expected.findIndex((wanted, i) => !Object.is(found[i], wanted));
  return position < 0 ? undefined : `of ${values[position]}: ${found[position]} instead of ${expected[position]}`;
}

/** Binary functions of floats, for every pair of special values. */
const floatPairs: { readonly [name: string]: { readonly text: string; readonly gives: string; meaning(a: number, b: number): number } } = {
  add: { text: "$0 + $1", gives: "f32", meaning: (a, b) => a + b },
  sub: { text: "$0 - $1", gives: "f32", meaning: (a, b) => a - b },
  mul: { text: "$0 * $1", gives: "f32", meaning: (a, b) => a * b },
  div: { text: "$0 / $1", gives: "f32", meaning: (a, b) => a / b },
  max: {
    text: "max($0, $1)",
    gives: "f32",
    meaning: (a, b) => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : a > b ? a : b > a ? b : Object.is(a, -0) ? b : a),
  },
  min: {
    text: "min($0, $1)",
    gives: "f32",
    meaning: (a, b) => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : a < b ? a : b < a ? b : Object.is(a, -0) ? a : b),
  },
  eq: { text: "$0 == $1", gives: "bool", meaning: (a, b) => Number(a === b) },
  ne: { text: "$0 != $1", gives: "bool", meaning: (a, b) => Number(a !== b) },
  lt: { text: "$0 < $1", gives: "bool", meaning: (a, b) => Number(a < b) },
  le: { text: "$0 <= $1", gives: "bool", meaning: (a, b) => Number(a <= b) },
  gt: { text: "$0 > $1", gives: "bool", meaning: (a, b) => Number(a > b) },
  ge: { text: "$0 >= $1", gives: "bool", meaning: (a, b) => Number(a >= b) },
};

test.each(Object.keys(floatPairs))("%s of f32, on all pairs of special values", (name) => {
  const pair = floatPairs[name];
  if (!pair) return;
  const left = Float64Array.from(special.flatMap((a) => special.map(() => a)));
  const right = Float64Array.from(special.flatMap(() => special));
  const expected = Array.from(left, (a, i) => Math.fround(pair.meaning(a, right[i] as number)));
  for (const path of ["vector", "scalar"] as const) {
    const found = kernelFor(pair.text, ["f32", "f32"], pair.gives, path)(left, right);
    const position = expected.findIndex((wanted, i) => !Object.is(found[i], wanted));
    expect(
      position < 0 ? "" : `${path}: ${name}(${left[position]}, ${right[position]}) is ${found[position]} instead of ${expected[position]}`,
    ).toBe("");
  }
});

/** Exact integers, before wrapping. */
const integerPairs: { readonly [name: string]: { readonly text: string; meaning(a: bigint, b: bigint): bigint } } = {
  add: { text: "$0 + $1", meaning: (a, b) => a + b },
  sub: { text: "$0 - $1", meaning: (a, b) => a - b },
  mul: { text: "$0 * $1", meaning: (a, b) => a * b },
  floordiv: { text: "$0 // $1", meaning: (a, b) => (b === 0n ? 0n : (a - (((a % b) + b) % b)) / b) },
  mod: { text: "$0 % $1", meaning: (a, b) => (b === 0n ? 0n : ((a % b) + b) % b) },
  max: { text: "max($0, $1)", meaning: (a, b) => (a - b > 0n ? a : b) },
  min: { text: "min($0, $1)", meaning: (a, b) => (b - a > 0n ? a : b) },
  bit_and: { text: "bit_and($0, $1)", meaning: (a, b) => a & b },
  bit_or: { text: "bit_or($0, $1)", meaning: (a, b) => a | b },
  bit_xor: { text: "bit_xor($0, $1)", meaning: (a, b) => a ^ b },
  shift_left: { text: "shift_left($0, bit_and($1, 7))", meaning: (a, b) => a << (b & 7n) },
  shift_right: { text: "shift_right($0, bit_and($1, 7))", meaning: (a, b) => a >> (b & 7n) },
  neg: { text: "-$0 + $1 - $1", meaning: (a) => -a },
  abs: { text: "abs($0) + $1 - $1", meaning: (a) => (a < 0n ? -a : a) },
};

const wrap = { i8: (x: bigint) => BigInt.asIntN(8, x), u8: (x: bigint) => BigInt.asUintN(8, x), i32: (x: bigint) => BigInt.asIntN(32, x) };
const extremes = [
  0,
  1,
  -1,
  2,
  -2,
  3,
  -3,
  7,
  8,
  10,
  127,
  128,
  255,
  256,
  -128,
  1000,
  -1000,
  65536,
  2 ** 30,
  2 ** 31 - 1,
  -(2 ** 31),
  -(2 ** 31) + 1,
];

test.each(Object.keys(integerPairs).flatMap((name) => (["i8", "u8", "i32"] as const).map((dtype) => [name, dtype] as const)))(
  "%s of %s, on all pairs",
  (name, dtype) => {
    const pair = integerPairs[name];
    if (!pair) return;
    const low = { i8: -128, u8: 0, i32: 0 }[dtype];
    const values = dtype === "i32" ? extremes : Array.from({ length: 256 }, (_, i) => low + i);
    const left = Float64Array.from(values.flatMap((a) => values.map(() => a)));
    const right = Float64Array.from(values.flatMap(() => values));
    const expected = Array.from(left, (a, i) => Number(wrap[dtype](pair.meaning(BigInt(a), BigInt(right[i] as number)))));
    for (const path of ["vector", "scalar"] as const) {
      const found = kernelFor(pair.text, [dtype, dtype], dtype, path)(left, right);
      const position = expected.findIndex((wanted, i) => found[i] !== wanted);
      expect(
        position < 0
          ? ""
          : `${path}: ${name}(${left[position]}, ${right[position]}) is ${found[position]} instead of ${expected[position]}`,
      ).toBe("");
    }
  },
);

test("and, or, not of conditions", () => {
  const [a, b] = [Float64Array.of(0, 0, 1, 1), Float64Array.of(0, 1, 0, 1)];
  for (const path of ["vector", "scalar"] as const) {
    expect([...kernelFor("$0 and $1", ["bool", "bool"], "bool", path)(a, b)]).toEqual([0, 0, 0, 1]);
    expect([...kernelFor("$0 or $1", ["bool", "bool"], "bool", path)(a, b)]).toEqual([0, 1, 1, 1]);
    expect([...kernelFor("not $0", ["bool"], "bool", path)(a)]).toEqual([1, 1, 0, 0]);
  }
});

test("float_bits and bits_float are the bits of an f32", () => {
  const values = Float64Array.from(special.filter((x) => !Number.isNaN(x)));
  const patterns = Array.from(values, (x) => {
    bits.setFloat32(0, x);
    return bits.getInt32(0);
  });
  for (const path of ["vector", "scalar"] as const) {
    expect([...kernelFor("float_bits($0)", ["f32"], "i32", path)(values)]).toEqual(patterns);
    expect([...kernelFor("bits_float($0)", ["i32"], "f32", path)(Float64Array.from(patterns))]).toEqual([...values]);
  }
});

test("every function of the table is tested here", () => {
  const tested = new Set<string>([
    ...polynomials,
    ...exactUnary,
    ...Object.keys(floatPairs),
    ...Object.keys(integerPairs),
    "and",
    "or",
    "not",
    "float_bits",
    "bits_float",
  ]);
  expect(names.filter((name) => !tested.has(name))).toEqual([]);
});
