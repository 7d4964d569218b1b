/** Pooling, reductions and normalisations of TensorFlow Lite. */
import { paddings } from "../../../formats/tflite/schema.ts";
import type { Attributes } from "../../../ir/nn.ts";
import { shortest } from "../../shortest.ts";
import { activated, limitsOf, noActivation } from "../activation.ts";
import { type Net, type Node, stepOf, stepsOf, type Translate } from "../net.ts";
import { sameScale } from "./same_scale.ts";

function poolWindow(node: Node): Attributes {
  const window = [node.number("filter_height"), node.number("filter_width")];
  const stride = [node.number("stride_h"), node.number("stride_w")];
  return {
    window,
    ...(stride.some((n, d) => n !== window[d]) ? { stride } : {}),
    ...(node.number("padding") === paddings.same ? { pad: "same" } : {}),
  };
}

const averagePool: Translate = (node, net) => {
  const [x, y] = [node.input(0), node.output(0)];
  const [xs, ys] = [stepsOf(net.tensor(x)), stepsOf(net.tensor(y))];
  const activation = node.number("fused_activation_function");
  const isIntegers = xs && ys && sameScale(net.tensor(x), net.tensor(y));
  if (isIntegers) {
    const limits = limitsOf(activation, net.tensor(y));
    if (!limits) return noActivation;
    const { zero } = stepOf(ys);
    const attributes = { ...poolWindow(node), ...(zero ? { zero } : {}), to: net.tensor(y).type, ...limits };
    net.give(y, net.call("quantized_avg_pool2d", [net.value(x)], attributes));
    return undefined;
  }
  const value = activated(net.call("avg_pool2d", [net.real(x)], poolWindow(node)), activation, net);
  if (!value) return noActivation;
  net.giveReal(y, value);
  return undefined;
};

/** The largest of integers is the integer of the largest. */
const maxPool: Translate = (node, net) => {
  const [x, y] = [node.input(0), node.output(0)];
  const activation = node.number("fused_activation_function");
  const isIntegers = stepsOf(net.tensor(x)) && activation === 0 && sameScale(net.tensor(x), net.tensor(y));
  const value = activated(net.call("max_pool2d", [isIntegers ? net.value(x) : net.real(x)], poolWindow(node)), activation, net);
  if (!value) return noActivation;
  if (isIntegers) net.give(y, value);
  else net.giveReal(y, value);
  return undefined;
};

/** The root of the mean of squares. */
const l2Pool: Translate = (node, net) => {
  const squares = net.call("avg_pool2d", [net.call("square", [net.real(node.input(0))])], poolWindow(node));
  const value = activated(net.call("sqrt", [squares]), node.number("fused_activation_function"), net);
  if (!value) return noActivation;
  net.giveReal(node.output(0), value);
  return undefined;
};

function axesOf(node: Node, net: Net): number[] | undefined {
  const rank = net.shape(node.input(0)).length;
  const axes = net.known(node.input(1))?.values;
  return axes && [...new Set(Array.from(axes, (axis) => (axis < 0 ? axis + rank : axis)))].sort((a, b) => a - b);
}

const computedAxes = "has axes that are computed";

function reduction(operator: string): Translate {
  return (node, net) => {
    const axes = axesOf(node, net);
    if (!axes) return computedAxes;
    const keep = node.number("keep_dims") !== 0;
    const x = net.real(node.input(0));
    const isGlobal = operator === "reduce_mean" && !keep && x.type.shape.length === 4 && axes.join() === "1,2";
    const value = isGlobal ? net.call("global_avg_pool", [x]) : net.call(operator, [x], { axes, ...(keep ? { keep } : {}) });
    net.giveReal(node.output(0), value);
    return undefined;
  };
}

/** Conditions are reduced as 0 and 1. */
function logical(operator: "reduce_max" | "reduce_min"): Translate {
  return (node, net) => {
    const axes = axesOf(node, net);
    if (!axes) return computedAxes;
    const numbers = net.call("cast", [net.value(node.input(0))], { to: "i32" });
    const reduced = net.call(operator, [numbers], { axes, ...(node.number("keep_dims") !== 0 ? { keep: true } : {}) });
    net.give(node.output(0), net.call("cast", [reduced], { to: "bool" }));
    return undefined;
  };
}

function extreme(operator: "argmax" | "argmin"): Translate {
  return (node, net) => {
    const [axis] = axesOf(node, net) ?? [];
    if (axis === undefined) return computedAxes;
    const positions = net.call(operator, [net.value(node.input(0))], { axis });
    const isLong = net.tensor(node.output(0)).type === "i64";
    net.give(node.output(0), isLong ? net.call("cast", [positions], { to: "i64" }) : positions);
    return undefined;
  };
}

/** x / sqrt(max(sum of x^2 along the last dimension, 1e-6)). */
const l2Normalization: Translate = (node, net) => {
  const x = net.real(node.input(0));
  const squares = net.call("reduce_sum", [net.call("square", [x])], { axes: [-1], keep: true });
  const value = activated(
    net.call("div", [x, net.call("sqrt", [net.call("maximum", [squares, 1e-6])])]),
    node.number("fused_activation_function"),
    net,
  );
  if (!value) return noActivation;
  net.giveReal(node.output(0), value);
  return undefined;
};

/** There alpha is not divided by the size of the window. */
const localResponseNormalization: Translate = (node, net) => {
  const size = 2 * node.number("radius") + 1;
  const attributes = {
    size,
    alpha: shortest(node.number("alpha")) * size,
    beta: shortest(node.number("beta")),
    k: shortest(node.number("bias")),
  };
  net.giveReal(node.output(0), net.call("local_response_norm", [net.real(node.input(0))], attributes));
  return undefined;
};

const cumulativeSum: Translate = (node, net) => {
  const [axis] = axesOf(node, net) ?? [];
  if (axis === undefined) return computedAxes;
  const flags = { exclusive: node.number("exclusive") !== 0, reverse: node.number("reverse") !== 0 };
  net.giveReal(node.output(0), net.call("cumulative_sum", [net.real(node.input(0))], { axis, ...flags }));
  return undefined;
};

const topK: Translate = (node, net) => {
  const k = net.known(node.input(1))?.values[0];
  if (k === undefined) return "takes a number of elements that is computed";
  const [values, positions] = net.builder.calls("top_k", [net.real(node.input(0))], { k });
  if (!values || !positions) return "gives nothing";
  net.giveReal(node.output(0), values);
  net.give(node.output(1), positions);
  return undefined;
};

export const reductions: { readonly [operator: string]: Translate } = {
  AVERAGE_POOL_2D: averagePool,
  MAX_POOL_2D: maxPool,
  L2_POOL_2D: l2Pool,
  MEAN: reduction("reduce_mean"),
  SUM: reduction("reduce_sum"),
  REDUCE_MAX: reduction("reduce_max"),
  REDUCE_MIN: reduction("reduce_min"),
  REDUCE_PROD: reduction("reduce_prod"),
  REDUCE_ANY: logical("reduce_max"),
  REDUCE_ALL: logical("reduce_min"),
  ARG_MAX: extreme("argmax"),
  ARG_MIN: extreme("argmin"),
  L2_NORMALIZATION: l2Normalization,
  LOCAL_RESPONSE_NORMALIZATION: localResponseNormalization,
  CUMSUM: cumulativeSum,
  TOPK_V2: topK,
};
