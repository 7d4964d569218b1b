/**
 * errorBound: a compute that bounds, element by element, how far an f32 evaluation of another may lie from its exact value.
 * A forward error analysis over the expression (Higham, Accuracy and Stability of Numerical Algorithms, chapters 2-4):
 * an operation adds u |result|, a sum of n terms in any order n u sum |term|, and errors of arguments
 * pass on by the functions' sensitivities. Operands are taken as exact. Reductions of other tensors in the same group
 * enter with their own bound, the tensor `NAME.bound`.
 */

import { elementCount, isFloat } from "../ir/dtype.ts";
import { type Compute, constantExpr, dtypeOf, type Expr, mapExpr, type ScalarFunction } from "../ir/expr.ts";
import { scalarFunctions } from "../ir/scalar_functions.ts";

/** How exact a target's f32 is. */
export type Arithmetic = {
  /** Relative error of adding and multiplying. */
  readonly roundoff: number;
  /** Error of a function's f32 spelling, in units in the last place of the exact result. */
  ulps(name: ScalarFunction): number;
};

/** Half the distance from 1 to the next f32. */
const unitRoundoff = 2 ** -24;

export const arithmetics: { readonly [target in "wasm" | "webgpu"]: Arithmetic } = {
  wasm: { roundoff: unitRoundoff, ulps: (name) => scalarFunctions[name].ulps },
  // A device may round either way (WGSL, 15.7.1 Rounding).
  webgpu: { roundoff: 2 * unitRoundoff, ulps: (name) => scalarFunctions[name].wgsl.ulps },
};

/** The same for f16, and half of its smallest number. */
const halfRoundoff = 2 ** -11;
const halfUnderflow = 2 ** -25;
/** Results below the smallest normal f32 lose relative accuracy. */
const underflow = 2 ** -126;

export function boundName(tensor: string): string {
  return `${tensor}.bound`;
}

/** `inner` are the tensors of the same group, which carry errors of their own. */
export function errorBound(compute: Compute, inner: ReadonlySet<string>, arithmetic: Arithmetic): Compute {
  const value = inSingle(compute.value);
  const computed = errorOf(value, { inner, arithmetic });
  // Half precision is for storage: computing goes on in f32, and the result is rounded once more.
  const error =
    compute.dtype === "f16" ? plus(computed, plus(times(number(halfRoundoff), magnitude(value)), number(halfUnderflow))) : computed;
  return {
    name: boundName(compute.name),
    dtype: "f32",
    axes: compute.axes,
    value: plus(error, number(isFloat(compute.dtype) ? underflow : 0)),
  };
}

type Scope = { readonly inner: ReadonlySet<string>; readonly arithmetic: Arithmetic };

function errorOf(expr: Expr, scope: Scope): Expr {
  const { inner, arithmetic } = scope;
  const go = (child: Expr) => errorOf(child, scope);
  switch (expr.kind) {
    case "constant":
      return number(isFloat(expr.dtype) && Number.isFinite(expr.value) ? Math.abs(expr.value - Math.fround(expr.value)) : 0);
    case "index":
      return number(0);
    case "read":
      return inner.has(expr.tensor) ? errorOfRead(expr, expr.otherwise && go(expr.otherwise)) : number(0);
    case "cast":
      return errorOfCast(expr, go(expr.value), arithmetic);
    case "select": {
      const uncertain = go(expr.condition);
      const chosen: Expr = { kind: "select", condition: expr.condition, whenTrue: go(expr.whenTrue), whenFalse: go(expr.whenFalse) };
      if (isZero(uncertain) || !isFloat(dtypeOf(expr))) return chosen;
      const either = plus(apply("abs", apply("sub", expr.whenTrue, expr.whenFalse)), plus(go(expr.whenTrue), go(expr.whenFalse)));
      return { kind: "select", condition: apply("gt", uncertain, number(0)), whenTrue: either, whenFalse: chosen };
    }
    case "apply":
      return errorOfApplication(expr, expr.args.map(go), arithmetic);
    case "reduce":
      return errorOfReduction(expr, go(expr.body), arithmetic);
  }
}

function errorOfCast(expr: Extract<Expr, { kind: "cast" }>, error: Expr, { roundoff }: Arithmetic): Expr {
  if (isFloat(expr.dtype)) return isFloat(dtypeOf(expr.value)) ? error : plus(error, times(number(roundoff), magnitude(expr)));
  return isFloat(dtypeOf(expr.value)) ? discontinuous(error) : error;
}

/** A step function of a value with an error may land one step away. */
function discontinuous(error: Expr): Expr {
  if (isZero(error)) return number(0);
  return { kind: "select", condition: apply("gt", error, number(0)), whenTrue: plus(error, number(1)), whenFalse: number(0) };
}

function errorOfApplication(expr: Extract<Expr, { kind: "apply" }>, errors: readonly Expr[], arithmetic: Arithmetic): Expr {
  const record = scalarFunctions[expr.function];
  const ulps = arithmetic.ulps(expr.function);
  if (record.gives === "bool") return uncertaintyOf(expr, errors);
  // Integers are computed exactly, but may come from a float that was rounded to the next whole number.
  const isExact = !isFloat(expr.dtype);
  if (isExact && errors.every(isZero)) return number(0);
  const rounding = isExact || ulps === 0 ? number(0) : times(number(2 * ulps * unitRoundoff), magnitude(expr));
  const sensitivities = isExact ? record.sensitivity?.(expr.args.map(toF32), toF32(expr)) : record.sensitivity?.(expr.args, expr);
  if (!sensitivities)
    return plus(
      rounding,
      errors.reduce((sum, error) => plus(sum, discontinuous(error)), number(0)),
    );
  return errors.reduce<Expr>((sum, error, i) => plus(sum, times(asF32(sensitivities[i] ?? number(1)), error)), rounding);
}

/** 1 where the errors of the two sides may turn a comparison around. */
function uncertaintyOf(expr: Extract<Expr, { kind: "apply" }>, errors: readonly Expr[]): Expr {
  const total = errors.reduce<Expr>(plus, number(0));
  const [left, right] = expr.args;
  if (isZero(total) || !left || !right || !isFloat(dtypeOf(left))) return total;
  const close = apply("le", apply("abs", apply("sub", left, right)), total);
  return { kind: "select", condition: close, whenTrue: number(1), whenFalse: number(0) };
}

function errorOfReduction(expr: Extract<Expr, { kind: "reduce" }>, error: Expr, { roundoff }: Arithmetic): Expr {
  if (!isFloat(expr.dtype)) return number(0);
  const count = elementCount(expr.axes.map((axis) => axis.extent));
  const reduce = (op: "sum" | "max" | "prod", body: Expr): Expr => ({ ...expr, op, body, dtype: "f32" });
  switch (expr.op) {
    case "sum":
      return reduce("sum", plus(error, times(number(count * roundoff), magnitude(expr.body))));
    case "max":
    case "min":
      // The largest error of any candidate; starts at -inf only where there is none, which lowering has folded away.
      return isZero(error) ? number(0) : reduce("max", error);
    case "prod":
      return apply(
        "sub",
        times(number(1 + 2 * count * roundoff), reduce("prod", plus(magnitude(expr.body), error))),
        reduce("prod", magnitude(expr.body)),
      );
    case "argmax":
    case "argmin":
      return number(0);
  }
}

function apply(name: ScalarFunction, ...args: Expr[]): Expr {
  const dtype = scalarFunctions[name].gives === "bool" ? "bool" : "f32";
  return { kind: "apply", function: name, args, dtype };
}

function toF32(expr: Expr): Expr {
  return { kind: "cast", dtype: "f32", value: expr };
}

function number(value: number): Expr {
  return constantExpr("f32", value);
}

function isZero(expr: Expr): boolean {
  return expr.kind === "constant" && expr.value === 0;
}

function plus(a: Expr, b: Expr): Expr {
  if (isZero(a)) return b;
  return isZero(b) ? a : apply("add", a, b);
}

function times(a: Expr, b: Expr): Expr {
  return isZero(a) || isZero(b) ? number(0) : apply("mul", a, b);
}

function magnitude(expr: Expr): Expr {
  return expr.kind === "constant" ? number(Math.abs(expr.value)) : apply("abs", expr);
}

/** The bound of the element that is read; outside the tensor, that of the default. */
function errorOfRead({ otherwise: _, ...read }: Extract<Expr, { kind: "read" }>, otherwise: Expr | undefined): Expr {
  return { ...read, tensor: boundName(read.tensor), dtype: "f32", ...(otherwise ? { otherwise } : {}) };
}

/** The expression with f16 operands widened and everything computed in f32, as code generation does. */
function inSingle(expr: Expr): Expr {
  const mapped = mapExpr(expr, inSingle, (index) => index);
  if (mapped.kind === "read" && mapped.dtype === "f16") {
    const { otherwise, ...read } = mapped;
    const widened: Expr = { kind: "cast", dtype: "f32", value: read };
    if (!otherwise) return widened;
    // A default widens with the read: it becomes a constant of the tensor's own type again.
    return { kind: "cast", dtype: "f32", value: { ...mapped, otherwise: inHalf(otherwise) } };
  }
  if (mapped.kind === "cast" && mapped.dtype === "f16") return { ...mapped, dtype: "f32" };
  const isHalf = (mapped.kind === "apply" || mapped.kind === "constant" || mapped.kind === "reduce") && mapped.dtype === "f16";
  return isHalf ? { ...mapped, dtype: "f32" } : mapped;
}

function inHalf(expr: Expr): Expr {
  return dtypeOf(expr) === "f16" ? expr : { kind: "cast", dtype: "f16", value: expr };
}

/** The table's sensitivities are written in f64; here everything is one float type. */
function asF32(expr: Expr): Expr {
  const mapped = mapExpr(expr, asF32, (index) => index);
  return (mapped.kind === "apply" || mapped.kind === "constant") && mapped.dtype === "f64" ? { ...mapped, dtype: "f32" } : mapped;
}
