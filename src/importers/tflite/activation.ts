/** The activation that a TensorFlow Lite operator carries: as a call after it, or as limits of a quantised result. */
import { activations } from "../../formats/tflite/schema.ts";
import { dtypes } from "../../ir/dtype.ts";
import type { Attributes } from "../../ir/nn.ts";
import type { Value } from "../written_model.ts";
import type { Net } from "./net.ts";
import type { TfliteTensor } from "./read.ts";

const ranges = new Map<number, readonly [low: number, high: number]>([
  [activations.none, [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]],
  [activations.relu, [0, Number.POSITIVE_INFINITY]],
  [activations.relu_n1_to_1, [-1, 1]],
  [activations.relu6, [0, 6]],
]);

/** The result with its activation; undefined where there is no such one. */
export function activated(value: Value, activation: number, net: Net): Value | undefined {
  switch (activation) {
    case activations.none:
      return value;
    case activations.relu:
      return net.call("relu", [value]);
    case activations.relu6:
      return net.call("relu6", [value]);
    case activations.relu_n1_to_1:
      return net.call("clip", [value], { low: -1, high: 1 });
    case activations.tanh:
      return net.call("tanh", [value]);
    default:
      return undefined;
  }
}

/** `low` and `high` in the result's own integers, as far as they are narrower than its type. */
export function limitsOf(activation: number, { type, quantization }: TfliteTensor): Attributes | undefined {
  const range = ranges.get(activation);
  if (!range) return undefined;
  const scale = Math.fround(quantization?.scales[0] ?? 1);
  const zero = quantization?.zeros[0] ?? 0;
  const [low, high] = range.map((value) => Math.round(value / scale) + zero) as [number, number];
  const whole = type === "u8" ? dtypes.u8 : dtypes.i8;
  return { ...(low > whole.low ? { low } : {}), ...(high < whole.high ? { high } : {}) };
}

export const noActivation = "has an activation that is not known";
