/** Integers of 64 bits in the 32 that the model computes with. */
import type { ImportedTensor } from "../importer.ts";

/** The tensor as i32, or what does not fit. */
export function narrowed(tensor: ImportedTensor): ImportedTensor | string {
  if (tensor.type.dtype !== "i64") return tensor;
  const values = new Int32Array(tensor.values.length);
  for (let i = 0; i < values.length; i++) {
    const value = tensor.values[i] as number;
    if (value < -(2 ** 31) || value >= 2 ** 31)
      return `element ${i} of a constant is ${value}, which takes more than the 32 bits in which i64 is computed`;
    values[i] = value;
  }
  return { type: { dtype: "i32", shape: tensor.type.shape }, values };
}
