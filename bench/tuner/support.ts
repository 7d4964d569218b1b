/** Tuning runs for the figures of this folder: an example, an engine, a budget; the result, and the log's records. */

import { chromiumEffort, startChromium, wasmFlags } from "../../src/cli/measurers/chromium.ts";
import { deviceName, nodeEffort, startNode } from "../../src/cli/measurers/node.ts";
import { wasmWorker } from "../../src/cli/measurers/page.ts";
import type { Compiled } from "../../src/compile.ts";
import type { AgentAnswer, AgentRequest } from "../../src/tuner/agent.ts";
import { type Channel, createEngineMeasurer } from "../../src/tuner/engine_measurer.ts";
import type { LogRecord } from "../../src/tuner/log.ts";
import type { Measurer } from "../../src/tuner/measurer.ts";
import { type Network, networkOf } from "../../src/tuner/plans.ts";
import { type Tuned, type TuneOptions, tune } from "../../src/tuner/tune.ts";

/** `busy` is for how many seconds the engine has had work. */
export type BenchMeasurer = Measurer & { readonly busy: () => number };

/** `node`, `chromium`, or the path of another Node. */
export async function measurerFor(engine: string): Promise<BenchMeasurer> {
  const isChromium = engine === "chromium";
  const environment = { target: "wasm", engine: isChromium ? engine : "node", device: deviceName(), compiler: "quern bench" };
  const channel: Channel = isChromium
    ? await startChromium<AgentRequest, AgentAnswer>("/usr/bin/chromium", wasmWorker, wasmFlags)
    : startNode(engine === "node" ? process.execPath : engine);
  let busy = 0;
  const timed: Channel = {
    close: channel.close,
    async request(request, seconds) {
      const start = performance.now();
      const answer = await channel.request(request, seconds);
      busy += (performance.now() - start) / 1000;
      return answer;
    },
  };
  const effort = isChromium ? chromiumEffort : nodeEffort;
  const measurer = await createEngineMeasurer(timed, { environment, timeout: 20, seed: 0, now: () => performance.now(), ...effort });
  return { ...measurer, busy: () => busy };
}

export type BenchRun = { readonly tuned: Tuned; readonly records: readonly LogRecord[] };

export async function runTuning(
  compiled: Compiled,
  measurer: Measurer,
  options: Pick<TuneOptions, "budget"> & Partial<TuneOptions>,
  network: Network = networkOf(compiled),
): Promise<BenchRun> {
  const records: LogRecord[] = [];
  const result = await tune(network, compiled.module.sketches, measurer, {
    model: compiled.name,
    seed: 0,
    strategy: "evolutionary",
    earlier: [],
    resumed: [],
    append: (record) => void records.push(record),
    progress: () => {},
    isCancelled: () => false,
    ...options,
  });
  if (result.kind === "mismatch") throw new Error(`a wrong candidate of ${result.workload.nest.name}: ${JSON.stringify(result.verdict)}`);
  return { tuned: result, records };
}
