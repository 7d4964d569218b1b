/** Of a network for a GPU: each dispatch's WGSL, and its arenas over a run. */
import { printWgsl } from "../codegen/wgsl/print_wgsl.ts";
import { type ShaderProgram, weightsArena } from "../ir/shader.ts";
import type { Buffer } from "../ir/tensor.ts";
import type { MemoryBar, MemoryPlan } from "./report.ts";
import type { WatFunctions } from "./wat_functions.ts";

/** As for a module of WebAssembly: texts by name, and for each dispatch the one that it runs. */
export function wgslTexts({ shaders, dispatches }: ShaderProgram): WatFunctions {
  return {
    functions: new Map(shaders.map((shader) => [shader.name, printWgsl(shader)])),
    calls: dispatches.map(({ shader, subgroups }) => (subgroups === undefined ? [shader] : [shader, subgroups])),
  };
}

/** Arenas one after the other; parts of a whole are counted with it. */
export function arenaPlanOf(program: ShaderProgram, buffers: readonly Buffer[]): MemoryPlan {
  const wholes = new Map(buffers.flatMap(({ name, aliasOf }) => (aliasOf === undefined ? [] : [[name, aliasOf] as const])));
  const rootOf = (name: string): string => wholes.get(name) ?? name;
  const lives = new Map<string, { readonly first: number; readonly last: number }>();
  const use = (name: string, step: number) => lives.set(rootOf(name), { first: lives.get(rootOf(name))?.first ?? step, last: step });
  for (const input of program.inputs) use(input, -1);
  program.dispatches.forEach((dispatch, step) => {
    for (const name of dispatch.arguments) use(name, step);
  });
  for (const { value } of program.outputs) use(value, program.dispatches.length);
  const [inputs, outputs] = [new Set(program.inputs.map(rootOf)), new Set(program.outputs.map(({ value }) => rootOf(value)))];
  const roleOf = (name: string): MemoryBar["role"] => (outputs.has(name) ? "output" : inputs.has(name) ? "input" : "temporary");
  const begins = new Map<string, number>();
  let arenaBytes = 0;
  for (const { name, bytes } of program.arenas) {
    if (name === weightsArena) continue;
    begins.set(name, arenaBytes);
    arenaBytes += bytes;
  }
  const bars = program.placements.flatMap(({ buffer, arena, offset, bytes }): MemoryBar[] => {
    const [life, begin] = [lives.get(buffer), begins.get(arena)];
    if (!life || begin === undefined) return [];
    const parts = [...wholes].flatMap(([part, whole]) => (whole === buffer ? [part] : []));
    return [{ name: buffer, role: roleOf(buffer), parts, offset: begin + offset, bytes, ...life }];
  });
  const weightBytes = program.arenas.find(({ name }) => name === weightsArena)?.bytes ?? 0;
  return { steps: program.dispatches.map(({ nest }) => nest), bars, arenaBytes, weightBytes };
}
