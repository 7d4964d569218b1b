/**
 * A workload is what one nest computes, whatever its tensors are called: layers whose unscheduled nests are equal are tuned once.
 * Its key is a hash of the canonical nest and the target, so that it is the same in every network and every run.
 */
import type { LoopProgram, Nest } from "../ir/loop.ts";
import type { Buffer, Group } from "../ir/tensor.ts";
import { tensorsReadBy } from "../passes/tensor_graph.ts";
import type { Compiled } from "../pipeline/compiled.ts";
import { pairsOf } from "../schedule/nest_pairs.ts";
import { scheduleProgram } from "../schedule/schedule_program.ts";
import { nestsByWorkload } from "../schedule/workload_key.ts";
import type { Module } from "../semantics/module.ts";

export type Workload = {
  readonly key: string;
  /** The names of the nests that compute it, in the order of the program; `nest` is the first. */
  readonly layers: readonly string[];
  readonly nest: Nest;
  readonly buffers: ReadonlyMap<string, Buffer>;
  /** Of a pair, the nest whose tensor is computed here and this one; otherwise none: what its operands are computed from is not part of it. */
  readonly nests: readonly Nest[];
  readonly outputs: ReadonlySet<string>;
  /** What the first layer computes, for the reference; what a pair's other nest computes comes before. */
  readonly group: Group;
  readonly producer?: Group;
};

/** The workloads of everything that runs, by default; a layer that the source schedules itself, or whose steps compute another's, is left alone. */
export function workloadsOf(compiled: Compiled, target: string = compiled.target): Workload[] {
  return findWorkloads(compiled, target).own;
}

/** Layers that are computed together by default, and the workloads that they would be apart. */
export type Together = { readonly workload: Workload; readonly apart: readonly Workload[] };

export type Workloads = { readonly own: Workload[]; readonly together: readonly Together[] };

export function findWorkloads(compiled: Compiled, target: string = compiled.target): Workloads {
  const { levels, module } = compiled;
  const program = levels.loop("lower-to-loop");
  const all = new Map(program.buffers.map((buffer) => [buffer.name, buffer]));
  const groups = new Map(levels.tensor().groups.map((group) => [group.name, group]));
  const byUser = new Set(module.schedules.filter((schedule) => schedule.target === target).map((schedule) => schedule.layer));
  const outputs = new Set(program.outputs.map((output) => output.value));
  const pairs = pairsOf(program, module.sketches, target).filter((pair) => !byUser.has(pair.consumer.name));
  const alone = layersAlone(program, module, target);
  const paired = new Set(pairs.flatMap(({ consumer, producer }) => [consumer.name, producer.name]));
  const single = (key: string, nest: Nest, layers: readonly string[]): Workload[] => {
    const group = groups.get(nest.name);
    return group ? [{ key, layers, nest, buffers: buffersOf([group], all), nests: [], outputs, group }] : [];
  };
  const own: Workload[] = [];
  const byName = new Map<string, Workload>();
  for (const [key, nests] of nestsByWorkload(program, target)) {
    const [nest] = nests;
    if (nest?.phase !== "run" || nests.some(({ name }) => byUser.has(name))) continue;
    const layers = nests.map(({ name }) => name).filter((name) => alone.has(name));
    if (layers.length > 0) own.push(...single(key, nest, layers));
    for (const { name } of nests)
      if (paired.has(name))
        for (const workload of single(
          key,
          nest,
          nests.map((each) => each.name).filter((each) => paired.has(each)),
        ))
          byName.set(name, workload);
  }
  const together = [...new Set(pairs.map(({ key }) => key))].flatMap((key): Together[] => {
    const alike = pairs.filter((pair) => pair.key === key);
    const [{ consumer, producer } = {}] = alike;
    const [group, other] = [groups.get(consumer?.name ?? ""), groups.get(producer?.name ?? "")];
    const apart = [producer, consumer].flatMap((nest) => byName.get(nest?.name ?? "") ?? []);
    if (!consumer || !producer || !group || !other || apart.length < 2) return [];
    const layers = alike.map((pair) => pair.consumer.name);
    const buffers = buffersOf([other, group], all);
    return [{ workload: { key, layers, nest: consumer, buffers, nests: [producer, consumer], outputs, group, producer: other }, apart }];
  });
  return { own: [...own, ...together.map(({ workload }) => workload)], together };
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
