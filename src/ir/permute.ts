/** Permutations of a tensor's dimensions, as numbers and as data. */
import { rowMajorStrides } from "./dtype.ts";

/** Dimension d of the result is dimension order[d] of the operand. */
export function permuteShape(shape: readonly number[], order: readonly number[]): number[] {
  return order.map((d) => shape[d] ?? 1);
}

export function isIdentity(order: readonly number[]): boolean {
  return order.every((dimension, position) => dimension === position);
}

/** A typed array, of whatever elements. */
type Elements<Self> = { readonly length: number; [position: number]: number; slice(): Self };

/** The elements of a row-major tensor in the order of its dimensions permuted. */
export function permute<T extends Elements<T>>(values: T, shape: readonly number[], order: readonly number[]): T {
  if (isIdentity(order)) return values;
  const strides = rowMajorStrides(shape);
  const extents = permuteShape(shape, order);
  const steps = order.map((d) => strides[d] ?? 0);
  const result = values.slice();
  const index = extents.map(() => 0);
  let from = 0;
  for (let to = 0; to < result.length; to++) {
    result[to] = values[from] ?? 0;
    // Counts up like an odometer, so that no element costs a division.
    for (let d = extents.length - 1; d >= 0; d--) {
      from += steps[d] ?? 0;
      index[d] = (index[d] ?? 0) + 1;
      if ((index[d] ?? 0) < (extents[d] ?? 1)) break;
      from -= (steps[d] ?? 0) * (extents[d] ?? 1);
      index[d] = 0;
    }
  }
  return result;
}
