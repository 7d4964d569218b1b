/**
 * A workload is what one nest computes, whatever its tensors are called: layers whose unscheduled nests are equal are tuned once.
 * Its key is a hash of the canonical nest and the target, so that it is the same in every network and every run.
 */
import type { LoopProgram, Nest } from "../ir/loop.ts";
import type { Buffer, Group } from "../ir/tensor.ts";
import { tensorsReadBy } from "../passes/tensor_graph.ts";
import type { Compiled } from "../pipeline/compiled.ts";
import { scheduleProgram } from "../schedule/schedule_program.ts";
import { nestsByWorkload } from "../schedule/workload_key.ts";
import type { Module } from "../semantics/module.ts";

export type Workload = {
  readonly key: string;
  /** The names of the nests that compute it, in the order of the program; `nest` is the first. */
  readonly layers: readonly string[];
  readonly nest: Nest;
  readonly buffers: ReadonlyMap<string, Buffer>;
  /** None beside it: what its operands are computed from is not part of a workload. */
  readonly nests: readonly Nest[];
  readonly outputs: ReadonlySet<string>;
  /** What the first layer computes, for the reference. */
  readonly group: Group;
};

/** The workloads of everything that runs; a layer that the source schedules itself, or that is computed together with another, is left alone. */
export function workloadsOf(compiled: Compiled, target = "wasm"): Workload[] {
  const program = compiled.levels.loop("lower-to-loop");
  const buffers = new Map(program.buffers.map((buffer) => [buffer.name, buffer]));
  const groups = new Map(compiled.levels.tensor().groups.map((group) => [group.name, group]));
  const byUser = new Set(compiled.module.schedules.filter((schedule) => schedule.target === target).map((schedule) => schedule.layer));
  const outputs = new Set(program.outputs.map((output) => output.value));
  const alone = layersAlone(program, compiled.module, target);
  const found = new Map<string, Workload>();
  for (const [key, nests] of nestsByWorkload(program, target)) {
    const [nest] = nests;
    const group = nest && groups.get(nest.name);
    if (!nest || !group || nest.phase !== "run" || nests.some(({ name }) => byUser.has(name))) continue;
    const layers = nests.map(({ name }) => name).filter((name) => alone.has(name));
    if (layers.length > 0) found.set(key, { key, layers, nest, buffers: buffersOf([group], buffers), nests: [], outputs, group });
  }
  return [...found.values()];
}

/** The layers that have a nest of their own once schedules are applied: only sketches of two nests, and the user's steps, take one away. */
function layersAlone(program: LoopProgram, { sketches, schedules }: Module, target: string): ReadonlySet<string> {
  const pairs = sketches.filter(({ producer }) => producer);
  const { value } = scheduleProgram(program, { sketches: pairs, schedules, target });
  const nests = value?.nests ?? program.nests;
  return new Set(nests.filter(({ trace }) => !trace.some((step) => step.startsWith("compute "))).map(({ name }) => name));
}

/** What the groups read and compute, and the memory that it lies in: a candidate's steps look at nothing else. */
function buffersOf(groups: readonly Group[], all: ReadonlyMap<string, Buffer>): ReadonlyMap<string, Buffer> {
  const found = new Map<string, Buffer>();
  const add = (name: string | undefined): void => {
    const buffer = name === undefined || found.has(name) ? undefined : all.get(name);
    if (!buffer) return;
    found.set(buffer.name, buffer);
    for (const other of [buffer.aliasOf, buffer.overwrites]) add(other);
  };
  for (const group of groups) for (const name of [...tensorsReadBy(group), group.name]) add(name);
  return found;
}
