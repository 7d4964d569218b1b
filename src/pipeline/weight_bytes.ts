/** What a module ships beside its code: the weights as its kernels read them, which differ with layouts and algorithms. */
import { weightsArena } from "../ir/shader.ts";
import type { Compiled } from "./compiled.ts";

/** Bytes; none where no shader fits the device. */
export function weightBytes({ target, levels }: Compiled): number {
  if (target === "wasm") return levels.kernel().weightBytes;
  return levels.shader().value?.arenas.find(({ name }) => name === weightsArena)?.bytes ?? 0;
}
