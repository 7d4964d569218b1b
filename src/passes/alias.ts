/**
 * aliasReshapes: a map that copies a tensor in row-major order becomes another name for its memory.
 * Guarantees: an alias has the elements, the dtype and the life of its source; neither has a halo.
 */
import { evaluateIndex, rangeOf } from "../ir/affine.ts";
import { elementCount } from "../ir/dtype.ts";
import { forEachPoint } from "../ir/evaluate.ts";
import type { Compute } from "../ir/expr.ts";
import { type Buffer, type Group, resultOf, type TensorProgram } from "../ir/tensor.ts";
import { bufferMap, computeRanges, isRowMajorCopy, type Read } from "./tensor_graph.ts";

/** Copies up to this size are recognised by enumeration where the algebra of div and mod does not decide. */
const enumerable = 1 << 16;

export function aliasReshapes(program: TensorProgram): TensorProgram {
  const buffers = bufferMap(program);
  const removed = new Set<Group>();
  const outputs = new Set(program.outputs.map((output) => output.value));
  for (const group of program.groups) {
    const compute = resultOf(group);
    const target = buffers.get(group.name);
    const read = compute.value.kind === "read" && !compute.value.otherwise ? compute.value : undefined;
    const source = read && buffers.get(read.tensor);
    if (group.computes.length !== 1 || !target || !read || !source || target.role.kind !== "temporary") continue;
    // An input that is an output at once keeps its copy: the two are separate places for the caller.
    if (source.role.kind !== "temporary" && !(source.role.kind === "input" && !outputs.has(group.name))) continue;
    if (source.dtype !== target.dtype || !copiesInOrder(read, source, compute)) continue;
    buffers.set(group.name, { ...target, aliasOf: source.aliasOf ?? source.name });
    removed.add(group);
  }
  return { ...program, buffers: [...buffers.values()], groups: program.groups.filter((group) => !removed.has(group)) };
}

function copiesInOrder(read: Read, source: Buffer, compute: Compute): boolean {
  const count = elementCount(source.shape);
  if (count !== elementCount(compute.axes.map((axis) => axis.extent)) || count === 0) return false;
  if (isRowMajorCopy(read.indices, source.shape, compute.axes)) return true;
  const ranges = computeRanges(compute);
  const bounded = read.indices.every((index) => Number.isFinite(rangeOf(index, ranges).high));
  return bounded && count <= enumerable && copiesByEnumeration(read, source, compute);
}

function copiesByEnumeration(read: Read, source: Buffer, compute: Compute): boolean {
  const slots = new Map(compute.axes.map((axis, slot) => [axis.name, slot]));
  let position = 0;
  let same = true;
  forEachPoint(
    compute.axes.map((axis) => axis.extent),
    [],
    0,
    (point) => {
      if (!same) return;
      let from = 0;
      read.indices.forEach((index, d) => {
        const value = evaluateIndex(
          index,
          (name) => point[slots.get(name) ?? -1] ?? Number.NaN,
          () => Number.NaN,
        );
        from = from * (source.shape[d] ?? 1) + value;
      });
      same = from === position++;
    },
  );
  return same;
}
