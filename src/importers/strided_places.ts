/** The masks of a strided slice, as TensorFlow and TensorFlow Lite share them: limits that are left open, and dimensions that are dropped. */

/** A bit for each dimension. */
export type SliceMasks = { readonly begin: number; readonly end: number; readonly shrink: number };

/** The attributes of the library's `slice`, and the dimensions of its result that are dropped. */
export type StridedPlaces = {
  readonly attributes: { readonly starts: readonly number[]; readonly ends: readonly number[]; readonly steps?: readonly number[] };
  readonly drops: readonly number[];
};

export function stridedPlaces(
  shape: readonly number[],
  [starts, ends, steps]: readonly [ArrayLike<number>, ArrayLike<number>, ArrayLike<number>],
  masks: SliceMasks,
): StridedPlaces {
  const has = (mask: keyof SliceMasks, d: number) => ((masks[mask] >> d) & 1) === 1;
  const places = shape.map((extent, d) => {
    const [start = 0, end = extent, step = 1] = [starts[d], ends[d], steps[d]];
    // A dropped dimension is read at its start alone.
    if (has("shrink", d)) return { start, end: start === -1 ? extent : start + 1, step: 1 };
    return {
      start: has("begin", d) ? (step > 0 ? 0 : extent - 1) : start,
      end: has("end", d) ? (step > 0 ? extent : -extent - 1) : end,
      step,
    };
  });
  return {
    attributes: {
      starts: places.map(({ start }) => start),
      ends: places.map(({ end }) => end),
      ...(places.some(({ step }) => step !== 1) ? { steps: places.map(({ step }) => step) } : {}),
    },
    drops: shape.flatMap((_, d) => (has("shrink", d) ? [d] : [])),
  };
}
