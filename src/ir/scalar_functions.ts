/**
 * The one table of scalar functions. A record says which dtypes a function takes, its meaning in float64
 * (or exact integers), how WebAssembly and WGSL spell it, and the errors of those spellings. Everything that
 * needs to know a function reads it here: the type checker, every interpreter, the error bound, codegen.
 */
import type { DType } from "./dtype.ts";
import type { Expr, ScalarFunction } from "./expr.ts";
import { expandAtan, expandCos, expandErf, expandExp, expandLog, expandSin, expandTanh, largestAngle } from "./polynomials.ts";
import { type WgslRecord, wgslFunctions } from "./wgsl_functions.ts";

/** Builds an expression of functions that have instructions; arguments may be used more than once. */
type Expansion = (...args: Expr[]) => Expr;

export type ScalarRecord = {
  readonly arity: number;
  /** Dtypes of the arguments: all alike. */
  readonly takes: "number" | "float" | "integer" | "bool" | "any";
  /** `same` as the arguments', or a fixed dtype. */
  readonly gives: "same" | "bool" | "i32" | "f32";
  readonly infix?: string;
  readonly commutes?: true;
  /** The value in float64; integers are wrapped to their dtype by the interpreter. */
  readonly meaning: (...args: number[]) => number;
  /** `instruction`: codegen spells it directly. An expansion is written with instructions and used for f32. */
  readonly wasm: "instruction" | Expansion;
  /** Worst error of the f32 spelling in units in the last place of the exact result. */
  readonly ulps: number;
  /** The largest magnitude of an argument for which that error holds; all where it is missing. */
  readonly within?: number;
  /** Upper bounds of the absolute partial derivatives at the arguments (`result` is the value there). */
  readonly sensitivity?: (args: readonly Expr[], result: Expr) => readonly Expr[];
  /** How WGSL spells it, and the error of that. */
  readonly wgsl: WgslRecord;
};

const apply = (name: ScalarFunction, ...args: Expr[]): Expr => ({ kind: "apply", function: name, args, dtype: "f64" });
const number = (value: number): Expr => ({ kind: "constant", dtype: "f64", value });
const one = number(1);

function roundHalfEven(x: number): number {
  const rounded = Math.round(x);
  return Math.abs(x % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** The series near 0 and the continued fraction of the complement elsewhere (Abramowitz and Stegun, 7.1.5 and 7.1.14). */
function erf(x: number): number {
  const a = Math.abs(x);
  if (Number.isNaN(x) || a > 6) return Math.sign(x);
  if (a < 3) {
    let term = a;
    let sum = a;
    for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
      term *= (-a * a) / n;
      sum += term / (2 * n + 1);
    }
    return (Math.sign(x) * sum * 2) / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let k = 60; k > 0; k--) fraction = k / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction));
}

const bits = new DataView(new ArrayBuffer(4));

const records: { readonly [name in ScalarFunction]: Omit<ScalarRecord, "wgsl"> } = {
  add: {
    arity: 2,
    takes: "number",
    gives: "same",
    infix: "+",
    commutes: true,
    meaning: (a, b) => a + b,
    wasm: "instruction",
    ulps: 0.5,
    sensitivity: () => [one, one],
  },
  sub: {
    arity: 2,
    takes: "number",
    gives: "same",
    infix: "-",
    meaning: (a, b) => a - b,
    wasm: "instruction",
    ulps: 0.5,
    sensitivity: () => [one, one],
  },
  mul: {
    arity: 2,
    takes: "number",
    gives: "same",
    infix: "*",
    commutes: true,
    meaning: (a, b) => a * b,
    wasm: "instruction",
    ulps: 0.5,
    sensitivity: ([a, b]) => [apply("abs", b as Expr), apply("abs", a as Expr)],
  },
  div: {
    arity: 2,
    takes: "float",
    gives: "same",
    infix: "/",
    meaning: (a, b) => a / b,
    wasm: "instruction",
    ulps: 0.5,
    sensitivity: ([, b], result) => [apply("abs", apply("div", one, b as Expr)), apply("abs", apply("div", result, b as Expr))],
  },
  /** Integer division toward minus infinity; dividing by 0 gives 0. */
  floordiv: {
    arity: 2,
    takes: "integer",
    gives: "same",
    infix: "//",
    meaning: (a, b) => (b === 0 ? 0 : Math.floor(a / b)),
    wasm: "instruction",
    ulps: 0,
  },
  /** a - b * floor(a / b): has the sign of b; by 0 gives 0. */
  mod: {
    arity: 2,
    takes: "integer",
    gives: "same",
    infix: "%",
    meaning: (a, b) => (b === 0 ? 0 : a - b * Math.floor(a / b)),
    wasm: "instruction",
    ulps: 0,
  },
  neg: { arity: 1, takes: "number", gives: "same", meaning: (a) => -a, wasm: "instruction", ulps: 0, sensitivity: () => [one] },
  abs: { arity: 1, takes: "number", gives: "same", meaning: (a) => Math.abs(a), wasm: "instruction", ulps: 0, sensitivity: () => [one] },
  /** NaN if either is NaN. */
  max: {
    arity: 2,
    takes: "number",
    gives: "same",
    commutes: true,
    meaning: (a, b) => Math.max(a, b),
    wasm: "instruction",
    ulps: 0,
    sensitivity: () => [one, one],
  },
  min: {
    arity: 2,
    takes: "number",
    gives: "same",
    commutes: true,
    meaning: (a, b) => Math.min(a, b),
    wasm: "instruction",
    ulps: 0,
    sensitivity: () => [one, one],
  },
  floor: { arity: 1, takes: "float", gives: "same", meaning: (a) => Math.floor(a), wasm: "instruction", ulps: 0 },
  ceil: { arity: 1, takes: "float", gives: "same", meaning: (a) => Math.ceil(a), wasm: "instruction", ulps: 0 },
  trunc: { arity: 1, takes: "float", gives: "same", meaning: (a) => Math.trunc(a), wasm: "instruction", ulps: 0 },
  /** To the nearest integer, halves to even. */
  round: { arity: 1, takes: "float", gives: "same", meaning: roundHalfEven, wasm: "instruction", ulps: 0 },
  sqrt: {
    arity: 1,
    takes: "float",
    gives: "same",
    meaning: (a) => Math.sqrt(a),
    wasm: "instruction",
    ulps: 0.5,
    sensitivity: (_, result) => [apply("div", number(0.5), apply("max", result, number(1e-30)))],
  },
  exp: {
    arity: 1,
    takes: "float",
    gives: "same",
    meaning: (a) => Math.exp(a),
    wasm: expandExp,
    ulps: 2,
    sensitivity: (_, result) => [result],
  },
  log: {
    arity: 1,
    takes: "float",
    gives: "same",
    meaning: (a) => Math.log(a),
    wasm: expandLog,
    ulps: 2,
    sensitivity: ([a]) => [apply("abs", apply("div", one, a as Expr))],
  },
  tanh: { arity: 1, takes: "float", gives: "same", meaning: (a) => Math.tanh(a), wasm: expandTanh, ulps: 3, sensitivity: () => [one] },
  /** Accurate for |x| up to 2^15. */
  sin: {
    arity: 1,
    takes: "float",
    gives: "same",
    meaning: (a) => Math.sin(a),
    wasm: expandSin,
    ulps: 3,
    within: largestAngle,
    sensitivity: () => [one],
  },
  cos: {
    arity: 1,
    takes: "float",
    gives: "same",
    meaning: (a) => Math.cos(a),
    wasm: expandCos,
    ulps: 3,
    within: largestAngle,
    sensitivity: () => [one],
  },
  atan: { arity: 1, takes: "float", gives: "same", meaning: (a) => Math.atan(a), wasm: expandAtan, ulps: 3, sensitivity: () => [one] },
  erf: {
    arity: 1,
    takes: "float",
    gives: "same",
    meaning: erf,
    wasm: expandErf,
    ulps: 3,
    sensitivity: () => [number(2 / Math.sqrt(Math.PI))],
  },
  eq: {
    arity: 2,
    takes: "any",
    gives: "bool",
    infix: "==",
    commutes: true,
    meaning: (a, b) => Number(a === b),
    wasm: "instruction",
    ulps: 0,
  },
  ne: {
    arity: 2,
    takes: "any",
    gives: "bool",
    infix: "!=",
    commutes: true,
    meaning: (a, b) => Number(a !== b),
    wasm: "instruction",
    ulps: 0,
  },
  lt: { arity: 2, takes: "number", gives: "bool", infix: "<", meaning: (a, b) => Number(a < b), wasm: "instruction", ulps: 0 },
  le: { arity: 2, takes: "number", gives: "bool", infix: "<=", meaning: (a, b) => Number(a <= b), wasm: "instruction", ulps: 0 },
  gt: { arity: 2, takes: "number", gives: "bool", infix: ">", meaning: (a, b) => Number(a > b), wasm: "instruction", ulps: 0 },
  ge: { arity: 2, takes: "number", gives: "bool", infix: ">=", meaning: (a, b) => Number(a >= b), wasm: "instruction", ulps: 0 },
  and: {
    arity: 2,
    takes: "bool",
    gives: "bool",
    infix: "and",
    commutes: true,
    meaning: (a, b) => Number(a !== 0 && b !== 0),
    wasm: "instruction",
    ulps: 0,
  },
  or: {
    arity: 2,
    takes: "bool",
    gives: "bool",
    infix: "or",
    commutes: true,
    meaning: (a, b) => Number(a !== 0 || b !== 0),
    wasm: "instruction",
    ulps: 0,
  },
  not: { arity: 1, takes: "bool", gives: "bool", meaning: (a) => Number(a === 0), wasm: "instruction", ulps: 0 },
  bit_and: { arity: 2, takes: "integer", gives: "same", commutes: true, meaning: (a, b) => a & b, wasm: "instruction", ulps: 0 },
  bit_or: { arity: 2, takes: "integer", gives: "same", commutes: true, meaning: (a, b) => a | b, wasm: "instruction", ulps: 0 },
  bit_xor: { arity: 2, takes: "integer", gives: "same", commutes: true, meaning: (a, b) => a ^ b, wasm: "instruction", ulps: 0 },
  shift_left: { arity: 2, takes: "integer", gives: "same", meaning: (a, b) => a << b, wasm: "instruction", ulps: 0 },
  /** Arithmetic on signed types, logical on u8. */
  shift_right: { arity: 2, takes: "integer", gives: "same", meaning: (a, b) => a >> b, wasm: "instruction", ulps: 0 },
  /** The bits of an f32 as an i32, and back: for expansions. */
  float_bits: {
    arity: 1,
    takes: "float",
    gives: "i32",
    wasm: "instruction",
    ulps: 0,
    meaning: (a) => {
      bits.setFloat32(0, a);
      return bits.getInt32(0);
    },
  },
  bits_float: {
    arity: 1,
    takes: "integer",
    gives: "f32",
    wasm: "instruction",
    ulps: 0,
    meaning: (a) => {
      bits.setInt32(0, a);
      return bits.getFloat32(0);
    },
  },
};

export const scalarFunctions = Object.fromEntries(
  Object.entries(records).map(([name, record]) => [name, { ...record, wgsl: wgslFunctions[name as ScalarFunction] }]),
) as { readonly [name in ScalarFunction]: ScalarRecord };

export function isScalarFunction(name: string): name is ScalarFunction {
  return Object.hasOwn(scalarFunctions, name);
}

/** The dtype an application gives, or undefined when the function does not take that dtype. */
export function resultDType(name: ScalarFunction, argument: DType): DType | undefined {
  const record = scalarFunctions[name];
  const kind = argument === "bool" ? "bool" : argument.startsWith("f") ? "float" : "integer";
  const taken = record.takes === "any" || record.takes === kind || (record.takes === "number" && kind !== "bool");
  if (!taken) return undefined;
  return record.gives === "same" ? argument : record.gives;
}
