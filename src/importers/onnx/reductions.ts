/** ONNX's reductions. */
import { isFloat } from "../../ir/dtype.ts";
import type { NodeContext, Translation, Translations } from "./context.ts";
import { type Layout, range, wrapAxis } from "./layout.ts";

/** The axes, counted from the first; undefined where an operand that is not known names them. */
function reducedAxes(context: NodeContext): readonly number[] | undefined {
  const rank = context.rank(0);
  if (context.has(1) && !context.constant(1)) return undefined;
  const axes = context.listed("axes", 1) ?? [];
  if (axes.length > 0) return axes.map((axis) => wrapAxis(axis, rank));
  return context.number("noop_with_empty_axes", 0) ? [] : range(rank);
}

/** What is left of a layout without some dimensions. */
function without(layout: Layout, axes: readonly number[]): Layout {
  const left = layout.filter((dimension) => !axes.includes(dimension));
  return left.map((dimension) => dimension - axes.filter((axis) => axis < dimension).length);
}

function reduction(operator: string): Translation {
  return (context) => {
    const { builder } = context;
    const axes = reducedAxes(context);
    if (!axes) return { operand: 1 };
    const keep = context.number("keepdims", 1) === 1;
    const layout = context.layout(0);
    const attributes = { axes: axes.map((axis) => layout.indexOf(axis)).sort((a, b) => a - b), keep };
    const x = context.use(0, layout);
    const after = keep ? layout : without(layout, axes);
    const dtype = x.type.dtype;
    if (dtype === "bool") {
      // The largest of conditions is the largest of 0 and 1.
      const largest = builder.call(operator, [builder.call("cast", [x], { to: "i32" })], attributes);
      context.define(builder.call("cast", [largest], { to: "bool" }), { layout: after });
      return undefined;
    }
    if (operator === "reduce_mean" && !isFloat(dtype)) return "takes the mean of integers";
    context.define(builder.call(operator, [x], attributes), { layout: after });
    return undefined;
  };
}

function extreme(operator: "argmax" | "argmin"): Translation {
  return (context) => {
    const { builder } = context;
    const keep = context.number("keepdims", 1) === 1;
    const layout = context.layout(0);
    const given = wrapAxis(context.number("axis", 0), context.rank(0));
    const axis = layout.indexOf(given);
    const after = keep ? layout : without(layout, [given]);
    const x = context.use(0, layout);
    const attributes = { ...(axis === layout.length - 1 ? {} : { axis }), keep };
    if (!context.number("select_last_index", 0)) {
      context.define(builder.call(operator, [x], attributes), { layout: after });
      return undefined;
    }
    // The last of equal elements is the first from the end.
    const fromEnd = builder.call(operator, [builder.call("reverse", [x], { axes: [axis] })], attributes);
    context.define(builder.call("sub", [(context.shape(0)[given] ?? 1) - 1, fromEnd]), { layout: after });
    return undefined;
  };
}

const cumulative: Translation = (context) => {
  const [given] = context.numbers(1) ?? [];
  if (given === undefined) return { operand: 1 };
  const layout = context.layout(0);
  const attributes = {
    axis: layout.indexOf(wrapAxis(given, context.rank(0))),
    exclusive: context.number("exclusive", 0) === 1,
    reverse: context.number("reverse", 0) === 1,
  };
  context.define(context.builder.call("cumulative_sum", [context.use(0, layout)], attributes), { layout });
  return undefined;
};

export const reductionTranslations: Translations = {
  ArgMax: extreme("argmax"),
  ArgMin: extreme("argmin"),
  CumSum: cumulative,
  ReduceL1: reduction("reduce_l1"),
  ReduceL2: reduction("reduce_l2"),
  ReduceLogSum: reduction("reduce_log_sum"),
  ReduceLogSumExp: reduction("reduce_log_sum_exp"),
  ReduceMax: reduction("reduce_max"),
  ReduceMean: reduction("reduce_mean"),
  ReduceMin: reduction("reduce_min"),
  ReduceProd: reduction("reduce_prod"),
  ReduceSum: reduction("reduce_sum"),
  ReduceSumSquare: reduction("reduce_sum_square"),
};
