/** The measurer that a command asks for. */
import { existsSync } from "node:fs";
import type { GpuLimits } from "../../ir/gpu_limits.ts";
import type { Target } from "../../pipeline/passes.ts";
import { errorDiagnostic } from "../../support/diagnostic.ts";
import type { AgentAnswer, AgentRequest } from "../../tuner/agent.ts";
import { createEngineMeasurer } from "../../tuner/engine_measurer.ts";
import type { Measurer } from "../../tuner/measurer.ts";
import { createStandIn } from "../../tuner/stand_in.ts";
import type { Engine } from "../engines.ts";
import { stop } from "../program.ts";
import { report, type Terminal } from "../terminal.ts";
import { packageVersion } from "../version.ts";
import { chromiumEffort, startChromium, wasmFlags } from "./chromium.ts";
import { deviceName, nodeEffort, startNode } from "./node.ts";
import { askAgain, askToOpen, patience, servePage, wasmWorker } from "./page.ts";

export type MeasurerOptions = {
  readonly engine: Engine;
  readonly target?: Target;
  readonly json?: boolean;
  readonly node?: string;
  readonly chromium: string;
  readonly listen?: number;
  readonly gpuLimit?: GpuLimits;
};

/** Seconds after which a batch counts as hung. */
const timeout = 20;

export async function startMeasurer(options: MeasurerOptions, terminal: Terminal): Promise<Measurer> {
  const { engine, node, chromium, listen } = options;
  const compiler = `quern ${packageVersion()}`;
  const environment = { target: "wasm", engine, device: deviceName(), compiler };
  const common = { environment, timeout, seed: 0, now: () => performance.now() };
  const missing = (path: string, option: string): never => {
    report(terminal, [errorDiagnostic("engine", `there is no ${engine} at ${path}`, { help: `say where it is with ${option}` })]);
    return stop();
  };
  switch (engine) {
    case "stand-in": {
      // A test that interrupts a run needs time to do so.
      const ms = Number(process.env.QUERN_STAND_IN_PAUSE ?? 0);
      return createStandIn(compiler, () => new Promise((resolve) => setTimeout(resolve, ms)));
    }
    case "dawn": {
      const { startDawn } = await import("./dawn.ts");
      return await startDawn(compiler, terminal, options);
    }
    case "node": {
      const path = node ?? process.execPath;
      if (!existsSync(path)) return missing(path, "--node");
      return await createEngineMeasurer(startNode(path), { ...common, ...nodeEffort });
    }
    case "chromium": {
      if (listen === undefined && !existsSync(chromium)) return missing(chromium, "--chromium");
      if (options.target === "webgpu") {
        const { startGpuPage } = await import("./gpu_page.ts");
        return await startGpuPage({ ...options, compiler, timeout }, terminal);
      }
      if (listen !== undefined) {
        const page = await servePage<AgentRequest, AgentAnswer>(wasmWorker, listen, "0.0.0.0", () => terminal.err(askAgain));
        terminal.err(askToOpen(page.url));
        return await createEngineMeasurer(page, { ...common, sample: 4, warm: 60, patience });
      }
      return await createEngineMeasurer(await startChromium<AgentRequest, AgentAnswer>(chromium, wasmWorker, wasmFlags), {
        ...common,
        ...chromiumEffort,
      });
    }
  }
}
