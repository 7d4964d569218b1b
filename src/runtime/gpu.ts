/**
 * Running a network's shaders on a device: arenas, pipelines and bindings are made once, and a run is one command buffer.
 * It ships inside modules built for WebGPU, and is how the compiler itself runs shaders.
 */
import type { GpuPlan, Stretch } from "./interface.ts";

/** WebGPU's own numbers for what a buffer is used for; Node has no global of them. */
const usages = { mapRead: 0x1, copySource: 0x4, copyTarget: 0x8, storage: 0x80 } as const;

export type GpuNet = {
  /**
   * One run. An input is its bytes, or a buffer of the same device that begins with them; an output comes back as bytes,
   * or with `keep` as a buffer of the caller's.
   */
  run(inputs: readonly (Uint8Array | GPUBuffer)[], keep?: boolean): Promise<(Uint8Array | GPUBuffer)[]>;
  /** Lets go of the device's memory, and leaves the device alone. */
  destroy(): void;
};

/** Rejects if the device refuses a shader or has too little memory. */
export async function createGpuNet(device: GPUDevice, plan: GpuPlan, weights: Uint8Array): Promise<GpuNet> {
  device.pushErrorScope("validation");
  device.pushErrorScope("out-of-memory");
  const { mapRead, copySource, copyTarget, storage } = usages;
  const made: GPUBuffer[] = [];
  const create = (size: number, usage: number) => {
    const buffer = device.createBuffer({ size: Math.max(4, padded(size)), usage });
    made.push(buffer);
    return buffer;
  };
  const arenas = plan.arenas.map((bytes) => create(bytes, storage | copySource | copyTarget));
  // Compiling is what takes longest: all at once, as far as the device can.
  const compiling = plan.shaders.map((code) =>
    device.createComputePipelineAsync({ layout: "auto", compute: { module: device.createShaderModule({ code }), entryPoint: "main" } }),
  );
  const [first] = arenas;
  if (first && weights.byteLength > 0) write(first, 0, weights);
  const pipelines = await Promise.all(compiling);
  const dispatches = plan.dispatches.map(([shader, bindings, grid]) => {
    const pipeline = pipelines[shader] as GPUComputePipeline;
    const entries = bindings.map(([arena, offset, bytes], binding) => ({
      binding,
      resource: { buffer: arenas[arena] as GPUBuffer, offset, size: Math.max(16, Math.ceil(bytes / 16) * 16) },
    }));
    return { pipeline, grid, bindings: device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }) };
  });
  // Outputs one after the other, each at a multiple of what a copy needs.
  const places: number[] = [];
  const total = plan.outputs.reduce((end, [, , bytes]) => {
    places.push(end);
    return end + Math.ceil(bytes / 8) * 8;
  }, 0);
  const result = create(total, mapRead | copyTarget);
  const problems = [await device.popErrorScope(), await device.popErrorScope()].flatMap((problem) => problem ?? []);
  if (problems[0]) {
    destroy();
    throw new Error(`the device refuses the network: ${problems[0].message}`);
  }
  let last: Promise<unknown> = Promise.resolve();

  return {
    run(inputs, keep = false) {
      // What is read back goes through one buffer, so that runs follow each other.
      const next = last.then(() => runOnce(inputs, keep));
      last = next.catch(() => undefined);
      return next;
    },
    destroy,
  };

  async function runOnce(inputs: readonly (Uint8Array | GPUBuffer)[], keep: boolean): Promise<(Uint8Array | GPUBuffer)[]> {
    const encoder = device.createCommandEncoder();
    plan.inputs.forEach(([arena, offset, bytes], i) => {
      const given = inputs[i] as Uint8Array | GPUBuffer;
      const target = arenas[arena] as GPUBuffer;
      if (given instanceof Uint8Array) write(target, offset, given);
      else encoder.copyBufferToBuffer(given, 0, target, offset, padded(bytes));
    });
    const pass = encoder.beginComputePass();
    for (const { pipeline, bindings, grid } of dispatches) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindings);
      pass.dispatchWorkgroups(...grid);
    }
    pass.end();
    const kept = keep ? plan.outputs.map(([, , bytes]) => newBuffer(bytes)) : [];
    plan.outputs.forEach(([arena, offset, bytes]: Stretch, i) => {
      const source = arenas[arena] as GPUBuffer;
      if (bytes === 0) return;
      encoder.copyBufferToBuffer(source, offset, kept[i] ?? result, keep ? 0 : (places[i] as number), padded(bytes));
    });
    device.queue.submit([encoder.finish()]);
    if (keep) {
      await device.queue.onSubmittedWorkDone();
      return kept;
    }
    await result.mapAsync(1);
    const bytes = new Uint8Array(result.getMappedRange());
    const copies = plan.outputs.map(([, , size], i) => bytes.slice(places[i], (places[i] as number) + size));
    result.unmap();
    return copies;
  }

  function newBuffer(bytes: number): GPUBuffer {
    return device.createBuffer({ size: Math.max(4, padded(bytes)), usage: storage | copySource | copyTarget });
  }

  /** The device takes whole words; what stands behind the last element means nothing. */
  function write(target: GPUBuffer, offset: number, bytes: Uint8Array): void {
    const rest = bytes.byteLength % 4;
    const whole = bytes.byteLength - rest;
    if (whole > 0) device.queue.writeBuffer(target, offset, bytes as Uint8Array<ArrayBuffer>, 0, whole);
    if (rest === 0) return;
    const word = new Uint8Array(4);
    word.set(bytes.subarray(whole));
    device.queue.writeBuffer(target, offset + whole, word);
  }

  function destroy(): void {
    for (const buffer of made) buffer.destroy();
  }
}

function padded(bytes: number): number {
  return Math.ceil(bytes / 4) * 4;
}
