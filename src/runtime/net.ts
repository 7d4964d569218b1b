/**
 * The code that ships inside a `model.js` built for WebAssembly alone.
 * scripts/runtime.mjs writes it, without its types, into `text.ts`; that is why this folder stands alone.
 */
import { createReader, type Files, type Places } from "./files.ts";
import type { Manifest, WasmTarget } from "./interface.ts";
import { loadWasm } from "./wasm.ts";

type LoadOptions = { readonly target?: WasmTarget | "wasm"; readonly files?: Files };

export async function loadNet(manifest: Manifest, places: Places, { target, files = {} }: LoadOptions = {}) {
  if (target !== undefined && !["wasm", "relaxed", "simd"].includes(target))
    throw new Error(`there is no target "${target}": choose "relaxed" or "simd"`);
  return await loadWasm(manifest, createReader(manifest, places, files), target === "wasm" ? undefined : target, files);
}
