/**
 * addHalos: where a tensor is read beyond its edges with one constant, its buffer gets a border that holds the
 * constant, and the read loses its default and with it every bounds check. The producer fills the border.
 * An input is first copied into such a buffer. Reads with another constant keep their default.
 */
import { rangeOf, variableIndex } from "../ir/affine.ts";
import type { Compute } from "../ir/expr.ts";
import { type Expr, mapExpr, visitExpr } from "../ir/expr.ts";
import type { Buffer, Group, Halo, TensorProgram } from "../ir/tensor.ts";
import { bufferMap, computeRanges, type Read } from "./tensor_graph.ts";

export function addHalos(program: TensorProgram): TensorProgram {
  const buffers = bufferMap(program);
  const aliased = new Set(program.buffers.flatMap((buffer) => (buffer.aliasOf ? [buffer.name, buffer.aliasOf] : [])));
  const outputs = new Set(program.outputs.map((output) => output.value));
  const halos = collectHalos(
    program,
    buffers,
    (buffer) => !aliased.has(buffer.name) && (buffer.role.kind === "temporary" || buffer.role.kind === "input"),
  );
  const copies = new Map<string, string>();
  const copyGroups: Group[] = [];
  for (const [name, halo] of halos) {
    const buffer = buffers.get(name) as Buffer;
    // What a caller reads or writes stays dense.
    if (buffer.role.kind === "temporary" && !outputs.has(name)) buffers.set(name, { ...buffer, halo });
    else {
      const copy = `${name}.padded`;
      copies.set(name, copy);
      buffers.set(copy, { name: copy, dtype: buffer.dtype, shape: buffer.shape, role: { kind: "temporary" }, halo });
      copyGroups.push(copyGroup(buffer, copy));
    }
  }
  const resolve = (compute: Compute, read: Read): Expr => {
    const halo = halos.get(read.tensor);
    if (!halo || !read.otherwise || !reaches(halo, neededHalo(read, compute, buffers.get(read.tensor) as Buffer))) return read;
    const { otherwise: _, ...plain } = read;
    return { ...plain, tensor: copies.get(read.tensor) ?? read.tensor };
  };
  const groups = program.groups.map((group) => ({
    ...group,
    computes: group.computes.map((compute) => ({ ...compute, value: mapReads(compute.value, (read) => resolve(compute, read)) })),
  }));
  return { ...program, buffers: [...buffers.values()], groups: insertCopies(groups, copyGroups) };
}

/** The border each tensor needs: the largest that its readers ask for with the constant that was asked for first. */
function collectHalos(
  program: TensorProgram,
  buffers: ReadonlyMap<string, Buffer>,
  eligible: (buffer: Buffer) => boolean,
): Map<string, Halo> {
  const halos = new Map<string, Halo>();
  for (const compute of program.groups.filter((group) => group.phase === "run").flatMap((group) => group.computes)) {
    const defaults = new Set<Expr>();
    visitExpr(compute.value, (expr) => {
      // A default that reads is asked only outside of what it stands for: how far its indices could reach says nothing.
      if (expr.kind === "read" && expr.otherwise) visitExpr(expr.otherwise, (inner) => defaults.add(inner));
      const buffer = expr.kind === "read" && expr.otherwise ? buffers.get(expr.tensor) : undefined;
      if (expr.kind !== "read" || !buffer || defaults.has(expr) || !eligible(buffer)) return;
      const needed = neededHalo(expr, compute, buffer);
      const known = halos.get(buffer.name);
      if (!needed || (known && !Object.is(known.fill, needed.fill))) return;
      halos.set(buffer.name, known ? larger(known, needed) : needed);
    });
  }
  return halos;
}

/** Undefined where the default is no constant, or the reads reach too far for a border to be worth its memory. */
function neededHalo(read: Read, compute: Compute, buffer: Buffer): Halo | undefined {
  if (read.otherwise?.kind !== "constant") return undefined;
  const ranges = computeRanges(compute);
  const bounds = read.indices.map((index) => rangeOf(index, ranges));
  const before = bounds.map(({ low }) => Math.max(0, -low));
  const after = bounds.map(({ high }, d) => Math.max(0, high - (buffer.shape[d] ?? 1) + 1));
  const worthwhile = buffer.shape.every((extent, d) => (before[d] as number) + (after[d] as number) <= Math.max(extent, 8));
  return worthwhile ? { before, after, fill: read.otherwise.value } : undefined;
}

function larger(a: Halo, b: Halo): Halo {
  return {
    before: a.before.map((value, d) => Math.max(value, b.before[d] ?? 0)),
    after: a.after.map((value, d) => Math.max(value, b.after[d] ?? 0)),
    fill: a.fill,
  };
}

function reaches(halo: Halo, needed: Halo | undefined): boolean {
  if (!needed || !Object.is(halo.fill, needed.fill)) return false;
  return (
    needed.before.every((value, d) => value <= (halo.before[d] ?? 0)) && needed.after.every((value, d) => value <= (halo.after[d] ?? 0))
  );
}

function mapReads(expr: Expr, change: (read: Read) => Expr): Expr {
  const mapped = mapExpr(
    expr,
    (child) => mapReads(child, change),
    (index) => index,
  );
  return mapped.kind === "read" ? change(mapped) : mapped;
}

function copyGroup(buffer: Buffer, copy: string): Group {
  const axes = buffer.shape.map((extent, d) => ({ name: `i${d}`, extent }));
  const value: Expr = { kind: "read", tensor: buffer.name, indices: axes.map((axis) => variableIndex(axis.name)), dtype: buffer.dtype };
  return { name: copy, phase: "run", computes: [{ name: copy, dtype: buffer.dtype, axes, value }] };
}

/** A copy runs right after the group that makes its source, or first where the source is an input. */
function insertCopies(groups: readonly Group[], copies: readonly Group[]): Group[] {
  const sourceOf = (copy: Group) => copy.name.slice(0, -".padded".length);
  const made = new Set(groups.map((group) => group.name));
  const first = copies.filter((copy) => !made.has(sourceOf(copy)));
  return [...first, ...groups.flatMap((group) => [group, ...copies.filter((copy) => sourceOf(copy) === group.name)])];
}
