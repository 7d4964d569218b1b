/** Order statistics of samples: on a machine with other work the mean and the deviation say little. */

export type Summary = { readonly median: number; readonly min: number; readonly low: number; readonly high: number };

/** `low` and `high` are the quartiles: half of all samples lie between them. */
export function summarize(samples: readonly number[]): Summary {
  return { median: quantile(samples, 0.5), min: Math.min(...samples), low: quantile(samples, 0.25), high: quantile(samples, 0.75) };
}

/** Linear between the two nearest samples. */
export function quantile(samples: readonly number[], fraction: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const position = (sorted.length - 1) * fraction;
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  return below + (above - below) * (position - Math.floor(position));
}
