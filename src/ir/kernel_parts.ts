/** The parts of kernel expressions and statements: the one place that knows which children each kind has. */
import { unreachable } from "../support/invariant.ts";
import type { KernelExpr, KernelStatement } from "./kernel.ts";

/** Rebuilds an expression from its immediate children. */
export function mapKernelExpr(expr: KernelExpr, change: (child: KernelExpr) => KernelExpr): KernelExpr {
  switch (expr.kind) {
    case "constant":
    case "get":
    case "base":
      return expr;
    case "load":
      return { ...expr, address: change(expr.address) };
    case "apply":
    case "host":
      return { ...expr, args: expr.args.map(change) };
    case "multiply_add": {
      const [a, b, c] = expr.args;
      return { ...expr, args: [change(a), change(b), change(c)] };
    }
    case "select":
      return { ...expr, condition: change(expr.condition), whenTrue: change(expr.whenTrue), otherwise: change(expr.otherwise) };
    case "splat":
    case "extract":
    case "convert":
    case "wrap":
      return { ...expr, value: change(expr.value) };
    case "replace":
      return { ...expr, vector: change(expr.vector), value: change(expr.value) };
    default:
      return unreachable(expr);
  }
}

export function childrenOfKernel(expr: KernelExpr): readonly KernelExpr[] {
  const children: KernelExpr[] = [];
  mapKernelExpr(expr, (child) => {
    children.push(child);
    return child;
  });
  return children;
}

/** Every register that the statements set, those inside loops and branches too; a loop sets its counter. */
export function registersSet(statements: readonly KernelStatement[], names: Set<string> = new Set()): Set<string> {
  for (const statement of statements) {
    switch (statement.kind) {
      case "set":
      case "subgroup":
        names.add(statement.name);
        break;
      case "store":
      case "barrier":
        break;
      case "for":
        names.add(statement.name);
        registersSet(statement.body, names);
        break;
      case "if":
        registersSet(statement.whenTrue, names);
        registersSet(statement.otherwise, names);
        break;
      default:
        unreachable(statement);
    }
  }
  return names;
}
