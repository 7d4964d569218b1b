/** The error bounds of groups as groups of their own, for judging what a target computed. */
import type { TensorType } from "../ir/dtype.ts";
import type { Group, TensorProgram } from "../ir/tensor.ts";
import { type Arithmetic, errorBound } from "../passes/error_bound.ts";
import { normalize } from "../passes/lower_to_tensor.ts";
import { bufferMap, tensorsReadBy } from "../passes/tensor_graph.ts";

/**
 * Every group of the program with further groups that compute the bounds of its computes, and which belong to which. What a layer
 * computes for itself of another enters with the bound of that.
 */
export function withBounds(
  program: TensorProgram,
  arithmetic: Arithmetic,
  recomputes: (layer: string, operand: string) => boolean = () => false,
): { program: TensorProgram; partsOf: ReadonlyMap<string, readonly string[]> } {
  const buffers = bufferMap(program);
  const groups: Group[] = [];
  const bounded = new Set<string>();
  const partsOf = new Map<string, readonly string[]>();
  for (const group of program.groups) {
    const before = groups.length;
    const others = [...tensorsReadBy(group)].filter((name) => bounded.has(name) && recomputes(group.name, name));
    const inner = new Set([...group.computes.slice(0, -1).map((compute) => compute.name), ...others]);
    if (group.phase === "run") bounded.add(group.name);
    // Inner tensors become groups of their own: their values enter the bounds.
    for (const compute of group.computes) {
      groups.push({ name: compute.name, phase: group.phase, computes: [compute] });
      add(
        compute.name,
        compute.dtype,
        compute.axes.map((axis) => axis.extent),
      );
      for (const part of normalize(errorBound(compute, inner, arithmetic))) {
        groups.push({ name: part.name, phase: group.phase, computes: [part] });
        add(
          part.name,
          part.dtype,
          part.axes.map((axis) => axis.extent),
        );
      }
    }
    partsOf.set(
      group.name,
      groups.slice(before).map((part) => part.name),
    );
  }
  return { program: { ...program, buffers: [...buffers.values()], groups, outputs: [] }, partsOf };

  function add(name: string, dtype: TensorType["dtype"], shape: readonly number[]): void {
    if (!buffers.has(name)) buffers.set(name, { name, dtype, shape, role: { kind: "temporary" } });
  }
}
