/**
 * Expressions on four lanes of a vectorised loop. What does not vary with the lane is computed once and splatted;
 * what has no vector form (gathers, reads that one lane makes and another does not, narrow integers in memory) goes lane by lane.
 */
import { coefficientOf, constantIndex, type Index, substitute, variablesOf } from "../ir/affine.ts";
import { type DType, dtypes, isFloat } from "../ir/dtype.ts";
import { dtypeOf, type Expr, indicesOf, visitExpr } from "../ir/expr.ts";
import type { KernelExpr, KernelType } from "../ir/kernel.ts";
import { typeOfKernel } from "../ir/kernel_type.ts";
import { type ScalarRecord, scalarFunctions } from "../ir/scalar_functions.ts";
import { invariant, unreachable } from "../support/invariant.ts";
import { bufferOf, insideCondition, isInside, isInsideDimension, positionOf } from "./addresses.ts";
import { assign, lane, lanes, type Place, rangesOf, resolve, scalarType, vectorOf } from "./kernel_builder.ts";
import {
  chooseLazily,
  hasVectorMemory,
  isSafe,
  loadAt,
  lowerExpansion,
  lowerScalar,
  multiplyAdd,
  type ReadExpr,
  tilePosition,
  tileRegister,
} from "./lower_expr.ts";

/** Functions on i32 that WebAssembly has no vector instruction for. */
const scalarOnly = new Set(["floordiv", "mod"]);

/** The values of four lanes. A bool is a mask in an i32x4. */
export function lowerVector(expr: Expr, place: Place): KernelExpr {
  if (!varies(expr, place)) return splatOf(expr, place);
  switch (expr.kind) {
    case "constant":
      return splatOf(expr, place);
    case "index":
      return byLanes(expr, place);
    case "read":
      return lowerRead(expr, place);
    case "apply":
      return lowerApply(expr, place);
    case "cast":
      return lowerCast(expr, place);
    case "select":
      if (!isSafe(expr.whenTrue, place) || !isSafe(expr.whenFalse, place)) return byLanes(expr, place);
      return {
        kind: "select",
        type: vectorOf(scalarType(dtypeOf(expr), place.builder)),
        condition: lowerVector(expr.condition, place),
        whenTrue: lowerVector(expr.whenTrue, place),
        otherwise: lowerVector(expr.whenFalse, place),
      };
    case "reduce":
      throw new Error("internal error: a reduction is inside an expression after lowering to loops");
    default:
      return unreachable(expr);
  }
}

/** Whether the value differs between lanes. */
export function varies(expr: Expr, place: Place): boolean {
  let found = false;
  visitExpr(expr, (inner) => {
    if (inner.kind === "read" && place.bound.has(inner.tensor))
      found ||= typeOfKernel(place.bound.get(inner.tensor) as KernelExpr).endsWith("x4");
    else for (const index of indicesOf(inner)) found ||= dependsOnLane(index, place);
  });
  return found;
}

export function dependsOnLane(index: Index, place: Place): boolean {
  return variablesOf(resolve(index, place)).has(lane);
}

/** The place of one lane, where every value is a scalar again. */
export function atLane(place: Place, position: number): Place {
  const variables = new Map(
    [...place.variables].map(([name, index]) => [
      name,
      substitute(index, (variable) => (variable === lane ? constantIndex(position) : undefined), rangesOf(place.builder)),
    ]),
  );
  const bound = new Map(
    [...place.bound].map(([name, value]): [string, KernelExpr] => {
      const type = typeOfKernel(value);
      if (!type.endsWith("x4")) return [name, value];
      return [name, { kind: "extract", type: type === "f32x4" ? "f32" : "i32", value, lane: position }];
    }),
  );
  return { ...place, variables, bound };
}

/** Four scalars side by side. */
export function byLanes(expr: Expr, place: Place): KernelExpr {
  const type = vectorOf(scalarType(dtypeOf(expr), place.builder));
  const values = Array.from({ length: lanes }, (_, position) => maskOfBool(lowerScalar(expr, atLane(place, position)), dtypeOf(expr)));
  const [first, ...rest] = values;
  invariant(first, "a vector has lanes");
  return rest.reduce<KernelExpr>((vector, value, i) => ({ kind: "replace", type, vector, lane: i + 1, value }), {
    kind: "splat",
    type,
    value: first,
  });
}

/** 0 or 1 as 0 or -1. */
function maskOfBool(value: KernelExpr, dtype: DType): KernelExpr {
  return dtype === "bool" ? { kind: "apply", function: "neg", on: "i32", args: [value] } : value;
}

function splatOf(expr: Expr, place: Place): KernelExpr {
  const scalar = scalarType(dtypeOf(expr), place.builder);
  const type = vectorOf(scalar);
  if (
    expr.kind === "read" &&
    !expr.otherwise &&
    !place.bound.has(expr.tensor) &&
    !place.tiles.has(expr.tensor) &&
    hasVectorMemory(expr.dtype)
  ) {
    const buffer = bufferOf(expr.tensor, place);
    return loadAt(expr, positionOf(buffer, expr.indices, place), type, true, place);
  }
  return { kind: "splat", type, value: maskOfBool(lowerScalar(expr, place), dtypeOf(expr)) };
}

function lowerRead(expr: ReadExpr, place: Place): KernelExpr {
  const bound = place.bound.get(expr.tensor);
  if (bound) return bound;
  const tile = place.tiles.get(expr.tensor);
  if (tile) {
    if (!tile.vector || coefficientOf(tilePosition(tile, expr.indices, place), lane) !== 1) return byLanes(expr, place);
    const { register, lane: first } = tileRegister(tile, expr.indices, atLane(place, 0));
    return first === 0 ? { kind: "get", name: register, type: vectorOf(tile.type) } : byLanes(expr, place);
  }
  const buffer = bufferOf(expr.tensor, place);
  const type = vectorOf(scalarType(buffer.dtype, place.builder));
  if (!hasVectorMemory(buffer.dtype) || coefficientOf(positionOf(buffer, expr.indices, place), lane) !== 1) return byLanes(expr, place);
  const load = (inner: Place) => loadAt(expr, positionOf(buffer, expr.indices, atLane(inner, 0)), type, false, inner);
  const { otherwise } = expr;
  if (!otherwise || isInside(buffer, expr.indices, false, place)) return load(place);
  const varying = expr.indices.filter((index) => dependsOnLane(index, place));
  const lanesAgree = varying.every((index) => isInsideDimension(buffer, expr.indices.indexOf(index), index, place));
  const condition = lanesAgree ? insideCondition(buffer, expr.indices, place) : undefined;
  if (!condition) return byLanes(expr, place);
  return chooseLazily(condition, type, load, (inner) => lowerVector(otherwise, inner), place);
}

function lowerApply(expr: Extract<Expr, { kind: "apply" }>, place: Place): KernelExpr {
  const record: ScalarRecord = scalarFunctions[expr.function];
  const [first] = expr.args;
  invariant(first, `${expr.function} has no arguments`);
  const on = vectorOf(scalarType(dtypeOf(first), place.builder));
  if (!hasVectorForm(expr, on, place)) return byLanes(expr, place);
  const args = expr.args.map((arg) => lowerVector(arg, place));
  if (record.wasm !== "instruction") return lowerExpansion(expr, args, place, lowerVector);
  const [a, b, c] = multiplyAdd(expr, on, args);
  if (a && b && c) return { kind: "multiply_add", on, args: [a, b, c] };
  const value: KernelExpr = { kind: "apply", function: expr.function, on, args };
  return expr.dtype === "i8" || expr.dtype === "u8" ? { kind: "wrap", dtype: expr.dtype, value } : value;
}

function hasVectorForm(expr: Extract<Expr, { kind: "apply" }>, on: KernelType, place: Place): boolean {
  if (on === "i32x4" && scalarOnly.has(expr.function)) return false;
  if (expr.function !== "shift_left" && expr.function !== "shift_right") return true;
  // Lanes shift by one common amount.
  const [, amount] = expr.args;
  return amount !== undefined && !varies(amount, place) && dtypeOf(expr) === "i32";
}

function lowerCast(expr: Extract<Expr, { kind: "cast" }>, place: Place): KernelExpr {
  const [from, to] = [dtypeOf(expr.value), expr.dtype];
  const [source, target] = [vectorOf(scalarType(from, place.builder)), vectorOf(scalarType(to, place.builder))];
  const value = lowerVector(expr.value, place);
  if (to === "bool") {
    if (from === "bool") return value;
    return { kind: "apply", function: "ne", on: source, args: [value, constantVector(source, 0)] };
  }
  const number: KernelExpr =
    from === "bool" ? { kind: "apply", function: "bit_and", on: "i32x4", args: [value, constantVector("i32x4", 1)] } : value;
  if (isFloat(to)) return source === target ? number : { kind: "convert", from: source, type: target, value: number };
  if (!isFloat(from)) return to === "i8" || to === "u8" ? { kind: "wrap", dtype: to, value: number } : number;
  const whole: KernelExpr = { kind: "convert", from: source, type: "i32x4", value: number };
  return to === "i8" || to === "u8" ? clampVector(whole, dtypes[to].low, dtypes[to].high) : whole;
}

function clampVector(value: KernelExpr, low: number, high: number): KernelExpr {
  const at = (name: "min" | "max", operand: KernelExpr, limit: number): KernelExpr => ({
    kind: "apply",
    function: name,
    on: "i32x4",
    args: [operand, constantVector("i32x4", limit)],
  });
  return at("max", at("min", value, high), low);
}

export function constantVector(type: KernelType, value: number): KernelExpr {
  return { kind: "splat", type, value: { kind: "constant", type: type === "f32x4" ? "f32" : "i32", value } };
}

/** Puts a vector in a register when it is used more than once. */
export function inRegister(value: KernelExpr, place: Place): KernelExpr {
  return value.kind === "get" ? value : assign("v", typeOfKernel(value), value, place);
}
