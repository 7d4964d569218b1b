/** Lists and shapes, for vectors that plain loops compute. */

export function range(count: number, from = 0): number[] {
  return Array.from({ length: count }, (_, i) => from + i);
}

export function wrapped(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

/** The shape to which shapes broadcast, aligned at their last dimensions. */
export function broadcast(shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  return range(rank).map((d) =>
    shapes.reduce((extent, shape) => {
      const own = shape[d - rank + shape.length] ?? 1;
      return extent === 1 ? own : extent;
    }, 1),
  );
}
