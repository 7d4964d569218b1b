/** Movement of elements in TensorFlow Lite. */
import type { Call, Refusal } from "../exporter.ts";
import { sliceStarts } from "../slices.ts";
import { numberOf, numbersOf } from "../windows.ts";
import { activationCode, type Model, resultOf, type Translate } from "./model.ts";

function reshape(call: Call, model: Model): Refusal {
  const { shape } = call.result.type;
  model.emit("RESHAPE", [call.operands[0] ?? "", model.integers(shape)], resultOf(call), {
    table: "ReshapeOptions",
    value: { new_shape: shape },
  });
  return undefined;
}

function transpose(call: Call, model: Model): Refusal {
  const order = model.integers(numbersOf(call, "order"));
  model.emit("TRANSPOSE", [call.operands[0] ?? "", order], resultOf(call), { table: "TransposeOptions", value: {} });
  return undefined;
}

function concat(call: Call, model: Model): Refusal {
  const axis = numberOf(call, "axis");
  model.emit("CONCATENATION", call.operands, resultOf(call), {
    table: "ConcatenationOptions",
    value: { axis: axis < 0 ? axis + call.result.type.shape.length : axis, fused_activation_function: activationCode(undefined) },
  });
  return undefined;
}

/** A part of every dimension, element by element. */
function slice(call: Call, model: Model): Refusal {
  const [x = ""] = call.operands;
  const starts = sliceStarts(call, model.shape(x));
  if (!starts) return "takes every other element, or goes backwards";
  model.emit("SLICE", [x, model.integers(starts), model.integers(call.result.type.shape)], resultOf(call), {
    table: "SliceOptions",
    value: {},
  });
  return undefined;
}

function pad(call: Call, model: Model): Refusal {
  const amounts = numbersOf(call, "pad");
  const rank = amounts.length / 2;
  const pairs = Array.from({ length: rank }, (_, d) => [amounts[d] ?? 0, amounts[d + rank] ?? 0]);
  if (call.attributes.mode !== "constant") return `repeats elements (mode ${String(call.attributes.mode)})`;
  if (amounts.some((amount) => amount < 0)) return "cuts elements off";
  const value = numberOf(call, "value");
  const operands = [call.operands[0] ?? "", model.integers(pairs.flat(), [rank, 2])];
  if (value === 0) model.emit("PAD", operands, resultOf(call), { table: "PadOptions", value: {} });
  else {
    const fill = model.floats(`scalar ${value}`, [], Float32Array.of(value));
    model.emit("PADV2", [...operands, fill], resultOf(call), { table: "PadV2Options", value: {} });
  }
  return undefined;
}

function block(operator: "DEPTH_TO_SPACE" | "SPACE_TO_DEPTH", table: "DepthToSpaceOptions" | "SpaceToDepthOptions"): Translate {
  return (call, model) => {
    if (call.attributes.order === "column_first") return "counts channels before the places in a block";
    model.emit(operator, call.operands, resultOf(call), { table, value: { block_size: numberOf(call, "block") } });
    return undefined;
  };
}

export const movementTranslations: { readonly [operator: string]: Translate } = {
  reshape,
  flatten: reshape,
  squeeze: reshape,
  unsqueeze: reshape,
  transpose,
  concat,
  slice,
  split: slice,
  pad,
  depth_to_space: block("DEPTH_TO_SPACE", "DepthToSpaceOptions"),
  space_to_depth: block("SPACE_TO_DEPTH", "SpaceToDepthOptions"),
};
