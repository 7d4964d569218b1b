/** The arena over a run: which bytes are whose, from the first step that needs them to the last. */
import type { KernelProgram } from "../ir/kernel.ts";
import type { Buffer } from "../ir/tensor.ts";
import type { MemoryBar, MemoryPlan } from "./report.ts";

/** Of the buffers that `run` uses, weights left out; parts of a whole are counted with it. */
export function memoryPlanOf(program: KernelProgram, buffers: readonly Buffer[]): MemoryPlan {
  const calls = program.calls.filter(({ phase }) => phase === "run");
  const wholes = new Map(buffers.flatMap(({ name, aliasOf }) => (aliasOf === undefined ? [] : [[name, aliasOf] as const])));
  const rootOf = (name: string): string => wholes.get(name) ?? name;
  const lives = new Map<string, { first: number; last: number }>();
  const use = (name: string, step: number) => {
    const life = lives.get(rootOf(name));
    if (!life) lives.set(rootOf(name), { first: step, last: step });
    else life.last = step;
  };
  for (const input of program.inputs) use(input, -1);
  calls.forEach((call, step) => {
    for (const name of call.arguments) use(name, step);
  });
  for (const { value } of program.outputs) use(value, calls.length);
  const inputs = new Set(program.inputs.map(rootOf));
  const outputs = new Set(program.outputs.map(({ value }) => rootOf(value)));
  const roleOf = (name: string): MemoryBar["role"] => (outputs.has(name) ? "output" : inputs.has(name) ? "input" : "temporary");
  const bars = program.placements.flatMap(({ buffer, offset, bytes }): MemoryBar[] => {
    const life = lives.get(buffer);
    if (!life || offset < program.weightBytes || offset + bytes > program.runBytes) return [];
    const parts = [...wholes].flatMap(([part, whole]) => (whole === buffer ? [part] : []));
    return [{ name: buffer, role: roleOf(buffer), parts, offset: offset - program.weightBytes, bytes, ...life }];
  });
  const { weightBytes, runBytes } = program;
  return { steps: calls.map(({ nest }) => nest), bars, arenaBytes: runBytes - weightBytes, weightBytes };
}
