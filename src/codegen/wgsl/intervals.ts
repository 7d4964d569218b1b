/** What integers of a shader may be, by interval arithmetic: an index that is never negative divides without a helper. */
import type { Range } from "../../ir/affine.ts";
import type { KernelExpr } from "../../ir/kernel.ts";

/** Of coordinates, counters, and registers that are set once. */
export type Intervals = ReadonlyMap<string, Range>;

export function intervalOf(expr: KernelExpr, known: Intervals): Range | undefined {
  if (expr.kind === "constant") return expr.type === "i32" ? { low: expr.value, high: expr.value } : undefined;
  if (expr.kind === "get") return known.get(expr.name);
  if (expr.kind !== "apply" || expr.on !== "i32") return undefined;
  const [a, b] = expr.args.map((arg) => intervalOf(arg, known));
  if (!a || !b) return undefined;
  switch (expr.function) {
    case "add":
      return { low: a.low + b.low, high: a.high + b.high };
    case "sub":
      return { low: a.low - b.high, high: a.high - b.low };
    case "mul": {
      const corners = [a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high];
      return { low: Math.min(...corners), high: Math.max(...corners) };
    }
    case "floordiv":
      return b.low > 0 && b.low === b.high ? { low: Math.floor(a.low / b.low), high: Math.floor(a.high / b.low) } : undefined;
    case "mod":
      return b.low > 0 ? { low: 0, high: b.high - 1 } : undefined;
    case "min":
      return { low: Math.min(a.low, b.low), high: Math.min(a.high, b.high) };
    case "max":
      return { low: Math.max(a.low, b.low), high: Math.max(a.high, b.high) };
    default:
      return undefined;
  }
}

/** Whether a / b and a % b are the quotient rounded down and the remainder. */
export function dividesPlainly(a: KernelExpr, b: KernelExpr, known: Intervals): boolean {
  return (intervalOf(a, known)?.low ?? -1) >= 0 && (intervalOf(b, known)?.low ?? 0) > 0;
}
