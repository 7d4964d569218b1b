/**
 * Which workload gets the next trials: the one that can still save the whole network most. What it takes beyond what the roofline
 * says it must, times the layers that share it, and less the longer it has not got better.
 */

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
