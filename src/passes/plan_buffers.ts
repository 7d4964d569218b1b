/**
 * planBuffers: gives inputs, outputs and temporaries their places in one arena.
 * Two buffers share memory only if their lives do not meet, or if one is computed in place of the other, element by element.
 * Greedy by size: the largest first, each at the lowest offset that is free during its life.
 */
import { readsOf } from "../ir/expr.ts";
import { type Buffer, bytesOf, type Group, resultOf, rootReduction, type TensorProgram } from "../ir/tensor.ts";
import { exactJson } from "../support/exact_json.ts";
import { bufferMap, isIdentity, isReadInIndex, tensorsReadBy } from "./tensor_graph.ts";

/** A vector load is aligned when every buffer is. */
const alignment = 16;

/** First and last step at which a slot is in use; step -1 is where the caller writes inputs. */
type Slot = { readonly bytes: number; first: number; last: number; readonly members: string[] };

export function planBuffers(program: TensorProgram): TensorProgram {
  const buffers = bufferMap(program);
  const slots = makeSlots(program, buffers);
  const placed: { slot: Slot; offset: number }[] = [];
  for (const slot of [...new Set(slots.values())].sort((a, b) => b.bytes - a.bytes || a.first - b.first)) {
    placed.push({ slot, offset: lowestFree(slot, placed) });
  }
  const offsets = new Map(placed.flatMap(({ slot, offset }) => slot.members.map((name) => [name, offset] as const)));
  const arenaBytes = placed.reduce((end, { slot, offset }) => Math.max(end, offset + slot.bytes), 0);
  return {
    ...program,
    buffers: program.buffers.map((buffer) => {
      const offset = offsets.get(buffer.aliasOf ?? buffer.name);
      return offset === undefined ? buffer : { ...buffer, offset };
    }),
    arenaBytes,
  };
}

function makeSlots(program: TensorProgram, buffers: ReadonlyMap<string, Buffer>): Map<string, Slot> {
  const groups = program.groups.filter((group) => group.phase === "run");
  const rootOf = (name: string) => buffers.get(name)?.aliasOf ?? name;
  const lastUse = lastUses(program, groups, rootOf);
  const slots = new Map<string, Slot>();
  const open = (name: string, first: number) => {
    const buffer = buffers.get(name);
    if (!buffer) return;
    slots.set(name, { bytes: align(bytesOf(buffer)), first, last: lastUse.get(name) ?? first, members: [name] });
  };
  for (const name of program.inputs) open(name, -1);
  groups.forEach((group, step) => {
    // The whole begins with the first of its parts.
    const whole = rootOf(group.name);
    if (whole !== group.name) {
      if (!slots.has(whole)) open(whole, step);
      return;
    }
    const host = inPlaceHost(group, step, buffers, slots, lastUse, rootOf, program);
    if (!host) {
      open(group.name, step);
      return;
    }
    host.members.push(group.name);
    host.last = Math.max(host.last, lastUse.get(group.name) ?? step);
    slots.set(group.name, host);
  });
  return slots;
}

function lastUses(program: TensorProgram, groups: readonly Group[], rootOf: (name: string) => string): Map<string, number> {
  const last = new Map<string, number>();
  groups.forEach((group, step) => {
    for (const name of tensorsReadBy(group)) last.set(rootOf(name), step);
  });
  for (const output of program.outputs) last.set(rootOf(output.value), groups.length);
  return last;
}

/**
 * The slot of an operand that this group may overwrite: it dies here, lies in memory exactly as the result does, and is
 * read only at the element that is being written, when that element is final. Inputs are the caller's and outputs are kept.
 */
function inPlaceHost(
  group: Group,
  step: number,
  buffers: ReadonlyMap<string, Buffer>,
  slots: ReadonlyMap<string, Slot>,
  lastUse: ReadonlyMap<string, number>,
  rootOf: (name: string) => string,
  program: TensorProgram,
): Slot | undefined {
  const result = buffers.get(group.name);
  if (!result) return undefined;
  for (const name of tensorsReadBy(group)) {
    const operand = buffers.get(name);
    const slot = slots.get(rootOf(name));
    if (!operand || !slot || operand.aliasOf || operand.role.kind !== "temporary" || lastUse.get(name) !== step || slot.last !== step)
      continue;
    const isAliased = program.buffers.some((buffer) => buffer.aliasOf === name);
    if (isAliased || operand.dtype !== result.dtype || !sameLayout(operand, result) || !readOnlyWhereWritten(group, name)) continue;
    return slot;
  }
  return undefined;
}

function sameLayout(a: Buffer, b: Buffer): boolean {
  return exactJson([a.shape, a.halo ?? null]) === exactJson([b.shape, b.halo ?? null]);
}

function readOnlyWhereWritten(group: Group, name: string): boolean {
  const last = resultOf(group);
  return group.computes.every((compute) => {
    const reads = readsOf(compute.value, name);
    if (isReadInIndex(compute.value, name)) return false;
    if (reads.length === 0) return true;
    return compute === last && !rootReduction(compute) && reads.every((read) => !read.otherwise && isIdentity(read.indices, compute.axes));
  });
}

function lowestFree(slot: Slot, placed: readonly { slot: Slot; offset: number }[]): number {
  const rivals = placed
    .filter(({ slot: other }) => other.first <= slot.last && slot.first <= other.last)
    .sort((a, b) => a.offset - b.offset);
  let offset = 0;
  for (const rival of rivals) {
    if (offset + slot.bytes <= rival.offset) break;
    offset = Math.max(offset, rival.offset + rival.slot.bytes);
  }
  return offset;
}

function align(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}
