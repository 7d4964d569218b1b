/** How long a device takes for passes: by its own clock where it has timestamp queries, by the caller's otherwise. */

export type Pass = (encoder: GPUComputePassEncoder) => void;

export type GpuClock = {
  /** `host`: the caller's clock, which counts each submission's way to the device and back too. */
  readonly kind: "timestamps" | "host";
  /** Milliseconds of each pass, one after the other. */
  time(passes: readonly Pass[]): Promise<number[]>;
  destroy(): void;
};

/** `now` is in milliseconds since any moment. */
export function createGpuClock(device: GPUDevice, now: () => number): GpuClock {
  return device.features.has("timestamp-query") ? byTimestamps(device) : byHost(device, now);
}

/** Passes of one query set, which holds 4096 queries at most (WebGPU, 20.1 GPUQuerySet). */
const most = 2048;
/** WebGPU's numbers for what a buffer is used for; Node has no global of them. */
const usages = { mapRead: 0x1, copySource: 0x4, copyTarget: 0x8, queryResolve: 0x200 } as const;

function byTimestamps(device: GPUDevice): GpuClock {
  const { mapRead, copySource, copyTarget, queryResolve } = usages;
  const querySet = device.createQuerySet({ type: "timestamp", count: 2 * most });
  const resolved = device.createBuffer({ size: 16 * most, usage: queryResolve | copySource });
  const read = device.createBuffer({ size: 16 * most, usage: mapRead | copyTarget });
  const timeSome = async (passes: readonly Pass[]): Promise<number[]> => {
    const encoder = device.createCommandEncoder();
    passes.forEach((encode, i) => {
      const timestampWrites = { querySet, beginningOfPassWriteIndex: 2 * i, endOfPassWriteIndex: 2 * i + 1 };
      const pass = encoder.beginComputePass({ timestampWrites });
      encode(pass);
      pass.end();
    });
    encoder.resolveQuerySet(querySet, 0, 2 * passes.length, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, read, 0, 16 * passes.length);
    device.queue.submit([encoder.finish()]);
    await read.mapAsync(1, 0, 16 * passes.length);
    const nanoseconds = new BigUint64Array(read.getMappedRange(0, 16 * passes.length).slice(0));
    read.unmap();
    return passes.map((_, i) => Number((nanoseconds[2 * i + 1] as bigint) - (nanoseconds[2 * i] as bigint)) / 1e6);
  };
  return {
    kind: "timestamps",
    async time(passes) {
      const times: number[] = [];
      for (let i = 0; i < passes.length; i += most) times.push(...(await timeSome(passes.slice(i, i + most))));
      return times;
    },
    destroy() {
      querySet.destroy();
      resolved.destroy();
      read.destroy();
    },
  };
}

function byHost(device: GPUDevice, now: () => number): GpuClock {
  return {
    kind: "host",
    async time(passes) {
      const times: number[] = [];
      for (const encode of passes) {
        const encoder = device.createCommandEncoder();
        const pass = encoder.beginComputePass();
        encode(pass);
        pass.end();
        const commands = encoder.finish();
        const start = now();
        device.queue.submit([commands]);
        await device.queue.onSubmittedWorkDone();
        times.push(now() - start);
      }
      return times;
    },
    destroy() {},
  };
}
