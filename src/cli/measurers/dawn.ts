/** Candidates on the adapter that Dawn finds, in this process: a driver that hangs takes the run with it, and the log holds what was measured. */
import type { GpuLimits } from "../../ir/gpu_limits.ts";
import { createGpuBench } from "../../tuner/gpu_bench.ts";
import { createGpuMeasurer } from "../../tuner/gpu_measurer.ts";
import type { Measurer } from "../../tuner/measurer.ts";
import { openGpu } from "../gpu/device.ts";
import type { Terminal } from "../terminal.ts";

export async function startDawn(
  compiler: string,
  terminal: Terminal,
  options: { readonly gpuLimit?: GpuLimits; readonly json?: boolean },
): Promise<Measurer> {
  const { gpu, close } = await openGpu(terminal, options);
  const { device, name, version, isSoftware } = gpu;
  if (isSoftware) terminal.err(`note: ${name} is software: what is found for it says nothing of a GPU`);
  const environment = { target: "webgpu", engine: "dawn", version, device: name, relaxed: false, compiler };
  const now = () => performance.now();
  const bench = await createGpuBench(device, now, close);
  return createGpuMeasurer(bench, { environment, seed: 0, now, timeout: Infinity });
}
