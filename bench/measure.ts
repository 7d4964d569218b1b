/** Measures all contenders on one network in one engine: agreement first, then first results, then rounds of small batches. */
import { createRandom } from "../src/support/random.ts";
import type { GpuUse, Sample } from "./contender.ts";
import type { Engine, RemoteProcess } from "./engines.ts";
import { type Prepared, type Shipped, shippedBy, toChannelsLast } from "./prepare.ts";
import { type Summary, summarize } from "./statistics.ts";
import { type Contender, isOwn, type Kind } from "./systems.ts";

export type Budget = {
  /** Of measured rounds, per network. */
  readonly seconds: number;
  /** Of untimed runs before them, per contender: until the optimising tier's code has replaced the baseline tier's. */
  readonly warmupSeconds: number;
  /** Fresh processes whose first result is timed, per contender. */
  readonly loads: number;
};

export type Timing = {
  readonly contender: Contender;
  readonly ms: Summary;
  /** Of processor time, where the engine tells it: other programs take none of it. */
  readonly cpuMs?: number;
  /** Quern's fastest variant against this one within the same round: below 1, Quern is faster. */
  readonly ratio: Summary;
  readonly firstMs: number;
  readonly shipped: Shipped;
  readonly peakBytes?: number;
  readonly gpu?: GpuUse;
};

export type Measurement = {
  readonly network: string;
  readonly engine: string;
  readonly schedule: Prepared["schedule"];
  readonly multiplyAdds: number;
  readonly memory: Prepared["memory"];
  readonly rounds: number;
  /** Largest difference between outputs, relative to the larger of the two. */
  readonly difference: number;
  readonly timings: readonly Timing[];
  /** Contenders that cannot run the network, and why. */
  readonly missing: readonly { readonly kind: Kind; readonly reason: string }[];
};

const tolerance = 1e-4;
/** Milliseconds of first results per contender, after which no more are taken: a software GPU takes many seconds for one. */
const longestLoads = 15_000;
/** Milliseconds of a run from which none runs before it uncounted: what that one warms is nothing beside it. */
const longRun = 100;
/** Short, so that many batches find the processor to themselves where other programs run too. */
const batchMs = 10;

/** Whether other programs took so much of the machine that the median says little: its quartiles are far apart. */
export function isDisturbed({ ms }: Pick<Timing, "ms">): boolean {
  return ms.high > 1.25 * ms.low;
}

export async function measure(engine: Engine, prepared: Prepared, wanted: readonly Contender[], budget: Budget): Promise<Measurement> {
  const missing: { kind: Kind; reason: string }[] = [];
  const remotes = new Map<Contender, RemoteProcess>();
  const first = new Map<Contender, number[]>();
  const gpu = new Map<Contender, GpuUse>();
  try {
    const outputs = new Map<Kind, readonly number[]>();
    for (const contender of wanted) {
      const refusal = prepared.refused.get(contender.format);
      if (refusal !== undefined) {
        missing.push({ kind: contender.kind, reason: refusal });
        continue;
      }
      const remote = await engine.start(contender, prepared);
      try {
        const { output, firstMs, gpu: use } = await remote.load();
        if (use) gpu.set(contender, use);
        outputs.set(contender.kind, inOrder(output, contender, prepared));
        remotes.set(contender, remote);
        first.set(contender, [firstMs]);
      } catch (error) {
        // A peer that fails is a result too; Quern that fails is not.
        await remote.close();
        if (contender.system === "quern") throw error;
        missing.push({ kind: contender.kind, reason: firstLine(error) });
      }
    }
    const difference = compareOutputs(outputs);
    const contenders = [...remotes.keys()];
    for (let i = 1; i < budget.loads; i++) {
      for (const contender of contenders) {
        const known = first.get(contender) ?? [];
        const taken = known.reduce((sum, ms) => sum + ms, 0);
        if (taken < longestLoads) known.push(await firstResult(engine, contender, prepared));
      }
    }
    const tasks = await warmUp(remotes, budget.warmupSeconds);
    const samples = await runRounds(tasks, budget.seconds);
    const fastest = samples
      .filter((_, i) => isOwn(tasks[i]?.contender))
      .reduce((best, own) => (medianOf(own) < medianOf(best) ? own : best));
    const timings: Timing[] = [];
    for (const [i, { contender, remote }] of tasks.entries()) {
      const own = samples[i] ?? [];
      const cpu = own.flatMap(({ cpuMs }) => (cpuMs === undefined ? [] : [cpuMs]));
      const peakBytes = await remote.peakMemory();
      const use = gpu.get(contender);
      timings.push({
        contender,
        ms: summarize(own.map((sample) => sample.ms)),
        ...(cpu.length > 0 ? { cpuMs: summarize(cpu).median } : {}),
        ratio: summarize(own.map((sample, round) => (fastest[round]?.ms ?? Number.NaN) / sample.ms)),
        firstMs: summarize(first.get(contender) ?? []).median,
        shipped: shippedBy(contender, prepared),
        ...(peakBytes === undefined ? {} : { peakBytes }),
        ...(use ? { gpu: use } : {}),
      });
    }
    const { network, schedule, memory } = prepared;
    return {
      network: network.name,
      engine: engine.name,
      schedule,
      multiplyAdds: network.multiplyAdds,
      memory,
      rounds: samples[0]?.length ?? 0,
      difference,
      timings,
      missing,
    };
  } finally {
    for (const remote of remotes.values()) await remote.close();
  }
}

async function firstResult(engine: Engine, contender: Contender, prepared: Prepared): Promise<number> {
  const remote = await engine.start(contender, prepared);
  try {
    return (await remote.load()).firstMs;
  } finally {
    await remote.close();
  }
}

/** Images are channels first in ONNX. */
function inOrder(output: readonly number[], { format }: Contender, { network }: Prepared): readonly number[] {
  const shape = network.compiled.outputs[0]?.type.shape ?? [];
  return format === "onnx" && shape.length === 4 ? toChannelsLast(output, shape.slice(1)) : output;
}

/** No number is believed of two programs that compute different things. */
function compareOutputs(outputs: ReadonlyMap<Kind, readonly number[]>): number {
  const [[reference, expected] = ["nothing", []] as const] = outputs;
  if (largest(expected) < 1.01 * -largest(expected.map((value) => -value)))
    throw new Error("all outputs are the same: comparing them says nothing");
  let worst = 0;
  for (const [kind, found] of outputs) {
    const difference =
      found.length === expected.length
        ? largest(expected.map((value, i) => Math.abs(value - (found[i] ?? Number.NaN)) / Math.max(Math.abs(value), 1e-30)))
        : Number.NaN;
    if (!(difference <= tolerance)) throw new Error(`${kind} and ${reference} differ by ${difference} (relative; allowed is ${tolerance})`);
    worst = Math.max(worst, difference);
  }
  return worst;
}

/** NaN if there is one. */
function largest(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b), -Infinity);
}

type Task = { readonly contender: Contender; readonly remote: RemoteProcess; readonly runs: number; readonly settled: boolean };

/** Every contender with as many runs a batch as fill it. */
async function warmUp(remotes: ReadonlyMap<Contender, RemoteProcess>, seconds: number): Promise<Task[]> {
  const tasks: Task[] = [];
  for (const [contender, remote] of remotes) {
    const end = performance.now() + seconds * 1000;
    let { ms } = await remote.batch(1);
    while (performance.now() < end) ms = (await remote.batch(runsFor(ms))).ms;
    tasks.push({ contender, remote, runs: runsFor(ms), settled: ms >= longRun });
  }
  return tasks;
}

function runsFor(ms: number): number {
  return Math.max(1, Math.round(batchMs / Math.max(ms, 0.001)));
}

/** Fewer have no quartiles to speak of. */
const fewestRounds = 5;

/** In every round each task has one batch, in random order; samples by task, in the order of rounds. */
async function runRounds(tasks: readonly Task[], seconds: number): Promise<Sample[][]> {
  const random = createRandom("rounds");
  const samples = tasks.map((): Sample[] => []);
  const end = performance.now() + seconds * 1000;
  for (let round = 0; round < fewestRounds || performance.now() < end; round++) {
    const order = tasks.map((_, i) => ({ i, key: random.uniform() })).sort((a, b) => a.key - b.key);
    for (const { i } of order) {
      const task = tasks[i];
      if (task) samples[i]?.push(await task.remote.batch(task.runs, task.settled));
    }
  }
  return samples;
}

function medianOf(samples: readonly Sample[]): number {
  return summarize(samples.map((sample) => sample.ms)).median;
}

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split("\n")[0] ?? message;
}
