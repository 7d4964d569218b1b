/** ONNX's elementwise operators and activations in this library's terms. */
import {
  type Call,
  dimsOf,
  elements,
  float,
  integer,
  literal,
  type Node,
  range,
  type Translation,
  type Translations,
  text,
  word,
  wrapped,
} from "./onnx_translation.ts";

function unary(operator: string): Translation {
  return (node) => ({ operator, text: `${operator}(${text(node, 0)})` });
}

function binary(operator: string, infix?: string): Translation {
  return (node) => {
    const [a, b] = [text(node, 0), text(node, 1)];
    return { operator, text: infix ? `(${a} ${infix} ${b})` : `${operator}(${a}, ${b})` };
  };
}

function comparison(operator: string, infix: string): Translation {
  return (node) => ({ operator, text: `(${text(node, 0)} ${infix} ${text(node, 1)})`, dtype: "bool" });
}

/** Of any number of operands, one after another. */
function folded(operator: string, last = ""): Translation {
  return (node) => ({
    operator: node.inputs.length > 1 ? operator : "",
    text: `(${node.inputs.map((_, i) => text(node, i)).reduce((total, x) => `${operator}(${total}, ${x})`)}${last})`,
  });
}

const asFloat = (x: string) => `cast(${x}, to: f32)`;

const division: Translation = (node) => {
  const [a, b] = [text(node, 0), text(node, 1)];
  const dtype = node.inputs[0]?.dtype ?? "f32";
  if (dtype === "f32") return { operator: "div", text: `(${a} / ${b})` };
  // ONNX divides integers toward 0.
  const truncated = { operator: "div", text: `cast(trunc(${asFloat(a)} / ${asFloat(b)}), to: ${dtype})` };
  return dtype === "u8" ? [{ operator: "floor_div", text: `(${a} // ${b})` }, truncated] : truncated;
};

const modulo: Translation = (node) => {
  const [a, b] = [text(node, 0), text(node, 1)];
  const dtype = node.inputs[0]?.dtype ?? "f32";
  if (!integer(node, "fmod", 0)) return { operator: "mod", text: `(${a} % ${b})` };
  if (dtype === "f32") return { operator: "fmod", text: `fmod(${a}, ${b})` };
  return { operator: "fmod", text: `cast(fmod(${asFloat(a)}, ${asFloat(b)}), to: ${dtype})` };
};

const power: Translation = (node) => {
  const [a, b] = [0, 1].map((i) => (node.inputs[i]?.dtype === "f32" ? text(node, i) : asFloat(text(node, i))));
  const dtype = node.inputs[0]?.dtype ?? "f32";
  const call = `pow(${a}, ${b})`;
  return { operator: "pow", text: dtype === "f32" ? call : `cast(round(${call}), to: ${dtype})` };
};

const clip: Translation = (node) => {
  const bound = (i: number, name: string) => {
    const given = elements(node, i)?.[0] ?? (node.attributes.get(name) as number | undefined);
    return given === undefined ? "" : `, ${name === "min" ? "low" : "high"}: ${literal(given)}`;
  };
  return { operator: "clip", text: `clip(${text(node, 0)}${bound(1, "min")}${bound(2, "max")})` };
};

const slope: Translation = (node) => {
  const [rank, count] = [dimsOf(node, 0).length, dimsOf(node, 1).length];
  // Until version 7 the slopes were one for each channel.
  const channels = node.opset < 7 && count === 1 && rank > 2;
  const slopes = channels ? `reshape(${text(node, 1)}, to: [${[dimsOf(node, 1)[0], ...range(rank - 2).map(() => 1)]}])` : text(node, 1);
  return { operator: "prelu", text: `prelu(${text(node, 0)}, ${slopes})` };
};

/** Along an axis; before version 13 over all dimensions from the axis on. */
function alongAxis(operator: string): Translation {
  return (node) => {
    const dims = dimsOf(node, 0);
    if (node.opset >= 13) return { operator, text: `${operator}(${text(node, 0)}, axis: ${integer(node, "axis", -1)})` };
    const axis = wrapped(integer(node, "axis", 1), dims.length);
    const call: Call = { operator, text: `reshape(${operator}(flatten(${text(node, 0)}, axis: ${axis})), to: [${dims}])` };
    return axis === dims.length - 1 ? [call, { operator, text: `${operator}(${text(node, 0)}, axis: ${axis})` }] : call;
  };
}

const parameter = (name: string, written: string, otherwise: number) => (node: Node) => `, ${written}: ${float(node, name, otherwise)}`;

function activation(operator: string, ...parameters: readonly ((node: Node) => string)[]): Translation {
  return (node) => ({ operator, text: `${operator}(${text(node, 0)}${parameters.map((write) => write(node)).join("")})` });
}

const like: Translation = (node) => {
  const dtype = node.inputs[1]?.dtype ?? "f32";
  return { operator: "cast", text: `cast(${text(node, 0)}, to: ${dtype})`, dims: dimsOf(node, 0), dtype };
};

const castTypes: { readonly [type: number]: "f32" | "u8" | "i8" | "i32" | "bool" } = {
  1: "f32",
  2: "u8",
  3: "i8",
  6: "i32",
  7: "i32",
  9: "bool",
};

const cast: Translation = (node) => {
  const dtype = castTypes[integer(node, "to", 0)];
  return dtype ? { operator: "cast", text: `cast(${text(node, 0)}, to: ${dtype})`, dtype } : "conversion to a type that the language lacks";
};

export const elementwiseTranslations: Translations = {
  Abs: unary("abs"),
  Acos: unary("acos"),
  Acosh: unary("acosh"),
  Asin: unary("asin"),
  Asinh: unary("asinh"),
  Atan: unary("atan"),
  Atanh: unary("atanh"),
  BitwiseNot: unary("bitwise_not"),
  Ceil: unary("ceil"),
  Cos: unary("cos"),
  Cosh: unary("cosh"),
  Erf: unary("erf"),
  Exp: unary("exp"),
  Floor: unary("floor"),
  Log: unary("log"),
  Neg: unary("neg"),
  Not: unary("logical_not"),
  Reciprocal: unary("reciprocal"),
  Round: unary("round"),
  Sign: unary("sign"),
  Sin: unary("sin"),
  Sinh: unary("sinh"),
  Sqrt: unary("sqrt"),
  Tan: unary("tan"),
  Tanh: unary("tanh"),
  IsNaN: unary("is_nan"),
  Identity: (node) => ({ operator: "", text: text(node, 0) }),
  Add: binary("add", "+"),
  Sub: binary("sub", "-"),
  Mul: binary("mul", "*"),
  Div: division,
  Mod: modulo,
  Pow: power,
  Less: comparison("less", "<"),
  LessOrEqual: comparison("less_equal", "<="),
  Greater: comparison("greater", ">"),
  GreaterOrEqual: comparison("greater_equal", ">="),
  Equal: comparison("equal", "=="),
  And: binary("logical_and", "and"),
  Or: binary("logical_or", "or"),
  Xor: binary("logical_xor"),
  BitwiseAnd: binary("bitwise_and"),
  BitwiseOr: binary("bitwise_or"),
  BitwiseXor: binary("bitwise_xor"),
  Max: folded("maximum"),
  Min: folded("minimum"),
  Sum: folded("add"),
  Mean: (node) => folded("add", ` / ${node.inputs.length}`)(node),
  Where: (node) => ({
    operator: "select",
    text: `select(${[0, 1, 2].map((i) => text(node, i)).join(", ")})`,
    dtype: node.inputs[1]?.dtype ?? "f32",
  }),
  Clip: clip,
  Cast: cast,
  CastLike: like,
  Relu: unary("relu"),
  Sigmoid: unary("sigmoid"),
  Softplus: unary("softplus"),
  Softsign: unary("softsign"),
  Mish: unary("mish"),
  HardSwish: unary("hard_swish"),
  Swish: (node) => (integer(node, "alpha", 1) === 1 ? { operator: "silu", text: `silu(${text(node, 0)})` } : "a slope inside the sigmoid"),
  LeakyRelu: activation("leaky_relu", parameter("alpha", "slope", 0.01)),
  ThresholdedRelu: activation("thresholded_relu", parameter("alpha", "threshold", 1)),
  Elu: activation("elu", parameter("alpha", "alpha", 1)),
  Celu: activation("celu", parameter("alpha", "alpha", 1)),
  Selu: activation("selu", parameter("alpha", "alpha", 1.6732631921768188), parameter("gamma", "gamma", 1.0507010221481323)),
  HardSigmoid: activation("hard_sigmoid", parameter("alpha", "slope", 0.2), parameter("beta", "offset", 0.5)),
  Gelu: (node) => unary(word(node, "approximate", "none") === "tanh" ? "gelu_tanh" : "gelu")(node),
  PRelu: slope,
  Softmax: alongAxis("softmax"),
  LogSoftmax: alongAxis("log_softmax"),
  Hardmax: alongAxis("hardmax"),
};
