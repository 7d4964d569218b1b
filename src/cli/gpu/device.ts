/** A WebGPU device in this Node: Dawn, from the package `webgpu`, which is the user's to install; what is missing is said. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { aboveDefault, type GpuLimits } from "../../ir/gpu_limits.ts";
import { type AdapterWords, describeAdapter } from "../../pipeline/gpu_adapter.ts";
import { errorDiagnostic } from "../../support/diagnostic.ts";
import { printFailure, stop } from "../program.ts";
import { report, type Terminal } from "../terminal.ts";

export type Gpu = AdapterWords & {
  readonly device: GPUDevice;
  /** Of the package. */
  readonly version: string;
};

type Options = { readonly gpuLimit?: GpuLimits; readonly json?: boolean };

/** Opens a device, runs `use`, waits for what the device still does, and lets it go. Whatever keeps it from that ends the command. */
export async function withGpu<T>(terminal: Terminal, options: Options, use: (gpu: Gpu) => Promise<T>): Promise<T> {
  const { gpu, close, problem } = await openGpu(terminal, options);
  try {
    const result = await use(gpu);
    await gpu.device.queue.onSubmittedWorkDone();
    const said = problem();
    return said === undefined ? result : fail("gpu-error", `the device reports: ${said}`, mistake, terminal, options);
  } catch (error) {
    const said = problem();
    if (said === undefined) throw error;
    return fail("gpu-error", `the device fails: ${said}`, "try it again, or with another driver", terminal, options);
  } finally {
    await close();
  }
}

const mistake = "this is a mistake in Quern: please report it, with the name of the adapter";

export type OpenGpu = {
  readonly gpu: Gpu;
  close(): Promise<void> /** What the device has said that nobody asked for. */;
  problem(): string | undefined;
};

export async function openGpu(terminal: Terminal, options: Options): Promise<OpenGpu> {
  const { create, version } = await loadDawn(terminal, options);
  // Timestamps are rounded against eavesdropping pages; a profile wants them as they are.
  let instance: GPU | undefined = create(["disable-dawn-features=timestamp_quantization"]);
  const adapter = await instance.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) return fail("no-adapter", "Dawn finds no WebGPU adapter on this machine", driverHelp, terminal, options);
  const requiredLimits = aboveDefault(options.gpuLimit ?? {});
  const offered = new Map(Object.entries(offeredLimits(adapter)));
  const short = Object.entries(requiredLimits).find(([limit, value]) => value > (offered.get(limit) ?? 0));
  if (short)
    return fail(
      "gpu-limit",
      `the adapter offers a ${short[0]} of ${offered.get(short[0])}, and --gpu-limit asks for ${short[1]}`,
      "ask for less, or take another adapter",
      terminal,
      options,
    );
  const wanted: GPUFeatureName[] = ["timestamp-query", "subgroups"];
  const device = await adapter.requestDevice({
    requiredFeatures: wanted.filter((feature) => adapter.features.has(feature)),
    requiredLimits,
  });
  let said: string | undefined;
  let isClosing = false;
  device.onuncapturederror = ({ error }) => {
    said ??= error.message;
  };
  void device.lost.then(({ message }) => {
    if (!isClosing) said ??= `it is lost: ${message || "for no reason given"}`;
  });
  return {
    gpu: { device, version, ...describeAdapter(adapter.info) },
    problem: () => said,
    async close() {
      isClosing = true;
      // A software driver does not bear being left with work in flight.
      await device.queue.onSubmittedWorkDone().catch(() => {});
      device.destroy();
      // Its devices live as long as it is in scope.
      instance = undefined;
    },
  };
}

/** Those that Quern knows of, which an adapter tells one by one. */
function offeredLimits({ limits }: GPUAdapter): GpuLimits {
  return {
    maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
    maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX,
    maxComputeWorkgroupSizeY: limits.maxComputeWorkgroupSizeY,
    maxComputeWorkgroupSizeZ: limits.maxComputeWorkgroupSizeZ,
    maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
    maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
    maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
    maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
    maxBufferSize: limits.maxBufferSize,
    minStorageBufferOffsetAlignment: limits.minStorageBufferOffsetAlignment,
  };
}

const driverHelp =
  "install the driver of the GPU; on Linux that is a Vulkan driver with its loader (Debian: libvulkan1 and mesa-vulkan-drivers, or the vendor's), and VK_ICD_FILENAMES names a driver's file where the loader does not find it";

/** Beside Quern, or else where the command is run. */
async function loadDawn(
  terminal: Terminal,
  options: Options,
): Promise<{ readonly create: typeof import("webgpu").create; readonly version: string }> {
  const places = [import.meta.url, join(process.cwd(), "package.json")];
  const found = places.flatMap((place) => {
    try {
      return [createRequire(place).resolve("webgpu")];
    } catch {
      return [];
    }
  })[0];
  if (found === undefined)
    return fail(
      "no-dawn",
      "--target webgpu runs in Dawn for Node, and the package webgpu is not installed",
      "npm install webgpu",
      terminal,
      options,
    );
  try {
    const dawn: typeof import("webgpu") = await import(pathToFileURL(found).href);
    const { version } = JSON.parse(readFileSync(join(found, "../package.json"), "utf8"));
    return { create: dawn.create, version };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return fail(
      "no-dawn",
      `the package webgpu does not load: ${reason}`,
      "an older Linux needs another version of it: npm install webgpu@0.6.2",
      terminal,
      options,
    );
  }
}

function fail(code: string, message: string, help: string, terminal: Terminal, options: Options): never {
  const diagnostic = errorDiagnostic(code, message, { help });
  if (options.json) printFailure(terminal, [diagnostic]);
  else report(terminal, [diagnostic]);
  return stop();
}
