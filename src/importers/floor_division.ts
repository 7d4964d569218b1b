/** Division rounded down and what it leaves, as TensorFlow has them for integers and floats; the library's own take integers. */
import { dtypes } from "../ir/dtype.ts";
import type { ModelBuilder } from "./model_builder.ts";
import type { Value } from "./written_model.ts";

type Operand = Value | number;

/** The greatest whole number that is at most x / y. */
export function floorDivided(builder: ModelBuilder, x: Operand, y: Operand): Value {
  return isFloat(x, y) ? builder.call("floor", [builder.call("div", [x, y])]) : builder.call("floor_div", [x, y]);
}

/** x - y floor(x / y), without rounding: what a division that is cut leaves, and one y more where its sign is not that of y. */
export function floorRemainder(builder: ModelBuilder, x: Operand, y: Operand): Value {
  if (!isFloat(x, y)) return builder.call("mod", [x, y]);
  const left = builder.call("fmod", [x, y]);
  const isOther = builder.call("less", [builder.call("mul", [left, y]), 0]);
  return builder.call("select", [isOther, builder.call("add", [left, y]), left]);
}

function isFloat(x: Operand, y: Operand): boolean {
  const of = typeof x === "object" ? x : y;
  return typeof of === "object" && dtypes[of.type.dtype].kind === "float";
}
