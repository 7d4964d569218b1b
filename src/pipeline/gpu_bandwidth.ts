/** How many bytes a second a device reads, from a buffer that stays in its caches and from one that does not. */
import type { Bandwidth } from "./bandwidth.ts";
import type { GpuClock } from "./gpu_clock.ts";

/** Elements are powers of two. The larger is the largest binding that every device takes. */
const sizes = [256 * 1024, 128 * 1024 * 1024] as const;
/** Bytes that one run reads. */
const bytesInRun = 256 * 1024 * 1024;
const invocations = 256;
const workgroups = 1024;
const samples = 5;
/** WebGPU's number for what a buffer is used for; Node has no global of it. */
const storage = 0x80;

const threads = invocations * workgroups;
/** The sum is never what it is compared with: the device cannot know, and must read. */
const code = `@group(0) @binding(0) var<storage, read> data: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> end: array<vec4f>;

@compute @workgroup_size(${invocations})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let last = arrayLength(&data) - 1;
  var sum = vec4f();
  for (var n = 0u; n < ${bytesInRun / 16 / threads}; n++) {
    sum += data[(id.x + n * ${threads + 32}) & last];
  }
  if (sum.x == 1) {
    end[0] = sum;
  }
}
`;

/** The smallest buffer first; of each, the fastest of some samples. */
export async function measureGpuBandwidths(device: GPUDevice, clock: GpuClock): Promise<Bandwidth[]> {
  const found: Bandwidth[] = [];
  for (const bufferBytes of sizes) found.push({ bufferBytes, bytesPerSecond: await measure(device, clock, bufferBytes) });
  return found;
}

async function measure(device: GPUDevice, clock: GpuClock, bufferBytes: number): Promise<number> {
  const buffers = [bufferBytes, 16].map((size) => device.createBuffer({ size, usage: storage }));
  const module = device.createShaderModule({ code });
  const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module, entryPoint: "main" } });
  const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
  const bindings = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
  let best = Infinity;
  for (let i = 0; i < samples; i++) {
    const [ms = Infinity] = await clock.time([
      (pass) => {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, bindings);
        pass.dispatchWorkgroups(workgroups);
      },
    ]);
    best = Math.min(best, ms);
  }
  for (const buffer of buffers) buffer.destroy();
  return bytesInRun / (best / 1000);
}
