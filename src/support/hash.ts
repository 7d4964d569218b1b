/** A name for a text: 64 bits as 16 hexadecimal digits. Not for secrets: whoever wants two texts of one hash can make them. */

/** Two 32-bit lanes of multiply-and-xor with different primes, mixed at the end (the finaliser of MurmurHash3, Appleby). */
export function hashText(text: string): string {
  let [a, b] = [0x811c9dc5, 0x9e3779b9];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ (code + i), 0x85ebca6b) ^ (b >>> 15);
  }
  return [finish(a ^ text.length), finish(b ^ a)].map((lane) => lane.toString(16).padStart(8, "0")).join("");
}

function finish(lane: number): number {
  let mixed = Math.imul(lane ^ (lane >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
