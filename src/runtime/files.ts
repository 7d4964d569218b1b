/** The files beside `model.js`: given, read from disk or fetched, and known by their length. */
import type { Manifest } from "./interface.ts";

export type Bytes = ArrayBuffer | ArrayBufferView<ArrayBuffer>;
export type Files = { readonly [name: string]: Bytes };
/** The place of each file; it is written as the bundlers look for it. */
export type Places = { readonly [file: string]: () => URL };
export type Read = (file: string) => Promise<Bytes>;

export function createReader(manifest: Manifest, places: Places, files: Files): Read {
  return async (file) => {
    const bytes = files[file] ?? (await readFile(file, (places[file] as () => URL)()));
    const wanted = manifest.bytes[file];
    if (bytes.byteLength !== wanted)
      throw new Error(`${file} has ${bytes.byteLength} bytes and should have ${wanted}: it is not of this build`);
    return bytes;
  };
}

async function readFile(file: string, url: URL): Promise<Bytes> {
  try {
    const { process } = globalThis as {
      process?: { getBuiltinModule?(name: string): { promises: { readFile(url: URL): Promise<Bytes> } } };
    };
    if (url.protocol === "file:" && process?.getBuiltinModule) return await process.getBuiltinModule("node:fs").promises.readFile(url);
    const response = await fetch(url);
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return await response.arrayBuffer();
  } catch (cause) {
    throw new Error(`cannot read ${file} from ${url}: ${(cause as Error).message}`, { cause });
  }
}

export function bytesOf(bytes: Bytes): Uint8Array<ArrayBuffer> {
  return ArrayBuffer.isView(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : new Uint8Array(bytes);
}
