/**
 * Staged evaluation of `Syntax`. What is known at compile time (numbers, words, lists, conditions on them) is
 * computed; what depends on iterators or elements becomes `Index` and `Expr`. Mistakes are reported to the
 * scope's sink and yield `poison`, which silences everything that follows from it, so that one run reports all.
 */

import type { Ranges } from "../ir/affine.ts";
import type { BinaryOperator, DefDeclaration, Syntax } from "../ir/declaration.ts";
import { type DType, dtypes, isSourceDType } from "../ir/dtype.ts";
import { wrapTo } from "../ir/evaluate.ts";
import { constantExpr, dtypeOf, type ScalarFunction } from "../ir/expr.ts";
import { isScalarFunction, scalarFunctions } from "../ir/scalar_functions.ts";
import type { Diagnostic, Span } from "../support/diagnostic.ts";
import { nearest } from "../support/nearest.ts";
import { evaluateAccess, evaluateElse, evaluateFirst, evaluateInside } from "./access.ts";
import { applyBinary, applyUnary, unify } from "./arithmetic.ts";
import { countOut, evaluateListFor } from "./iteration.ts";
import { evaluateReduce } from "./reduce.ts";
import {
  booleanValue,
  describe,
  evaluateItems,
  listValue,
  numberValue,
  poison,
  report,
  type Scope,
  type Staging,
  toExpr,
  type Value,
} from "./value.ts";

export function createStaging(
  { definitions, operators = new Map(), broken = new Set() }: Pick<Staging, "definitions"> & Partial<Pick<Staging, "operators" | "broken">>,
  report: (diagnostic: Diagnostic) => void,
): Staging {
  const extents = new Map<string, number>();
  const ranges: Ranges = {
    variable: (name) => {
      const extent = extents.get(name);
      return extent === undefined ? undefined : { low: 0, high: extent - 1 };
    },
  };
  return { definitions, operators, broken, report, extents, ranges, defaultDType: "f32", evaluate, depth: 0, counted: { total: 0 } };
}

export function evaluate(syntax: Syntax, scope: Scope): Value {
  switch (syntax.kind) {
    case "number":
      return numberValue(syntax.value);
    case "boolean":
      return booleanValue(syntax.value);
    case "string":
      return { kind: "symbol", name: syntax.value };
    case "name":
      return scope.values.get(syntax.name) ?? unknownName(syntax.name, syntax.span, scope);
    case "list":
      return evaluateList(syntax.items, scope);
    case "member":
      return evaluateMember(syntax, scope);
    case "call":
      return evaluateCall(syntax, scope);
    case "negate":
      return applyUnary("neg", evaluate(syntax.value, scope), syntax.span, scope);
    case "not":
      return applyUnary("not", evaluate(syntax.value, scope), syntax.span, scope);
    case "binary":
      return evaluateBinary(syntax, scope);
    case "if":
      return evaluateIf(syntax, scope);
    case "listFor":
      return evaluateListFor(syntax, scope);
    case "range":
      return evaluateRange(syntax, scope);
    case "access":
      return evaluateAccess(syntax, scope);
    case "else":
      return evaluateElse(syntax, scope);
    case "inside":
      return evaluateInside(syntax, scope);
    case "reduce":
      return evaluateReduce(syntax, scope);
    case "first":
      return evaluateFirst(syntax, scope);
    case "spread":
      return report(
        scope,
        "misplaced-spread",
        "`...` stands only inside brackets and argument lists",
        syntax.span,
        "leave `...` out, or write a list: `[...a, b]`",
      );
    case "tuple":
    case "pipe":
    case "weight":
      return report(
        scope,
        "tensor-expression-in-comprehension",
        "operators and weights work on tensors, and this is about elements",
        syntax.span,
        "read an element with `x[...]`, and call functions of numbers: `max(x[i], 0)`",
      );
  }
}

export function evaluateInteger(syntax: Syntax, what: string, scope: Scope): number | undefined {
  const value = evaluate(syntax, scope);
  if (value.kind === "poison") return undefined;
  if (value.kind === "number" && Number.isInteger(value.value)) return value.value;
  const fraction = value.kind === "number" && !Number.isInteger(value.value);
  report(
    scope,
    "not-an-integer",
    `${what} must be an integer known at compile time, and this is ${value.kind === "number" ? value.value : describe(value)}`,
    syntax.span,
    fraction ? "write `//` to divide and round down" : "write a number, or what is known of shapes: `count(s)`, `shape(x).0`",
  );
  return undefined;
}

export function evaluateIntegers(syntax: Syntax, what: string, scope: Scope): number[] | undefined {
  const value = evaluate(syntax, scope);
  if (value.kind === "poison") return undefined;
  const numbers =
    value.kind === "list"
      ? value.items.map((item) => (item.kind === "number" && Number.isInteger(item.value) ? item.value : undefined))
      : [undefined];
  if (numbers.every((item) => item !== undefined)) return numbers as number[];
  report(
    scope,
    "not-an-integer",
    `${what} must be a list of integers known at compile time, and this is ${describe(value)}`,
    syntax.span,
    "write a list: `[n, ...s]`",
  );
  return undefined;
}

function unknownName(name: string, span: Span, scope: Scope): Value {
  const suggestion = nearest(name, scope.values.keys());
  return report(
    scope,
    "unknown-name",
    `\`${name}\` is not the name of a dimension, attribute or iterator here`,
    span,
    suggestion ? `did you mean \`${suggestion}\`?` : `define it before: \`let ${name} = ...\``,
  );
}

function evaluateList(items: readonly Syntax[], scope: Scope): Value {
  return listValue(evaluateItems(items, scope));
}

function evaluateMember(syntax: Extract<Syntax, { kind: "member" }>, scope: Scope): Value {
  const object = evaluate(syntax.object, scope);
  if (object.kind === "poison") return poison;
  if (object.kind !== "list")
    return report(
      scope,
      "not-a-list",
      `\`.\` takes an element of a list, and this is ${describe(object)}`,
      syntax.object.span,
      object.kind === "operand"
        ? `read an element with \`${object.name}[...]\`, an extent with \`shape(${object.name}).0\``
        : "leave the `.` and what follows it out",
    );
  const position = evaluateInteger(syntax.member, "the position in a list", scope);
  if (position === undefined) return poison;
  const item = object.items[position];
  return (
    item ??
    report(
      scope,
      "list-position",
      `the list has ${object.items.length} elements, and element ${position} is asked for (they count from 0)`,
      syntax.span,
      object.items.length === 0 ? "an empty list has no element to take" : `write a position from 0 to ${object.items.length - 1}`,
    )
  );
}

function evaluateIf(syntax: Extract<Syntax, { kind: "if" }>, scope: Scope): Value {
  const condition = evaluate(syntax.condition, scope);
  if (condition.kind === "boolean") return evaluate(condition.value ? syntax.whenTrue : syntax.whenFalse, scope);
  const test = toExpr(condition, "bool", syntax.condition.span, scope);
  if (test && dtypeOf(test) !== "bool")
    return report(
      scope,
      "type-mismatch",
      `the condition of an \`if\` is ${describe(condition)}`,
      syntax.condition.span,
      "compare it with something",
    );
  const [whenTrue, whenFalse] = unify(evaluate(syntax.whenTrue, scope), evaluate(syntax.whenFalse, scope), syntax.span, scope);
  return test && whenTrue && whenFalse ? { kind: "scalar", expr: { kind: "select", condition: test, whenTrue, whenFalse } } : poison;
}

function evaluateRange(syntax: Extract<Syntax, { kind: "range" }>, scope: Scope): Value {
  const from = evaluateInteger(syntax.from, "the start of a range", scope);
  const to = evaluateInteger(syntax.to, "the end of a range", scope);
  if (from === undefined || to === undefined || !countOut(to - from, syntax.span, scope)) return poison;
  return listValue(Array.from({ length: Math.max(0, to - from) }, (_, i) => numberValue(from + i)));
}

/** What to write where a call among elements names nothing that takes elements. */
export function undeclaredFunction(name: string, isOperator: boolean): string {
  return isOperator
    ? `\`${name}\` is an operator, of whole tensors: call it outside of equations, or write out what it does to an element`
    : `declare it: \`def ${name}(...) = ...\``;
}

/** Functions of compile-time values that the language itself provides. */
export const builtins = ["count", "shape", "sum_of", "product_of", "convert"] as const;

function evaluateCall(syntax: Extract<Syntax, { kind: "call" }>, scope: Scope): Value {
  const named = syntax.arguments.find((argument) => argument.name !== undefined);
  if (named)
    return report(
      scope,
      "named-argument",
      `\`${syntax.callee}\` is a function of plain values and takes no named arguments`,
      named.value.span,
      `leave \`${named.name}:\` out: \`${syntax.callee}(...)\``,
    );
  const args = evaluateItems(
    syntax.arguments.map((argument) => argument.value),
    scope,
  );
  if (args.some((arg) => arg.kind === "poison")) return poison;
  const { callee, calleeSpan } = syntax;
  const definition = scope.staging.definitions.get(callee);
  if (definition) return callDefinition(definition, args, syntax.span, scope);
  if (callee === "count") return countOf(args, syntax.span, scope);
  if (callee === "shape") return shapeOf(args, syntax.span, scope);
  if (callee === "sum_of" || callee === "product_of") return foldNumbers(callee, args, syntax.span, scope);
  if (isSourceDType(callee)) return castValue(callee, args, syntax.span, scope);
  if (callee === "convert") return convertValue(args, syntax.span, scope);
  if (!isScalarFunction(callee)) {
    if (scope.staging.broken.has(callee)) return poison;
    const suggestion = nearest(callee, [...scope.staging.definitions.keys(), ...Object.keys(scalarFunctions), ...builtins]);
    return report(
      scope,
      "unknown-function",
      `\`${callee}\` is not a scalar function or a definition`,
      calleeSpan,
      suggestion ? `did you mean \`${suggestion}\`?` : undeclaredFunction(callee, scope.staging.operators.has(callee)),
    );
  }
  const { arity } = scalarFunctions[callee];
  if (args.length !== arity)
    return report(
      scope,
      "argument-count",
      `\`${callee}\` takes ${argumentText(arity)}, and ${args.length} ${args.length === 1 ? "is" : "are"} given`,
      syntax.span,
      (callee === "max" || callee === "min") && args.length === 1
        ? `to reduce, name the iterators: \`${callee}(i in 0..n) x[i]\``
        : `write \`${callee}(${["a", "b", "c"].slice(0, arity).join(", ")})\``,
    );
  const [left, right] = args;
  if (!left) return poison;
  return right ? applyBinary(callee, left, right, syntax.span, scope) : applyUnary(callee, left, syntax.span, scope);
}

function callDefinition(definition: DefDeclaration, args: readonly Value[], span: Span, scope: Scope): Value {
  if (args.length !== definition.parameters.length) {
    return report(
      scope,
      "argument-count",
      `\`${definition.name}\` takes ${argumentText(definition.parameters.length)}, and ${args.length} ${args.length === 1 ? "is" : "are"} given`,
      span,
      `write \`${definition.name}(${definition.parameters.join(", ")})\``,
    );
  }
  if (scope.staging.depth > 200)
    return report(
      scope,
      "endless-definition",
      `\`${definition.name}\` calls itself without end`,
      span,
      `let it end: \`def ${definition.name}(n) = if n == 0 then ... else ...\``,
    );
  scope.staging.depth++;
  const inner: Scope = { values: new Map(definition.parameters.map((name, i) => [name, args[i] ?? poison])), staging: scope.staging };
  const value = evaluate(definition.body, inner);
  scope.staging.depth--;
  return value;
}

function argumentText(count: number): string {
  return `${count} argument${count === 1 ? "" : "s"}`;
}

function countOf(args: readonly Value[], span: Span, scope: Scope): Value {
  const [list] = args;
  if (args.length !== 1 || list?.kind !== "list") return report(scope, "not-a-list", "`count` takes one list or pack", span);
  return numberValue(list.items.length);
}

function shapeOf(args: readonly Value[], span: Span, scope: Scope): Value {
  const [tensor] = args;
  if (args.length !== 1 || tensor?.kind !== "operand")
    return report(scope, "not-a-tensor", "`shape` takes one tensor", span, "write `shape(x)` of an operand `x`");
  return listValue(tensor.type.shape.map(numberValue));
}

function foldNumbers(callee: "sum_of" | "product_of", args: readonly Value[], span: Span, scope: Scope): Value {
  const [list] = args;
  if (args.length !== 1 || list?.kind !== "list") return report(scope, "not-a-list", `\`${callee}\` takes one list or pack`, span);
  const start: Value = numberValue(callee === "sum_of" ? 0 : 1);
  return list.items.reduce((total, item) => applyBinary(callee === "sum_of" ? "add" : "mul", total, item, span, scope), start);
}

/** `convert(x, to)`: a conversion whose dtype is an attribute. */
function convertValue(args: readonly Value[], span: Span, scope: Scope): Value {
  const [value, to] = args;
  if (value && args.length === 2 && to?.kind === "symbol" && isSourceDType(to.name)) return castValue(to.name, [value], span, scope);
  return report(
    scope,
    "type-mismatch",
    "`convert` takes a value and an element type",
    span,
    "write `convert(x[...i], to)` with an attribute `to: dtype`",
  );
}

function castValue(dtype: DType, args: readonly Value[], span: Span, scope: Scope): Value {
  const [value] = args;
  if (!value || args.length !== 1)
    return report(scope, "argument-count", `\`${dtype}\` converts one value`, span, `write \`${dtype}(x[i])\``);
  if (value.kind === "number" && Number.isInteger(value.value) && dtypes[dtype].kind === "integer")
    return { kind: "scalar", expr: constantExpr(dtype, wrapTo(dtype)(value.value)) };
  const natural = value.kind === "number" && !Number.isInteger(value.value) ? "f32" : dtype;
  const expr = toExpr(value, natural === "bool" ? "i32" : natural, span, scope);
  if (!expr) return poison;
  return { kind: "scalar", expr: dtypeOf(expr) === dtype ? expr : { kind: "cast", dtype, value: expr } };
}

const binaryFunctions: { readonly [operator in BinaryOperator]: ScalarFunction } = {
  "+": "add",
  "-": "sub",
  "*": "mul",
  "/": "div",
  "//": "floordiv",
  "%": "mod",
  "==": "eq",
  "!=": "ne",
  "<": "lt",
  "<=": "le",
  ">": "gt",
  ">=": "ge",
  and: "and",
  or: "or",
};

function evaluateBinary(syntax: Extract<Syntax, { kind: "binary" }>, scope: Scope): Value {
  const left = evaluate(syntax.left, scope);
  // `and` and `or` stop early, so that a guard may stand before what it guards.
  if (left.kind === "boolean" && syntax.operator === "and" && !left.value) return left;
  if (left.kind === "boolean" && syntax.operator === "or" && left.value) return left;
  return applyBinary(binaryFunctions[syntax.operator], left, evaluate(syntax.right, scope), syntax.span, scope);
}
