/** Two buffers that hold something at the same time do not share memory, but for a result that is computed in place of its operand. */
import type { Buffer } from "./tensor.ts";
import { bufferBytes, type WithBuffers } from "./verify_buffers.ts";
import { type ArenaStep, type Life, livesOf } from "./verify_in_place.ts";
import type { Report } from "./verify_report.ts";

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
      if (a.life.last < b.life.first || b.buffer.overwrites === a.buffer.name) continue;
      report.add(
        "arena-overlap",
        `\`${a.buffer.name}\` and \`${b.buffer.name}\` share memory, and \`${a.buffer.name}\` is still read when \`${b.buffer.name}\` is written`,
      );
    }
  });
}
