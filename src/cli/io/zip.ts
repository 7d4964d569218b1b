/**
 * ZIP archives (PKWARE's APPNOTE 6.3) as NumPy writes them: members stored or deflated, in one volume, without encryption. The
 * directory is believed in nothing: every offset is checked, sizes are bounded before anything is inflated, and sums are compared.
 */
import { inflateRawSync } from "node:zlib";
import { type Checked, errorDiagnostic } from "../../support/diagnostic.ts";
import { invariant } from "../../support/invariant.ts";

type Member = {
  readonly name: string;
  readonly method: number;
  readonly flags: number;
  readonly sum: number;
  readonly packed: number;
  readonly size: number;
  /** Where its own header begins. */
  readonly at: number;
};

const [localHeader, directoryHeader, directoryEnd] = [0x04034b50, 0x02014b50, 0x06054b50];
const [localSize, headerSize, endSize] = [30, 46, 22];

/** Of what follows the directory's end. */
const longestComment = 65_535;

/** DEFLATE packs no tighter. */
const largestRatio = 1032;

/** Whether the bytes begin as an archive does, an empty one too. */
export function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && (bytes[2] === 3 || bytes[2] === 5);
}

/** The members' contents by their names; `file` names the archive in messages, which tell the byte. */
export function readZip(bytes: Uint8Array, file: string): Checked<ReadonlyMap<string, Uint8Array>> {
  const members = readDirectory(bytes);
  const contents = new Map<string, Uint8Array>();
  const fail = (message: string) => ({ diagnostics: [errorDiagnostic("zip", `${file}: ${message}`)] });
  if (typeof members === "string") return fail(members);
  for (const member of members) {
    if (contents.has(member.name)) return fail(`byte ${member.at}: the archive has \`${shown(member.name)}\` twice`);
    const content = readMember(bytes, member);
    if (typeof content === "string") return fail(`byte ${member.at}: \`${shown(member.name)}\` ${content}`);
    contents.set(member.name, content);
  }
  return { value: contents, diagnostics: [] };
}

/** A text says what is wrong. */
function readDirectory(bytes: Uint8Array): readonly Member[] | string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = placeOfEnd(view);
  if (end === undefined) return `byte ${bytes.length}: the directory of the archive is missing: is the file truncated?`;
  const count = view.getUint16(end + 10, true);
  const [length, start] = [view.getUint32(end + 12, true), view.getUint32(end + 16, true)];
  if (count === 0xffff || start === 0xffffffff) return `byte ${end}: archives of more than 4 GB or 65,534 members are not read`;
  if (view.getUint16(end + 8, true) !== count) return `byte ${end}: the archive is spread over several files`;
  if (start + length > end)
    return `byte ${end}: the directory is said to be ${length} bytes from byte ${start} on, and does not fit before here`;
  const members: Member[] = [];
  let at = start;
  for (let i = 0; i < count; i++) {
    if (at + headerSize > end || view.getUint32(at, true) !== directoryHeader) return `byte ${at}: entry ${i} of the directory is missing`;
    const [nameLength, extra, comment] = [28, 30, 32].map((place) => view.getUint16(at + place, true)) as [number, number, number];
    const name = bytes.subarray(at + headerSize, at + headerSize + nameLength);
    if (at + headerSize + nameLength > end) return `byte ${at}: the name of entry ${i} of the directory leads out of it`;
    members.push({
      name: new TextDecoder().decode(name),
      flags: view.getUint16(at + 8, true),
      method: view.getUint16(at + 10, true),
      sum: view.getUint32(at + 16, true),
      packed: view.getUint32(at + 20, true),
      size: view.getUint32(at + 24, true),
      at: view.getUint32(at + 42, true),
    });
    at += headerSize + nameLength + extra + comment;
  }
  return members;
}

function placeOfEnd(view: DataView): number | undefined {
  for (let at = view.byteLength - endSize; at >= Math.max(0, view.byteLength - endSize - longestComment); at--)
    if (view.getUint32(at, true) === directoryEnd) return at;
  return undefined;
}

/** The content, or the end of a sentence that begins with the member's name. */
function readMember(bytes: Uint8Array, { at, method, flags, sum, packed, size }: Member): Uint8Array | string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (at + localSize > bytes.length || view.getUint32(at, true) !== localHeader) return "is not there";
  if ((flags & 1) !== 0) return "is encrypted";
  const start = at + localSize + view.getUint16(at + 26, true) + view.getUint16(at + 28, true);
  if (start + packed > bytes.length) return `takes ${packed} bytes from byte ${start} on, and the file has ${bytes.length}`;
  const stored = bytes.subarray(start, start + packed);
  if (method !== 0 && method !== 8) return `is packed by method ${method}; stored and deflated members are read`;
  if (size > packed * largestRatio) return `is said to be ${size} bytes, more than ${packed} can be inflated to`;
  const content = method === 0 ? stored : inflated(stored, size);
  if (typeof content === "string") return content;
  if (content.length !== size) return `has ${content.length} bytes instead of ${size}`;
  return crc32(content) === sum ? content : "is damaged: its sum is not the one that the archive gives";
}

function inflated(stored: Uint8Array, size: number): Uint8Array | string {
  try {
    return inflateRawSync(stored, { maxOutputLength: Math.max(size, 1) });
  } catch (error) {
    return `cannot be inflated to ${size} bytes: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** The polynomial of ISO 3309, bits reversed. */
const sums = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit++) sum = (sum & 1) !== 0 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  return sum;
});

function crc32(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    const next = sums[(sum ^ byte) & 0xff];
    invariant(next !== undefined, "a byte has more than 256 values");
    sum = next ^ (sum >>> 8);
  }
  return (sum ^ 0xffffffff) >>> 0;
}

function shown(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not reach a terminal
  return name.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ").slice(0, 120);
}
