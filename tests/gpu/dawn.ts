/** Drivers for WebGPU on this machine, each in a process of its own, with a hard limit of time on everything that it is asked. */
import { type ChildProcess, fork } from "node:child_process";
import { existsSync } from "node:fs";
import type { ShaderProgram } from "../../src/ir/shader.ts";
import type { Tensors, Weights } from "../../src/pipeline/execute.ts";
import { decodeOutputs, encodeInputs, gpuPlan, gpuWeights } from "../../src/pipeline/gpu.ts";
import type { GpuPlan } from "../../src/runtime/interface.ts";
import { full, root } from "../support.ts";

/** Those that `scripts/setup_vulkan.mjs` installs; or, with QUERN_TEST_GPU, whatever the machine itself has. */
export const drivers = process.env.QUERN_TEST_GPU ? (["machine"] as const) : (["swiftshader", "lavapipe"] as const);
/** `null` compiles and validates, and runs nothing. */
export type DriverName = (typeof drivers)[number] | "null";

const files = { swiftshader: "swiftshader_icd.json", lavapipe: "lvp_icd.json", machine: undefined, null: undefined } as const;

export type Job = { readonly limits: { readonly [limit: string]: number } & Record<string, number> } & (
  | {
      readonly kind: "run";
      readonly plan: GpuPlan;
      readonly weights: Uint8Array<ArrayBuffer>;
      /** Of each run. */
      readonly inputs: readonly (readonly Uint8Array<ArrayBuffer>[])[];
    }
  | { readonly kind: "validate"; readonly shaders: readonly string[] }
);

/** The outputs of each run. */
export type Answer = { readonly results: readonly (readonly Uint8Array[])[]; readonly problems: string[] };

export type Driver = {
  readonly name: DriverName;
  /** Outputs of a program; throws with all that the device said, warnings included. */
  run(program: ShaderProgram, weights: Weights, inputs: Tensors): Promise<Map<string, Float64Array>>;
  /** Those of several runs, one after the other: the program is brought to the device once. */
  runEach(program: ShaderProgram, weights: Weights, inputs: readonly Tensors[]): Promise<readonly Map<string, Float64Array>[]>;
  /** What the device says of shaders and their pipelines under the default limits, or those given. */
  validate(shaders: readonly string[], limits?: { readonly [limit: string]: number }): Promise<readonly string[]>;
  close(): Promise<void>;
};

/** Whether a driver can be started here; a full run must have it. */
export function hasDriver(name: DriverName): boolean {
  const file = files[name];
  const path = file && icdOf(file);
  if (path === undefined || existsSync(path)) return true;
  if (full) throw new Error(`a full test run needs ${path}: run node scripts/setup_vulkan.mjs`);
  console.log(`SKIPPED: no ${name} at ${path}; node scripts/setup_vulkan.mjs installs it`);
  return false;
}

function icdOf(file: string): string {
  return `${process.env.QUERN_VULKAN ?? `${root}.cache/vulkan`}/${file}`;
}

/** What a process is started with whose Dawn shall have this driver. */
export function environmentOf(name: DriverName): { readonly [variable: string]: string } {
  const file = files[name];
  return file ? { VK_ICD_FILENAMES: icdOf(file), XDG_RUNTIME_DIR: "/tmp" } : {};
}

/** `seconds` is the most that one job may take. */
export function openDriver(name: DriverName, seconds = 120): Driver {
  let child: ChildProcess | undefined;
  let last: Promise<unknown> = Promise.resolve();

  return {
    name,
    async run(program, weights, inputs) {
      const [outputs] = await runEach(program, weights, [inputs]);
      return outputs as Map<string, Float64Array>;
    },
    runEach,
    validate: async (shaders, limits = {}) => (await ask({ kind: "validate", limits: { ...limits }, shaders })).problems,
    async close() {
      await last.catch(() => undefined);
      const ending = child;
      if (!ending || ending.exitCode !== null) return;
      const ended = new Promise<number | null>((done) => ending.once("exit", (code) => done(code)));
      const timer = setTimeout(() => ending.kill("SIGKILL"), 20_000);
      ending.send("end");
      const code = await ended;
      clearTimeout(timer);
      if (code !== 0) throw new Error(`${name} left with ${code ?? "a signal"}`);
    },
  };

  async function runEach(program: ShaderProgram, weights: Weights, inputs: readonly Tensors[]) {
    const plan = gpuPlan(program);
    const job: Job = {
      kind: "run",
      limits: { ...plan.limits },
      plan,
      weights: gpuWeights(program, weights),
      inputs: inputs.map((given) => encodeInputs(program, given)),
    };
    const { results, problems } = await ask(job);
    if (problems.length > 0) throw new Error(`${name}: ${problems.join("\n")}`);
    return results.map((bytes) => decodeOutputs(program, bytes));
  }

  function ask(job: Job): Promise<Answer> {
    const next = last.then(() => send(job));
    last = next.catch(() => undefined);
    return next;
  }

  async function send(job: Job): Promise<Answer> {
    child ??= await start();
    const asked = child;
    return new Promise<Answer>((done, fail) => {
      const end = (why: string) => {
        clearTimeout(timer);
        asked.off("message", answered);
        child = undefined;
        asked.kill("SIGKILL");
        fail(new Error(`${name}: ${why}`));
      };
      const left = (code: number | null, signal: string | null) => end(`the driver's process ended (${code ?? signal})`);
      const answered = (answer: Answer) => {
        clearTimeout(timer);
        asked.off("exit", left);
        done(answer);
      };
      const timer = setTimeout(() => {
        asked.off("exit", left);
        end(`no answer in ${seconds} s`);
      }, seconds * 1000);
      asked.once("exit", left);
      asked.once("message", answered);
      asked.send(job);
    });
  }

  function start(): Promise<ChildProcess> {
    const made = fork(`${root}tests/gpu/dawn_worker.ts`, [name], {
      execArgv: ["--import", "tsx"],
      env: { ...process.env, ...environmentOf(name) },
      serialization: "advanced",
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    return new Promise((done, fail) => {
      made.once("message", () => {
        made.off("exit", ended);
        // It does not keep whoever asked from ending: a job's own timer does so while there is one.
        made.unref();
        made.channel?.unref();
        done(made);
      });
      const ended = (code: number | null) => fail(new Error(`${name} does not start (${code})`));
      made.once("exit", ended);
    });
  }
}
