/** A measurer on a WebGPU device: candidates are checked, then timed beside each other, by the device's clock where it has one. */
import type { DType } from "../ir/dtype.ts";
import { defaultGpuLimits } from "../ir/gpu_limits.ts";
import { arithmetics } from "../passes/error_bound.ts";
import { createGpuClock, type Pass } from "../pipeline/gpu_clock.ts";
import { measureGpuPeak } from "../pipeline/gpu_peak.ts";
import { type LoadedPlan, loadPlan } from "../pipeline/load_plan.ts";
import { encodeDispatch } from "../runtime/gpu.ts";
import type { Stretch } from "../runtime/interface.ts";
import type { Checked } from "../support/diagnostic.ts";
import { median } from "../support/median.ts";
import { type PreparedWorkload, prepareWorkload } from "./build_candidate.ts";
import { type BuiltShader, buildShader, buildShaders, decode } from "./build_shader.ts";
import { medianInterval, quantile } from "./engine_measurer.ts";
import type { Effort, Environment, Measurer, Verdict } from "./measurer.ts";
import type { Workload } from "./workload.ts";

export type GpuMeasurerOptions = {
  readonly environment: Environment;
  readonly seed: number;
  /** Milliseconds since any moment. */
  readonly now: () => number;
  /** Called once, when the measurer is done with the device. */
  close(): Promise<void>;
};

/** Milliseconds that a sample lasts at least: the device's clock has finer steps than the way to it and back. */
const samples = { timestamps: 1, host: 5 } as const;
/** A candidate this far behind the best is given up, before it is timed or after three samples. */
const hopeless = 1.7;
const behind = 1.25;
const many = 12;

type Runner = {
  readonly kind: "runner";
  readonly loaded: LoadedPlan;
  readonly operations: number;
  milliseconds: number;
  readonly samples: number[];
  isAlive: boolean;
};

type Entry = Verdict | Runner;
/** What is wrong with what came out, before anything is timed. */
type Check = (loaded: LoadedPlan, result: Stretch) => Promise<Verdict | undefined>;

export async function createGpuMeasurer(device: GPUDevice, { environment, seed, now, close }: GpuMeasurerOptions): Promise<Measurer> {
  const begin = now();
  const clock = createGpuClock(device, now);
  const peak = await measureGpuPeak(device, clock);
  const overhead = clock.kind === "host" ? median(await clock.time(Array.from({ length: 9 }, () => () => {}))) : 0;
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
    peak,
    seconds: () => (now() - begin) / 1000,
    async close() {
      clock.destroy();
      await close();
    },
    measure: (workload, candidates, effort) =>
      inTurn(async () => {
        const known = prepared?.key === workload.key ? prepared : prepareWorkload(workload, seed, { arithmetic: arithmetics.webgpu });
        prepared = known;
        const entries: Entry[] = [];
        for (const scheduled of candidates)
          entries.push(await open(buildShader(workload, scheduled, known, defaultGpuLimits), effort, checkAgainst(known, workload)));
        return await compare(entries, effort);
      }),
    measureNetworks: (networks, effort) =>
      inTurn(async () => {
        const entries: Entry[] = [];
        for (const network of networks) entries.push(await open(buildShaders(network), effort, async () => undefined));
        return await compare(entries, effort);
      }),
  };

  /** Loaded, checked and warmed up. */
  async function open({ value: built, diagnostics }: Checked<BuiltShader>, { best }: Effort, check: Check): Promise<Entry> {
    if (!built) return { kind: "failed", message: diagnostics[0]?.message ?? "it has no shaders" };
    let loaded: LoadedPlan | undefined;
    try {
      loaded = await loadPlan(device, built.plan, built.weights);
      for (const [i, bytes] of built.inputs.entries()) loaded.write(built.plan.inputs[i] as Stretch, bytes);
      const runner: Runner = { kind: "runner", loaded, operations: built.operations, milliseconds: Infinity, samples: [], isAlive: true };
      const wrong = await check(loaded, built.plan.outputs[0] as Stretch);
      if (wrong) loaded.destroy();
      if (wrong) return wrong;
      for (let i = 0; i < 3; i++) await sampleOf(runner, samples[clock.kind]);
      runner.isAlive = runner.milliseconds <= (hopeless * best) / 1000;
      if (runner.isAlive) runner.samples.length = 0;
      return runner;
    } catch (error) {
      loaded?.destroy();
      // Nothing can be measured any more: the log holds what was.
      if ((await Promise.race([device.lost, undefined])) !== undefined) throw new Error("the device is lost", { cause: error });
      return { kind: "failed", message: error instanceof Error ? error.message : String(error) };
    }
  }

  function checkAgainst({ expected, bound }: PreparedWorkload, { nest, buffers }: Workload): Check {
    const dtype = buffers.get(nest.result)?.dtype ?? "f32";
    return async (loaded, result) => {
      // What is not written must not look right.
      loaded.write(result, rubbish(dtype, result[2]));
      await clock.time([encodeAll(loaded, 1)]);
      const values = decode(await loaded.read(result), dtype);
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
      for (const runner of runners) if (runner.isAlive) await sampleOf(runner, samples[clock.kind]);
      // Who is behind by more than noise after some rounds does not catch up.
      const fastest = Math.min(best / 1000, ...runners.map((runner) => Math.min(...runner.samples)));
      if (round >= 2 && !keepAll) for (const runner of runners) if (Math.min(...runner.samples) > behind * fastest) runner.isAlive = false;
    }
    for (const { loaded } of runners) loaded.destroy();
    return entries.map((entry) => (entry.kind === "runner" ? timingOf(entry) : entry));
  }

  /** Repeated until it lasts long enough: no dispatch reads what it writes, so that each run makes the same again. */
  async function sampleOf(runner: Runner, milliseconds: number): Promise<void> {
    const runs = runner.milliseconds === Infinity ? 1 : Math.max(1, Math.ceil(milliseconds / Math.max(runner.milliseconds, 1e-3)));
    const [ms = 0] = await clock.time([encodeAll(runner.loaded, runs)]);
    const each = Math.max(1e-6, (ms - overhead) / runs);
    runner.milliseconds = Math.min(runner.milliseconds, each);
    runner.samples.push(each);
  }
}

function encodeAll({ dispatches }: LoadedPlan, runs: number): Pass {
  return (pass) => {
    for (let i = 0; i < runs; i++) for (const dispatch of dispatches) encodeDispatch(pass, dispatch);
  };
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
