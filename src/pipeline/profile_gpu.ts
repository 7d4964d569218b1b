/**
 * Time of every dispatch on a device. With timestamps each is a pass of its own within whole runs, so that it finds its inputs and the
 * caches as in use; by the host's clock each is repeated until a sample is long enough, and its time is the mean.
 */
import { floatOperations } from "../ir/float_operations.ts";
import { type Dispatch as DispatchOf, type Shader, type ShaderProgram, shaderOn } from "../ir/shader.ts";
import { type Dispatch, encodeDispatch, subgroupSize } from "../runtime/gpu.ts";
import { invariant } from "../support/invariant.ts";
import { median } from "../support/median.ts";
import type { Compiled } from "./compiled.ts";
import type { Weights } from "./execute.ts";
import { encodeInputs, gpuPlan, gpuWeights, shadersOf } from "./gpu.ts";
import { createGpuClock, type GpuClock } from "./gpu_clock.ts";
import { measureGpuPeak } from "./gpu_peak.ts";
import { loadPlan } from "./load_plan.ts";
import type { LayerProfile } from "./profile.ts";
import { randomInputs } from "./verify.ts";

export type GpuProfile = {
  /** In execution order, one for each dispatch. */
  readonly layers: readonly LayerProfile[];
  readonly runs: number;
  /** Floating-point operations per second of a loop in registers alone. */
  readonly peak: number;
  readonly clock: GpuClock["kind"];
};

export type GpuProfileOptions = {
  /** Milliseconds since any moment. */
  readonly now: () => number;
  readonly seconds: number;
  readonly seed: number;
};

/** Milliseconds of repeated dispatches, by the host's clock: many times the way to the device and back. */
const sample = 5;
/** Milliseconds. */
const warmUp = 500;

/** The program is compiled for webgpu. Rejects if the device refuses a shader or has too little memory. */
export async function profileGpu(
  compiled: Compiled,
  weights: Weights,
  device: GPUDevice,
  { now, seconds, seed }: GpuProfileOptions,
): Promise<GpuProfile> {
  const program = shadersOf(compiled);
  const plan = gpuPlan(program);
  const loaded = await loadPlan(device, plan, gpuWeights(program, weights));
  encodeInputs(program, randomInputs(compiled, seed)).forEach((bytes, i) => {
    const place = plan.inputs[i];
    if (place) loaded.write(place, bytes);
  });
  const clock = createGpuClock(device, now);
  const { runs, samples } = await timeAll(loaded.dispatches, clock, { now, seconds });
  const peak = await measureGpuPeak(device, clock);
  clock.destroy();
  loaded.destroy();
  const shaders = new Map(program.shaders.map((shader) => [shader.name, shader]));
  const layers = program.dispatches.map((dispatch, i) => {
    const shader = shaderOn(dispatch, shaders, subgroupSize(device));
    invariant(shader, `no shader ${dispatch.shader}`);
    return describe(program, shader, dispatch, median(samples[i] ?? []) * 1000);
  });
  return { layers, runs, peak, clock: clock.kind };
}

async function timeAll(dispatches: readonly Dispatch[], clock: GpuClock, { now, seconds }: Pick<GpuProfileOptions, "now" | "seconds">) {
  const once = dispatches.map((dispatch) => (pass: GPUComputePassEncoder) => encodeDispatch(pass, dispatch));
  const start = now();
  let times = await clock.time(once);
  while (now() - start < warmUp) times = await clock.time(once);
  const overhead = clock.kind === "host" ? median(await clock.time(Array.from({ length: 9 }, () => () => {}))) : 0;
  // What is repeated writes the same again: no dispatch reads what it writes.
  const repeats = times.map((ms) => (clock.kind === "host" ? Math.max(1, Math.ceil(sample / Math.max(ms - overhead, 0.01))) : 1));
  const passes = once.map((encode, i) => (pass: GPUComputePassEncoder) => {
    for (let n = 0; n < (repeats[i] ?? 1); n++) encode(pass);
  });
  const samples = dispatches.map((): number[] => []);
  let runs = 0;
  const end = now() + seconds * 1000;
  do {
    (await clock.time(passes)).forEach((ms, i) => {
      samples[i]?.push(Math.max(0, ms - overhead) / (repeats[i] ?? 1));
    });
    runs++;
  } while (now() < end);
  return { runs, samples };
}

function describe({ placements }: ShaderProgram, shader: Shader, { nest, arguments: given }: DispatchOf, us: number): LayerProfile {
  const used = [...new Set(given)].map((buffer) => placements.find((placement) => placement.buffer === buffer));
  const written = placements.find(({ buffer }) => buffer === given[shader.parameters.findIndex((parameter) => parameter.writes)]);
  return {
    name: nest,
    shape: written?.shape ?? [],
    us,
    operations: floatOperations(shader.body) * invocationsOf(shader),
    bytes: used.reduce((sum, placement) => sum + (placement?.bytes ?? 0), 0),
    trace: shader.trace,
  };
}

function invocationsOf({ workgroup, grid }: Shader): number {
  return [...workgroup, ...grid].reduce((product, extent) => product * extent, 1);
}
