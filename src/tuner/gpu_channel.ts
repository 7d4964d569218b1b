/** A bench in a page, over the channel to it. */
import type { GpuLimits } from "../ir/gpu_limits.ts";
import type { AdapterWords } from "../pipeline/gpu_adapter.ts";
import { invariant } from "../support/invariant.ts";
import type { GpuAnswer, GpuRequest } from "./gpu_agent.ts";
import { DeviceLost, EngineHung, type GpuBench } from "./gpu_bench.ts";

/** The way to an agent. */
export type GpuChannel = {
  /** The answer; or nothing where none comes in time. It is running anew by then. */
  request(request: GpuRequest, seconds: number): Promise<GpuAnswer | undefined>;
  close(): Promise<void>;
};

export type OpenedBench = { readonly bench: GpuBench; readonly version: string; readonly adapter: AdapterWords };

export type ChannelOptions = {
  /** How long anything may take, in seconds, but the first answer, for which there is `patience`. */
  readonly seconds: number;
  readonly patience: number;
  /** What the device must offer. */
  readonly limits: GpuLimits;
};

export async function openChannel(channel: GpuChannel, { seconds, patience, limits }: ChannelOptions): Promise<OpenedBench> {
  const open = async () => {
    const answer = await channel.request({ kind: "open", limits }, patience);
    invariant(answer?.kind === "opened", "the page does not answer");
    return answer;
  };
  const { peak, sample, version, adapter } = await open();
  const ask = async (request: GpuRequest): Promise<GpuAnswer> => {
    const answer = await channel.request(request, seconds);
    if (answer) return answer;
    await open();
    throw new EngineHung(`no answer in ${seconds} s`);
  };
  const bench: GpuBench = {
    peak,
    sample,
    async load(plan, weights) {
      const loaded = await ask({ kind: "load", plan, weights });
      if (loaded.kind === "failed") throw loaded.isLost ? new DeviceLost(loaded.message) : new Error(loaded.message);
      invariant(loaded.kind === "loaded", "a program is loaded");
      const { program } = loaded;
      return {
        async write(to, bytes) {
          await ask({ kind: "write", program, to, bytes });
        },
        async time(runs) {
          const answer = await ask({ kind: "time", program, runs });
          invariant(answer.kind === "timed", "a run is timed");
          return answer.ms;
        },
        async read(from) {
          const answer = await ask({ kind: "read", program, from });
          invariant(answer.kind === "read", "memory is read");
          return Uint8Array.from(atob(answer.bytes), (letter) => letter.charCodeAt(0));
        },
        async destroy() {
          await ask({ kind: "destroy", program });
        },
      };
    },
    close: () => channel.close(),
  };
  return { bench, version, adapter };
}
