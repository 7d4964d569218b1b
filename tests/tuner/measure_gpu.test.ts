/** Measuring shaders: in a page of Chromium on its own adapter, and what becomes of candidates that are wrong, refused or never end. */
import { expect, test } from "vitest";
import { gpuFlags, startChromium } from "../../src/cli/measurers/chromium.ts";
import { gpuWorker } from "../../src/cli/measurers/page.ts";
import { defaultGpuLimits } from "../../src/ir/gpu_limits.ts";
import type { GpuAnswer, GpuRequest } from "../../src/tuner/gpu_agent.ts";
import { EngineHung, type GpuBench } from "../../src/tuner/gpu_bench.ts";
import { type GpuChannel, openChannel } from "../../src/tuner/gpu_channel.ts";
import { createGpuMeasurer } from "../../src/tuner/gpu_measurer.ts";
import { enumerate, spaceOf } from "../../src/tuner/space.ts";
import { type Workload, workloadsOf } from "../../src/tuner/workload.ts";
import { chromium, compileText, hasBrowser } from "../support.ts";

const compiled = compileText("model m(x: f32[1, 8, 8, 8]) -> y: f32[1, 8, 8, 8] { conv2d(x, @k: [1, 1, 8, 8] = he_normal) }", "m.qn", {
  target: "webgpu",
});
const [workload] = workloadsOf(compiled).filter(({ nest }) => nest.name === "y") as [Workload];
const schedules = [...enumerate(spaceOf(workload, compiled.module.sketches))].flatMap((made) =>
  made.kind === "scheduled" ? [made.scheduled] : [],
);
const environment = { target: "webgpu", engine: "chromium", version: "1", device: "test", relaxed: false, compiler: "quern test" };
const options = { environment, seed: 0, now: () => performance.now(), timeout: 20 };
const effort = { rounds: 2, best: Infinity };

// A browser under load may come up without its adapter.
test("candidates are checked and timed in a page", { retry: 2 }, async ({ skip }) => {
  if (!hasBrowser()) skip();
  let change = (request: GpuRequest): GpuRequest => request;
  const page = await startChromium<GpuRequest, GpuAnswer>(chromium, gpuWorker, gpuFlags);
  const channel: GpuChannel = { request: (request, seconds) => page.request(change(request), seconds), close: page.close };
  const { bench, version, adapter } = await openChannel(channel, { seconds: 60, patience: 60, limits: defaultGpuLimits });
  const measurer = createGpuMeasurer(bench, options);
  try {
    expect([version, adapter.name]).toEqual([expect.stringMatching(/^\d+\.\d+/), expect.stringMatching(/./)]);
    expect(measurer.peak).toBeGreaterThan(1e8);
    expect(schedules.length).toBeGreaterThan(2);
    const verdicts = await measurer.measure(workload, schedules.slice(0, 3), effort);
    expect(verdicts.map(({ kind }) => kind)).toEqual(["timed", "timed", "timed"]);
    change = withShaders((text) => text.replace(/acc_0 = (?=.* \+ )/, "acc_0 = 2 * "));
    expect(await measurer.measure(workload, schedules.slice(0, 1), effort)).toMatchObject([{ kind: "wrong" }]);
    change = withShaders((text) => `${text}no shader`);
    expect(await measurer.measure(workload, schedules.slice(0, 1), effort)).toMatchObject([{ kind: "failed" }]);
    change = (request) => request;
    expect(await measurer.measure(workload, schedules.slice(0, 1), effort)).toMatchObject([{ kind: "timed" }]);
  } finally {
    await measurer.close();
  }
});

function withShaders(change: (text: string) => string): (request: GpuRequest) => GpuRequest {
  return (request) =>
    request.kind === "load" ? { ...request, plan: { ...request.plan, shaders: request.plan.shaders.map(change) } } : request;
}

test("where the engine hangs, the candidate to blame is found, and the others are measured", async () => {
  let loads = 0;
  let bad = "";
  const bench: GpuBench = {
    peak: 1e9,
    sample: 1,
    async load({ shaders }) {
      if (++loads === 2) bad = shaders.join();
      if (shaders.join() === bad) throw new EngineHung("no answer");
      return {
        write: async () => {},
        time: async (runs) => runs,
        read: async ([, , bytes]) => new Uint8Array(bytes).fill(0),
        destroy: async () => {},
      };
    },
    close: async () => {},
  };
  const verdicts = await createGpuMeasurer(bench, options).measure(workload, schedules.slice(0, 3), effort);
  expect(verdicts.map(({ kind }) => kind)).toEqual(["wrong", "hung", "wrong"]);
});
