/**
 * Two buffers that hold something at the same time do not share memory. Lives are worked out here from what each step
 * reads and writes; nothing is asked of the pass that made the plan.
 */
import type { Buffer } from "./tensor.ts";
import { bufferBytes, rootOf, type WithBuffers } from "./verify_buffers.ts";
import type { Report } from "./verify_report.ts";

/** One kernel to be: the buffer it computes and those it reads, by their own names. */
export type ArenaStep = {
  readonly writes: string;
  readonly reads: ReadonlySet<string>;
  /** Whether every read of that memory is of the element that is being written, so that the result may lie in its place. */
  readsInPlace(root: string): boolean;
};

/** From the step that first writes it (-1: the caller) to the last that reads it. */
type Life = { first: number; last: number };

export function checkArena(program: WithBuffers, steps: readonly ArenaStep[], buffers: ReadonlyMap<string, Buffer>, report: Report): void {
  if (!program.buffers.some((buffer) => buffer.offset !== undefined)) return;
  const lives = livesOf(program, steps, buffers);
  const placed: { buffer: Buffer; life: Life; from: number; to: number }[] = [];
  for (const buffer of program.buffers) {
    const life = lives.get(buffer.name);
    if (buffer.aliasOf !== undefined || !life) continue;
    if (buffer.offset === undefined) report.add("no-offset", `\`${buffer.name}\` has no place in the arena, and others have`);
    else if (bufferBytes(buffer) > 0) placed.push({ buffer, life, from: buffer.offset, to: buffer.offset + bufferBytes(buffer) });
  }
  placed.sort((a, b) => a.from - b.from);
  placed.forEach((one, i) => {
    for (const other of placed.slice(i + 1)) {
      if (other.from >= one.to) break;
      const [a, b] = one.life.first <= other.life.first ? [one, other] : [other, one];
      if (a.life.last < b.life.first || isInPlace(a, b, steps)) continue;
      report.add(
        "arena-overlap",
        `\`${a.buffer.name}\` and \`${b.buffer.name}\` share memory, and \`${a.buffer.name}\` is still read when \`${b.buffer.name}\` is written`,
      );
    }
  });
}

/** The later one is computed where the earlier one lies, in the step that reads the earlier one last. */
function isInPlace(a: { buffer: Buffer; life: Life }, b: { buffer: Buffer; life: Life }, steps: readonly ArenaStep[]): boolean {
  const step = steps[b.life.first];
  // A step that writes a part of it leaves other parts to other steps.
  if (step?.writes !== b.buffer.name || a.life.last !== b.life.first || a.life.first === b.life.first) return false;
  return a.buffer.offset === b.buffer.offset && layoutOf(a.buffer) === layoutOf(b.buffer) && step.readsInPlace(a.buffer.name);
}

function layoutOf({ dtype, shape, halo }: Buffer): string {
  const border = halo ? [halo.before, halo.after, Object.is(halo.fill, -0) ? "-0" : String(halo.fill)] : [];
  return JSON.stringify([dtype, shape, border]);
}

function livesOf(program: WithBuffers, steps: readonly ArenaStep[], buffers: ReadonlyMap<string, Buffer>): Map<string, Life> {
  const lives = new Map<string, Life>(program.inputs.map((name) => [name, { first: -1, last: -1 }]));
  const use = (name: string, step: number) => {
    const life = lives.get(rootOf(name, buffers));
    if (life) life.last = Math.max(life.last, step);
  };
  steps.forEach(({ writes, reads }, step) => {
    for (const name of reads) use(name, step);
    const root = rootOf(writes, buffers);
    if (!lives.has(root)) lives.set(root, { first: step, last: step });
    use(writes, step);
  });
  for (const output of program.outputs) use(output.value, steps.length);
  return lives;
}
