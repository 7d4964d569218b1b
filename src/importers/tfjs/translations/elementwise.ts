/** What a TensorFlow graph computes element by element, and its reductions. */
import type { Attributes } from "../../../ir/nn.ts";
import { floorDivided, floorRemainder } from "../../floor_division.ts";
import { shortest } from "../../shortest.ts";
import type { Value } from "../../written_model.ts";
import type { GraphNode } from "../graph.ts";
import { dtypeOf, type Net, numbersAt, type Translate } from "../net.ts";

function unary(operator: string, attributes: (node: GraphNode) => Attributes = () => ({})): Translate {
  return (node, net) => net.call(operator, [net.value(node, 0)], attributes(node));
}

type Combine = (net: Net, x: Value | number, y: Value | number) => Value;

/** At least one side is a tensor. */
function binary(operator: string | Combine): Translate {
  const combine: Combine = typeof operator === "string" ? (net, x, y) => net.call(operator, [x, y]) : operator;
  return (node, net) => {
    const [a, b] = [net.scalar(node, 0), net.scalar(node, 1)];
    const isTensor = typeof a === "object" || typeof b === "object";
    return combine(net, isTensor ? a : net.value(node, 0), b);
  };
}

function axesOf(node: GraphNode, net: Net, place = 1): number[] | undefined {
  const rank = net.shape(node, 0).length;
  const axes = numbersAt(net, node, place);
  return axes && [...new Set(axes.map((axis) => (axis < 0 ? axis + rank : axis)))].sort((a, b) => a - b);
}

const computedAxes = "has axes that are computed";

function reduction(operator: string): Translate {
  return (node, net) => {
    const axes = axesOf(node, net);
    if (!axes) return computedAxes;
    const x = net.value(node, 0);
    const keep = node.flag("keep_dims");
    const isGlobal = operator === "reduce_mean" && !keep && x.type.shape.length === 4 && axes.join() === "1,2";
    return isGlobal ? net.call("global_avg_pool", [x]) : net.call(operator, [x], { axes, ...(keep ? { keep } : {}) });
  };
}

/** Conditions are reduced as 0 and 1. */
function logical(operator: "reduce_max" | "reduce_min"): Translate {
  return (node, net) => {
    const axes = axesOf(node, net);
    if (!axes) return computedAxes;
    const numbers = net.call("cast", [net.value(node, 0)], { to: "i32" });
    return net.call("cast", [net.call(operator, [numbers], { axes, ...(node.flag("keep_dims") ? { keep: true } : {}) })], { to: "bool" });
  };
}

function extreme(operator: "argmax" | "argmin"): Translate {
  return (node, net) => {
    const [axis] = axesOf(node, net) ?? [];
    return axis === undefined ? computedAxes : net.call(operator, [net.value(node, 0)], { axis });
  };
}

const cast: Translate = (node, net) => {
  const to = dtypeOf(node.type("DstT"));
  const value = net.value(node, 0);
  if (!["f32", "i32", "u8", "i8", "bool"].includes(to)) return to;
  return value.type.dtype === to ? value : net.call("cast", [value], { to });
};

const clip: Translate = (node, net) => {
  const [low, high] = [numbersAt(net, node, 1)?.[0], numbersAt(net, node, 2)?.[0]];
  if (low === undefined || high === undefined) return "has limits that are computed";
  return net.call("clip", [net.value(node, 0)], { low: shortest(low), high: shortest(high) });
};

const addAll: Translate = (node, net) => {
  const values = node.inputs.map((_, place) => net.value(node, place));
  const [first, ...rest] = values;
  return first ? rest.reduce((sum: Value, value) => net.call("add", [sum, value]), first) : "adds nothing";
};

const cumulativeSum: Translate = (node, net) => {
  const [axis] = axesOf(node, net) ?? [];
  if (axis === undefined) return computedAxes;
  return net.call("cumulative_sum", [net.value(node, 0)], { axis, exclusive: node.flag("exclusive"), reverse: node.flag("reverse") });
};

export const elementwise: { readonly [operator: string]: Translate } = {
  Add: binary("add"),
  AddV2: binary("add"),
  AddN: addAll,
  Sub: binary("sub"),
  Mul: binary("mul"),
  RealDiv: binary("div"),
  Div: binary("div"),
  DivNoNan: (node, net) => {
    const [a, b] = [net.value(node, 0), net.value(node, 1)];
    return net.call("select", [net.call("equal", [b, 0]), 0, net.call("div", [a, b])]);
  },
  FloorDiv: binary((net, x, y) => floorDivided(net.builder, x, y)),
  FloorMod: binary((net, x, y) => floorRemainder(net.builder, x, y)),
  Mod: binary((net, x, y) => floorRemainder(net.builder, x, y)),
  BitwiseAnd: binary("bitwise_and"),
  Maximum: binary("maximum"),
  Minimum: binary("minimum"),
  Pow: binary("pow"),
  Atan2: binary("atan2"),
  SquaredDifference: (node, net) => net.call("square", [net.call("sub", [net.value(node, 0), net.value(node, 1)])]),
  Less: binary("less"),
  LessEqual: binary("less_equal"),
  Greater: binary("greater"),
  GreaterEqual: binary("greater_equal"),
  Equal: binary("equal"),
  NotEqual: binary("not_equal"),
  LogicalAnd: binary("logical_and"),
  LogicalOr: binary("logical_or"),
  LogicalNot: unary("logical_not"),
  Select: (node, net) => net.call("select", [net.value(node, 0), net.value(node, 1), net.value(node, 2)]),
  SelectV2: (node, net) => net.call("select", [net.value(node, 0), net.value(node, 1), net.value(node, 2)]),
  Abs: unary("abs"),
  Acos: unary("acos"),
  Acosh: unary("acosh"),
  Asin: unary("asin"),
  Asinh: unary("asinh"),
  Atan: unary("atan"),
  Atanh: unary("atanh"),
  Ceil: unary("ceil"),
  Cos: unary("cos"),
  Cosh: unary("cosh"),
  Elu: unary("elu"),
  Erf: unary("erf"),
  Exp: unary("exp"),
  Expm1: (node, net) => net.call("sub", [net.call("exp", [net.value(node, 0)]), 1]),
  Floor: unary("floor"),
  IsNan: unary("is_nan"),
  IsInf: unary("is_inf"),
  IsFinite: (node, net) => {
    const x = net.value(node, 0);
    return net.call("logical_not", [net.call("logical_or", [net.call("is_nan", [x]), net.call("is_inf", [x])])]);
  },
  LeakyRelu: unary("leaky_relu", (node) => ({ slope: shortest(node.number("alpha", 0.2)) })),
  Log: unary("log"),
  Log1p: (node, net) => net.call("log", [net.call("add", [net.value(node, 0), 1])]),
  LogSoftmax: unary("log_softmax"),
  Neg: unary("neg"),
  Prelu: (node, net) => net.call("prelu", [net.value(node, 0), net.weight(node, 1, "slope")]),
  Reciprocal: unary("reciprocal"),
  Relu: unary("relu"),
  Relu6: unary("relu6"),
  Round: unary("round"),
  Rsqrt: unary("rsqrt"),
  Selu: unary("selu"),
  Sigmoid: unary("sigmoid"),
  Sign: unary("sign"),
  Sin: unary("sin"),
  Sinh: unary("sinh"),
  Softmax: unary("softmax"),
  Softplus: unary("softplus"),
  Sqrt: unary("sqrt"),
  Square: unary("square"),
  Tan: unary("tan"),
  Tanh: unary("tanh"),
  Cast: cast,
  ClipByValue: clip,
  Mean: reduction("reduce_mean"),
  Sum: reduction("reduce_sum"),
  Max: reduction("reduce_max"),
  Min: reduction("reduce_min"),
  Prod: reduction("reduce_prod"),
  EuclideanNorm: reduction("reduce_l2"),
  Any: logical("reduce_max"),
  All: logical("reduce_min"),
  ArgMax: extreme("argmax"),
  ArgMin: extreme("argmin"),
  Cumsum: cumulativeSum,
};
