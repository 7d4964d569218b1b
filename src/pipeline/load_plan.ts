/** A plan on a device, for measuring: its dispatches one by one, and what lies in its arenas. */
import { bindDispatches, compileShaders, type Dispatch, guarded, planFor } from "../runtime/gpu.ts";
import type { GpuPlan, Stretch } from "../runtime/interface.ts";
import { invariant } from "../support/invariant.ts";

export type LoadedPlan = {
  /** In order. */
  readonly dispatches: readonly Dispatch[];
  /** The device takes whole words; what stands behind the last byte means nothing. */
  write(to: Stretch, bytes: Uint8Array): void;
  read(from: Stretch): Promise<Uint8Array>;
  destroy(): void;
};

/** WebGPU's numbers for what a buffer is used for; Node has no global of them. */
const usages = { mapRead: 0x1, copySource: 0x4, copyTarget: 0x8, storage: 0x80 } as const;

/** Rejects if the device refuses a shader or has too little memory. */
export async function loadPlan(device: GPUDevice, whole: GpuPlan, weights: Uint8Array): Promise<LoadedPlan> {
  const plan = planFor(device, whole);
  const usage = usages.storage | usages.copySource | usages.copyTarget;
  const compiling = compileShaders(device, plan);
  // Its own rejection is awaited below; one of the memory's may come first.
  compiling.catch(() => {});
  let arenas: GPUBuffer[] = [];
  const destroy = () => {
    for (const arena of arenas) arena.destroy();
  };
  const write = ([arena, offset]: Stretch, bytes: Uint8Array) => {
    const whole = new Uint8Array(Math.ceil(bytes.byteLength / 4) * 4);
    whole.set(bytes);
    device.queue.writeBuffer(bufferAt(arena), offset, whole);
  };
  try {
    await guarded(device, () => {
      arenas = plan.arenas.map((bytes) => device.createBuffer({ size: Math.max(16, bytes), usage }));
      write([0, 0, weights.byteLength], weights);
    });
    const pipelines = await compiling;
    const { dispatches } = await guarded(device, () => {
      const bound = bindDispatches(device, plan, pipelines, arenas);
      arenas.push(bound.numbers);
      return bound;
    });
    return { dispatches, write, read, destroy };
  } catch (error) {
    destroy();
    throw error;
  }

  function bufferAt(arena: number): GPUBuffer {
    const buffer = arenas[arena];
    invariant(buffer, `no arena ${arena}`);
    return buffer;
  }

  async function read([arena, offset, bytes]: Stretch): Promise<Uint8Array> {
    const size = Math.max(4, Math.ceil(bytes / 4) * 4);
    const copy = device.createBuffer({ size, usage: usages.mapRead | usages.copyTarget });
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(bufferAt(arena), offset, copy, 0, size);
    device.queue.submit([encoder.finish()]);
    await copy.mapAsync(1);
    const found = new Uint8Array(copy.getMappedRange().slice(0, bytes));
    copy.destroy();
    return found;
  }
}
