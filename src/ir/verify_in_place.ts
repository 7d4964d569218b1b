/**
 * Which steps each buffer lives through, worked out from what every step reads and writes, and whether a result that is computed
 * in place of an operand leaves nothing of it to be read. Nothing is asked of the passes that decided.
 */
import type { Buffer } from "./tensor.ts";
import { rootOf, type WithBuffers } from "./verify_buffers.ts";
import type { Report } from "./verify_report.ts";

/** One kernel to be: the buffer it computes and those it reads, by their own names. */
export type ArenaStep = {
  readonly writes: string;
  readonly reads: ReadonlySet<string>;
  /** Whether every read of that memory is of the element that is being written, so that the result may lie in its place. */
  readsInPlace(root: string): boolean;
};

/** From the step that first writes it (-1: the caller) to the last that reads it. */
export type Life = { first: number; last: number };

export function checkInPlace(
  program: WithBuffers,
  steps: readonly ArenaStep[],
  buffers: ReadonlyMap<string, Buffer>,
  report: Report,
): void {
  const lives = livesOf(program, steps, buffers);
  for (const { name, overwrites } of program.buffers) {
    const [life, other] = [lives.get(name), lives.get(overwrites ?? "")];
    if (overwrites === undefined || !life || !other || isOverwritten(overwrites, other, name, life, steps)) continue;
    report.add("in-place", `\`${name}\` is computed in place of \`${overwrites}\`, of which something else is still to be read`);
  }
}

/** The later one is computed by a step that reads the earlier one last, or after it, and wholly. */
function isOverwritten(earlier: string, a: Life, later: string, b: Life, steps: readonly ArenaStep[]): boolean {
  const step = steps[b.first];
  // A step that writes a part of it leaves other parts to other steps.
  if (step?.writes !== later || a.first >= b.first || a.last > b.first) return false;
  return a.last < b.first || step.readsInPlace(earlier);
}

export function livesOf(program: WithBuffers, steps: readonly ArenaStep[], buffers: ReadonlyMap<string, Buffer>): Map<string, Life> {
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
