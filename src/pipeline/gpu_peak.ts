/** The most multiply-adds that a device makes in a second: a shader that works in registers alone. */
import type { GpuClock } from "./gpu_clock.ts";

const invocations = 256;
/** Of vec4f: enough for the latency of one to hide behind the others', few enough for registers. */
const chains = 8;
const iterations = 1024;
/** Of a workgroup: two for each multiply-add of each lane. */
const operations = 2 * 4 * chains * iterations * invocations;

const names = Array.from({ length: chains }, (_, i) => `sum${i}`);

/** `sum = sum * half + half`, which goes to 1; the chains begin at different numbers from memory, so that none can be spared. */
const code = `@group(0) @binding(0) var<storage, read> begin: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> end: array<vec4f>;

@compute @workgroup_size(${invocations})
fn main(@builtin(local_invocation_index) i: u32) {
  let half = begin[${chains}];
${names.map((name, n) => `  var ${name} = begin[${n}];`).join("\n")}
  for (var n = 0; n < ${iterations}; n++) {
${names.map((name) => `    ${name} = fma(${name}, half, half);`).join("\n")}
  }
  end[i] = ${names.join(" + ")};
}
`;

/** Milliseconds that a sample lasts at least, and the most workgroups along one dimension that every device takes. */
const sample = 10;
const most = 65535;
const samples = 7;
/** WebGPU's numbers for what a buffer is used for; Node has no global of them. */
const usages = { copyTarget: 0x8, storage: 0x80 } as const;

/** Floating-point operations per second, the fastest of some samples. */
export async function measureGpuPeak(device: GPUDevice, clock: GpuClock): Promise<number> {
  const begin = device.createBuffer({ size: 16 * (chains + 1), usage: usages.storage | usages.copyTarget });
  const end = device.createBuffer({ size: 16 * invocations, usage: usages.storage });
  device.queue.writeBuffer(
    begin,
    0,
    Float32Array.from({ length: 4 * (chains + 1) }, (_, i) => (i < 4 * chains ? i / 64 : 0.5)),
  );
  const pipeline = await device.createComputePipelineAsync({
    layout: "auto",
    compute: { module: device.createShaderModule({ code }), entryPoint: "main" },
  });
  const entries = [begin, end].map((buffer, binding) => ({ binding, resource: { buffer } }));
  const bindings = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
  const run = async (workgroups: number): Promise<number> => {
    const [ms = 0] = await clock.time([
      (pass) => {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, bindings);
        pass.dispatchWorkgroups(workgroups);
      },
    ]);
    return ms;
  };
  let workgroups = 1;
  while ((await run(workgroups)) < sample && workgroups < most) workgroups = Math.min(most, 2 * workgroups);
  let best = Infinity;
  for (let i = 0; i < samples; i++) best = Math.min(best, await run(workgroups));
  begin.destroy();
  end.destroy();
  return (operations * workgroups) / (best / 1000);
}
