/** Bounds on what a file may claim, asked before anything is allocated. A text says what is wrong. */
import { elementCount, memoryLimit } from "../ir/dtype.ts";

/** More dimensions than any network has, and few enough that every loop over them ends at once. */
const largestRank = 32;

/** Characters of a foreign name that messages and comments show. */
const longestName = 120;

/** The extents as numbers where they are a shape whose elements can be counted: whole, not negative, within memory. */
export function checkShape(extents: readonly (number | bigint)[]): readonly number[] | string {
  if (extents.length > largestRank) return `${extents.length} dimensions are more than ${largestRank}`;
  const shape = extents.map(Number);
  const wrong = shape.find((extent) => !Number.isSafeInteger(extent) || extent < 0);
  if (wrong !== undefined) return `${extents[shape.indexOf(wrong)]} is no extent`;
  // A product with a 0 in it is 0 however large the rest is; the rest must be countable too.
  const largest = elementCount(shape.map((extent) => Math.max(extent, 1)));
  if (largest > memoryLimit) return `[${shape.join(", ")}] has more elements than memory can hold`;
  return shape;
}

/** Whether the bytes from `offset` on hold `length` more; both are claims of the file. */
export function holds(bytes: Uint8Array, offset: number, length: number): boolean {
  return Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0 && offset + length <= bytes.length;
}

/** A foreign name as it may stand on one line of a message or a comment. */
export function shownName(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not reach a terminal
  const plain = name.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g, " ");
  return plain.length > longestName ? `${plain.slice(0, longestName)}...` : plain;
}
