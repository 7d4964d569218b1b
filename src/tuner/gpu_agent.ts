/**
 * The part of a GPU's measurer that runs in a page's worker: a bench, asked by messages. scripts/agent.mjs writes it, with what it imports, to
 * gpu_agent_text.ts, for its text is sent to the page.
 */
import { aboveDefault, type GpuLimits } from "../ir/gpu_limits.ts";
import { type AdapterWords, describeAdapter } from "../pipeline/gpu_adapter.ts";
import type { GpuPlan, Stretch } from "../runtime/interface.ts";
import { createGpuBench, DeviceLost, type GpuBench, type GpuProgram } from "./gpu_bench.ts";

export type GpuRequest =
  | { readonly kind: "open"; readonly limits: GpuLimits }
  | { readonly kind: "load"; readonly plan: GpuPlan; readonly weights: Uint8Array }
  | { readonly kind: "write"; readonly program: number; readonly to: Stretch; readonly bytes: Uint8Array }
  | { readonly kind: "time"; readonly program: number; readonly runs: number }
  | { readonly kind: "read"; readonly program: number; readonly from: Stretch }
  | { readonly kind: "destroy"; readonly program: number };

export type GpuAnswer =
  | {
      readonly kind: "opened";
      readonly version: string;
      readonly adapter: AdapterWords;
      readonly peak: number;
      readonly sample: number;
    }
  | { readonly kind: "loaded"; readonly program: number }
  | { readonly kind: "timed"; readonly ms: number }
  /** In base64: answers are JSON. */
  | { readonly kind: "read"; readonly bytes: string }
  | { readonly kind: "done" }
  /** The device refuses a program; or it is lost, and with it everything. */
  | { readonly kind: "failed"; readonly message: string; readonly isLost: boolean };

export type GpuAgent = { handle(request: GpuRequest): Promise<GpuAnswer> };

/** `version` is what the engine says of itself. */
export function createGpuAgent(version: string): GpuAgent {
  let bench: GpuBench | undefined;
  const programs = new Map<number, GpuProgram>();
  let next = 0;
  const programOf = (number: number): GpuProgram => {
    const program = programs.get(number);
    if (!program) throw new Error(`there is no program ${number}`);
    return program;
  };
  return {
    async handle(request) {
      switch (request.kind) {
        case "open": {
          const { device, ...adapter } = await openDevice(request.limits);
          bench = await createGpuBench(
            device,
            () => performance.now(),
            async () => device.destroy(),
          );
          return { kind: "opened", version, adapter, peak: bench.peak, sample: bench.sample };
        }
        case "load":
          try {
            if (!bench) throw new Error("there is no device yet");
            programs.set(next, await bench.load(request.plan, request.weights));
            return { kind: "loaded", program: next++ };
          } catch (error) {
            const message = error instanceof Error ? error.message : String(error);
            return { kind: "failed", message, isLost: error instanceof DeviceLost };
          }
        case "write":
          await programOf(request.program).write(request.to, request.bytes);
          return { kind: "done" };
        case "time":
          return { kind: "timed", ms: await programOf(request.program).time(request.runs) };
        case "read":
          return { kind: "read", bytes: base64Of(await programOf(request.program).read(request.from)) };
        case "destroy":
          await programs.get(request.program)?.destroy();
          programs.delete(request.program);
          return { kind: "done" };
      }
    },
  };
}

const attempts = 10;

async function openDevice(limits: GpuLimits): Promise<AdapterWords & { readonly device: GPUDevice }> {
  let adapter: GPUAdapter | null | undefined;
  // A browser that has just started may not have its GPU's process yet.
  for (let i = 0; i < attempts && !adapter; i++) {
    if (i > 0) await new Promise((resolve) => setTimeout(resolve, 1000));
    adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
  }
  if (!adapter) throw new Error("this browser has no WebGPU adapter");
  const wanted: GPUFeatureName[] = ["timestamp-query", "subgroups"];
  const requiredFeatures = wanted.filter((feature) => adapter.features.has(feature));
  const device = await adapter.requestDevice({ requiredFeatures, requiredLimits: aboveDefault(limits) });
  return { device, ...describeAdapter(adapter.info) };
}

function base64Of(bytes: Uint8Array): string {
  let text = "";
  // A call takes only so many arguments.
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}
