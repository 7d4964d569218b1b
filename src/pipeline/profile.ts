/**
 * Time of every layer within whole runs, each call timed by itself, so that it finds its inputs and the caches as in use; and
 * how near it comes to the engine's peak.
 */
import { emitWasm } from "../codegen/wasm/emit.ts";
import { instantiate } from "../codegen/wasm/instance.ts";
import { floatOperations } from "../ir/float_operations.ts";
import type { KernelCall } from "../ir/kernel.ts";
import { median } from "../support/median.ts";
import type { Compiled } from "./compiled.ts";
import { type Weights, writeSources } from "./execute.ts";
import { createPeakMeter } from "./peak.ts";
import { randomInputs } from "./verify.ts";

export type LayerProfile = {
  readonly name: string;
  /** The result's shape as allocated, with its border. */
  readonly shape: readonly number[];
  /** Median time of the layer's call, in microseconds. */
  readonly us: number;
  /** Floating-point operations that its kernel executes. */
  readonly operations: number;
  /** Bytes of all buffers that its kernel names, each once. */
  readonly bytes: number;
  /** The schedule. */
  readonly trace: readonly string[];
};

export type Profile = {
  /** In execution order. */
  readonly layers: readonly (LayerProfile & {
    /** A tenth of the runs were faster: what the layer takes while other programs leave the machine alone. */
    readonly undisturbedUs: number;
  })[];
  readonly runs: number;
  /** Floating-point operations per second of a loop in registers alone: the fastest of many runs between those of the model. */
  readonly peak: number;
  readonly relaxed: boolean;
};

export type ProfileOptions = {
  /** Milliseconds since any moment. */
  readonly now: () => number;
  readonly seconds: number;
  readonly seed: number;
  /** With relaxed multiply-adds, which the engine must have. */
  readonly relaxed: boolean;
};

export function profileModel(compiled: Compiled, weights: Weights, { now, seconds, seed, relaxed }: ProfileOptions): Profile {
  const program = compiled.levels.kernel();
  const instance = instantiate(program, emitWasm(program, { relaxed, calls: "steps" }).bytes, "steps");
  writeSources(instance, program, weights);
  const steps = program.calls.map((call, step) => ({ call, step, samples: [] as number[] }));
  for (const { call, step } of steps) if (call.phase === "build") instance.step(step);
  const timed = steps.filter(({ call }) => call.phase === "run");
  const inputs = randomInputs(compiled, seed);
  const peakOnce = createPeakMeter({ relaxed }, now);
  let peak = 0;
  let peakAt = Number.NEGATIVE_INFINITY;
  let runs = 0;
  const runFor = (ms: number) => {
    const end = now() + ms;
    do {
      for (const [name, values] of inputs) instance.write(name, values);
      for (const { step, samples } of timed) {
        const start = now();
        instance.step(step);
        samples.push(now() - start);
      }
      runs++;
      if (now() - peakAt > betweenPeaks) {
        peak = Math.max(peak, peakOnce());
        peakAt = now();
      }
    } while (now() < end);
  };
  // The optimising tier's code replaces the baseline tier's in the first second.
  runFor(warmUp);
  for (const { samples } of timed) samples.length = 0;
  runs = 0;
  runFor(seconds * 1000);
  const kernels = new Map(program.kernels.map((kernel) => [kernel.name, kernel]));
  const placements = new Map(program.placements.map((placement) => [placement.buffer, placement]));
  const layers = timed.map(({ call, samples }): Profile["layers"][number] => {
    const kernel = kernels.get(call.kernel);
    const written = kernel?.parameters.findIndex((parameter) => parameter.writes) ?? -1;
    return {
      name: call.nest,
      shape: placements.get(call.arguments[written] ?? "")?.shape ?? [],
      us: median(samples) * 1000,
      undisturbedUs: (samples.toSorted((a, b) => a - b)[Math.floor(samples.length / 10)] ?? 0) * 1000,
      operations: floatOperations(kernel?.body ?? []),
      bytes: bytesOf(call),
      trace: kernel?.trace ?? [],
    };
  });
  return { layers, runs, peak, relaxed };

  function bytesOf(call: KernelCall): number {
    return [...new Set(call.arguments)].reduce((sum, buffer) => sum + (placements.get(buffer)?.bytes ?? 0), 0);
  }
}

/** Milliseconds: of the fast runs of a small model, the peak's of 0.2 ms take no more than a hundredth. */
const betweenPeaks = 20;
const warmUp = 1500;
