/** Numbers as a person writes them. */

/** The shortest decimal that is the same f32. */
export function shortestNumber(value: number): number {
  const single = Math.fround(value);
  for (let digits = 1; digits < 10; digits++) {
    const shorter = Number(single.toPrecision(digits));
    if (Math.fround(shorter) === single) return shorter;
  }
  return single;
}
