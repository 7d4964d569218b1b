/**
 * planBuffers: gives inputs, outputs and temporaries their places in one arena, from what the nests read and write once they are
 * scheduled. Two buffers share memory only if their lives do not meet, or if one is computed in place of the other.
 * Greedy by size: the largest first, each at the lowest offset that is free during its life.
 */
import type { LoopProgram } from "../ir/loop.ts";
import { readsOf } from "../ir/loop_accesses.ts";
import { bytesOf, memoryOf } from "../ir/tensor.ts";
import { lowestGap } from "../support/lowest_gap.ts";

/** A vector load is aligned when every buffer is. */
const alignment = 16;

/** First and last step at which memory is in use; step -1 is where the caller writes inputs. */
type Slot = { readonly bytes: number; readonly first: number; last: number };

export function planBuffers(program: LoopProgram): LoopProgram {
  const slots = makeSlots(program);
  const placed: { slot: Slot; offset: number }[] = [];
  for (const slot of [...slots.values()].sort((a, b) => b.bytes - a.bytes || a.first - b.first)) {
    placed.push({ slot, offset: lowestFree(slot, placed) });
  }
  const offsets = new Map(placed.map(({ slot, offset }) => [slot, offset] as const));
  const arenaBytes = placed.reduce((end, { slot, offset }) => Math.max(end, offset + slot.bytes), 0);
  const buffers = new Map(program.buffers.map((buffer) => [buffer.name, buffer]));
  return {
    ...program,
    buffers: program.buffers.map((buffer) => {
      const slot = slots.get(memoryOf(buffer.name, buffers));
      const { offset: _, ...unplaced } = buffer;
      return slot ? { ...unplaced, offset: offsets.get(slot) ?? 0 } : unplaced;
    }),
    arenaBytes,
  };
}

/** One for each piece of memory, by the first tensor that lies in it, in the order in which they are first used. */
function makeSlots(program: LoopProgram): Map<string, Slot> {
  const buffers = new Map(program.buffers.map((buffer) => [buffer.name, buffer]));
  const slots = new Map<string, Slot>();
  const use = (name: string, step: number) => {
    const slot = slots.get(memoryOf(name, buffers));
    if (slot) slot.last = Math.max(slot.last, step);
  };
  const open = (name: string, step: number) => {
    const memory = memoryOf(name, buffers);
    const buffer = buffers.get(memory);
    if (buffer && !slots.has(memory)) slots.set(memory, { bytes: align(bytesOf(buffer)), first: step, last: step });
  };
  for (const name of program.inputs) open(name, -1);
  const nests = program.nests.filter((nest) => nest.phase === "run");
  nests.forEach((nest, step) => {
    for (const name of readsOf(nest.body)) use(name, step);
    open(nest.result, step);
    use(nest.result, step);
  });
  for (const output of program.outputs) use(output.value, nests.length);
  return slots;
}

function lowestFree(slot: Slot, placed: readonly { slot: Slot; offset: number }[]): number {
  const rivals = placed.filter(({ slot: other }) => other.first <= slot.last && slot.first <= other.last);
  return lowestGap(
    slot.bytes,
    rivals.map(({ slot: other, offset }) => ({ offset, bytes: other.bytes })),
  );
}

function align(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}
