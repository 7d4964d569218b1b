/** Operators of ONNX that work element by element: they take any layout, and give it. */

import { permute } from "../../ir/permute.ts";
import type { Call } from "../exporter.ts";
import { identity, type Layout, type Model, type OnnxAttributes, scalar, type Translate } from "./model.ts";

function unary(operator: string, attributes: (call: Call) => OnnxAttributes = () => ({})): Translate {
  return (call, model) => unaryOf(call, model, (x, output) => model.node(operator, [x], output, attributes(call)));
}

/** Several nodes for one call; `emit` gets the operand and the result's name. */
function unaryOf(call: Call, model: Model, emit: (x: string, output: string) => string): undefined {
  const [x = ""] = call.operands;
  const layout = model.layout(x);
  emit(model.use(x, layout), call.result.name);
  model.define(call.result.name, layout);
  return undefined;
}

/** The operand with the result's rank decides on the layout; the others follow it, aligned at the last dimension. */
function binary(operator: string): Translate {
  return (call, model) => {
    const { name, type } = call.result;
    const rank = type.shape.length;
    const isWhole = (value: string) => model.shape(value).length === rank && !model.constant(value);
    const leader = call.operands.find(isWhole);
    const layout = leader === undefined ? identity(rank) : model.layout(leader);
    model.node(
      operator,
      call.operands.map((value) => aligned(value, layout, model)),
      name,
    );
    model.define(name, layout);
    return undefined;
  };
}

/** A value of lower rank in the layout of a higher one: dimensions of extent 1 come first. */
function aligned(value: string, layout: Layout, model: Model): string {
  const shape = model.shape(value);
  const missing = layout.length - shape.length;
  if (missing === 0) return model.use(value, layout);
  if (shape.length === 0) return model.use(value, []);
  const stored = layout.map((d) => (d < missing ? 1 : (shape[d - missing] ?? 1)));
  // Which of the operand's own dimensions stand where, in the order of the layout.
  const own = layout.filter((d) => d >= missing).map((d) => d - missing);
  const values = model.constant(value);
  const name = `${value} as ${layout.join("")} of ${stored.join("x")}`;
  if (values) return model.floats(name, stored, permute(values, shape, own));
  return model.node("Reshape", [model.use(value, own), model.integers(stored)], name);
}

function relu6(call: Call, model: Model): undefined {
  return unaryOf(call, model, (x, output) => model.node("Clip", [x, scalar(model, 0), scalar(model, 6)], output));
}

function clip(call: Call, model: Model): undefined {
  const bounds = [scalar(model, Number(call.attributes.low)), scalar(model, Number(call.attributes.high))];
  return unaryOf(call, model, (x, output) => model.node("Clip", [x, ...bounds], output));
}

function silu(call: Call, model: Model): undefined {
  return unaryOf(call, model, (x, output) => model.node("Mul", [x, model.node("Sigmoid", [x], `${output} gate`)], output));
}

/** x (1 + erf(x / sqrt 2)) / 2, as ONNX Runtime fuses it. */
function gelu(call: Call, model: Model): undefined {
  return unaryOf(call, model, (x, output) => {
    const scaled = model.node("Div", [x, scalar(model, Math.SQRT2)], `${output} scaled`);
    const error = model.node("Erf", [scaled], `${output} erf`);
    const raised = model.node("Add", [error, scalar(model, 1)], `${output} raised`);
    const product = model.node("Mul", [x, raised], `${output} product`);
    return model.node("Mul", [product, scalar(model, 0.5)], output);
  });
}

function square(call: Call, model: Model): undefined {
  return unaryOf(call, model, (x, output) => model.node("Mul", [x, x], output));
}

function rsqrt(call: Call, model: Model): undefined {
  return unaryOf(call, model, (x, output) => model.node("Reciprocal", [model.node("Sqrt", [x], `${output} root`)], output));
}

const slopeAsAlpha = (call: Call) => ({ alpha: Number(call.attributes.slope) });
const alpha = (call: Call) => ({ alpha: Number(call.attributes.alpha) });

export const elementwiseTranslations: { readonly [operator: string]: Translate } = {
  add: binary("Add"),
  sub: binary("Sub"),
  mul: binary("Mul"),
  div: binary("Div"),
  maximum: binary("Max"),
  minimum: binary("Min"),
  bias_add: binary("Add"),
  prelu: binary("PRelu"),
  relu: unary("Relu"),
  relu6,
  leaky_relu: unary("LeakyRelu", slopeAsAlpha),
  elu: unary("Elu", alpha),
  celu: unary("Celu", alpha),
  sigmoid: unary("Sigmoid"),
  tanh: unary("Tanh"),
  hard_sigmoid: unary("HardSigmoid", (call) => ({ alpha: Number(call.attributes.slope), beta: Number(call.attributes.offset) })),
  hard_swish: unary("HardSwish"),
  silu,
  gelu,
  softplus: unary("Softplus"),
  softsign: unary("Softsign"),
  clip,
  neg: unary("Neg"),
  abs: unary("Abs"),
  sign: unary("Sign"),
  exp: unary("Exp"),
  log: unary("Log"),
  sqrt: unary("Sqrt"),
  rsqrt,
  square,
  reciprocal: unary("Reciprocal"),
  floor: unary("Floor"),
  ceil: unary("Ceil"),
  round: unary("Round"),
  sin: unary("Sin"),
  cos: unary("Cos"),
  erf: unary("Erf"),
};
