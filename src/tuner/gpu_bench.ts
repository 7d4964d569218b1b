/** What a measurer asks of a device, whether it is this process's or a page's: to hold programs, and to time their runs. */
import { createGpuClock, type Pass } from "../pipeline/gpu_clock.ts";
import { measureGpuPeak } from "../pipeline/gpu_peak.ts";
import { loadPlan } from "../pipeline/load_plan.ts";
import { encodeDispatch } from "../runtime/gpu.ts";
import type { GpuPlan, Stretch } from "../runtime/interface.ts";
import { median } from "../support/median.ts";

export type GpuBench = {
  /** Floating-point operations per second of a loop in registers alone. */
  readonly peak: number;
  /** Milliseconds that a sample lasts at least: many times the step of its clock. */
  readonly sample: number;
  /** Rejects if the device refuses a shader or has too little memory. */
  load(plan: GpuPlan, weights: Uint8Array): Promise<GpuProgram>;
  close(): Promise<void>;
};

export type GpuProgram = {
  write(to: Stretch, bytes: Uint8Array): Promise<void>;
  /** Milliseconds of that many runs after each other: no dispatch reads what it writes, so that each makes the same again. */
  time(runs: number): Promise<number>;
  read(from: Stretch): Promise<Uint8Array>;
  destroy(): Promise<void>;
};

/** Nothing can be measured any more. */
export class DeviceLost extends Error {}
/** The engine gave no answer in time, and was started anew: what it held is gone. */
export class EngineHung extends Error {}

/** `now` is in milliseconds since any moment. `close` is called once, when the device is no longer needed. */
export async function createGpuBench(device: GPUDevice, now: () => number, close: () => Promise<void>): Promise<GpuBench> {
  const clock = createGpuClock(device, now);
  const peak = await measureGpuPeak(device, clock);
  const nothing: Pass = () => {};
  const empty = await clock.time(Array.from({ length: 9 }, () => nothing));
  const overhead = clock.kind === "host" ? median(empty) : 0;
  return {
    peak,
    sample: clock.kind === "host" ? 5 : isRounded(empty) ? 10 : 1,
    async load(plan, weights) {
      try {
        const loaded = await loadPlan(device, plan, weights);
        return {
          write: async (to, bytes) => loaded.write(to, bytes),
          async time(runs) {
            const all: Pass = (pass) => {
              for (let i = 0; i < runs; i++) for (const dispatch of loaded.dispatches) encodeDispatch(pass, dispatch);
            };
            const [ms = 0] = await clock.time([all]);
            return Math.max(1e-6, ms - overhead);
          },
          read: loaded.read,
          destroy: async () => loaded.destroy(),
        };
      } catch (error) {
        if ((await Promise.race([device.lost, undefined])) !== undefined) throw new DeviceLost("the device is lost", { cause: error });
        throw error;
      }
    },
    async close() {
      clock.destroy();
      await close();
    },
  };
}

/** Browsers round timestamps to a tenth of a millisecond, against pages that eavesdrop. */
function isRounded(times: readonly number[]): boolean {
  return times.every((ms) => Math.abs(ms * 10 - Math.round(ms * 10)) < 1e-6);
}
