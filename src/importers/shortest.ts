/** The decimal with the fewest digits that rounds to the same f32: 0.1 for the f32 nearest to it. */
export function shortest(value: number): number {
  const wanted = Math.fround(value);
  if (!Number.isFinite(wanted)) return value;
  for (let digits = 1; digits < 9; digits++) {
    const tried = Number(wanted.toPrecision(digits));
    if (Math.fround(tried) === wanted) return tried;
  }
  return Number(wanted.toPrecision(9));
}
