/**
 * Scalar expressions and comprehensions: the meaning that every level shares.
 * An expression is a pure value at one point of a domain; a compute says it for every point.
 */

import { unreachable } from "../support/invariant.ts";
import { type Index, noRanges, type Ranges, renameIndexReads, substitute as substituteIndex, variablesOf, visitAtoms } from "./affine.ts";
import type { DType } from "./dtype.ts";

/** The vocabulary; `scalar_functions.ts` holds a record for every name. */
export type ScalarFunction =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "floordiv"
  | "mod"
  | "neg"
  | "abs"
  | "max"
  | "min"
  | "floor"
  | "ceil"
  | "trunc"
  | "round"
  | "sqrt"
  | "exp"
  | "log"
  | "tanh"
  | "sin"
  | "cos"
  | "atan"
  | "erf"
  | "eq"
  | "ne"
  | "lt"
  | "le"
  | "gt"
  | "ge"
  | "and"
  | "or"
  | "not"
  | "bit_and"
  | "bit_or"
  | "bit_xor"
  | "shift_left"
  | "shift_right"
  | "float_bits"
  | "bits_float";

export type ReduceOp = "sum" | "prod" | "max" | "min" | "argmax" | "argmin";

/** A named iterator over 0 .. extent-1. */
export type Axis = { readonly name: string; readonly extent: number };

export type Expr =
  | { readonly kind: "constant"; readonly dtype: DType; readonly value: number }
  /** An index used as an i32 value. */
  | { readonly kind: "index"; readonly index: Index }
  /** One element. Without `otherwise` every index must be in range; with it, a read outside gives `otherwise`. */
  | { readonly kind: "read"; readonly tensor: string; readonly indices: readonly Index[]; readonly dtype: DType; readonly otherwise?: Expr }
  /** A function of the scalar table; every argument has one dtype, and the table says the result's. */
  | { readonly kind: "apply"; readonly function: ScalarFunction; readonly args: readonly Expr[]; readonly dtype: DType }
  /** Conversion: float to integer truncates toward zero and saturates; integer to integer wraps; to bool is `!= 0`. */
  | { readonly kind: "cast"; readonly dtype: DType; readonly value: Expr }
  | { readonly kind: "select"; readonly condition: Expr; readonly whenTrue: Expr; readonly whenFalse: Expr }
  /**
   * `op` over all points of `axes` where `where` holds. Sum of nothing is 0, prod 1, max and min the type's
   * lowest and highest (for floats -inf and inf); argmax and argmin give the row-major position (i32) of the first extreme.
   */
  | {
      readonly kind: "reduce";
      readonly op: ReduceOp;
      readonly axes: readonly Axis[];
      readonly where?: Expr;
      readonly body: Expr;
      readonly dtype: DType;
    };

/** `name[axes] = value`: a tensor of dtype `dtype` whose shape is the axes' extents. */
export type Compute = { readonly name: string; readonly dtype: DType; readonly axes: readonly Axis[]; readonly value: Expr };

export function dtypeOf(expr: Expr): DType {
  switch (expr.kind) {
    case "index":
      return "i32";
    case "select":
      return dtypeOf(expr.whenTrue);
    case "constant":
    case "read":
    case "apply":
    case "cast":
    case "reduce":
      return expr.dtype;
    default:
      return unreachable(expr);
  }
}

/** Rebuilds an expression from its immediate children, itself where none changes; the one place that knows which children each kind has. */
export function mapExpr(expr: Expr, mapChild: (child: Expr) => Expr, mapIndex: (index: Index) => Index): Expr {
  switch (expr.kind) {
    case "constant":
      return expr;
    case "index": {
      const index = mapIndex(expr.index);
      return index === expr.index ? expr : { kind: "index", index };
    }
    case "read": {
      const indices = mapKept(expr.indices, mapIndex);
      const otherwise = expr.otherwise && mapChild(expr.otherwise);
      if (indices === expr.indices && otherwise === expr.otherwise) return expr;
      return { ...expr, indices, ...(otherwise ? { otherwise } : {}) };
    }
    case "apply": {
      const args = mapKept(expr.args, mapChild);
      return args === expr.args ? expr : { ...expr, args };
    }
    case "cast": {
      const value = mapChild(expr.value);
      return value === expr.value ? expr : { ...expr, value };
    }
    case "select": {
      const [condition, whenTrue, whenFalse] = [mapChild(expr.condition), mapChild(expr.whenTrue), mapChild(expr.whenFalse)];
      const isKept = condition === expr.condition && whenTrue === expr.whenTrue && whenFalse === expr.whenFalse;
      return isKept ? expr : { kind: "select", condition, whenTrue, whenFalse };
    }
    case "reduce": {
      const [body, where] = [mapChild(expr.body), expr.where && mapChild(expr.where)];
      if (body === expr.body && where === expr.where) return expr;
      return { ...expr, body, ...(where ? { where } : {}) };
    }
    default:
      return unreachable(expr);
  }
}

/** The list itself where nothing in it changes. */
function mapKept<T>(list: readonly T[], change: (item: T) => T): readonly T[] {
  const changed = list.map(change);
  return changed.every((item, i) => item === list[i]) ? list : changed;
}

export function childrenOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case "constant":
    case "index":
      return [];
    case "read":
      return expr.otherwise ? [expr.otherwise] : [];
    case "apply":
      return expr.args;
    case "cast":
      return [expr.value];
    case "select":
      return [expr.condition, expr.whenTrue, expr.whenFalse];
    case "reduce":
      return expr.where ? [expr.where, expr.body] : [expr.body];
    default:
      return unreachable(expr);
  }
}

export function indicesOf(expr: Expr): readonly Index[] {
  if (expr.kind === "index") return [expr.index];
  return expr.kind === "read" ? expr.indices : [];
}

/** Calls `visit` on the expression and everything inside it. */
export function visitExpr(expr: Expr, visit: (expr: Expr) => void): void {
  visit(expr);
  for (const child of childrenOf(expr)) visitExpr(child, visit);
}

/** Every tensor the expression reads, as a value or inside an index, in order of first occurrence. */
export function tensorsRead(expr: Expr): ReadonlySet<string> {
  const known = tensorsKnown.get(expr);
  if (known) return known;
  const names = new Set<string>();
  visitExpr(expr, (inner) => {
    if (inner.kind === "read") names.add(inner.tensor);
    for (const index of indicesOf(inner)) {
      visitAtoms(index, (atom) => {
        if (atom.kind === "read") names.add(atom.tensor);
      });
    }
  });
  tensorsKnown.set(expr, names);
  return names;
}

/** Every pass asks, and most expressions pass through most of them. */
const tensorsKnown = new WeakMap<Expr, ReadonlySet<string>>();

/** Every value read of `tensor` in the expression. */
export function readsOf(expr: Expr, tensor: string): Extract<Expr, { kind: "read" }>[] {
  const reads: Extract<Expr, { kind: "read" }>[] = [];
  visitExpr(expr, (inner) => {
    if (inner.kind === "read" && inner.tensor === tensor) reads.push(inner);
  });
  return reads;
}

/** Replaces index variables everywhere (reduction axes are not renamed: keep axis names unique). */
export function substituteVariables(expr: Expr, replace: (name: string) => Index | undefined, ranges: Ranges = noRanges): Expr {
  const go = (inner: Expr): Expr => mapExpr(inner, go, (index) => substituteIndex(index, replace, ranges));
  return go(expr);
}

export function renameTensors(expr: Expr, rename: (tensor: string) => string): Expr {
  const go = (inner: Expr): Expr => {
    const mapped = mapExpr(inner, go, (index) => renameIndexReads(index, rename));
    const tensor = mapped.kind === "read" ? rename(mapped.tensor) : "";
    return mapped.kind === "read" && tensor !== mapped.tensor ? { ...mapped, tensor } : mapped;
  };
  return go(expr);
}

export function constantExpr(dtype: DType, value: number): Expr {
  return { kind: "constant", dtype, value };
}

/** What a reduction of nothing gives. */
export function identityOf(op: Exclude<ReduceOp, "argmax" | "argmin">, dtype: DType, lowest: number, highest: number): Expr {
  const value = { sum: 0, prod: 1, max: lowest, min: highest }[op];
  return constantExpr(dtype, value);
}

/** The loop variables in its indices. */
export function variablesOfExpr(expr: Expr): Set<string> {
  const names = new Set<string>();
  visitExpr(expr, (inner) => {
    for (const index of indicesOf(inner)) for (const name of variablesOf(index)) names.add(name);
  });
  return names;
}
