/** Measures all contenders on one network in one engine: agreement first, then load times, then rounds of small batches. */
import { createRandom } from "../src/support/random.ts";
import type { Kind, Mode, Sample } from "./contender.ts";
import type { Engine, Remote } from "./engines.ts";
import type { Prepared } from "./prepare.ts";
import { type Summary, summarize } from "./statistics.ts";

export type Budget = {
  /** Of measured rounds, per network. */
  readonly seconds: number;
  /** Of untimed runs before them, per contender: until the optimising tier's code has replaced the baseline tier's. */
  readonly warmupSeconds: number;
  /** Fresh processes whose load is timed, per contender. */
  readonly loads: number;
};

/** Times per run. The ratios are over the opponent's: below 1, Quern is faster. */
export type Timing = {
  readonly kind: Kind;
  readonly mode: Mode;
  readonly ms: Summary;
  /** Within the same round. */
  readonly ratio: Summary;
  /** Of the two fastest batches. */
  readonly fastestRatio: number;
  /** Of processor time within the same round, where the engine tells it: other programs take none of it. */
  readonly cpuRatio?: Summary;
};
export type LoadTiming = { readonly kind: Kind; readonly loadMs: number; readonly firstRunMs: number };

export type Measurement = {
  readonly network: string;
  readonly engine: string;
  readonly multiplyAdds: number;
  readonly rounds: number;
  /** Largest difference between outputs, relative to the larger of the two; `opponent` is not compared with itself. */
  readonly difference: number;
  readonly loads: readonly LoadTiming[];
  readonly timings: readonly Timing[];
};

export const opponent: Kind = "onnxruntime-web";

const tolerance = 1e-4;
/** Short, so that many batches find the processor to themselves where other programs run too. */
const batchMs = 10;

/** Whether other programs took so much of the machine that the medians say little: the quartiles are far apart. */
export function isDisturbed({ timings }: Measurement): boolean {
  return timings.some(({ ms }) => ms.high > 1.25 * ms.low);
}

export async function measure(engine: Engine, prepared: Prepared, budget: Budget): Promise<Measurement> {
  const kinds: Kind[] = [opponent, "quern simd", ...(engine.relaxed ? (["quern relaxed"] as const) : [])];
  const remotes = new Map<Kind, Remote>();
  try {
    for (const kind of kinds) remotes.set(kind, await engine.start(kind, prepared));
    const difference = await compareOutputs(remotes);
    const loads = await measureLoads(engine, prepared, kinds, budget.loads);
    const tasks = await warmUp(remotes, budget.warmupSeconds);
    const samples = await runRounds(tasks, budget.seconds);
    const reference = samples[0] ?? [];
    const timings = tasks.map(({ kind, mode }, i): Timing => {
      const own = samples[i] ?? [];
      const ms = own.map((sample) => sample.ms);
      return {
        kind,
        mode,
        ms: summarize(ms),
        ratio: summarize(ratios(own, reference, "ms")),
        fastestRatio: Math.min(...ms) / Math.min(...reference.map((sample) => sample.ms)),
        ...(own.some(({ cpuMs }) => cpuMs) ? { cpuRatio: summarize(ratios(own, reference, "cpuMs")) } : {}),
      };
    });
    const { network } = prepared;
    return {
      network: network.name,
      engine: engine.name,
      multiplyAdds: network.multiplyAdds,
      rounds: reference.length,
      difference,
      loads,
      timings,
    };
  } finally {
    for (const remote of remotes.values()) await remote.close();
  }
}

function ratios(own: readonly Sample[], reference: readonly Sample[], of: keyof Sample): number[] {
  return own.map((sample, round) => (sample[of] ?? Number.NaN) / (reference[round]?.[of] ?? Number.NaN));
}

/** No number is believed of two programs that compute different things. */
async function compareOutputs(remotes: ReadonlyMap<Kind, Remote>): Promise<number> {
  const outputs = new Map<Kind, readonly number[]>();
  for (const [kind, remote] of remotes) outputs.set(kind, (await remote.load()).output);
  const wanted = outputs.get(opponent) ?? [];
  if (Math.max(...wanted) < 1.01 * Math.min(...wanted)) throw new Error("all outputs are the same: comparing them says nothing");
  let worst = 0;
  for (const [kind, found] of outputs) {
    const differences = wanted.map((value, i) => Math.abs(value - (found[i] ?? Number.NaN)) / Math.max(Math.abs(value), 1e-30));
    const difference = found.length === wanted.length ? Math.max(...differences) : Number.NaN;
    if (!(difference <= tolerance)) throw new Error(`${kind} and ${opponent} differ by ${difference} (relative; allowed is ${tolerance})`);
    worst = Math.max(worst, difference);
  }
  return worst;
}

async function measureLoads(engine: Engine, prepared: Prepared, kinds: readonly Kind[], count: number): Promise<LoadTiming[]> {
  const times = kinds.map((kind) => ({ kind, load: [] as number[], first: [] as number[] }));
  for (let i = 0; i < count; i++) {
    for (const { kind, load, first } of times) {
      const remote = await engine.start(kind, prepared);
      const { loadMs, firstRunMs } = await remote.load();
      await remote.close();
      load.push(loadMs);
      first.push(firstRunMs);
    }
  }
  return times.map(({ kind, load, first }) => ({ kind, loadMs: summarize(load).median, firstRunMs: summarize(first).median }));
}

type Task = { readonly kind: Kind; readonly mode: Mode; readonly remote: Remote; readonly runs: number };

/** Every contender in every mode it has, with as many runs a batch as fill it. The opponent's comes first. */
async function warmUp(remotes: ReadonlyMap<Kind, Remote>, seconds: number): Promise<Task[]> {
  const tasks: Task[] = [];
  for (const [kind, remote] of remotes) {
    const modes: readonly Mode[] = kind === opponent ? ["call"] : ["call", "kernels"];
    for (const mode of modes) {
      const end = performance.now() + seconds * 1000;
      let { ms } = await remote.batch(mode, 1);
      while (performance.now() < end) ms = (await remote.batch(mode, runsFor(ms))).ms;
      tasks.push({ kind, mode, remote, runs: runsFor(ms) });
    }
  }
  return tasks;
}

function runsFor(ms: number): number {
  return Math.max(1, Math.round(batchMs / Math.max(ms, 0.001)));
}

/** In every round each task has one batch, in random order; samples by task, in the order of rounds. */
async function runRounds(tasks: readonly Task[], seconds: number): Promise<Sample[][]> {
  const random = createRandom("rounds");
  const samples = tasks.map((): Sample[] => []);
  const end = performance.now() + seconds * 1000;
  do {
    const order = tasks.map((_, i) => ({ i, key: random.uniform() })).sort((a, b) => a.key - b.key);
    for (const { i } of order) {
      const task = tasks[i];
      if (task) samples[i]?.push(await task.remote.batch(task.mode, task.runs));
    }
  } while (performance.now() < end);
  return samples;
}
