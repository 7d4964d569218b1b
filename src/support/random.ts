/** Reproducible random numbers for weights, inputs and tests. */
import seedrandom from "seedrandom";

/** A reproducible stream of numbers; the only place that knows the generator. */
export type Random = {
  /** Uniform in [0, 1). */
  uniform(): number;
  /** Uniform integer in [low, high], both included. */
  integer(low: number, high: number): number;
  /** Standard normal (Box-Muller). */
  normal(): number;
  pick<T>(items: readonly T[]): T;
};

export function createRandom(seed: string | number): Random {
  const next = seedrandom.alea(String(seed));
  const integer = (low: number, high: number) => low + Math.floor(next() * (high - low + 1));
  return {
    uniform: () => next(),
    integer,
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    pick: (items) => {
      const item = items[integer(0, items.length - 1)];
      if (item === undefined) throw new Error("internal error: pick from an empty list");
      return item;
    },
  };
}
