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
  // x times what is close to 1, and not x plus what is close to 0: so that -0 stays -0.
  const near = float("mul", float("add", float("mul", p, square), f32(1)), x);
  const far = float("sub", f32(1), float("div", f32(2), float("add", expandExp(float("add", magnitude, magnitude)), f32(1))));
  const signed = choose(test("lt", x, f32(0)), float("neg", far), far);
  return choose(test("lt", magnitude, f32(0.625)), near, signed);
}

/** The magnitude of a non-negative number with the sign of another. */
const copySign = (magnitude: Expr, sign: Expr): Expr =>
  float(
    "bits_float",
    integer("bit_or", integer("float_bits", magnitude), integer("bit_and", integer("float_bits", sign), i32(-2147483648))),
  );

/** The magnitude up to which sin and cos are within the table's error: beyond, too few bits of pi/2 remain in an f32. */
export const largestAngle = 51000;

/** x = n pi/2 + r with |r| hardly above pi/4. Beyond the largest angle r is wrong, but sin and cos stay between -1 and 1. */
function reduceQuarter(x: Expr): { r: Expr; n: Expr } {
  const n = float("round", float("mul", x, f32(2 / Math.PI)));
  // pi/2 in five parts of few bits: their products with n are exact up to |n| < 2^15.
  let rest = Math.PI / 2;
  const parts: number[] = [];
  for (const bits of [8, 9, 9, 9]) {
    const scale = 2 ** (bits - 1 - Math.floor(Math.log2(rest)));
    const p = Math.floor(rest * scale) / scale;
    parts.push(p);
    rest -= p;
  }
  // What pi/2 has beyond a float64.
  parts.push(rest + 6.123233995736766e-17);
  let r = x;
  for (const p of parts) r = float("sub", r, float("mul", n, f32(p)));
  return { r: float("max", f32(-0.79), float("min", f32(0.79), r)), n: toInteger(n) };
}

const sinPoly = (r: Expr) => {
  const z = float("mul", r, r);
  return float("add", float("mul", float("mul", polynomial(z, [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1]), z), r), r);
};

const cosPoly = (r: Expr) => {
  const z = float("mul", r, r);
  return float(
    "add",
    float(
      "sub",
      float("mul", float("mul", polynomial(z, [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2]), z), z),
      float("mul", z, f32(0.5)),
    ),
    f32(1),
  );
};

/** sin(x + shift pi/2) */
function quarter(x: Expr, shift: number): Expr {
  const { r, n } = reduceQuarter(x);
  const q = shift === 0 ? n : integer("add", n, i32(shift));
  const value = choose(test("eq", integer("bit_and", q, i32(1)), i32(0)), sinPoly(r), cosPoly(r));
  return choose(test("eq", integer("bit_and", q, i32(2)), i32(0)), value, float("neg", value));
}

/** Two polynomials on |r| <= pi/4; -0 stays -0. */
export function expandSin(x: Expr): Expr {
  return choose(test("eq", x, f32(0)), x, quarter(x, 0));
}

export function expandCos(x: Expr): Expr {
  return quarter(x, 1);
}

/** A polynomial up to tan(pi/8), and two rotations of what is larger. */
export function expandAtan(x: Expr): Expr {
  const m = float("abs", x);
  const large = test("gt", m, f32(2.414213562373095));
  const middle = test("gt", m, f32(0.414213562373095));
  const t = choose(large, float("div", f32(-1), m), choose(middle, float("div", float("sub", m, f32(1)), float("add", m, f32(1))), m));
  const base = choose(large, f32(Math.PI / 2), choose(middle, f32(Math.PI / 4), f32(0)));
  const z = float("mul", t, t);
  const p = float(
    "add",
    float("mul", float("mul", polynomial(z, [8.05374449538e-2, -1.38776856032e-1, 1.99777106478e-1, -3.33329491539e-1]), z), t),
    t,
  );
  return copySign(float("add", base, p), x);
}

/** x times a polynomial in x^2 up to 1; 1 - e^(-x^2) / x times a polynomial in 1 / x^2 beyond. */
export function expandErf(x: Expr): Expr {
  const m = float("abs", x);
  const z = float("mul", x, x);
  const near = float(
    "mul",
    x,
    polynomial(
      z,
      [
        7.853861353153693e-5, -8.010193625184903e-4, 5.188327685732524e-3, -2.685381193529856e-2, 1.128358514861418e-1, -3.7612625824233e-1,
        1.12837916572671,
      ],
    ),
  );
  const c = float("min", float("max", m, f32(1)), f32(6));
  const inv = float("div", f32(1), c);
  const q = float("mul", inv, inv);
  const p = choose(
    test("lt", c, f32(2)),
    polynomial(
      q,
      [
        2.326819970068386e-2, -1.387039388740657e-1, 3.687424674597105e-1, -5.824733027278666e-1, 6.210004621745983e-1,
        -4.944515323274145e-1, 3.404879937665872e-1, -2.741127028184656e-1, 5.638259427386472e-1,
      ],
    ),
    polynomial(
      q,
      [
        -1.047766399936249e1, 1.297719955372516e1, -7.495518717768503, 2.921019019210786, -1.0152652792027, 4.218463358204948e-1,
        -2.820767439740514e-1, 5.641895067754075e-1,
      ],
    ),
  );
  const far = float("sub", f32(1), float("mul", float("mul", expandExp(float("neg", float("mul", c, c))), inv), p));
  return choose(test("lt", m, f32(1)), near, choose(test("eq", x, x), copySign(far, x), x));
}
