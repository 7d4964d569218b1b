/** Where a slice or a part of a split begins. */
import type { Call } from "./exporter.ts";
import { numberOf, numbersOf } from "./windows.ts";

/** The first element taken along each dimension, where all up to the result's extent follow one another. */
export function sliceStarts(call: Call, shape: readonly number[]): number[] | undefined {
  if (call.attributes.parts !== undefined) {
    const axis = numberOf(call, "axis");
    const along = axis < 0 ? axis + shape.length : axis;
    const size = Math.ceil((shape[along] ?? 0) / numberOf(call, "parts"));
    return shape.map((_, d) => (d === along ? size * numberOf(call, "part") : 0));
  }
  if (numbersOf(call, "steps").some((step) => step !== 1)) return undefined;
  return numbersOf(call, "starts").map((start, d) => {
    const extent = shape[d] ?? 0;
    return Math.max(0, Math.min(start < 0 ? start + extent : start, extent));
  });
}
