/** Shaders in a page: in headless Chromium, or in whatever browser opens the page. */
import type { GpuAnswer, GpuRequest } from "../../tuner/gpu_agent.ts";
import { openChannel } from "../../tuner/gpu_channel.ts";
import { createGpuMeasurer } from "../../tuner/gpu_measurer.ts";
import type { Measurer } from "../../tuner/measurer.ts";
import type { Terminal } from "../terminal.ts";
import { gpuFlags, startChromium } from "./chromium.ts";
import { askAgain, askToOpen, gpuWorker, patience, servePage } from "./page.ts";

export type GpuPageOptions = { readonly chromium: string; readonly compiler: string; readonly timeout: number; readonly listen?: number };

export async function startGpuPage({ chromium, compiler, timeout, listen }: GpuPageOptions, terminal: Terminal): Promise<Measurer> {
  const channel =
    listen === undefined
      ? await startChromium<GpuRequest, GpuAnswer>(chromium, gpuWorker, gpuFlags)
      : await servePage<GpuRequest, GpuAnswer>(gpuWorker, listen, "0.0.0.0", () => terminal.err(askAgain));
  if ("url" in channel && typeof channel.url === "string") terminal.err(askToOpen(channel.url));
  const { bench, version, adapter, isSoftware } = await openChannel(channel, timeout, listen === undefined ? 60 : patience);
  if (isSoftware) terminal.err(`note: ${adapter} is software: what is found for it says nothing of a GPU`);
  const environment = { target: "webgpu", engine: "chromium", version, device: adapter, relaxed: false, compiler };
  return createGpuMeasurer(bench, { environment, seed: 0, now: () => performance.now(), timeout });
}
