/** Whether the axes that a node names are dimensions of its first operand; everything that follows counts on it. */
import type { NodeContext, Refusal } from "./context.ts";

/** Operators whose axis may stand behind the last dimension, and those that add dimensions. */
const behind: ReadonlySet<string> = new Set(["Flatten", "Softmax", "LogSoftmax", "Hardmax", "OneHot"]);

/** Where an operand names axes, in the operator sets in which it is no attribute. */
const operands: { readonly [operator: string]: number } = { CumSum: 1, Pad: 3, Slice: 3, Squeeze: 1, Unsqueeze: 1 };

export function checkAxes(context: NodeContext): Refusal | undefined {
  const { operator } = context.node;
  if (!context.has(0)) return undefined;
  const position = operator.startsWith("Reduce") ? 1 : Object.hasOwn(operands, operator) ? operands[operator] : undefined;
  const listed = context.integers("axes") ?? (position === undefined ? undefined : context.numbers(position)) ?? [];
  const single = context.node.attributes.get("axis");
  const added = operator === "Unsqueeze" ? listed.length : behind.has(operator) ? 1 : 0;
  // What has no dimensions counts as one element of one.
  const rank = Math.max(1, context.rank(0)) + added;
  const axes = single?.kind === "number" && !isQuantizer(operator) ? [...listed, single.value] : listed;
  const wrong = axes.find((axis) => !Number.isInteger(axis) || axis < -rank || axis >= rank);
  return wrong === undefined ? undefined : `names the axis ${wrong} of an operand of ${context.rank(0)} dimensions`;
}

/** With one scale for all elements the axis means nothing. */
function isQuantizer(operator: string): boolean {
  return operator === "QuantizeLinear" || operator === "DequantizeLinear";
}
