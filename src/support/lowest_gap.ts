/** Where something lies: from its first byte on. */
export type Taken = { readonly offset: number; readonly bytes: number };

/** The lowest offset at which so many bytes touch nothing that is taken. */
export function lowestGap(bytes: number, taken: readonly Taken[]): number {
  let offset = 0;
  for (const other of [...taken].sort((a, b) => a.offset - b.offset)) {
    if (offset + bytes <= other.offset) break;
    offset = Math.max(offset, other.offset + other.bytes);
  }
  return offset;
}
