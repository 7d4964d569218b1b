/** Shaders in a page: in headless Chromium, or in whatever browser opens the page. */
import { defaultGpuLimits, type GpuLimits } from "../../ir/gpu_limits.ts";
import type { GpuAnswer, GpuRequest } from "../../tuner/gpu_agent.ts";
import { type GpuChannel, openChannel } from "../../tuner/gpu_channel.ts";
import { createGpuMeasurer } from "../../tuner/gpu_measurer.ts";
import type { Measurer } from "../../tuner/measurer.ts";
import type { Terminal } from "../terminal.ts";
import { gpuFlags, startChromium } from "./chromium.ts";
import { askAgain, askToOpen, gpuWorker, patience, servePage } from "./page.ts";

export type GpuPageOptions = {
  readonly chromium: string;
  readonly listen?: number;
  readonly gpuLimit?: GpuLimits;
  readonly compiler: string;
  /** Seconds. */
  readonly timeout: number;
};

export async function startGpuPage(options: GpuPageOptions, terminal: Terminal): Promise<Measurer> {
  const { chromium, listen, gpuLimit: limits = defaultGpuLimits, compiler, timeout } = options;
  const channel =
    listen === undefined ? await startChromium<GpuRequest, GpuAnswer>(chromium, gpuWorker, gpuFlags) : await serve(listen, terminal);
  const times = { seconds: timeout, patience: listen === undefined ? 60 : patience };
  const { bench, version, adapter } = await openChannel(channel, { ...times, limits });
  if (adapter.isSoftware) terminal.err(`note: ${adapter.name} is software: what is found for it says nothing of a GPU`);
  const environment = { target: "webgpu", engine: "chromium", version, device: adapter.name, relaxed: false, compiler };
  return createGpuMeasurer(bench, { environment, seed: 0, now: () => performance.now(), timeout });
}

async function serve(port: number, terminal: Terminal): Promise<GpuChannel> {
  const page = await servePage<GpuRequest, GpuAnswer>(gpuWorker, port, "0.0.0.0", () => terminal.err(askAgain));
  terminal.err(askToOpen(page.url));
  return page;
}
