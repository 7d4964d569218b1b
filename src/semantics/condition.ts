/** Conditions of `if` between tensors: known at compile time, and so never about what tensors hold. */

import type { Syntax } from "../ir/declaration.ts";
import { evaluate } from "./compile_time.ts";
import { type Environment, reportIn, scopeOf } from "./tensor_value.ts";
import type { Value } from "./value.ts";

/** Decided at compile time; undefined, and reported, where it compares tensors. */
export function evaluateCondition(condition: Syntax, environment: Environment): Value | undefined {
  if (!comparesTensors(condition, environment)) return evaluate(condition, scopeOf(environment));
  reportIn(
    environment,
    "condition-not-constant",
    "an `if` is decided at compile time, and this compares what tensors hold",
    condition.span,
    "to choose element by element, call `select(c, a, b)`",
  );
  return undefined;
}

function comparesTensors(syntax: Syntax, environment: Environment): boolean {
  switch (syntax.kind) {
    case "name": {
      const kind = environment.values.get(syntax.name)?.kind;
      return kind === "tensor" || kind === "tensors";
    }
    case "binary":
      return comparesTensors(syntax.left, environment) || comparesTensors(syntax.right, environment);
    case "not":
    case "negate":
      return comparesTensors(syntax.value, environment);
    default:
      return false;
  }
}
