/** Operands that broadcast: all in the layout of the first that has the result's rank. */
import { dtypes } from "../../ir/dtype.ts";
import type { Attributes } from "../../ir/nn.ts";
import type { Value } from "../written_model.ts";
import type { NodeContext, Translation } from "./context.ts";
import { identity, type Layout } from "./layout.ts";
import { shortestNumber } from "./literal.ts";

/** The computed operand whose rank is the result's, if there is one. */
function leaderOf(context: NodeContext, operands: readonly number[]): number | undefined {
  const rank = Math.max(0, ...operands.map((i) => context.rank(i)));
  return operands.find((i) => context.rank(i) === rank && !context.constant(i));
}

/** The layout in which the operands meet: the leader's. */
export function commonLayout(context: NodeContext, operands: readonly number[]): Layout {
  const leader = leaderOf(context, operands);
  return leader === undefined ? identity(Math.max(0, ...operands.map((i) => context.rank(i)))) : context.layout(leader);
}

/** The operand as it broadcasts in the layout; extents of 1 at the front are left out where `short`, as another operand gives the rank. */
function aligned(context: NodeContext, i: number, layout: Layout, short: boolean): Value {
  const shape = context.shape(i);
  const missing = layout.length - shape.length;
  if (missing === 0 && !context.constant(i)) return context.use(i, layout);
  const own = layout.filter((dimension) => dimension >= missing).map((dimension) => dimension - missing);
  const stored = layout.map((dimension) => (dimension < missing ? 1 : (shape[dimension - missing] ?? 1)));
  const first = stored.findIndex((extent) => extent !== 1);
  return context.reshaped(i, own, short ? stored.slice(first < 0 ? stored.length : first) : stored);
}

/** A constant of one element as a number, where the other operands give rank and type. */
export function literalOf(context: NodeContext, i: number): number | undefined {
  const tensor = context.constant(i);
  const value = tensor?.values.length === 1 ? tensor.values[0] : undefined;
  if (value === undefined || context.dtype(i) === "bool") return undefined;
  if (context.dtype(i) === "f32") return shortestNumber(value);
  return value >= dtypes.i32.low && value <= dtypes.i32.high ? value : undefined;
}

/** The operands in their common layout; all but one may be numbers. */
export function alignedOperands(context: NodeContext, operands: readonly number[], layout: Layout): readonly (Value | number)[] {
  const short = leaderOf(context, operands) !== undefined;
  return operands.map((i) => (short ? literalOf(context, i) : undefined) ?? aligned(context, i, layout, short));
}

export function unary(operator: string, attributes: (context: NodeContext) => Attributes = () => ({})): Translation {
  return (context) => {
    const layout = context.layout(0);
    context.define(context.builder.call(operator, [context.use(0, layout)], attributes(context)), { layout });
    return undefined;
  };
}

/** Of two or three operands that broadcast together. */
export function broadcasting(operator: string, count = 2): Translation {
  return (context) => {
    const operands = identity(count);
    const layout = commonLayout(context, operands);
    context.define(context.builder.call(operator, alignedOperands(context, operands, layout)), { layout });
    return undefined;
  };
}
