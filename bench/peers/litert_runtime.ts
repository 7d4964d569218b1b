/** LiteRT.js from bytes in memory, in its build without threads. */
import { loadLiteRt } from "@litertjs/core";
import type { Given } from "../contender.ts";

const script = "litert_wasm_internal.js";
const binary = "litert_wasm_internal.wasm";

export async function loadRuntime(files: Given["files"]): Promise<void> {
  const place = (name: string, type: string) => URL.createObjectURL(new Blob([files[name] ?? ""], { type }));
  const wasm = place(binary, "application/wasm");
  (globalThis as { Module?: object }).Module = { locateFile: () => wasm };
  // The loader takes for a folder what does not end in ".js"; a fragment does no harm to an address in memory.
  await loadLiteRt(`${place(script, "text/javascript")}#${script}`);
}
