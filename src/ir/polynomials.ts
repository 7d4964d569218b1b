/**
 * f32 spellings of functions that have no instruction, written with functions that have one.
 * Each is vectorisable: no branches, selects only. Coefficients: Cephes single-precision library (S. Moshier).
 * Errors stand in the scalar table and are measured by tests over dense samples.
 */
import type { Expr, ScalarFunction } from "./expr.ts";

const f32 = (value: number): Expr => ({ kind: "constant", dtype: "f32", value: Math.fround(value) });
const i32 = (value: number): Expr => ({ kind: "constant", dtype: "i32", value });
const float = (name: ScalarFunction, ...args: Expr[]): Expr => ({ kind: "apply", function: name, args, dtype: "f32" });
const integer = (name: ScalarFunction, ...args: Expr[]): Expr => ({ kind: "apply", function: name, args, dtype: "i32" });
const test = (name: ScalarFunction, ...args: Expr[]): Expr => ({ kind: "apply", function: name, args, dtype: "bool" });
const choose = (condition: Expr, whenTrue: Expr, whenFalse: Expr): Expr => ({ kind: "select", condition, whenTrue, whenFalse });
const toInteger = (value: Expr): Expr => ({ kind: "cast", dtype: "i32", value });
const toFloat = (value: Expr): Expr => ({ kind: "cast", dtype: "f32", value });

/** Horner's rule, highest power first. */
function polynomial(x: Expr, coefficients: readonly number[]): Expr {
  const [first = 0, ...rest] = coefficients;
  return rest.reduce<Expr>((sum, coefficient) => float("add", float("mul", sum, x), f32(coefficient)), f32(first));
}

/** 2^n for integers n in [-126, 127]. */
function powerOfTwo(n: Expr): Expr {
  return float("bits_float", integer("shift_left", integer("add", n, i32(127)), i32(23)));
}

/** e^x = 2^n e^r, n = round(x / ln 2), |r| <= ln 2 / 2; the power is applied in two halves so that subnormals come out. */
export function expandExp(x: Expr): Expr {
  const clamped = float("min", float("max", x, f32(-105)), f32(89));
  const n = float("round", float("mul", clamped, f32(Math.LOG2E)));
  const r = float("sub", float("sub", clamped, float("mul", n, f32(0.693359375))), float("mul", n, f32(-2.1219444e-4)));
  const p = polynomial(r, [1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1]);
  const mantissa = float("add", float("add", float("mul", float("mul", r, r), p), r), f32(1));
  const exponent = toInteger(n);
  const half = integer("shift_right", exponent, i32(1));
  return float("mul", float("mul", mantissa, powerOfTwo(half)), powerOfTwo(integer("sub", exponent, half)));
}

/** ln x = e ln 2 + ln m, m in [sqrt(1/2), sqrt 2); subnormals are scaled up first. */
export function expandLog(x: Expr): Expr {
  const small = test("lt", x, f32(1.17549435e-38));
  const scaled = choose(small, float("mul", x, f32(2 ** 23)), x);
  const bits = integer("float_bits", scaled);
  const shifted = integer("sub", bits, i32(0x3f3504f3));
  const exponent = integer("shift_right", shifted, i32(23));
  const mantissa = float("bits_float", integer("add", integer("bit_and", shifted, i32(0x7fffff)), i32(0x3f3504f3)));
  const e = toFloat(integer("sub", exponent, choose(small, i32(23), i32(0))));
  const r = float("sub", mantissa, f32(1));
  const square = float("mul", r, r);
  const p = polynomial(
    r,
    [
      7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1,
      -2.4999993993e-1, 3.3333331174e-1,
    ],
  );
  const tail = float("add", float("mul", float("mul", r, square), p), float("mul", e, f32(-2.1219444e-4)));
  const value = float("add", float("add", float("sub", tail, float("mul", square, f32(0.5))), r), float("mul", e, f32(0.693359375)));
  const finite = choose(test("eq", x, f32(Infinity)), x, value);
  return choose(test("gt", x, f32(0)), finite, choose(test("eq", x, f32(0)), f32(-Infinity), f32(Number.NaN)));
}

/** A polynomial near 0, 1 - 2 / (e^(2|x|) + 1) with the sign of x elsewhere. */
export function expandTanh(x: Expr): Expr {
  const magnitude = float("abs", x);
  const square = float("mul", x, x);
  const p = polynomial(square, [-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1]);
  const near = float("add", float("mul", float("mul", p, square), x), x);
  const far = float("sub", f32(1), float("div", f32(2), float("add", expandExp(float("add", magnitude, magnitude)), f32(1))));
  const signed = choose(test("lt", x, f32(0)), float("neg", far), far);
  return choose(test("lt", magnitude, f32(0.625)), near, signed);
}
