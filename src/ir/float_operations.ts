/**
 * How many floating-point operations a kernel executes: one for each addition, multiplication, division, comparison that
 * picks the larger or smaller, and root, in each lane; two for a multiply-add. What only moves, compares, selects or converts
 * counts nothing. A guarded statement counts as executed, and of two branches the costlier.
 */

import { unreachable } from "../support/invariant.ts";
import type { ScalarFunction } from "./expr.ts";
import type { KernelExpr, KernelStatement, KernelType } from "./kernel.ts";
import { childrenOfKernel } from "./kernel_parts.ts";

const counted: ReadonlySet<ScalarFunction> = new Set(["add", "sub", "mul", "div", "max", "min", "sqrt"]);

export function floatOperations(statements: readonly KernelStatement[]): number {
  return statements.reduce((sum, statement) => sum + ofStatement(statement), 0);
}

function ofStatement(statement: KernelStatement): number {
  switch (statement.kind) {
    case "set":
      return ofExpr(statement.value);
    case "store":
      return ofExpr(statement.address) + ofExpr(statement.value);
    case "for":
      return statement.extent * floatOperations(statement.body);
    case "if":
      return ofExpr(statement.condition) + Math.max(floatOperations(statement.whenTrue), floatOperations(statement.otherwise));
    case "barrier":
      return 0;
    // An invocation adds what one other has.
    case "subgroup":
      return ofExpr(statement.value) + lanesOf(statement.type);
    default:
      return unreachable(statement);
  }
}

function ofExpr(expr: KernelExpr): number {
  const inside = childrenOfKernel(expr).reduce((sum, child) => sum + ofExpr(child), 0);
  if (expr.kind === "multiply_add") return inside + 2 * lanesOf(expr.on);
  return expr.kind === "apply" && counted.has(expr.function) ? inside + lanesOf(expr.on) : inside;
}

/** Integers are addresses and counters, not work. */
function lanesOf(type: KernelType): number {
  if (type === "f32x4") return 4;
  return type === "f32" || type === "f64" ? 1 : 0;
}
