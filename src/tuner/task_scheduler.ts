/**
 * Which workload gets the next trials: the one that can still save the whole network most. What it takes beyond what the roofline
 * says it must, times the layers that share it, and less the longer it has not got better.
 */
import { rootReduction } from "../ir/tensor.ts";
import type { Counts } from "./features.ts";
import { type Composition, choose, type Network } from "./plans.ts";
import type { Workload } from "./workload.ts";

export type Task = {
  /** Layers of the network that compute it. */
  readonly count: number;
  /** Microseconds: the best so far, and the least that the engine could take. */
  readonly best: number;
  readonly floor: number;
  readonly trials: number;
  /** Trials since it last got better. */
  readonly fruitless: number;
  readonly isExhausted: boolean;
};

/** What is not this much faster is as fast: times of one schedule differ by as much, and the least of many comes out ahead. */
export const margin = 0.99;

/** Trials since a workload last got better, after one that took `us` where the best took `best`. */
export function fruitlessAfter(fruitless: number, us: number, best: number): number {
  return us < margin * best ? 0 : fruitless + 1;
}

/** Trials after which what a workload may still save is taken to have halved. */
const halving = 24;

/** The place of the task, or nothing where all are exhausted. One that was never tried comes first, the longest of them before others. */
export function pickTask(tasks: readonly Task[]): number | undefined {
  let chosen: number | undefined;
  tasks.forEach((task, i) => {
    if (task.isExhausted) return;
    if (chosen === undefined || potential(task) > potential(tasks[chosen] as Task)) chosen = i;
  });
  return chosen;
}

function potential({ count, best, floor, trials, fruitless }: Task): number {
  if (trials === 0) return Infinity;
  return count * Math.max(0, best - floor) * 2 ** (-fruitless / halving);
}

/**
 * Microseconds that a workload takes at least, by what a schedule of it executes, floating-point operations per second at the peak and bytes
 * per second: a fifth of the operations may be saved by another schedule. The arithmetic of a map is no bound: all cases of an element are
 * counted, of which one is computed, and what elements share is counted for each.
 */
export function leastTime(
  { group }: Workload,
  { flops, bytes }: Pick<Counts, "flops" | "bytes">,
  { peak, bandwidth }: { readonly peak: number; readonly bandwidth: number },
): number {
  const isReduced = group.computes.some((compute) => rootReduction(compute) !== undefined);
  return Math.max(isReduced ? (0.8 * flops) / peak : 0, bytes / bandwidth) * 1e6;
}

/**
 * How often the network needs each workload: as it would be computed now, and by alternatives that may still become better. One whose
 * workloads were not measured yet counts with the least that they could take (`floorOf`): what would not pay even then need not be measured.
 * Times are in microseconds.
 */
export function wantedCounts(network: Network, timeOf: (key: string) => number | undefined, floorOf: (key: string) => number): Composition {
  const wanted = new Map(choose(network, timeOf).composition);
  const least = (key: string, hope: number) => {
    const time = timeOf(key);
    return time === undefined ? floorOf(key) : (1 - hope) * time;
  };
  for (const { change, hope } of network.groups.flat()) {
    const replaced = [...change].filter(([, count]) => count < 0);
    const added = [...change].filter(([, count]) => count > 0);
    if (replaced.some(([key]) => timeOf(key) === undefined)) continue;
    const saved = replaced.reduce((sum, [key, count]) => sum - count * (timeOf(key) ?? 0), 0);
    const spent = added.reduce((sum, [key, count]) => sum + count * least(key, hope), 0);
    if (spent < saved) for (const [key, count] of added) wanted.set(key, Math.max(wanted.get(key) ?? 0, count));
  }
  return wanted;
}
