/** The agent in a Node process of its own: this Node, or another one. What hangs is killed, and a new process takes its place. */
import { type ChildProcess, spawn } from "node:child_process";
import { cpus } from "node:os";
import type { AgentAnswer } from "../../tuner/agent.ts";
import { agentText } from "../../tuner/agent_text.ts";
import type { Channel } from "../../tuner/engine_measurer.ts";
import { optimizeReferences } from "./references.ts";

const shell = `
const agent = createAgent(process.versions.node);
process.on("message", (request) => {
  try {
    process.send({ value: agent.handle(request) });
  } catch (error) {
    process.send({ error: String(error?.message ?? error) });
  }
});
process.on("disconnect", () => process.exit());
// An interrupt of the terminal is for the tuner, which ends this process when it is done.
process.on("SIGINT", () => {});
`;

/** Kernels go through the optimising compiler at once: what a page runs after a moment is what is timed. */
const flags = ["--no-liftoff", "--no-wasm-lazy-compilation", "--input-type=module"];

/** Milliseconds of a sample, and of runs before it: there is no other tier to wait for. */
export const nodeEffort = { sample: 1, warm: 2 };

export function startNode(execPath: string): Channel {
  optimizeReferences();
  let child: ChildProcess | undefined;
  let isClosed = false;
  const start = (): ChildProcess => {
    child = spawn(execPath, [...flags, "-e", `${agentText}${shell}`], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      serialization: "advanced",
    });
    return child;
  };
  const kill = (): void => {
    child?.removeAllListeners();
    child?.kill("SIGKILL");
    child = undefined;
  };
  return {
    request: (request, seconds) =>
      new Promise<AgentAnswer | undefined>((resolve, reject) => {
        if (isClosed) return resolve(undefined);
        const process = child ?? start();
        const end = (then: () => void) => {
          clearTimeout(timer);
          process.removeAllListeners();
          then();
        };
        const fail = () =>
          end(() => {
            kill();
            resolve(undefined);
          });
        const timer = setTimeout(fail, seconds * 1000);
        process.once("message", (answer: { readonly value?: AgentAnswer; readonly error?: string }) =>
          end(() => (answer.error === undefined ? resolve(answer.value) : reject(new Error(answer.error)))),
        );
        process.once("exit", fail);
        process.once("error", (error) => end(() => reject(error)));
        process.send(request, (error) => {
          if (error) fail();
        });
      }),
    async close() {
      isClosed = true;
      kill();
    },
  };
}

/** The processor's model, with its words. */
export function deviceName(): string {
  return (cpus()[0]?.model ?? process.arch).replace(/\s+/g, " ").trim();
}
