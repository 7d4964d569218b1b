/** The library's operators in TensorFlow's, elementwise ones and movement; the others are in windowed.ts. */
import type { Call, Refusal } from "../exporter.ts";
import { sliceStarts } from "../slices.ts";
import { numberOf, numbersOf } from "../windows.ts";
import { type Attributes, integer, type Model, type Translate, text } from "./model.ts";
import { padNode, windowTranslations } from "./windowed.ts";

function direct(op: string, attributes: (call: Call) => Attributes = () => ({})): Translate {
  return (call, model) => void model.node(op, call.operands, call.result.name, attributes(call));
}

function scalar(model: Model, value: number): string {
  return model.floats(`scalar/${value}`, [], Float32Array.of(value));
}

/** slope x + offset limited to 0 .. 1, as relu6(6 slope x + 6 offset) / 6: there is no narrower limit. */
function hardSigmoid(call: Call, model: Model): Refusal {
  const slope = Math.fround(6 * numberOf(call, "slope"));
  const [x = ""] = call.operands;
  const { name } = call.result;
  const scaled = slope === 1 ? x : model.node("Mul", [x, scalar(model, slope)], `${name}/scaled`);
  const raised = model.node("AddV2", [scaled, scalar(model, 6 * numberOf(call, "offset"))], `${name}/raised`);
  model.node("Mul", [model.node("Relu6", [raised], `${name}/limited`), scalar(model, 1 / 6)], name);
  return undefined;
}

/** x relu6(x + 3) / 6 */
function hardSwish(call: Call, model: Model): Refusal {
  const [x = ""] = call.operands;
  const { name } = call.result;
  const limited = model.node("Relu6", [model.node("AddV2", [x, scalar(model, 3)], `${name}/raised`)], `${name}/limited`);
  const gate = model.node("Mul", [limited, scalar(model, 1 / 6)], `${name}/gate`);
  model.node("Mul", [x, gate], name);
  return undefined;
}

function silu(call: Call, model: Model): Refusal {
  const [x = ""] = call.operands;
  model.node("Mul", [x, model.node("Sigmoid", [x], `${call.result.name}/gate`)], call.result.name);
  return undefined;
}

function clip(call: Call, model: Model): Refusal {
  const [x = ""] = call.operands;
  const { name } = call.result;
  const raised = model.node("Maximum", [x, scalar(model, Number(call.attributes.low))], `${name}/raised`);
  model.node("Minimum", [raised, scalar(model, Number(call.attributes.high))], name);
  return undefined;
}

function reshape(call: Call, model: Model): Refusal {
  model.node("Reshape", [call.operands[0] ?? "", model.integers(call.result.type.shape)], call.result.name);
  return undefined;
}

function transpose(call: Call, model: Model): Refusal {
  model.node("Transpose", [call.operands[0] ?? "", model.integers(numbersOf(call, "order"))], call.result.name);
  return undefined;
}

function concat(call: Call, model: Model): Refusal {
  const axis = numberOf(call, "axis");
  const along = axis < 0 ? axis + call.result.type.shape.length : axis;
  model.node("ConcatV2", [...call.operands, model.integers([along], [])], call.result.name, { N: integer(call.operands.length) });
  return undefined;
}

function slice(call: Call, model: Model): Refusal {
  const [x = ""] = call.operands;
  const starts = sliceStarts(call, model.shape(x));
  if (!starts) return "takes every other element, or goes backwards";
  model.node("Slice", [x, model.integers(starts), model.integers(call.result.type.shape)], call.result.name);
  return undefined;
}

function pad(call: Call, model: Model): Refusal {
  const amounts = numbersOf(call, "pad");
  const rank = amounts.length / 2;
  if (call.attributes.mode !== "constant") return `repeats elements (mode ${String(call.attributes.mode)})`;
  if (amounts.some((amount) => amount < 0)) return "cuts elements off";
  const around = Array.from({ length: rank }, (_, d) => [amounts[d] ?? 0, amounts[d + rank] ?? 0]);
  padNode(call.operands[0] ?? "", around, numberOf(call, "value"), call.result.name, model);
  return undefined;
}

function depthToSpace(call: Call, model: Model): Refusal {
  if (call.attributes.order === "column_first") return "counts channels before the places in a block";
  const attributes = { block_size: integer(numberOf(call, "block")), data_format: text("NHWC") };
  model.node("DepthToSpace", call.operands, call.result.name, attributes);
  return undefined;
}

export const translations: { readonly [operator: string]: Translate } = {
  add: direct("AddV2"),
  sub: direct("Sub"),
  mul: direct("Mul"),
  div: direct("RealDiv"),
  maximum: direct("Maximum"),
  minimum: direct("Minimum"),
  bias_add: direct("AddV2"),
  prelu: direct("Prelu"),
  relu: direct("Relu"),
  relu6: direct("Relu6"),
  leaky_relu: direct("LeakyRelu", (call) => ({ alpha: { f: numberOf(call, "slope") } })),
  elu: (call, model) => (numberOf(call, "alpha") === 1 ? direct("Elu")(call, model) : "has another alpha than 1"),
  sigmoid: direct("Sigmoid"),
  tanh: direct("Tanh"),
  hard_sigmoid: hardSigmoid,
  hard_swish: hardSwish,
  silu,
  clip,
  neg: direct("Neg"),
  abs: direct("Abs"),
  exp: direct("Exp"),
  log: direct("Log"),
  sqrt: direct("Sqrt"),
  rsqrt: direct("Rsqrt"),
  square: direct("Square"),
  floor: direct("Floor"),
  ceil: direct("Ceil"),
  reshape,
  flatten: reshape,
  squeeze: reshape,
  unsqueeze: reshape,
  transpose,
  concat,
  slice,
  split: slice,
  pad,
  depth_to_space: depthToSpace,
  ...windowTranslations,
};
