/** TensorFlow's scattering: zeros of a shape, to which slices are added at the places that the last dimension of `ids` names. */
import type { ModelBuilder } from "./model_builder.ts";
import type { Value } from "./written_model.ts";

export function scattered(builder: ModelBuilder, ids: Value, updates: Value, shape: readonly number[]): Value {
  const taken = ids.type.shape.at(-1) ?? 0;
  const zeros = builder.call("full", [], { shape, value: 0 });
  const whole = updates.type.dtype === "f32" ? zeros : builder.call("cast", [zeros], { to: updates.type.dtype });
  const rows = builder.reshape(ids, [-1, taken]);
  const slices = builder.reshape(updates, [-1, ...shape.slice(taken)]);
  return builder.call("scatter_nd", [whole, rows, slices], { combine: "add" });
}
