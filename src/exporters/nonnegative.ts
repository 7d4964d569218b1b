/** Where values cannot be negative, zeros around them never win a maximum: padding that every format has says the same. */
import type { Call, ExportGraph } from "./exporter.ts";

/** Operators whose results are at least 0, and those that only move or choose elements of their operands. */
const positive: ReadonlySet<string> = new Set(["relu", "relu6", "sigmoid", "hard_sigmoid", "softmax", "square", "abs"]);
const moving: ReadonlySet<string> = new Set([
  "max_pool2d",
  "max_pool",
  "concat",
  "transpose",
  "reshape",
  "flatten",
  "split",
  "slice",
  "maximum",
]);

export function nonNegativeValues(graph: Pick<ExportGraph, "calls">): Set<string> {
  const found = new Set<string>();
  const isNonNegative = ({ operator, operands, activation }: Call) =>
    activation !== undefined || positive.has(operator) || (moving.has(operator) && operands.every((name) => found.has(name)));
  for (const call of graph.calls) if (isNonNegative(call)) found.add(call.result.name);
  return found;
}
