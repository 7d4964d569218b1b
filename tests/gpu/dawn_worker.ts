/**
 * What runs beside the tests, one process for each driver: Dawn for Node, a device for each set of limits, and jobs one after the other.
 * A driver that crashes or hangs takes nothing with it but this process.
 */
import { create } from "webgpu";
import { createGpuNet } from "../../src/runtime/gpu.ts";
import type { Answer, Job } from "./dawn.ts";

const isNull = process.argv[2] === "null";
// Without `gpu` kept in scope its devices would be lost.
const gpu = create(isNull ? ["backend=null"] : ["backend=vulkan"]);
const devices = new Map<string, Promise<Device>>();

type Device = {
  readonly device: GPUDevice;
  /** What the device has said since the last job. */
  readonly said: string[];
  /** Modules made since the last job. */
  readonly modules: GPUShaderModule[];
};

async function open(requiredLimits: Record<string, number>): Promise<Device> {
  const adapter = await gpu.requestAdapter();
  if (!adapter) throw new Error("the driver gives no adapter");
  const requiredFeatures: GPUFeatureName[] = adapter.features.has("subgroups") ? ["subgroups"] : [];
  const device = await adapter.requestDevice({ requiredFeatures, requiredLimits });
  const said: string[] = [];
  device.onuncapturederror = ({ error }) => said.push(`uncaptured: ${error.message}`);
  void device.lost.then(({ reason, message }) => said.push(`lost (${reason}): ${message}`));
  const modules: GPUShaderModule[] = [];
  const make = device.createShaderModule.bind(device);
  device.createShaderModule = (descriptor) => {
    const module = make(descriptor);
    modules.push(module);
    return module;
  };
  return { device, said, modules };
}

function deviceFor(limits: Record<string, number>): Promise<Device> {
  const key = JSON.stringify(limits);
  const known = devices.get(key) ?? open(limits);
  devices.set(key, known);
  return known;
}

async function work(job: Job): Promise<Answer["results"]> {
  const { device } = await deviceFor(job.limits);
  if (job.kind === "validate") {
    device.pushErrorScope("validation");
    for (const code of job.shaders) {
      const module = device.createShaderModule({ code });
      device.createComputePipeline({ layout: "auto", compute: { module, entryPoint: "main" } });
    }
    const problem = await device.popErrorScope();
    if (problem) throw new Error(problem.message);
    return [];
  }
  const net = await createGpuNet(device, job.plan, job.weights);
  try {
    const results: (readonly Uint8Array[])[] = [];
    const wanted = job.plan.outputs.map((_, i) => i);
    for (const inputs of job.inputs) results.push(await net.run(inputs, wanted));
    return results;
  } finally {
    await device.queue.onSubmittedWorkDone();
    net.destroy();
  }
}

async function answer(job: Job): Promise<Answer> {
  const answers: Answer = { results: [], problems: [] };
  let results: Answer["results"] = [];
  try {
    results = await work(job);
  } catch (error) {
    answers.problems.push(error instanceof Error ? error.message : String(error));
  }
  const known = devices.get(JSON.stringify(job.limits));
  const { said, modules } = (await known?.catch(() => undefined)) ?? { said: [], modules: [] };
  for (const module of modules.splice(0)) {
    const { messages } = await module.getCompilationInfo();
    for (const { type, lineNum, linePos, message } of messages) answers.problems.push(`${type} at ${lineNum}:${linePos}: ${message}`);
  }
  answers.problems.push(...said.splice(0));
  return { ...answers, results };
}

process.on("message", async (message: Job | "end") => {
  if (message !== "end") {
    process.send?.(await answer(message));
    return;
  }
  // Leaving with work in flight crashes lavapipe.
  for (const known of devices.values()) {
    const found = await known.catch(() => undefined);
    await found?.device.queue.onSubmittedWorkDone();
    found?.device.destroy();
  }
  devices.clear();
  process.exit(0);
});
// Whoever asked is gone, perhaps in the middle of a job that never ends.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
process.send?.("ready");
