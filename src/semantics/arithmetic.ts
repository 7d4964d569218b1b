/** Arithmetic of staged values: numbers fold, indices combine symbolically, lists go element by element, scalars become applications. */

import { constantIndex, type Index, scale } from "../ir/affine.ts";
import { compareIndices } from "../ir/compare_indices.ts";
import { dtypeOf, type Expr, type ScalarFunction } from "../ir/expr.ts";
import { resultDType, scalarFunctions } from "../ir/scalar_functions.ts";
import type { Span } from "../support/diagnostic.ts";
import { booleanValue, combineIndices, describe, listValue, numberValue, poison, report, type Scope, toExpr, type Value } from "./value.ts";

export function applyUnary(name: ScalarFunction, value: Value, span: Span, scope: Scope): Value {
  if (value.kind === "list") return listValue(value.items.map((item) => applyUnary(name, item, span, scope)));
  if (value.kind === "number") return numberValue(scalarFunctions[name].meaning(value.value));
  if (value.kind === "boolean" && name === "not") return booleanValue(!value.value);
  if (value.kind === "index" && name === "neg") return { kind: "index", index: scale(value.index, -1) };
  const expr = toExpr(value, scope.staging.defaultDType, span, scope);
  return expr ? applyScalar(name, [expr], span, scope) : poison;
}

/** Numbers fold, indices combine symbolically, lists go element by element, the rest becomes an application. */
export function applyBinary(name: ScalarFunction, left: Value, right: Value, span: Span, scope: Scope): Value {
  if (left.kind === "poison" || right.kind === "poison") return poison;
  if (left.kind === "list" || right.kind === "list") return applyLists(name, left, right, span, scope);
  if (left.kind === "symbol" || right.kind === "symbol") return compareSymbols(name, left, right, span, scope);
  if (left.kind === "number" && right.kind === "number") return foldPair(name, left.value, right.value, span, scope);
  if (left.kind === "boolean" || right.kind === "boolean") {
    const folded = foldConditions(name, left, right);
    if (folded) return folded;
  }
  const indices = indexPair(left, right);
  if (indices) {
    const combined = combineIndices(name, ...indices, scope.staging.ranges) ?? compareIndices(name, ...indices, scope.staging.ranges);
    if (typeof combined === "boolean") return booleanValue(combined);
    if (combined) return { kind: "index", index: combined };
  }
  const [first, second] = unify(left, right, span, scope);
  return first && second ? applyScalar(name, [first, second], span, scope) : poison;
}

function applyLists(name: ScalarFunction, left: Value, right: Value, span: Span, scope: Scope): Value {
  if (left.kind === "list" && right.kind === "list") {
    if (name === "eq" || name === "ne") return compareLists(name, left.items, right.items, span, scope);
    if (left.items.length !== right.items.length)
      return report(
        scope,
        "list-length",
        `lists of ${left.items.length} and ${right.items.length} elements do not combine`,
        span,
        "operators go over two lists of one length, element by element",
      );
    return listValue(left.items.map((item, i) => applyBinary(name, item, right.items[i] ?? poison, span, scope)));
  }
  if (name === "eq" || name === "ne") return booleanValue(name === "ne");
  if (left.kind === "list") return listValue(left.items.map((item) => applyBinary(name, item, right, span, scope)));
  return right.kind === "list" ? listValue(right.items.map((item) => applyBinary(name, left, item, span, scope))) : poison;
}

function compareLists(name: "eq" | "ne", left: readonly Value[], right: readonly Value[], span: Span, scope: Scope): Value {
  const equal =
    left.length === right.length &&
    left.every((item, i) => {
      const same = applyBinary("eq", item, right[i] ?? poison, span, scope);
      return same.kind === "boolean" && same.value;
    });
  return booleanValue(equal === (name === "eq"));
}

function compareSymbols(name: ScalarFunction, left: Value, right: Value, span: Span, scope: Scope): Value {
  if (name !== "eq" && name !== "ne")
    return report(scope, "type-mismatch", `${describe(left)} and ${describe(right)} have no \`${name}\``, span);
  const equal = left.kind === "symbol" && right.kind === "symbol" && left.name === right.name;
  return booleanValue(equal === (name === "eq"));
}

function foldPair(name: ScalarFunction, left: number, right: number, span: Span, scope: Scope): Value {
  if ((name === "floordiv" || name === "mod" || name === "div") && right === 0)
    return report(scope, "division-by-zero", "this divides by 0", span, "give what stands after the `/` or `%` another value");
  const value = scalarFunctions[name].meaning(left, right);
  return scalarFunctions[name].gives === "bool" ? booleanValue(value !== 0) : numberValue(value);
}

function foldConditions(name: ScalarFunction, left: Value, right: Value): Value | undefined {
  const [known, other] = left.kind === "boolean" ? [left.value, right] : right.kind === "boolean" ? [right.value, left] : [];
  if (known === undefined || !other) return undefined;
  if (name === "and") return known ? other : booleanValue(false);
  if (name === "or") return known ? booleanValue(true) : other;
  if (other.kind !== "boolean") return undefined;
  if (name === "eq") return booleanValue(known === other.value);
  return name === "ne" ? booleanValue(known !== other.value) : undefined;
}

function indexPair(left: Value, right: Value): [Index, Index] | undefined {
  const whole = (value: Value) =>
    value.kind === "index"
      ? value.index
      : value.kind === "number" && Number.isInteger(value.value)
        ? constantIndex(value.value)
        : undefined;
  const [first, second] = [whole(left), whole(right)];
  return first && second ? [first, second] : undefined;
}

/** Brings two values to one dtype: a number takes the other's. */
export function unify(left: Value, right: Value, span: Span, scope: Scope): [Expr, Expr] | [undefined, undefined] {
  const fixed = [left, right].map((value) =>
    value.kind === "scalar" ? dtypeOf(value.expr) : value.kind === "index" ? "i32" : value.kind === "boolean" ? "bool" : undefined,
  );
  const dtype = fixed[0] ?? fixed[1] ?? scope.staging.defaultDType;
  const [first, second] = [toExpr(left, dtype, span, scope), toExpr(right, dtype, span, scope)];
  if (!first || !second) return [undefined, undefined];
  if (dtypeOf(first) === dtypeOf(second)) return [first, second];
  report(scope, "type-mismatch", `${dtypeOf(first)} and ${dtypeOf(second)} do not combine`, span, `convert one: ${dtypeOf(first)}(...)`);
  return [undefined, undefined];
}

function applyScalar(name: ScalarFunction, args: readonly Expr[], span: Span, scope: Scope): Value {
  const [first] = args;
  if (!first) return poison;
  const argument = dtypeOf(first);
  const dtype = resultDType(name, argument);
  if (dtype === undefined) {
    const { takes } = scalarFunctions[name];
    const kinds = { number: "numbers", float: "floats", integer: "integers", bool: "conditions", any: "anything" };
    const help =
      name === "div"
        ? "write `//` for integer division, or convert with f32(...)"
        : takes === "float"
          ? "convert with f32(...)"
          : undefined;
    return report(scope, "type-mismatch", `\`${name}\` takes ${kinds[takes]}, and this is ${argument}`, span, help);
  }
  return { kind: "scalar", expr: { kind: "apply", function: name, args, dtype } };
}
