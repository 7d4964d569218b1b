/**
 * The scalar functions as WGSL on every driver against float64: floats within the error that the table states, of finite operands and
 * results that are not subnormal, which is what WGSL promises; integers exactly, overflow and division by 0 included.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ScalarFunction } from "../../src/ir/expr.ts";
import { roundToDType } from "../../src/ir/memory_element.ts";
import { scalarFunctions } from "../../src/ir/scalar_functions.ts";
import { compileText, full } from "../support.ts";
import type { Driver } from "./dawn.ts";
import { closeAll, openDrivers } from "./support.ts";

let opened: Driver[] = [];
beforeAll(() => {
  opened = openDrivers();
});
afterAll(() => closeAll(opened));

const smallestNormal = 2 ** -126;
const largest = 3.4028234663852886e38;

async function runOn(driver: Driver, expression: string, dtype: string, gives: string, operands: readonly Float64Array[]) {
  const count = operands[0]?.length ?? 0;
  const parameters = (extent: string | number) => operands.map((_, k) => `x${k}: ${dtype}[${extent}]`).join(", ");
  const source = `op f(${parameters("n")}) -> y: ${gives}[n] { y[i] = ${expression} }
model one(${parameters(count)}) -> y: ${gives}[${count}] { f(${operands.map((_, k) => `x${k}`).join(", ")}) }`;
  const { value: program, diagnostics } = compileText(source, "one.qn", { target: "webgpu" }).levels.shader();
  if (!program) throw new Error(diagnostics[0]?.message);
  const outputs = await driver.run(program, new Map(), new Map(operands.map((values, k) => [`x${k}`, values] as const)));
  return outputs.get("y") ?? new Float64Array();
}

function callOf(name: ScalarFunction): string {
  const { infix, arity } = scalarFunctions[name];
  if (infix !== undefined) return `x0[i] ${infix} x1[i]`;
  if (name === "neg") return "-x0[i]";
  return arity === 1 ? `${name}(x0[i])` : `${name}(x0[i], x1[i])`;
}

const bits = new DataView(new ArrayBuffer(4));

/** Every `step`th f32 that is finite and not subnormal, of both signs. */
function floats(step: number): number[] {
  const values: number[] = [0, -0, 1, -1, 0.5, 1.5, 2.5, -2.5, 2 ** 23, 2 ** 24 + 2, largest, -largest, smallestNormal];
  for (let pattern = 1; pattern < 2 ** 32; pattern += step) {
    bits.setUint32(0, pattern);
    const value = bits.getFloat32(0);
    if (Number.isFinite(value) && Math.abs(value) >= smallestNormal) values.push(value);
  }
  return values;
}

function dense(low: number, high: number): number[] {
  const count = full ? 1 << 17 : 1 << 13;
  return Array.from({ length: count }, (_, i) => Math.fround(low + ((high - low) * (i + 0.37)) / count));
}

const ranges: { readonly [name: string]: readonly [number, number] } = {
  exp: [-87, 88],
  log: [0.01, 1e4],
  tanh: [-10, 10],
  erf: [-4.5, 4.5],
  atan: [-30, 30],
};

/** In units in the last place; nothing where WGSL leaves the result open. */
function ulpsBetween(found: number, exact: number): number {
  const magnitude = Math.abs(exact);
  if (!(magnitude <= largest) || (magnitude < smallestNormal && exact !== 0)) return 0;
  if (exact === 0) return Math.abs(found) < smallestNormal ? 0 : Infinity;
  return Math.abs(found - exact) / 2 ** (Math.floor(Math.log2(magnitude)) - 23);
}

const names = Object.keys(scalarFunctions) as ScalarFunction[];
const isNumber = (name: ScalarFunction) =>
  ["number", "float"].includes(scalarFunctions[name].takes) && scalarFunctions[name].gives === "same";
const unary = names.filter((name) => isNumber(name) && scalarFunctions[name].arity === 1);
const binary = names.filter((name) => isNumber(name) && scalarFunctions[name].arity === 2);
const comparisons = names.filter((name) => scalarFunctions[name].gives === "bool" && scalarFunctions[name].takes !== "bool");

test.each(unary)("%s of f32", async (name) => {
  const record = scalarFunctions[name];
  const samples = [...floats(full ? 65521 : 1048573), ...dense(...(ranges[name] ?? [-100, 100]))];
  const values = Float64Array.from(samples.filter((x) => Math.abs(x) <= (record.within ?? Infinity)));
  for (const driver of opened) {
    const found = await runOn(driver, callOf(name), "f32", "f32", [values]);
    let worst = { ulps: 0, x: 0 };
    values.forEach((x, i) => {
      const ulps = ulpsBetween(found[i] as number, record.meaning(x));
      if (!(ulps <= worst.ulps)) worst = { ulps, x };
    });
    console.log(`${name} on ${driver.name}: ${worst.ulps.toFixed(3)} ulps at ${worst.x}; the table says ${record.wgsl.ulps}`);
    expect(worst.ulps, `${driver.name} at ${worst.x}`).toBeLessThanOrEqual(record.wgsl.ulps);
  }
});

const some = floats(full ? 16777213 : 67108859);
const left = Float64Array.from(some.flatMap((a) => some.map(() => a)));
const right = Float64Array.from(some.flatMap(() => some));

test.each(binary)("%s of f32, on pairs", async (name) => {
  const record = scalarFunctions[name];
  for (const driver of opened) {
    const found = await runOn(driver, callOf(name), "f32", "f32", [left, right]);
    const wrong = left.findIndex((a, i) => {
      const b = right[i] as number;
      // WGSL states the error of a quotient for divisors whose reciprocal is normal.
      if (name === "div" && !(Math.abs(b) >= smallestNormal && Math.abs(b) <= 2 ** 126)) return false;
      return !(ulpsBetween(found[i] as number, record.meaning(a, b)) <= record.wgsl.ulps);
    });
    expect(wrong < 0 ? "" : `${driver.name}: ${left[wrong]}, ${right[wrong]} give ${found[wrong]}`).toBe("");
  }
});

test.each(comparisons)("%s of f32, on pairs", async (name) => {
  for (const driver of opened) {
    const found = await runOn(driver, callOf(name), "f32", "bool", [left, right]);
    const wrong = left.findIndex((a, i) => found[i] !== scalarFunctions[name].meaning(a, right[i] as number));
    expect(wrong < 0 ? "" : `${driver.name}: ${left[wrong]}, ${right[wrong]} give ${found[wrong]}`).toBe("");
  }
});

/** Exact integers, before they wrap. */
const integers: { readonly [name in ScalarFunction]?: (a: bigint, b: bigint) => bigint } = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  floordiv: (a, b) => (b === 0n ? 0n : (a - (((a % b) + b) % b)) / b),
  mod: (a, b) => (b === 0n ? 0n : ((a % b) + b) % b),
  neg: (a) => -a,
  abs: (a) => (a < 0n ? -a : a),
  max: (a, b) => (a - b > 0n ? a : b),
  min: (a, b) => (b - a > 0n ? a : b),
  bit_and: (a, b) => a & b,
  bit_or: (a, b) => a | b,
  bit_xor: (a, b) => a ^ b,
  shift_left: (a, b) => a << (b & 7n),
  shift_right: (a, b) => a >> (b & 7n),
};

const wrap = { i8: (x: bigint) => BigInt.asIntN(8, x), u8: (x: bigint) => BigInt.asUintN(8, x), i32: (x: bigint) => BigInt.asIntN(32, x) };
const extremes = [0, 1, -1, 2, -2, 3, 7, 10, 127, 128, -128, 1000, -1000, 65536, 2 ** 30, 2 ** 31 - 1, -(2 ** 31), -(2 ** 31) + 1];

test.each(Object.keys(integers) as ScalarFunction[])("%s of integers, on pairs", async (name) => {
  const meaning = integers[name] as (a: bigint, b: bigint) => bigint;
  const text = name.startsWith("shift")
    ? `${name}(x0[i], bit_and(x1[i], 7))`
    : scalarFunctions[name].arity === 1
      ? `${callOf(name)} + x1[i] - x1[i]`
      : callOf(name);
  for (const dtype of ["i8", "u8", "i32"] as const) {
    const low = { i8: -128, u8: 0, i32: 0 }[dtype];
    const values = dtype === "i32" ? extremes : Array.from({ length: 256 }, (_, i) => low + i);
    const operands = [
      Float64Array.from(values.flatMap((a) => values.map(() => a))),
      Float64Array.from(values.flatMap(() => values)),
    ] as const;
    for (const driver of opened) {
      const found = await runOn(driver, text, dtype, dtype, operands);
      const wrong = found.findIndex(
        (value, i) => value !== Number(wrap[dtype](meaning(BigInt(operands[0][i] as number), BigInt(operands[1][i] as number)))),
      );
      expect(wrong < 0 ? "" : `${driver.name}: ${dtype} ${operands[0][wrong]}, ${operands[1][wrong]} give ${found[wrong]}`).toBe("");
    }
  }
});

test("f32 to i32 ends at the limits, and the bits of NaN are told", async () => {
  const values = Float64Array.of(0, -0.5, 0.5, 2 ** 31, 1e20, -1e20, -(2 ** 31), 2147483520, -1.5, 1.5);
  for (const driver of opened) {
    expect([...(await runOn(driver, "i32(x0[i])", "f32", "i32", [values]))]).toEqual([
      0, 0, 0, 2147483647, 2147483647, -2147483648, -2147483648, 2147483520, -1, 1,
    ]);
    expect([...(await runOn(driver, "i32(x0[i] != x0[i])", "f32", "i32", [Float64Array.of(1, Number.NaN, Infinity, 0)]))]).toEqual([
      0, 1, 0, 0,
    ]);
  }
});

test("f16 is rounded to the nearest, halves to even", async () => {
  const values = Float64Array.from([
    ...floats(262139).filter((x) => Math.abs(x) < 65504),
    2 ** -24,
    2 ** -25,
    1.5 * 2 ** -24,
    65504,
    1 + 2 ** -11,
  ]);
  for (const driver of opened) {
    const found = await runOn(driver, "f16(x0[i])", "f32", "f16", [values]);
    const exact = await runOn(driver, "f32(x0[i])", "f16", "f32", [found]);
    const wrong = values.findIndex((x, i) => found[i] !== roundToDType(x, "f16") || exact[i] !== found[i]);
    expect(wrong < 0 ? "" : `${driver.name}: ${values[wrong]} gives ${found[wrong]}`).toBe("");
  }
});
