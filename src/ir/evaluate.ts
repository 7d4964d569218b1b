/**
 * Tree-walking evaluation of scalar expressions in float64: the oracle every faster path is checked against.
 * An expression is first turned into closures over a vector of variable values, which is what makes it usable on
 * real layers; nothing is simplified on the way.
 */

import { invariant } from "../support/invariant.ts";
import type { Atom, Index } from "./affine.ts";
import { type DType, dtypes, elementCount, isFloat } from "./dtype.ts";
import { type Compute, dtypeOf, type Expr, type ReduceOp } from "./expr.ts";
import { scalarFunctions } from "./scalar_functions.ts";

/** A tensor in memory: row-major over `extents`; logical index i of dimension d lies at i + before[d]. */
export type TensorData = {
  readonly data: Float64Array;
  readonly extents: readonly number[];
  readonly shape: readonly number[];
  readonly before: readonly number[];
};

/** The value at a point: `point[slot]` holds each variable. */
export type Evaluator = (point: number[]) => number;

/** Which slot of the point holds each variable in scope; reductions add their own. */
export type Slots = ReadonlyMap<string, number>;

export function tensorData(data: Float64Array, shape: readonly number[]): TensorData {
  invariant(data.length === elementCount(shape), `a tensor of shape [${shape.join(", ")}] has ${data.length} elements`);
  return { data, extents: shape, shape, before: shape.map(() => 0) };
}

export function compileExpr(expr: Expr, slots: Slots, tensor: (name: string) => TensorData): Evaluator {
  switch (expr.kind) {
    case "constant":
      return constantly(expr.value);
    case "index":
      return compileIndex(expr.index, slots, tensor);
    case "read":
      return compileRead(expr, slots, tensor);
    case "apply": {
      // A product of two i32 does not fit a float64; the low 32 bits do.
      const exactProduct = expr.function === "mul" && expr.dtype === "i32";
      const meaning = exactProduct ? Math.imul : scalarFunctions[expr.function].meaning;
      const [first, second] = expr.args.map((arg) => compileExpr(arg, slots, tensor));
      invariant(first, `${expr.function} has no arguments`);
      const wrap = wrapTo(expr.dtype);
      return second ? (point) => wrap(meaning(first(point), second(point))) : (point) => wrap(meaning(first(point)));
    }
    case "cast": {
      const value = compileExpr(expr.value, slots, tensor);
      const convert = castTo(expr.dtype, dtypeOf(expr.value));
      return (point) => convert(value(point));
    }
    case "select": {
      const condition = compileExpr(expr.condition, slots, tensor);
      const whenTrue = compileExpr(expr.whenTrue, slots, tensor);
      const whenFalse = compileExpr(expr.whenFalse, slots, tensor);
      return (point) => (condition(point) !== 0 ? whenTrue(point) : whenFalse(point));
    }
    case "reduce":
      return compileReduce(expr, slots, tensor);
  }
}

export function compileIndex(index: Index, slots: Slots, tensor: (name: string) => TensorData): Evaluator {
  const terms = index.terms.map(({ coefficient, atom }) => ({ coefficient, value: compileAtom(atom, slots, tensor) }));
  const { constant } = index;
  return (point) => {
    let sum = constant;
    for (const term of terms) sum += term.coefficient * term.value(point);
    return sum;
  };
}

/** Every element of a compute, row-major. */
export function evaluateCompute(compute: Compute, tensor: (name: string) => TensorData): Float64Array {
  const slots = new Map(compute.axes.map((axis, slot) => [axis.name, slot]));
  const value = compileExpr(compute.value, slots, tensor);
  const result = new Float64Array(elementCount(compute.axes.map((axis) => axis.extent)));
  let position = 0;
  forEachPoint(
    compute.axes.map((axis) => axis.extent),
    new Array<number>(compute.axes.length).fill(0),
    0,
    (point) => {
      result[position++] = value(point);
    },
  );
  return result;
}

/** Visits all points of a box in row-major order, writing coordinates into `point` from `firstSlot` on. */
export function forEachPoint(extents: readonly number[], point: number[], firstSlot: number, visit: (point: number[]) => void): void {
  const go = (depth: number): void => {
    const extent = extents[depth];
    if (extent === undefined) {
      visit(point);
      return;
    }
    for (let i = 0; i < extent; i++) {
      point[firstSlot + depth] = i;
      go(depth + 1);
    }
  };
  go(0);
}

/** Brings an exact integer into its dtype's range by wrapping; floats pass. */
export function wrapTo(dtype: DType): (value: number) => number {
  switch (dtype) {
    case "f32":
    case "f64":
    case "f16":
    case "i64":
      return (value) => value;
    case "i32":
      return (value) => (Number.isSafeInteger(value) ? value | 0 : Number(BigInt.asIntN(32, BigInt(Math.trunc(value)))));
    case "i8":
      return (value) => (value << 24) >> 24;
    case "u8":
      return (value) => value & 0xff;
    case "bool":
      return (value) => (value !== 0 ? 1 : 0);
  }
}

export function castTo(dtype: DType, from: DType): (value: number) => number {
  if (isFloat(dtype)) return (value) => value;
  if (dtype === "bool") return (value) => (value !== 0 ? 1 : 0);
  if (!isFloat(from)) return wrapTo(dtype);
  const { low, high } = dtypes[dtype];
  return (value) => (Number.isNaN(value) ? 0 : Math.min(high, Math.max(low, Math.trunc(value))));
}

/** What the reduction of nothing gives. */
export function reductionIdentity(op: Exclude<ReduceOp, "argmax" | "argmin">, dtype: DType): number {
  switch (op) {
    case "sum":
      return 0;
    case "prod":
      return 1;
    case "max":
      return dtypes[dtype].low;
    case "min":
      return dtypes[dtype].high;
  }
}

export function combine(op: Exclude<ReduceOp, "argmax" | "argmin">, dtype: DType): (accumulated: number, value: number) => number {
  const wrap = wrapTo(dtype);
  switch (op) {
    case "sum":
      return (accumulated, value) => wrap(accumulated + value);
    case "prod":
      return dtype === "i32" ? Math.imul : (accumulated, value) => wrap(accumulated * value);
    case "max":
      return Math.max;
    case "min":
      return Math.min;
  }
}

function constantly(value: number): Evaluator {
  return () => value;
}

function compileAtom(atom: Atom, slots: Slots, tensor: (name: string) => TensorData): Evaluator {
  const go = (index: Index) => compileIndex(index, slots, tensor);
  switch (atom.kind) {
    case "variable": {
      const slot = slots.get(atom.name);
      invariant(slot !== undefined, `index variable ${atom.name} is not in scope`);
      return (point) => point[slot] as number;
    }
    case "floordiv": {
      const value = go(atom.value);
      return (point) => Math.floor(value(point) / atom.by);
    }
    case "mod": {
      const value = go(atom.value);
      return (point) => {
        const dividend = value(point);
        return dividend - atom.by * Math.floor(dividend / atom.by);
      };
    }
    case "min":
    case "max": {
      const [left, right] = [go(atom.left), go(atom.right)];
      return atom.kind === "min" ? (point) => Math.min(left(point), right(point)) : (point) => Math.max(left(point), right(point));
    }
    case "read": {
      const { locate, data } = compileLocation(atom.tensor, atom.indices, slots, tensor);
      return (point) => {
        const position = locate(point);
        invariant(position >= 0, `${atom.tensor} is read outside its extents`);
        return data[position] as number;
      };
    }
  }
}

function compileRead(expr: Extract<Expr, { kind: "read" }>, slots: Slots, tensor: (name: string) => TensorData): Evaluator {
  const { locate, data } = compileLocation(expr.tensor, expr.indices, slots, tensor, expr.otherwise !== undefined);
  const otherwise = expr.otherwise && compileExpr(expr.otherwise, slots, tensor);
  return (point) => {
    const position = locate(point);
    if (position >= 0) return data[position] as number;
    invariant(otherwise, `${expr.tensor} is read outside its extents`);
    return otherwise(point);
  };
}

/** Position in memory, or -1 outside: outside the shape for a read with a default, else outside shape and halo. */
function compileLocation(name: string, indices: readonly Index[], slots: Slots, tensor: (name: string) => TensorData, shapeOnly = false) {
  const { data, extents, shape, before } = tensor(name);
  invariant(indices.length === shape.length, `${name} has ${shape.length} dimensions and is read with ${indices.length} indices`);
  const evaluators = indices.map((index) => compileIndex(index, slots, tensor));
  const locate = (point: number[]): number => {
    let position = 0;
    for (let d = 0; d < evaluators.length; d++) {
      const index = (evaluators[d] as Evaluator)(point);
      const shifted = index + (before[d] as number);
      const inside = shapeOnly ? index >= 0 && index < (shape[d] as number) : shifted >= 0 && shifted < (extents[d] as number);
      if (!inside) return -1;
      position = position * (extents[d] as number) + shifted;
    }
    return position;
  };
  return { locate, data };
}

function compileReduce(expr: Extract<Expr, { kind: "reduce" }>, slots: Slots, tensor: (name: string) => TensorData): Evaluator {
  const firstSlot = slots.size;
  const inner = new Map(slots);
  expr.axes.forEach((axis, i) => {
    inner.set(axis.name, firstSlot + i);
  });
  invariant(inner.size === firstSlot + expr.axes.length, `reduction axis names are not unique: ${expr.axes.map((axis) => axis.name)}`);
  const body = compileExpr(expr.body, inner, tensor);
  const where = expr.where && compileExpr(expr.where, inner, tensor);
  const extents = expr.axes.map((axis) => axis.extent);
  if (expr.op === "argmax" || expr.op === "argmin") return compileArgReduce(expr.op, extents, firstSlot, body, where);
  const step = combine(expr.op, expr.dtype);
  const identity = reductionIdentity(expr.op, expr.dtype);
  return (point) => {
    let accumulated = identity;
    forEachPoint(extents, point, firstSlot, (at) => {
      if (where === undefined || where(at) !== 0) accumulated = step(accumulated, body(at));
    });
    return accumulated;
  };
}

/** The first position of the extreme value, a NaN being more extreme than any number. */
function compileArgReduce(
  op: "argmax" | "argmin",
  extents: readonly number[],
  firstSlot: number,
  body: Evaluator,
  where: Evaluator | undefined,
): Evaluator {
  return (point) => {
    let best: number | undefined;
    let bestPosition = 0;
    let position = 0;
    forEachPoint(extents, point, firstSlot, (at) => {
      if (where === undefined || where(at) !== 0) {
        const value = body(at);
        const better =
          best === undefined || (!Number.isNaN(best) && (Number.isNaN(value) || (op === "argmax" ? value > best : value < best)));
        if (better) [best, bestPosition] = [value, position];
      }
      position++;
    });
    return bestPosition;
  };
}
