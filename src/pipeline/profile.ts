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
import { measurePeak } from "./peak.ts";
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
  readonly layers: readonly LayerProfile[];
  readonly runs: number;
  /** Floating-point operations per second of a loop in registers alone. */
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
    } while (now() < end);
  };
  // The optimising tier's code replaces the baseline tier's in the first second.
  runFor(warmUp);
  for (const { samples } of timed) samples.length = 0;
  runs = 0;
  runFor(seconds * 1000);
  const kernels = new Map(program.kernels.map((kernel) => [kernel.name, kernel]));
  const placements = new Map(program.placements.map((placement) => [placement.buffer, placement]));
  const layers = timed.map(({ call, samples }): LayerProfile => {
    const kernel = kernels.get(call.kernel);
    const written = kernel?.parameters.findIndex((parameter) => parameter.writes) ?? -1;
    return {
      name: call.nest,
      shape: placements.get(call.arguments[written] ?? "")?.shape ?? [],
      us: median(samples) * 1000,
      operations: floatOperations(kernel?.body ?? []),
      bytes: bytesOf(call),
      trace: kernel?.trace ?? [],
    };
  });
  return { layers, runs, peak: measurePeak({ relaxed }, now), relaxed };

  function bytesOf(call: KernelCall): number {
    return [...new Set(call.arguments)].reduce((sum, buffer) => sum + (placements.get(buffer)?.bytes ?? 0), 0);
  }
}

const warmUp = 1500;
