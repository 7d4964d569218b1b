/** Numbers from a start to a limit, as files compute them for shapes. */

/** The numbers of a range, as many as lie before the limit; undefined where they are without end or too many. */
export function rangeOf(start: number, limit: number, step: number): readonly number[] | undefined {
  const count = Math.max(0, Math.ceil((limit - start) / step));
  if (!(count <= longestRange)) return undefined;
  return Array.from({ length: count }, (_, i) => start + i * step);
}

const longestRange = 1 << 20;
