/**
 * The code that ships inside a `model.js` built for WebGPU and WebAssembly: takes the GPU where there is one, and says why.
 * scripts/runtime.mjs writes it, without its types, into `text.ts`; that is why this folder stands alone.
 */
import { bytesOf, createReader, type Files, type Places, type Read } from "./files.ts";
import { createGpuNet, type GpuInput, type GpuNet } from "./gpu.ts";
import { type GpuPlan, gpuPlanFile, gpuWeightsFile, type Manifest, type Slot, type WasmTarget } from "./interface.ts";
import { bytesIn, checkNames, describe, fill, inputValues, outputArray, own, type Tensors, view } from "./tensors.ts";
import { loadWasm } from "./wasm.ts";

type LoadOptions = { readonly target?: "webgpu" | "wasm" | WasmTarget; readonly device?: GPUDevice; readonly files?: Files };
type Given = { [name: string]: Tensors[string] | GPUBuffer };
type RunOptions = { readonly into?: Tensors; readonly outputs?: readonly string[]; readonly keepOnGpu?: boolean };

export async function loadNet(manifest: Manifest, places: Places, { target, device, files = {} }: LoadOptions = {}) {
  if (target !== undefined && !["webgpu", "wasm", "relaxed", "simd"].includes(target))
    throw new Error(`there is no target "${target}": choose "webgpu", "wasm", "relaxed" or "simd"`);
  const read = createReader(manifest, places, files);
  const isAsked = target === "webgpu" || (target === undefined && device !== undefined);
  if (isAsked) return await loadGpu(manifest, read, device, device ? "its device was given" : "asked for");
  if (target !== undefined) return withoutGpu(await loadWasm(manifest, read, target === "wasm" ? undefined : target, files));
  let why = "the files of WebAssembly were given";
  if (!files["model.relaxed.wasm"] && !files["model.simd.wasm"]) {
    try {
      return await loadGpu(manifest, read, undefined, "there is a WebGPU adapter", true);
    } catch (error) {
      why = (error as Error).message;
    }
  }
  const net = await loadWasm(manifest, read, undefined, files);
  return withoutGpu({ ...net, reason: `${why}; ${net.reason}` });
}

type WasmNet = Awaited<ReturnType<typeof loadWasm>>;

/** The same interface as on a GPU. */
function withoutGpu(net: WasmNet) {
  return {
    ...net,
    device: undefined,
    lost: undefined,
    async run(given: Tensors, options: RunOptions = {}) {
      if (options.keepOnGpu) throw new Error("this net runs as WebAssembly, and keeps nothing on a GPU");
      return await net.run(given, options);
    },
    async reload() {},
  };
}

/** Rejects, with a reason, if there is no adapter, or the device will not do; a software adapter will not where `real` is wanted. */
async function loadGpu(manifest: Manifest, read: Read, given: GPUDevice | undefined, reason: string, real = false) {
  const { inputs, outputs } = manifest;
  let state = await start(read, given, real);
  let isDisposed = false;
  return {
    inputs: describe(inputs),
    outputs: describe(outputs),
    target: "webgpu" as const,
    reason,
    get device(): GPUDevice {
      return state.device;
    },
    /** Fulfilled, with the device's word for it, when the device is lost. */
    get lost(): Promise<string> {
      return state.lost;
    },
    async run(tensors: Given, { into = {}, outputs: names, keepOnGpu = false }: RunOptions = {}) {
      if (isDisposed) throw new Error("the net is disposed");
      const { net, lostBy } = state;
      if (lostBy() !== undefined) throw new Error(`the GPU device is lost (${lostBy()}): reload() makes a new one`);
      checkNames("input", Object.keys(Object(tensors)), inputs);
      checkNames("output", [...Object.keys(Object(into)), ...(names ?? [])], outputs);
      const values = inputs.map((slot) => bytesOrBuffer(tensors, slot));
      const results = outputs.map((slot) => outputArray(into, slot));
      const wanted = outputs.flatMap(({ name }, i) => (names === undefined || names.includes(name) ? [i] : []));
      const named = <T>(items: readonly T[]) => Object.fromEntries(wanted.map((i, k) => [(outputs[i] as Slot).name, items[k] as T]));
      try {
        if (keepOnGpu) return named(await net.runKept(values, wanted));
        const bytes = await net.run(values, wanted);
        return named(
          wanted.map((i, k) =>
            fill(outputs[i] as Slot, view(outputs[i] as Slot, (bytes[k] as Uint8Array<ArrayBuffer>).buffer, 0), results[i]),
          ),
        );
      } catch (cause) {
        // A device that is lost rejects what waits for it, sometimes before it says so.
        await Promise.resolve();
        if (lostBy() === undefined) throw cause;
        throw new Error(`the GPU device was lost during the run (${lostBy()}): reload() makes a new one`, { cause });
      }
    },
    /** Begins anew, on a device that is given or on a new one: after the old one was lost. */
    async reload(device?: GPUDevice): Promise<void> {
      if (isDisposed) throw new Error("the net is disposed");
      const next = await start(read, device, real);
      state.end();
      state = next;
    },
    dispose() {
      isDisposed = true;
      state.end();
    },
  };
}

async function start(read: Read, given: GPUDevice | undefined, real: boolean) {
  const files = Promise.all([read(gpuPlanFile), read(gpuWeightsFile)]);
  // What is wrong with the files is said where they are awaited.
  files.catch(() => {});
  const adapter = given ? undefined : await findAdapter(real);
  const [planBytes, weights] = await files;
  const plan: GpuPlan = JSON.parse(new TextDecoder().decode(planBytes));
  const device = given ?? (await openDevice(adapter as GPUAdapter, plan));
  if (given) allowed(plan, given.limits);
  let reason: string | undefined;
  const lost = device.lost.then(({ message }) => {
    reason = message || "for no reason given";
    return reason;
  });
  let net: GpuNet;
  try {
    net = await createGpuNet(device, plan, bytesOf(weights));
  } catch (error) {
    if (!given) device.destroy();
    throw error;
  }
  return {
    device,
    lost,
    net,
    lostBy: () => reason,
    end() {
      net.destroy();
      if (!given) device.destroy();
    },
  };
}

/** GPUBufferUsage.COPY_SRC, which Node has no global for. */
const copySource = 4;

async function findAdapter(real: boolean): Promise<GPUAdapter> {
  const { gpu } = (globalThis.navigator ?? {}) as { readonly gpu?: GPU };
  if (!gpu) throw new Error("there is no WebGPU here");
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) throw new Error("WebGPU has no adapter here");
  // On the processor, WebAssembly is faster.
  if (real && adapter.info.isFallbackAdapter) throw new Error("the only WebGPU adapter is a software one");
  return adapter;
}

function openDevice(adapter: GPUAdapter, plan: GpuPlan): Promise<GPUDevice> {
  const requiredFeatures: GPUFeatureName[] = adapter.features.has("subgroups") ? ["subgroups"] : [];
  return adapter.requestDevice({ requiredFeatures, requiredLimits: allowed(plan, adapter.limits) });
}

/** The limits that the plan needs, if they are there. */
function allowed({ limits }: GpuPlan, found: GPUSupportedLimits): GpuPlan["limits"] {
  for (const [name, wanted] of Object.entries(limits)) {
    const limit = found[name as "maxBufferSize"];
    if (!(limit >= wanted)) throw new Error(`the network needs ${name} of ${wanted}, and the device has ${limit}`);
  }
  return limits;
}

function bytesOrBuffer(tensors: Given, slot: Slot): GpuInput {
  const given = own(tensors, slot);
  if (typeof (given as GPUBuffer | undefined)?.mapAsync === "function") {
    const { size, usage } = given as GPUBuffer;
    const wanted = Math.ceil(bytesIn(slot) / 4) * 4;
    if (size >= wanted && usage & copySource) return given as GPUBuffer;
    throw new TypeError(`the input "${slot.name}" takes a buffer of at least ${wanted} bytes whose usage includes COPY_SRC`);
  }
  const values = inputValues(tensors as Tensors, slot);
  const memory = ArrayBuffer.isView(values) ? values : Int32Array.from(values);
  return new Uint8Array(memory.buffer as ArrayBuffer, memory.byteOffset, memory.byteLength);
}
