/** Results of several runs as one tensor per output. */
import { elementCount, type TensorType } from "../ir/dtype.ts";
import { invariant } from "../support/invariant.ts";

/** `records` counts the runs that were joined. */
export type Result = { readonly name: string; readonly type: TensorType; readonly values: Float64Array; readonly records: number };

/** Joined along the first dimension; an output that has none gets one. */
export function joinResults(name: string, type: TensorType, runs: readonly ReadonlyMap<string, Float64Array>[], batched: boolean): Result {
  const size = elementCount(type.shape);
  const values = new Float64Array(size * runs.length);
  for (const [i, run] of runs.entries()) {
    const one = run.get(name);
    invariant(one?.length === size, `the output ${name} has ${one?.length} elements, not ${size}`);
    values.set(one, i * size);
  }
  const [first, ...rest] = type.shape;
  const shape = !batched ? type.shape : first === undefined ? [runs.length] : [first * runs.length, ...rest];
  return { name, type: { ...type, shape }, values, records: runs.length };
}
