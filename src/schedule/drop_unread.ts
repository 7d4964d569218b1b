/**
 * dropUnread: without the nests whose results nothing reads any more, since schedules compute them where they were read, and
 * without their buffers. What a nest packs for itself goes with it.
 */
import type { LoopProgram, Nest } from "../ir/loop.ts";
import { readsOf } from "../ir/loop_accesses.ts";
import type { Buffer } from "../ir/tensor.ts";

export function dropUnread(program: LoopProgram): LoopProgram {
  const buffers = new Map(program.buffers.map((buffer) => [buffer.name, buffer]));
  const rootOf = (name: string) => buffers.get(name)?.aliasOf ?? name;
  const wanted = new Set(program.outputs.map((output) => rootOf(output.value)));
  const kept: Nest[] = [];
  for (const nest of program.nests.toReversed()) {
    if (!wanted.has(rootOf(nest.result))) continue;
    kept.push(nest);
    for (const name of readsOf(nest.body)) wanted.add(rootOf(name));
  }
  if (kept.length === program.nests.length) return program;
  const isComputed = ({ role }: Buffer) => role.kind === "temporary" || role.kind === "derived";
  const left = program.buffers.filter((buffer) => !isComputed(buffer) || wanted.has(rootOf(buffer.name)));
  const names = new Set(left.map((buffer) => buffer.name));
  return {
    ...program,
    nests: kept.reverse(),
    buffers: left.map((buffer) => {
      const { overwrites, ...apart } = buffer;
      return overwrites === undefined || names.has(overwrites) ? buffer : apart;
    }),
  };
}
