/** Operators of TensorFlow Lite that compute element by element, and softmax. */
import { elementCount, isDType } from "../../../ir/dtype.ts";
import type { Attributes } from "../../../ir/nn.ts";
import { floorDivided, floorRemainder } from "../../floor_division.ts";
import { shortest } from "../../shortest.ts";
import type { Value } from "../../written_model.ts";
import { activated, limitsOf, noActivation } from "../activation.ts";
import { type Net, realNumbers, stepOf, stepsOf, type Translate } from "../net.ts";

/** A constant of one element is written as a number beside the other operand. */
function operand(position: number, net: Net, other: number): Value | number {
  const known = net.known(position);
  const isNumber =
    known !== undefined &&
    known.dtype === "f32" &&
    elementCount(known.shape) === 1 &&
    known.shape.length <= net.shape(other).length &&
    net.known(other) === undefined;
  return isNumber ? shortest(known.values[0] ?? 0) : net.real(position);
}

function unary(operator: string, attributes: (node: Parameters<Translate>[0]) => Attributes = () => ({})): Translate {
  return (node, net) => {
    net.giveReal(node.output(0), net.call(operator, [net.real(node.input(0))], attributes(node)));
    return undefined;
  };
}

type Combine = (net: Net, x: Value | number, y: Value | number) => Value;

function binary(operator: string | Combine): Translate {
  const combine: Combine = typeof operator === "string" ? (net, x, y) => net.call(operator, [x, y]) : operator;
  return (node, net) => {
    const [a, b] = [node.input(0), node.input(1)];
    const value = activated(combine(net, operand(a, net, b), operand(b, net, a)), node.number("fused_activation_function"), net);
    if (!value) return noActivation;
    net.giveReal(node.output(0), value);
    return undefined;
  };
}

function quantizedOr(translate: Translate, quantized: (...given: Parameters<Translate>) => string | undefined): Translate {
  return (node, net) => {
    const tensors = [node.input(0), node.input(1), node.output(0)].map(net.tensor);
    const isQuantized = tensors.every((tensor) => stepsOf(tensor)?.scales.length === 1 && tensor.type !== "i16");
    return isQuantized ? quantized(node, net) : translate(node, net);
  };
}

const add = quantizedOr(binary("add"), (node, net) => {
  const [a, b, y] = [node.input(0), node.input(1), node.output(0)];
  const [as, bs, ys] = [a, b, y].map((position) => stepsOf(net.tensor(position)));
  const limits = limitsOf(node.number("fused_activation_function"), net.tensor(y));
  if (!limits || !as || !bs || !ys) return noActivation;
  const [first, second] = [stepOf(as), stepOf(bs)];
  const attributes = {
    a_scale: first.scale,
    ...(first.zero ? { a_zero: first.zero } : {}),
    b_scale: second.scale,
    ...(second.zero ? { b_zero: second.zero } : {}),
    ...stepOf(ys),
    to: net.tensor(y).type,
    ...limits,
  };
  net.give(y, net.call("quantized_add", [net.value(a), net.value(b)], attributes));
  return undefined;
});

const mul = quantizedOr(binary("mul"), (node, net) => {
  const [a, b, y] = [node.input(0), node.input(1), node.output(0)];
  const [as, bs, ys] = [a, b, y].map((position) => stepsOf(net.tensor(position)));
  const limits = limitsOf(node.number("fused_activation_function"), net.tensor(y));
  if (!limits || !as || !bs || !ys) return noActivation;
  const factor = Math.fround(Math.fround(Math.fround(as.scales[0] ?? 1) * Math.fround(bs.scales[0] ?? 1)) / Math.fround(ys.scales[0] ?? 1));
  const attributes = {
    factor: shortest(factor),
    a_zero: as.zeros[0] ?? 0,
    b_zero: bs.zeros[0] ?? 0,
    zero: ys.zeros[0] ?? 0,
    to: net.tensor(y).type,
    ...limits,
  };
  net.give(y, net.call("quantized_mul", [net.value(a), net.value(b)], attributes));
  return undefined;
});

const softmax: Translate = (node, net) => {
  const [x, y] = [node.input(0), node.output(0)];
  const [xs, ys] = [stepsOf(net.tensor(x)), stepsOf(net.tensor(y))];
  const beta = shortest(node.number("beta"));
  if (xs && ys) {
    const attributes = { x_scale: stepOf(xs).scale, ...(beta === 1 ? {} : { beta }), ...stepOf(ys), to: net.tensor(y).type };
    net.give(y, net.call("quantized_softmax", [net.value(x)], attributes));
    return undefined;
  }
  const scaled = beta === 1 ? net.real(x) : net.call("mul", [net.real(x), beta]);
  net.giveReal(y, net.call("softmax", [scaled]));
  return undefined;
};

/** Slopes along the channels, as [1, 1, c] there. */
const prelu: Translate = (node, net) => {
  net.giveReal(node.output(0), net.call("prelu", [net.real(node.input(0)), net.real(node.input(1))]));
  return undefined;
};

const cast: Translate = (node, net) => {
  const to = net.tensor(node.output(0)).type;
  if (!isDType(to)) return `converts to ${to}`;
  const value = net.value(node.input(0));
  net.give(node.output(0), value.type.dtype === to ? value : net.call("cast", [value], { to }));
  return undefined;
};

const select: Translate = (node, net) => {
  const [c, a, b] = [node.input(0), node.input(1), node.input(2)];
  const condition = net.value(c);
  // The older form chooses whole rows by a condition of one dimension.
  const rank = net.shape(a).length;
  const isRows = node.operator.name === "SELECT" && condition.type.shape.length === 1 && rank > 1;
  const shaped = isRows ? net.call("reshape", [condition], { to: [-1, ...Array<number>(rank - 1).fill(1)] }) : condition;
  net.giveReal(node.output(0), net.call("select", [shaped, net.real(a), net.real(b)]));
  return undefined;
};

const squaredDifference: Translate = (node, net) => {
  const difference = net.call("sub", [net.real(node.input(0)), net.real(node.input(1))]);
  net.giveReal(node.output(0), net.call("square", [difference]));
  return undefined;
};

/** From integers to real numbers, and back, or to integers of another scale. */
const requantized: Translate = (node, net) => {
  const from = net.tensor(node.input(0));
  if (from.type === "i16") return "has elements of 16 bits";
  const known = net.known(node.input(0));
  const steps = stepsOf(from);
  if (known && !stepsOf(net.tensor(node.output(0)))) {
    net.giveKnown(node.output(0), steps ? realNumbers(known, steps) : known);
    return undefined;
  }
  if ((from.quantization?.scales.length ?? 0) > 1 && !net.known(node.input(0))) return "has several scales for what is computed";
  net.giveReal(node.output(0), net.real(node.input(0)));
  return undefined;
};

const addAll: Translate = (node, net) => {
  const [first, ...rest] = node.operator.inputs.map(net.real);
  if (!first) return "adds nothing";
  net.giveReal(
    node.output(0),
    rest.reduce((sum, value) => net.call("add", [sum, value]), first),
  );
  return undefined;
};

export const elementwise: { readonly [operator: string]: Translate } = {
  ADD: add,
  SUB: binary("sub"),
  MUL: mul,
  DIV: binary("div"),
  MAXIMUM: binary("maximum"),
  MINIMUM: binary("minimum"),
  POW: binary("pow"),
  ATAN2: binary("atan2"),
  FLOOR_DIV: binary((net, x, y) => floorDivided(net.builder, x, y)),
  FLOOR_MOD: binary((net, x, y) => floorRemainder(net.builder, x, y)),
  SQUARED_DIFFERENCE: squaredDifference,
  LESS: binary("less"),
  LESS_EQUAL: binary("less_equal"),
  GREATER: binary("greater"),
  GREATER_EQUAL: binary("greater_equal"),
  EQUAL: binary("equal"),
  NOT_EQUAL: binary("not_equal"),
  LOGICAL_AND: binary("logical_and"),
  LOGICAL_OR: binary("logical_or"),
  LOGICAL_NOT: unary("logical_not"),
  BITWISE_XOR: binary("bitwise_xor"),
  RIGHT_SHIFT: binary("right_shift"),
  SELECT: select,
  SELECT_V2: select,
  ADD_N: addAll,
  ABS: unary("abs"),
  CEIL: unary("ceil"),
  COS: unary("cos"),
  ELU: unary("elu"),
  EXP: unary("exp"),
  FLOOR: unary("floor"),
  GELU: (node, net) => unary(node.number("approximate") === 0 ? "gelu" : "gelu_tanh")(node, net),
  HARD_SWISH: unary("hard_swish"),
  LEAKY_RELU: unary("leaky_relu", (node) => ({ slope: shortest(node.number("alpha")) })),
  LOG: unary("log"),
  LOGISTIC: unary("sigmoid"),
  LOG_SOFTMAX: unary("log_softmax"),
  NEG: unary("neg"),
  PRELU: prelu,
  RELU: unary("relu"),
  RELU6: unary("relu6"),
  RELU_0_TO_1: unary("clip", () => ({ low: 0, high: 1 })),
  RELU_N1_TO_1: unary("clip", () => ({ low: -1, high: 1 })),
  ROUND: unary("round"),
  RSQRT: unary("rsqrt"),
  SIGN: unary("sign"),
  SIN: unary("sin"),
  SOFTMAX: softmax,
  SQRT: unary("sqrt"),
  SQUARE: unary("square"),
  TANH: unary("tanh"),
  CAST: cast,
  QUANTIZE: requantized,
  DEQUANTIZE: requantized,
};
