/** A measurer on a WebGPU device: candidates are checked, then timed beside each other, by the device's clock where it has one. */
import type { DType } from "../ir/dtype.ts";
import { defaultGpuLimits } from "../ir/gpu_limits.ts";
import { arithmetics } from "../passes/error_bound.ts";
import type { Stretch } from "../runtime/interface.ts";
import type { Checked } from "../support/diagnostic.ts";
import { type PreparedWorkload, prepareWorkload } from "./build_candidate.ts";
import { type BuiltShader, buildShader, buildShaders, decode } from "./build_shader.ts";
import type { Scheduled } from "./candidate.ts";
import { medianInterval, quantile } from "./engine_measurer.ts";
import { DeviceLost, EngineHung, type GpuBench, type GpuProgram } from "./gpu_bench.ts";
import type { Effort, Environment, Measurer, Verdict } from "./measurer.ts";
import type { Workload } from "./workload.ts";

export type GpuMeasurerOptions = {
  readonly environment: Environment;
  readonly seed: number;
  /** Milliseconds since any moment. */
  readonly now: () => number;
  /** Seconds after which the engine counts as hung. */
  readonly timeout: number;
};

/** A candidate this far behind the best is given up, before it is timed or after three samples. */
const hopeless = 1.7;
const behind = 1.25;
const many = 12;

type Runner = {
  readonly kind: "runner";
  readonly program: GpuProgram;
  readonly operations: number;
  milliseconds: number;
  readonly samples: number[];
  isAlive: boolean;
};

type Entry = Verdict | Runner;
/** What is wrong with what came out, before anything is timed. */
type Check = (program: GpuProgram, result: Stretch) => Promise<Verdict | undefined>;

export function createGpuMeasurer(bench: GpuBench, { environment, seed, now, timeout }: GpuMeasurerOptions): Measurer {
  const begin = now();
  const { sample } = bench;
  /** Of the workload that was measured last: most batches are of the one before. */
  let prepared: PreparedWorkload | undefined;
  let last: Promise<unknown> = Promise.resolve();
  /** The device has one clock and no room for two: what is asked while it measures comes after. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work);
    last = next.catch(() => undefined);
    return next;
  };
  return {
    environment,
    peak: bench.peak,
    seconds: () => (now() - begin) / 1000,
    close: () => bench.close(),
    measure: (workload, candidates, effort) => inTurn(() => measureBatch(workload, candidates, effort)),
    measureNetworks: (networks, effort) =>
      inTurn(async () => {
        const entries: Entry[] = [];
        for (const network of networks) entries.push(await open(buildShaders(network), effort, async () => undefined));
        return await compare(entries, effort);
      }),
  };

  /** Where the engine hangs, candidates are measured one by one, to find the one to blame. */
  async function measureBatch(workload: Workload, candidates: readonly Scheduled[], effort: Effort): Promise<Verdict[]> {
    const known = prepared?.key === workload.key ? prepared : prepareWorkload(workload, seed, { arithmetic: arithmetics.webgpu });
    prepared = known;
    try {
      const entries: Entry[] = [];
      for (const scheduled of candidates)
        entries.push(await open(buildShader(workload, scheduled, known, defaultGpuLimits), effort, checkAgainst(known, workload)));
      return await compare(entries, effort);
    } catch (error) {
      if (!(error instanceof EngineHung)) throw error;
      if (candidates.length === 1) return [{ kind: "hung", seconds: timeout }];
      const verdicts: Verdict[] = [];
      for (const candidate of candidates) verdicts.push(...(await measureBatch(workload, [candidate], effort)));
      return verdicts;
    }
  }

  /** Loaded, checked and warmed up. */
  async function open({ value: built, diagnostics }: Checked<BuiltShader>, { best }: Effort, check: Check): Promise<Entry> {
    if (!built) return { kind: "failed", message: diagnostics[0]?.message ?? "it has no shaders" };
    let program: GpuProgram | undefined;
    try {
      program = await bench.load(built.plan, built.weights);
      for (const [i, bytes] of built.inputs.entries()) await program.write(built.plan.inputs[i] as Stretch, bytes);
      const runner: Runner = { kind: "runner", program, operations: built.operations, milliseconds: Infinity, samples: [], isAlive: true };
      const wrong = await check(program, built.plan.outputs[0] as Stretch);
      if (wrong) await program.destroy();
      if (wrong) return wrong;
      for (let i = 0; i < 3; i++) await sampleOf(runner);
      runner.isAlive = runner.milliseconds <= (hopeless * best) / 1000;
      if (runner.isAlive) runner.samples.length = 0;
      return runner;
    } catch (error) {
      // Nothing can be measured any more: the log holds what was. Or what was loaded is gone, and is loaded anew.
      if (error instanceof DeviceLost || error instanceof EngineHung) throw error;
      await program?.destroy();
      return { kind: "failed", message: error instanceof Error ? error.message : String(error) };
    }
  }

  function checkAgainst({ expected, bound }: PreparedWorkload, { nest, buffers }: Workload): Check {
    const dtype = buffers.get(nest.result)?.dtype ?? "f32";
    return async (program, result) => {
      // What is not written must not look right.
      await program.write(result, rubbish(dtype, result[2]));
      await program.time(1);
      const values = decode(await program.read(result), dtype);
      for (const [at, wanted] of expected.entries()) {
        const allowed = bound[at] ?? Infinity;
        const actual = values[at] ?? Number.NaN;
        if (allowed === Infinity || Object.is(actual, wanted) || actual === wanted || Math.abs(actual - wanted) <= allowed) continue;
        return { kind: "wrong", at, actual, expected: wanted, bound: allowed };
      }
      return undefined;
    };
  }

  async function compare(entries: readonly Entry[], { rounds, best, keepAll }: Effort): Promise<Verdict[]> {
    const runners = entries.filter((entry): entry is Runner => entry.kind === "runner");
    for (let round = 0; round < rounds && runners.some(({ isAlive }) => isAlive); round++) {
      for (const runner of runners) if (runner.isAlive) await sampleOf(runner);
      // Who is behind by more than noise after some rounds does not catch up.
      const fastest = Math.min(best / 1000, ...runners.map((runner) => Math.min(...runner.samples)));
      if (round >= 2 && !keepAll) for (const runner of runners) if (Math.min(...runner.samples) > behind * fastest) runner.isAlive = false;
    }
    for (const { program } of runners) await program.destroy();
    return entries.map((entry) => (entry.kind === "runner" ? timingOf(entry) : entry));
  }

  /** Repeated until it lasts long enough. */
  async function sampleOf(runner: Runner): Promise<void> {
    const runs = runner.milliseconds === Infinity ? 1 : Math.max(1, Math.ceil(sample / Math.max(runner.milliseconds, 1e-3)));
    const each = (await runner.program.time(runs)) / runs;
    runner.milliseconds = Math.min(runner.milliseconds, each);
    runner.samples.push(each);
  }
}

function rubbish(dtype: DType, bytes: number): Uint8Array {
  if (dtype === "f32") return new Uint8Array(new Float32Array(bytes / 4).fill(Number.NaN).buffer);
  return dtype === "f16" ? new Uint8Array(new Uint16Array(bytes / 2).fill(0x7e00).buffer) : new Uint8Array(bytes).fill(85);
}

function timingOf({ samples: times, isAlive, operations }: Runner): Verdict {
  const us = times.map((ms) => Math.round(ms * 1e6) / 1e3);
  const [low, high] = medianInterval(us);
  const own = us.length < many ? Math.min(...us) : quantile(us, 0.25);
  return { kind: "timed", us: own, low, high, samples: us.length, isStopped: !isAlive, operations };
}
