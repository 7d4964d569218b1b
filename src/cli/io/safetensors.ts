/**
 * Safetensors files (huggingface/safetensors, "Format"): an 8-byte header length, a JSON header, the tensors' bytes.
 * Read strictly: every byte of the data belongs to exactly one tensor. Parsing takes bytes and never throws.
 */
import { type DType, elementCount, type TensorType } from "../../ir/dtype.ts";
import { type Checked, type Diagnostic, errorDiagnostic } from "../../support/diagnostic.ts";
import { bytesOf, decodeElements, encodeElements, type FileDType, type FileTensor } from "./element_types.ts";

const dtypeNames: { readonly [name: string]: FileDType } = {
  F32: "f32",
  F16: "f16",
  BF16: "bf16",
  F64: "f64",
  I8: "i8",
  U8: "u8",
  I32: "i32",
  I64: "i64",
  BOOL: "bool",
};

/** The format's own limit on its header. */
const largestHeader = 100_000_000;

type Entry = {
  readonly name: string;
  readonly dtype: FileDType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
};

/** All tensors by name, in the order of the header; `file` names the source in messages. */
export function parseSafetensors(bytes: Uint8Array, file: string): Checked<ReadonlyMap<string, FileTensor>> {
  const fail = (message: string) => ({ diagnostics: [safetensorsError(file, message)] });
  if (bytes.length < 8) return fail(`${bytes.length} bytes are too few for a safetensors file`);
  const announced = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (announced > BigInt(largestHeader)) return fail(`a header of ${announced} bytes is announced: this is no safetensors file`);
  const headerLength = Number(announced);
  if (bytes.length - 8 < headerLength) {
    return fail(`the file is truncated inside its header: ${headerLength} bytes are announced and ${bytes.length - 8} are there`);
  }
  const header = parseHeader(bytes.subarray(8, 8 + headerLength));
  if (typeof header === "string") return fail(header);
  const data = bytes.subarray(8 + headerLength);
  const checked = Object.entries(header).flatMap(([name, entry]) =>
    name === "__metadata__" ? checkMetadata(entry) : [checkEntry(name, entry)],
  );
  const problems = checked.filter((item) => typeof item === "string");
  const entries = checked.filter((item) => typeof item !== "string");
  if (problems.length === 0) problems.push(...checkCover(entries, data.length));
  const tensors = new Map<string, FileTensor>();
  for (const { name, dtype, shape, begin, end } of problems.length === 0 ? entries : []) {
    const decoded = decodeElements(data.subarray(begin, end), dtype, elementCount(shape));
    if ("problem" in decoded) problems.push(`the tensor \`${name}\`: ${decoded.problem}`);
    else tensors.set(name, { dtype, shape, values: decoded.values });
  }
  const diagnostics = problems.map((problem) => safetensorsError(file, problem));
  return problems.length === 0 ? { value: tensors, diagnostics } : { diagnostics };
}

/** Tensors in the order given, one after another; the header is padded so that the data begins at a multiple of 8 bytes. */
export function formatSafetensors(
  tensors: ReadonlyMap<string, { readonly type: TensorType; readonly values: ArrayLike<number> }>,
  metadata: { readonly [key: string]: string } = {},
): Uint8Array {
  const encoded = [...tensors].map(([name, { type, values }]) => ({ name, type, bytes: encodeElements(values, type.dtype) }));
  let offset = 0;
  const entries = encoded.map(({ name, type, bytes }) => {
    const begin = offset;
    offset += bytes.length;
    return [name, { dtype: nameOfDType(type.dtype), shape: type.shape, data_offsets: [begin, offset] }] as const;
  });
  const named = Object.keys(metadata).length > 0 ? [["__metadata__", metadata] as const, ...entries] : entries;
  const text = JSON.stringify(Object.fromEntries(named));
  const unpadded = new TextEncoder().encode(text);
  const header = new TextEncoder().encode(text + " ".repeat((8 - (unpadded.length % 8)) % 8));
  const bytes = new Uint8Array(8 + header.length + offset);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, 8);
  let at = 8 + header.length;
  for (const tensor of encoded) {
    bytes.set(tensor.bytes, at);
    at += tensor.bytes.length;
  }
  return bytes;
}

function nameOfDType(dtype: DType): string {
  return Object.entries(dtypeNames).find(([, known]) => known === dtype)?.[0] ?? "";
}

function parseHeader(bytes: Uint8Array): { readonly [name: string]: unknown } | string {
  let text: string;
  let parsed: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    parsed = JSON.parse(text);
  } catch {
    return "the header is no JSON: this is no safetensors file, or it is damaged";
  }
  if (!isRecord(parsed)) return "the header is no JSON object";
  const repeated = repeatedKey(text);
  return repeated === undefined ? parsed : `the header names the tensor \`${repeated}\` twice`;
}

/** A key that the outermost object of a valid JSON text has twice; `JSON.parse` would keep the last one and say nothing. */
function repeatedKey(text: string): string | undefined {
  const seen = new Set<string>();
  let depth = 0;
  for (const [token, colon] of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g)) {
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    else if (colon !== undefined && depth === 1) {
      const key = String(JSON.parse(token.slice(0, token.length - colon.length)));
      if (seen.has(key)) return key;
      seen.add(key);
    }
  }
  return undefined;
}

function checkMetadata(entry: unknown): string[] {
  const isTexts = isRecord(entry) && Object.values(entry).every((value) => typeof value === "string");
  return isTexts ? [] : ["`__metadata__` is no object of texts"];
}

function checkEntry(name: string, entry: unknown): Entry | string {
  const of = `the tensor \`${name}\``;
  if (!isRecord(entry)) return `${of} is no object with dtype, shape and data_offsets`;
  const { dtype: dtypeName, shape, data_offsets: offsets } = entry;
  const dtype = typeof dtypeName === "string" && Object.hasOwn(dtypeNames, dtypeName) ? dtypeNames[dtypeName] : undefined;
  if (!dtype) return `${of} has the unknown dtype ${JSON.stringify(dtypeName)}: known are ${Object.keys(dtypeNames).join(", ")}`;
  if (!isCounts(shape) || !Number.isSafeInteger(elementCount(shape))) return `${of} has no valid shape: ${JSON.stringify(shape)}`;
  if (!isCounts(offsets) || offsets.length !== 2) return `${of} has no valid data_offsets: ${JSON.stringify(offsets)}`;
  const [begin = 0, end = 0] = offsets;
  const wanted = elementCount(shape) * bytesOf(dtype);
  if (end - begin !== wanted) {
    return `${of} is ${dtypeName}[${shape.join(", ")}], which takes ${wanted} bytes, and its data_offsets [${begin}, ${end}] span ${end - begin}`;
  }
  return { name, dtype, shape, begin, end };
}

/** The tensors must lie end to end over the whole of the data. */
function checkCover(entries: readonly Entry[], length: number): string[] {
  const problems: string[] = [];
  let covered = 0;
  let previous = "";
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    const of = `the tensor \`${name}\``;
    if (end > length) problems.push(`the file is truncated: ${of} ends at byte ${end} of the data and ${length} bytes are there`);
    if (begin < covered) problems.push(`${of} begins at byte ${begin} of the data, inside \`${previous}\`, which ends at ${covered}`);
    else if (begin > covered) problems.push(`bytes ${covered} to ${begin} of the data, before ${of}, belong to no tensor`);
    if (end >= covered) [covered, previous] = [end, name];
  }
  if (problems.length === 0 && covered < length) problems.push(`the last ${length - covered} bytes of the file belong to no tensor`);
  return problems;
}

function isCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function isRecord(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function safetensorsError(file: string, message: string): Diagnostic {
  return errorDiagnostic("safetensors", `${file}: ${message}`);
}
