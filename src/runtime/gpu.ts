/**
 * Running a network's shaders on a device: arenas, pipelines and bindings are made once, and a run is one command buffer.
 * It ships inside modules built for WebGPU, and is how the compiler itself runs shaders.
 */
import type { GpuPlan, Stretch } from "./interface.ts";

/** WebGPU's own numbers for what a buffer is used for; Node has no global of them. */
const usages = { mapRead: 0x1, copySource: 0x4, copyTarget: 0x8, uniform: 0x40, storage: 0x80 } as const;

export type Dispatch = {
  readonly pipeline: GPUComputePipeline;
  readonly bindings: GPUBindGroup;
  readonly grid: readonly [number, number, number];
};

export type GpuInput = Uint8Array<ArrayBuffer> | GPUBuffer;

/**
 * An input is its bytes, or a buffer of the same device that begins with them; what is given is read within the call. Of the
 * outputs, those whose numbers are wanted are copied, the others stay where they are. Overlapping runs follow each other.
 */
export type GpuNet = {
  /** The outputs' bytes. */
  run(inputs: readonly GpuInput[], wanted: readonly number[]): Promise<Uint8Array<ArrayBuffer>[]>;
  /** The outputs in new buffers, which are the caller's to destroy. */
  runKept(inputs: readonly GpuInput[], wanted: readonly number[]): Promise<GPUBuffer[]>;
  /** Lets go of the device's memory, and leaves the device alone. */
  destroy(): void;
};

/** Rejects if the device refuses a shader or has too little memory. */
export async function createGpuNet(device: GPUDevice, whole: GpuPlan, weights: Uint8Array<ArrayBuffer>): Promise<GpuNet> {
  const plan = planFor(device, whole);
  const { mapRead, copySource, copyTarget, storage } = usages;
  const made: GPUBuffer[] = [];
  const create = (size: number, usage: number) => {
    const buffer = device.createBuffer({ size: Math.max(4, padded(size)), usage });
    made.push(buffer);
    return buffer;
  };
  // Outputs one after the other, each at a multiple of what a copy needs.
  const places: number[] = [];
  const total = plan.outputs.reduce((end, [, , bytes]) => {
    places.push(end);
    return end + Math.ceil(bytes / 8) * 8;
  }, 0);
  /** What outputs are read back through: as many as runs overlap. */
  const free: GPUBuffer[] = [];
  try {
    // Compiling is what takes longest, and begins before anything else.
    const compiling = compileShaders(device, plan);
    // Its own rejection is awaited below; one of the memory's may come first.
    compiling.catch(() => {});
    const arenas = await guarded(device, () => {
      const buffers = plan.arenas.map((bytes) => create(bytes, storage | copySource | copyTarget));
      if (buffers[0] && weights.byteLength > 0) write(buffers[0], 0, weights);
      free.push(create(total, mapRead | copyTarget));
      return buffers;
    });
    const pipelines = await compiling;
    const { dispatches } = await guarded(device, () => {
      const bound = bindDispatches(device, plan, pipelines, arenas);
      made.push(bound.numbers);
      return bound;
    });
    return createRuns(arenas, dispatches);
  } catch (error) {
    destroy();
    throw new Error(`the device refuses the network: ${(error as Error).message}`, { cause: error });
  }

  function createRuns(arenas: readonly GPUBuffer[], dispatches: readonly Dispatch[]): GpuNet {
    /** The device judges a first run, and any with buffers that are not ours. */
    let isJudged = false;
    return {
      async run(inputs, wanted) {
        const result = free.pop() ?? create(total, mapRead | copyTarget);
        try {
          await submit(inputs, (encoder) => {
            for (const output of wanted) copyOutput(encoder, output, result, places[output] as number);
          });
          await result.mapAsync(1);
          const bytes = new Uint8Array(result.getMappedRange());
          const copies = wanted.map((output) => {
            const at = places[output] as number;
            return bytes.slice(at, at + (plan.outputs[output] as Stretch)[2]);
          });
          result.unmap();
          return copies;
        } finally {
          free.push(result);
        }
      },
      async runKept(inputs, wanted) {
        const kept = wanted.map((output) => newBuffer((plan.outputs[output] as Stretch)[2]));
        await submit(inputs, (encoder) => {
          for (const [i, output] of wanted.entries()) copyOutput(encoder, output, kept[i] as GPUBuffer, 0);
        });
        return kept;
      },
      destroy,
    };

    /** Everything is with the device before this returns; it waits only for the device's judgement. */
    async function submit(inputs: readonly GpuInput[], copy: (encoder: GPUCommandEncoder) => void): Promise<void> {
      const work = () => {
        const encoder = encode(inputs);
        copy(encoder);
        device.queue.submit([encoder.finish()]);
      };
      if (isJudged && inputs.every((given) => given instanceof Uint8Array)) work();
      else await guarded(device, work);
      isJudged = true;
    }

    function encode(inputs: readonly GpuInput[]): GPUCommandEncoder {
      const encoder = device.createCommandEncoder();
      plan.inputs.forEach(([arena, offset, bytes], i) => {
        const given = inputs[i] as GpuInput;
        const target = arenas[arena] as GPUBuffer;
        if (given instanceof Uint8Array) write(target, offset, given);
        else encoder.copyBufferToBuffer(given, 0, target, offset, padded(bytes));
      });
      const pass = encoder.beginComputePass();
      for (const dispatch of dispatches) encodeDispatch(pass, dispatch);
      pass.end();
      return encoder;
    }

    function copyOutput(encoder: GPUCommandEncoder, output: number, target: GPUBuffer, at: number): void {
      const [arena, offset, bytes] = plan.outputs[output] as Stretch;
      if (bytes > 0) encoder.copyBufferToBuffer(arenas[arena] as GPUBuffer, offset, target, at, padded(bytes));
    }
  }

  function newBuffer(bytes: number): GPUBuffer {
    return device.createBuffer({ size: Math.max(4, padded(bytes)), usage: storage | copySource | copyTarget });
  }

  /** The device takes whole words; what stands behind the last element means nothing. */
  function write(target: GPUBuffer, offset: number, bytes: Uint8Array<ArrayBuffer>): void {
    const rest = bytes.byteLength % 4;
    const whole = bytes.byteLength - rest;
    if (whole > 0) device.queue.writeBuffer(target, offset, bytes, 0, whole);
    if (rest === 0) return;
    const word = new Uint8Array(4);
    word.set(bytes.subarray(whole));
    device.queue.writeBuffer(target, offset + whole, word);
  }

  function destroy(): void {
    for (const buffer of made) buffer.destroy();
  }
}

/** The invocations that each of a device's subgroups has at least; 0 where it has none, or was not asked for them. */
export function subgroupSize({ features, adapterInfo }: GPUDevice): number {
  return (features.has("subgroups") && adapterInfo?.subgroupMinSize) || 0;
}

/** The plan as the device runs it. */
export function planFor(device: GPUDevice, plan: GpuPlan): GpuPlan {
  const size = subgroupSize(device);
  return {
    ...plan,
    dispatches: plan.dispatches.map((dispatch) => {
      const [, bindings, grid, , other] = dispatch;
      return other && other[0] <= size ? [other[1], bindings, grid, other[2]] : dispatch;
    }),
  };
}

/** Those that some dispatch runs: all at once, as far as the device can. */
export async function compileShaders(device: GPUDevice, { shaders, dispatches }: GpuPlan): Promise<(GPUComputePipeline | undefined)[]> {
  const used = new Set(dispatches.map(([shader]) => shader));
  const made: (GPUComputePipeline | undefined)[] = shaders.map(() => undefined);
  // The longest first: of what compiles side by side, nothing long is left for the end.
  const order = [...used].sort((a, b) => (shaders[b]?.length ?? 0) - (shaders[a]?.length ?? 0));
  await Promise.all(
    order.map(async (i) => {
      const module = device.createShaderModule({ code: shaders[i] ?? "" });
      made[i] = await device.createComputePipelineAsync({ layout: "auto", compute: { module, entryPoint: "main" } });
    }),
  );
  return made;
}

/** Dispatches in order, and the buffer of the numbers that they read. */
export function bindDispatches(
  device: GPUDevice,
  { dispatches }: GpuPlan,
  pipelines: readonly (GPUComputePipeline | undefined)[],
  arenas: readonly GPUBuffer[],
): { readonly dispatches: Dispatch[]; readonly numbers: GPUBuffer } {
  // Each at a multiple of what a uniform buffer's place must be on any device.
  const places: number[] = [];
  const total = dispatches.reduce((end, [, , , { length }]) => {
    places.push(end);
    return end + Math.ceil(length / 64) * 256;
  }, 0);
  const buffer = device.createBuffer({ size: Math.max(16, total), usage: usages.uniform, mappedAtCreation: true });
  const memory = new Int32Array(buffer.getMappedRange());
  const bound = dispatches.map(([shader, bindings, grid, numbers], i) => {
    const pipeline = pipelines[shader] as GPUComputePipeline;
    const entries: GPUBindGroupEntry[] = bindings.map(([arena, offset, bytes], binding) => ({
      binding,
      resource: { buffer: arenas[arena] as GPUBuffer, offset, size: Math.max(16, Math.ceil(bytes / 16) * 16) },
    }));
    const offset = places[i] as number;
    memory.set(numbers, offset / 4);
    if (numbers.length > 0)
      entries.push({ binding: entries.length, resource: { buffer, offset, size: Math.ceil(numbers.length / 4) * 16 } });
    return { pipeline, grid, bindings: device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }) };
  });
  buffer.unmap();
  return { dispatches: bound, numbers: buffer };
}

export function encodeDispatch(pass: GPUComputePassEncoder, { pipeline, bindings, grid }: Dispatch): void {
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bindings);
  pass.dispatchWorkgroups(...grid);
}

function padded(bytes: number): number {
  return Math.ceil(bytes / 4) * 4;
}

/** What the work makes; rejects if the device finds it wrong or has no memory for it. The scopes are closed before anyone else can open one. */
export async function guarded<T>(device: GPUDevice, work: () => T): Promise<T> {
  device.pushErrorScope("validation");
  device.pushErrorScope("out-of-memory");
  const made = work();
  const problems = await Promise.all([device.popErrorScope(), device.popErrorScope()]);
  for (const problem of problems) if (problem) throw new Error(problem.message);
  return made;
}
