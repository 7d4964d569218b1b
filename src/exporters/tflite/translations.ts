/** The library's operators in TensorFlow Lite's. Each says what a call needs, or returns what cannot be said. */

import type { BuiltinOperator } from "../../formats/tflite/operators.ts";
import type { OptionsName } from "../../formats/tflite/schema.ts";
import type { Call, Refusal } from "../exporter.ts";
import { activationCode, type Model, resultOf, type Translate } from "./model.ts";
import { movementTranslations } from "./movement.ts";
import { windowTranslations } from "./windowed.ts";
import type { TableValue } from "./write.ts";

type Named = { readonly table: OptionsName; readonly value: TableValue };

/** One operator of the format for one of the library's, operands in order. */
function direct(operator: BuiltinOperator, options?: Named): Translate {
  return (call, model) => void model.emit(operator, call.operands, resultOf(call), options);
}

/** The same with an activation inside. */
function activated(operator: BuiltinOperator, table: OptionsName): Translate {
  return (call, model) =>
    void model.emit(operator, call.operands, resultOf(call), {
      table,
      value: { fused_activation_function: activationCode(call.activation) },
    });
}

/** slope x + offset limited to 0 .. 1, as relu6(6 slope x + 6 offset) / 6: XNNPACK has no narrower limit. */
function hardSigmoid(call: Call, model: Model): Refusal {
  const [x = ""] = call.operands;
  const { name, shape } = resultOf(call);
  const scalar = (value: number) => model.floats(`scalar ${value}`, [], Float32Array.of(value));
  const slope = Math.fround(6 * Number(call.attributes.slope));
  const plain = { fused_activation_function: activationCode(undefined) };
  const scaled =
    slope === 1 ? x : model.emit("MUL", [x, scalar(slope)], { name: `${name} scaled`, shape }, { table: "MulOptions", value: plain });
  const limited = model.emit(
    "ADD",
    [scaled, scalar(6 * Number(call.attributes.offset))],
    { name: `${name} limited`, shape },
    { table: "AddOptions", value: { fused_activation_function: activationCode("relu6") } },
  );
  model.emit("MUL", [limited, scalar(1 / 6)], { name, shape }, { table: "MulOptions", value: plain });
  return undefined;
}

function clip(call: Call, model: Model): Refusal {
  const [x = ""] = call.operands;
  const { low, high } = call.attributes;
  const { name, shape } = resultOf(call);
  const bound = (value: unknown) => model.floats(`scalar ${Number(value)}`, [], Float32Array.of(Number(value)));
  const options = { table: "MaximumMinimumOptions", value: {} } as const;
  const raised = model.emit("MAXIMUM", [x, bound(low)], { name: `${name} raised`, shape }, options);
  model.emit("MINIMUM", [raised, bound(high)], { name, shape }, options);
  return undefined;
}

function softmax(call: Call, model: Model): Refusal {
  const rank = call.result.type.shape.length;
  const axis = Number(call.attributes.axis);
  if (axis !== -1 && axis !== rank - 1) return "runs along another axis than the last";
  return direct("SOFTMAX", { table: "SoftmaxOptions", value: { beta: 1 } })(call, model);
}

function silu(call: Call, model: Model): Refusal {
  const [x = ""] = call.operands;
  const { name, shape } = resultOf(call);
  const gate = model.emit("LOGISTIC", [x], { name: `${name} gate`, shape });
  model.emit("MUL", [x, gate], { name, shape }, { table: "MulOptions", value: { fused_activation_function: activationCode(undefined) } });
  return undefined;
}

export const translations: { readonly [operator: string]: Translate } = {
  add: activated("ADD", "AddOptions"),
  sub: activated("SUB", "SubOptions"),
  mul: activated("MUL", "MulOptions"),
  div: activated("DIV", "DivOptions"),
  maximum: direct("MAXIMUM", { table: "MaximumMinimumOptions", value: {} }),
  minimum: direct("MINIMUM", { table: "MaximumMinimumOptions", value: {} }),
  bias_add: activated("ADD", "AddOptions"),
  relu: direct("RELU"),
  relu6: direct("RELU6"),
  leaky_relu: (call, model) =>
    direct("LEAKY_RELU", { table: "LeakyReluOptions", value: { alpha: Number(call.attributes.slope) } })(call, model),
  prelu: direct("PRELU"),
  elu: (call, model) => (Number(call.attributes.alpha) === 1 ? direct("ELU")(call, model) : "has another alpha than 1"),
  sigmoid: direct("LOGISTIC"),
  tanh: direct("TANH"),
  hard_swish: direct("HARD_SWISH", { table: "HardSwishOptions", value: {} }),
  hard_sigmoid: hardSigmoid,
  silu,
  clip,
  softmax,
  neg: direct("NEG"),
  abs: direct("ABS"),
  exp: direct("EXP"),
  log: direct("LOG"),
  sqrt: direct("SQRT"),
  rsqrt: direct("RSQRT"),
  square: direct("SQUARE"),
  floor: direct("FLOOR"),
  ceil: direct("CEIL"),
  ...windowTranslations,
  ...movementTranslations,
};
