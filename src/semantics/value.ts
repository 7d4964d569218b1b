/**
 * The values of staged evaluation, the scopes they live in, and how they become indices and expressions.
 */

import {
  add,
  constantIndex,
  floordiv,
  type Index,
  larger,
  mod,
  type Ranges,
  scale,
  smaller,
  subtract,
  variableIndex,
} from "../ir/affine.ts";
import type { DefDeclaration, OpDeclaration, Syntax } from "../ir/declaration.ts";
import { type DType, dtypes, type TensorType } from "../ir/dtype.ts";
import { constantExpr, dtypeOf, type Expr, type ScalarFunction } from "../ir/expr.ts";
import { type Diagnostic, errorDiagnostic, type Span } from "../support/diagnostic.ts";

export type Value =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "boolean"; readonly value: boolean }
  /** A bare word, such as `same`. */
  | { readonly kind: "symbol"; readonly name: string }
  | { readonly kind: "list"; readonly items: readonly Value[] }
  /** An integer that depends on iterators. */
  | { readonly kind: "index"; readonly index: Index }
  /** A value of the program that is being compiled. */
  | { readonly kind: "scalar"; readonly expr: Expr }
  /** A tensor that may be read. */
  | { readonly kind: "operand"; readonly name: string; readonly type: TensorType }
  /** What is left of a reported mistake. */
  | { readonly kind: "poison" };

/** What all scopes of one body share. */
export type Staging = {
  readonly definitions: ReadonlyMap<string, DefDeclaration>;
  /** By name, for mistakes: elements are computed without them. */
  readonly operators: ReadonlyMap<string, OpDeclaration>;
  /** Names of definitions that did not parse. */
  readonly broken: ReadonlySet<string>;
  report(diagnostic: Diagnostic): void;
  /** Extents of the iterators in scope, by their unique names. */
  readonly extents: Map<string, number>;
  readonly ranges: Ranges;
  /** The dtype a number takes where nothing else says. */
  readonly defaultDType: DType;
  /** Evaluates a part, for the files that each know one construct. */
  evaluate(syntax: Syntax, scope: Scope): Value;
  /** Depth of `def` calls, to stop a definition that never ends. */
  depth: number;
  /** How many iterations and list elements have been counted out, to stop what would take for ever; copies of a staging share it. */
  readonly counted: { total: number };
};

export type Scope = { readonly values: ReadonlyMap<string, Value>; readonly staging: Staging };

export const poison: Value = { kind: "poison" };

export function extendScope(scope: Scope, bindings: Iterable<readonly [string, Value]>): Scope {
  const values = new Map(scope.values);
  for (const [name, value] of bindings) values.set(name, value);
  return { values, staging: scope.staging };
}

export function numberValue(value: number): Value {
  return { kind: "number", value };
}

export function booleanValue(value: boolean): Value {
  return { kind: "boolean", value };
}

export function listValue(items: readonly Value[]): Value {
  return { kind: "list", items };
}

export function report(scope: Scope, code: string, message: string, span: Span, help?: string): Value {
  scope.staging.report(errorDiagnostic(code, message, { span, help }));
  return poison;
}

/** As an index of a dimension; reads of integer tensors become index reads. */
export function toIndex(value: Value, span: Span, scope: Scope): Index | undefined {
  if (value.kind === "number" && Number.isInteger(value.value)) return constantIndex(value.value);
  if (value.kind === "index") return value.index;
  if (value.kind === "scalar") {
    const index = indexOfExpr(value.expr, scope);
    if (index) return index;
  }
  if (value.kind === "poison") return undefined;
  report(
    scope,
    "not-an-index",
    `an index must be an integer built from iterators, and this is ${describe(value)}`,
    span,
    value.kind === "number" ? "write `//` to divide and round down" : undefined,
  );
  return undefined;
}

/** As a scalar of the program; numbers take `dtype`. */
export function toExpr(value: Value, dtype: DType, span: Span, scope: Scope): Expr | undefined {
  switch (value.kind) {
    case "scalar":
      return value.expr;
    case "index":
      return { kind: "index", index: value.index };
    case "number":
      if (dtype === "bool")
        return report(scope, "type-mismatch", `a condition is needed here, and this is the number ${value.value}`, span) && undefined;
      if (!Number.isInteger(value.value) && dtypes[dtype].kind === "integer" && Number.isFinite(value.value)) {
        report(
          scope,
          "type-mismatch",
          `${value.value} is not a whole number, and ${dtype} elements are`,
          span,
          `write ${Math.round(value.value)}, or convert with f32(...)`,
        );
        return undefined;
      }
      if (Number.isFinite(value.value) && !computes(value.value, dtype)) {
        const [message, help] =
          dtype === "i64"
            ? [`${value.value} takes more than the 32 bits in which i64 is computed`, "write a number from -2147483648 to 2147483647"]
            : [`${value.value} does not fit ${dtype}`, `convert it, and it wraps: ${dtype}(...)`];
        report(scope, "type-mismatch", message, span, help);
        return undefined;
      }
      return constantExpr(dtype, clampInfinity(value.value, dtype));
    case "boolean":
      return constantExpr("bool", value.value ? 1 : 0);
    case "poison":
      return undefined;
    case "symbol":
    case "list":
    case "operand":
      report(
        scope,
        "not-a-value",
        `an element value is needed here, and this is ${describe(value)}`,
        span,
        value.kind === "operand" ? `read an element with \`${value.name}[...]\`` : "write a number, or what a read gives",
      );
      return undefined;
  }
}

/** Whether a number is one that elements of a type can be: i64 computes as i32. */
function computes(value: number, dtype: DType): boolean {
  const { low, high } = dtypes[dtype === "i64" ? "i32" : dtype];
  return value >= low && value <= high;
}

export function describe(value: Value): string {
  switch (value.kind) {
    case "number":
      return `the number ${value.value}`;
    case "boolean":
      return `the condition ${value.value}`;
    case "symbol":
      return `the word \`${value.name}\``;
    case "list":
      return `a list of ${value.items.length}`;
    case "index":
      return "an index";
    case "scalar":
      return `a ${dtypeOf(value.expr)} value`;
    case "operand":
      return `the tensor \`${value.name}\``;
    case "poison":
      return "a mistake";
  }
}

/** An infinity stands for the extreme value of an integer dtype. */
function clampInfinity(value: number, dtype: DType): number {
  const { low, high, kind } = dtypes[dtype];
  return kind === "integer" && !Number.isFinite(value) ? (value > 0 ? high : low) : value;
}

function indexOfExpr(expr: Expr, scope: Scope): Index | undefined {
  if (expr.kind === "index") return expr.index;
  if (expr.kind === "constant" && expr.dtype !== "f32") return constantIndex(expr.value);
  if (expr.kind === "read" && !expr.otherwise && dtypes[expr.dtype].kind === "integer") {
    return { terms: [{ coefficient: 1, atom: { kind: "read", tensor: expr.tensor, indices: expr.indices } }], constant: 0 };
  }
  if (expr.kind === "cast" && dtypes[expr.dtype].kind === "integer" && dtypes[dtypeOf(expr.value)].kind === "integer")
    return indexOfExpr(expr.value, scope);
  if (expr.kind !== "apply" || expr.dtype !== "i32") return undefined;
  const [left, right] = expr.args.map((arg) => indexOfExpr(arg, scope));
  return left && right && combineIndices(expr.function, left, right, scope.staging.ranges);
}

/** A new iterator over 0 .. extent-1; its unique name is `name`, or `name_2` and so on where that is taken. */
export function declareIterator(name: string, extent: number, scope: Scope): { axis: { name: string; extent: number }; value: Value } {
  const { extents } = scope.staging;
  let unique = name;
  for (let i = 2; extents.has(unique); i++) unique = `${name}_${i}`;
  extents.set(unique, extent);
  return { axis: { name: unique, extent }, value: extent === 1 ? numberValue(0) : { kind: "index", index: variableIndex(unique) } };
}

/** An index where the operation keeps it quasi-affine. Dividing by 0, an extent that a reshape may have, gives 0. */
export function combineIndices(name: ScalarFunction, left: Index, right: Index, ranges: Ranges): Index | undefined {
  const [leftConstant, rightConstant] = [
    left.terms.length === 0 ? left.constant : undefined,
    right.terms.length === 0 ? right.constant : undefined,
  ];
  switch (name) {
    case "add":
      return add(left, right);
    case "sub":
      return subtract(left, right);
    case "mul":
      return rightConstant !== undefined ? scale(left, rightConstant) : leftConstant !== undefined ? scale(right, leftConstant) : undefined;
    case "floordiv":
      if (rightConstant === 0) return constantIndex(0);
      return rightConstant !== undefined && rightConstant > 0 ? floordiv(left, rightConstant, ranges) : undefined;
    case "mod":
      if (rightConstant === 0) return constantIndex(0);
      return rightConstant !== undefined && rightConstant > 0 ? mod(left, rightConstant, ranges) : undefined;
    case "min":
      return smaller(left, right, ranges);
    case "max":
      return larger(left, right, ranges);
    default:
      return undefined;
  }
}

/** A list's items with spreads laid out. */
export function evaluateItems(items: readonly Syntax[], scope: Scope): Value[] {
  return items.flatMap((item) => {
    if (item.kind !== "spread") return [scope.staging.evaluate(item, scope)];
    const value = scope.staging.evaluate(item.value, scope);
    if (value.kind === "list") return value.items;
    if (value.kind !== "poison")
      report(
        scope,
        "spread-of-scalar",
        `only a list or a pack can be spread, and this is ${describe(value)}`,
        item.span,
        "leave `...` out",
      );
    return [poison];
  });
}
