/** Keras's activations by their names. */
import type { Attributes } from "../../ir/nn.ts";
import type { Value } from "../written_model.ts";
import { isRecord } from "./config.ts";
import type { Layer } from "./layer.ts";

type Named = readonly [operator: string, attributes?: Attributes];

const activations: { readonly [name: string]: Named } = {
  relu: ["relu"],
  relu6: ["relu6"],
  elu: ["elu"],
  selu: ["selu"],
  celu: ["celu"],
  gelu: ["gelu"],
  sigmoid: ["sigmoid"],
  tanh: ["tanh"],
  softmax: ["softmax"],
  log_softmax: ["log_softmax"],
  softplus: ["softplus"],
  softsign: ["softsign"],
  swish: ["silu"],
  silu: ["silu"],
  mish: ["mish"],
  exponential: ["exp"],
  hard_swish: ["hard_swish"],
  hard_silu: ["hard_swish"],
  leaky_relu: ["leaky_relu", { slope: 0.2 }],
};

/** The activation that the setting names: a text, or an object with a name. The text is the end of a sentence. */
export function applyActivation(layer: Layer, value: Value, setting: unknown = layer.config.activation): Value | string {
  const name = nameOf(setting);
  if (name === undefined || name === "linear") return value;
  // A line in Keras 2, and the same as in other frameworks since 3.
  if (name === "hard_sigmoid") return layer.call("hard_sigmoid", [value], { slope: layer.version < 3 ? 0.2 : 1 / 6, offset: 0.5 });
  const found = Object.hasOwn(activations, name) ? activations[name] : undefined;
  if (!found) return `has the activation ${name}, which is not known`;
  const [operator, attributes = {}] = found;
  return layer.call(operator, [value], attributes);
}

function nameOf(setting: unknown): string | undefined {
  if (typeof setting === "string") return setting;
  if (!isRecord(setting)) return undefined;
  if (isRecord(setting.config) && typeof setting.config.name === "string") return setting.config.name;
  return typeof setting.config === "string" ? setting.config : typeof setting.class_name === "string" ? setting.class_name : "";
}
