/** The weights of a TensorFlow.js model: a manifest of groups, each the bytes of its shards end to end. */
import { elementCount } from "../../ir/dtype.ts";
import { readElement } from "../../ir/memory_element.ts";
import type { Checked } from "../../support/diagnostic.ts";
import { type Diagnostic, errorDiagnostic, hasErrors } from "../../support/diagnostic.ts";
import type { ForeignFile, ImportedTensor, Numbers } from "../importer.ts";
import { isRecord } from "../keras/config.ts";
import { checkShape, holds, shownName } from "../limits.ts";

/** How bytes become numbers: as they are, or times a scale plus the least. */
type Stored = { readonly dtype: "f32" | "i32" | "u8" | "bool"; readonly bytes: 1 | 2 | 4; read(view: DataView, at: number): number };

export function readManifest(manifest: unknown, file: ForeignFile): Checked<ReadonlyMap<string, ImportedTensor>> {
  const found: Diagnostic[] = [];
  const weights = new Map<string, ImportedTensor>();
  const fail = (message: string) => found.push(errorDiagnostic("tfjs", `${file.path}: ${message}`));
  if (!Array.isArray(manifest)) fail("the file has no weightsManifest");
  for (const [i, group] of (Array.isArray(manifest) ? manifest : []).entries()) {
    if (!isRecord(group) || !isTexts(group.paths) || !Array.isArray(group.weights)) {
      fail(`group ${i} of its weights has no paths or no weights`);
      continue;
    }
    const shards = group.paths.map((path) => file.neighbour(path));
    found.push(...shards.flatMap(({ diagnostics }) => diagnostics));
    const parts = shards.flatMap(({ value }) => value ?? []);
    if (parts.length < shards.length) {
      if (!hasErrors(found)) fail(`group ${i} of its weights cannot be read`);
      continue;
    }
    const bytes = joined(parts);
    let at = 0;
    for (const entry of group.weights) {
      const read = readWeight(entry, bytes, at);
      if (typeof read === "string") {
        fail(read);
        break;
      }
      weights.set(read.name, read.tensor);
      at = read.end;
    }
    if (!hasErrors(found) && at !== bytes.length) fail(`group ${i} of its weights has ${bytes.length} bytes, and its weights take ${at}`);
  }
  return hasErrors(found) ? { diagnostics: found } : { value: weights, diagnostics: found };
}

function readWeight(entry: unknown, bytes: Uint8Array, at: number): { name: string; tensor: ImportedTensor; end: number } | string {
  if (!isRecord(entry) || typeof entry.name !== "string" || !Array.isArray(entry.shape)) return "an entry of its manifest is no weight";
  const of = `the weight \`${shownName(entry.name)}\``;
  if (!entry.shape.every((extent) => typeof extent === "number")) return `${of} has no shape`;
  const shape = checkShape(entry.shape);
  if (typeof shape === "string") return `${of}: ${shape}`;
  const stored = storedAs(entry);
  if (typeof stored === "string") return `${of} ${stored}`;
  const count = elementCount(shape);
  const length = count * stored.bytes;
  if (!holds(bytes, at, length)) return `${of} takes ${length} bytes from byte ${at} on, and its shards have ${bytes.length}`;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values: Numbers =
    stored.dtype === "f32" ? new Float32Array(count) : stored.dtype === "i32" ? new Int32Array(count) : new Uint8Array(count);
  for (let i = 0; i < count; i++) values[i] = stored.read(view, at + i * stored.bytes);
  return { name: entry.name, tensor: { type: { dtype: stored.dtype, shape }, values }, end: at + length };
}

function storedAs({ dtype, quantization }: { readonly [key: string]: unknown }): Stored | string {
  const wanted = dtype === "float32" ? "f32" : dtype === "int32" ? "i32" : dtype === "uint8" ? "u8" : dtype === "bool" ? "bool" : undefined;
  if (!wanted) return `has elements of type ${shownName(String(dtype))}`;
  if (!isRecord(quantization)) {
    if (wanted === "f32" || wanted === "i32") return { dtype: wanted, bytes: 4, read: (view, at) => readElement(view, at, wanted) };
    return { dtype: wanted, bytes: 1, read: (view, at) => view.getUint8(at) };
  }
  if (quantization.dtype === "float16") return { dtype: wanted, bytes: 2, read: (view, at) => readElement(view, at, "f16") };
  const { scale, min } = quantization;
  if (typeof scale !== "number" || typeof min !== "number") return "is quantised without a scale";
  // As the runtime computes it: in doubles, and integers are rounded.
  const real = (step: number) => (wanted === "f32" ? step * scale + min : Math.round(step * scale + min));
  if (quantization.dtype === "uint8") return { dtype: wanted, bytes: 1, read: (view, at) => real(view.getUint8(at)) };
  if (quantization.dtype === "uint16") return { dtype: wanted, bytes: 2, read: (view, at) => real(view.getUint16(at, true)) };
  return `is quantised to ${shownName(String(quantization.dtype))}`;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (only && parts.length === 1) return only;
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
