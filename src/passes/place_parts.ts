/**
 * placeParts: where a map only puts tensors one after another along a dimension, whoever computes such a tensor writes it to its
 * place in the whole, and nothing is copied. A part is another name for a region of the whole: its border is the rest of it. A
 * tensor that has other readers, or none that computes it, is copied to its part by a group of its own.
 */
import { constantIndex, type Index, variableIndex } from "../ir/affine.ts";
import type { Compute, Expr } from "../ir/expr.ts";
import { type Buffer, type Group, type Halo, resultOf, type TensorProgram } from "../ir/tensor.ts";
import { bufferMap, isIdentity, type Read, readersOf } from "./tensor_graph.ts";

/** A tensor and where it begins along the dimension. */
type Part = { readonly read: Read; readonly start: number };

export function placeParts(program: TensorProgram): TensorProgram {
  const buffers = bufferMap(program);
  let { groups } = program;
  for (const group of program.groups) {
    const whole = buffers.get(group.name);
    const found = whole && group.phase === "run" && !whole.aliasOf ? partsOf(group, buffers) : undefined;
    if (!whole || !found) continue;
    const { parts, dimension } = found;
    const isOwn = (part: Part) => isWrittenForThis(part, parts, group, groups, buffers, program);
    if (!parts.some(isOwn)) continue;
    const copies: Group[] = [];
    parts.forEach((part, position) => {
      const source = buffers.get(part.read.tensor) as Buffer;
      const border = restOf(whole, source, dimension, part.start);
      if (isOwn(part)) {
        buffers.set(source.name, { ...source, halo: border, aliasOf: whole.name });
        return;
      }
      const name = `${whole.name}.part${position}`;
      buffers.set(name, { name, dtype: whole.dtype, shape: source.shape, role: { kind: "temporary" }, halo: border, aliasOf: whole.name });
      copies.push(copyOf(source, name, resultOf(group).axes));
    });
    groups = groups.flatMap((other) => (other === group ? copies : [other]));
  }
  return { ...program, buffers: [...buffers.values()], groups };
}

/** The parts in order, if the group reads each at its own elements shifted along one dimension, and they fill it. */
function partsOf(group: Group, buffers: ReadonlyMap<string, Buffer>): { readonly parts: Part[]; readonly dimension: number } | undefined {
  const compute = resultOf(group);
  const reads = chainOf(compute.value);
  if (group.computes.length !== 1 || !reads || reads.length < 2) return undefined;
  const dimension = reads.map((read) => shiftedDimension(read, compute)).find((d) => d !== undefined);
  if (dimension === undefined) return undefined;
  const parts: Part[] = [];
  let end = 0;
  for (const read of reads) {
    const source = buffers.get(read.tensor);
    const extents = compute.axes.map((axis, d) => (d === dimension ? source?.shape[d] : axis.extent));
    if (!source || source.shape.join() !== extents.join() || !isShiftedBy(read, compute, dimension, end)) return undefined;
    parts.push({ read, start: end });
    end += source.shape[dimension] ?? 0;
  }
  return end === compute.axes[dimension]?.extent ? { parts, dimension } : undefined;
}

/** `a[...] else b[...] else c[...]`: the first that is inside, which where they fill the whole is one of them. */
function chainOf(value: Expr): Read[] | undefined {
  if (value.kind !== "read") return undefined;
  if (!value.otherwise || value.otherwise.kind === "constant") return [value];
  const rest = chainOf(value.otherwise);
  return rest && [value, ...rest];
}

/** The first read is at the element itself, so that the dimension shows in those that follow. */
function shiftedDimension(read: Read, { axes }: Compute): number | undefined {
  const d = read.indices.findIndex((index, position) => !isIdentityAt(index, axes, position));
  return d < 0 ? undefined : d;
}

function isShiftedBy({ indices }: Read, { axes }: Compute, dimension: number, start: number): boolean {
  if (indices.length !== axes.length) return false;
  return indices.every((index, d) => isIdentityAt(d === dimension ? { ...index, constant: index.constant + start } : index, axes, d));
}

function isIdentityAt(index: Index, axes: Compute["axes"], d: number): boolean {
  return isIdentity([index], axes.slice(d, d + 1));
}

/** A temporary that one group computes, that nothing else reads, and that is no part, whole or border of anything yet. */
function isWrittenForThis(
  { read }: Part,
  parts: readonly Part[],
  group: Group,
  groups: readonly Group[],
  buffers: ReadonlyMap<string, Buffer>,
  program: TensorProgram,
): boolean {
  const source = buffers.get(read.tensor);
  if (source?.role.kind !== "temporary" || source.halo || source.aliasOf || source.dtype !== buffers.get(group.name)?.dtype) return false;
  // What stands in the whole twice would be read from its place to be copied to the other: no part is read, only wholes are.
  const isOnce = parts.filter((part) => part.read.tensor === read.tensor).length === 1;
  const isAliased = [...buffers.values()].some((buffer) => buffer.aliasOf === source.name);
  const isOutput = program.outputs.some((output) => output.value === source.name);
  const readers = readersOf(source.name, groups);
  const isComputed = groups.some((other) => other.name === source.name);
  return isOnce && !isAliased && !isOutput && isComputed && readers.length === 1 && readers[0] === group;
}

/** The border of a part: what of the whole, its own border included, lies before and after it. */
function restOf(whole: Buffer, source: Buffer, dimension: number, start: number): Halo {
  const around = (widths: readonly number[] | undefined, own: number) =>
    whole.shape.map((_, d) => (widths?.[d] ?? 0) + (d === dimension ? own : 0));
  const after = (whole.shape[dimension] ?? 0) - start - (source.shape[dimension] ?? 0);
  return { before: around(whole.halo?.before, start), after: around(whole.halo?.after, after), fill: whole.halo?.fill ?? 0 };
}

function copyOf(source: Buffer, name: string, names: Compute["axes"]): Group {
  const axes = source.shape.map((extent, d) => ({ name: names[d]?.name ?? `i${d}`, extent }));
  const indices = axes.map((axis): Index => (axis.extent === 1 ? constantIndex(0) : variableIndex(axis.name)));
  const value: Expr = { kind: "read", tensor: source.name, indices, dtype: source.dtype };
  return { name, phase: "run", computes: [{ name, dtype: source.dtype, axes, value }] };
}
