/** What a module ships beside its code: the weights as its layers read them, which differ with layouts and algorithms. */
import { weightsArena } from "../ir/shader.ts";
import { bytesOf, type TensorProgram } from "../ir/tensor.ts";
import { tensorsReadBy } from "../passes/tensor_graph.ts";
import type { Compiled } from "./compiled.ts";

/** Bytes; none where no shader fits the device. */
export function weightBytes({ target, levels }: Compiled): number {
  if (target === "wasm") return levels.kernel().weightBytes;
  return levels.shader().value?.arenas.find(({ name }) => name === weightsArena)?.bytes ?? 0;
}

/** Bytes of what layers read that is known before a run: the same, but for what schedules change by packing it. */
export function weightBytesRead({ buffers, groups }: TensorProgram): number {
  const read = new Set(groups.flatMap((group) => (group.phase === "run" ? [...tensorsReadBy(group)] : [])));
  const isKnown = ({ role }: TensorProgram["buffers"][number]) =>
    role.kind === "weight" || role.kind === "constant" || role.kind === "derived";
  return buffers.reduce((sum, buffer) => (read.has(buffer.name) && isKnown(buffer) ? sum + bytesOf(buffer) : sum), 0);
}
