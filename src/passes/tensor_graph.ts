/** Questions on tensor programs that several passes share. */
import { add, constantIndex, type Index, offset, type Ranges, rangeOf, scale, subtract, variableIndex, visitAtoms } from "../ir/affine.ts";
import { rowMajorStrides } from "../ir/dtype.ts";
import { type Compute, type Expr, indicesOf, tensorsRead, visitExpr } from "../ir/expr.ts";
import type { Buffer, Group, TensorProgram } from "../ir/tensor.ts";

export type Read = Extract<Expr, { kind: "read" }>;

export function bufferMap(program: Pick<TensorProgram, "buffers">): Map<string, Buffer> {
  return new Map(program.buffers.map((buffer) => [buffer.name, buffer]));
}

/** The groups that read the tensor. */
export function readersOf(tensor: string, groups: readonly Group[]): Group[] {
  return groups.filter((group) => tensorsReadBy(group).has(tensor));
}

/** Tensors that a group reads from outside itself. Groups do not change, so that each is looked through once. */
export function tensorsReadBy(group: Group): ReadonlySet<string> {
  const names = namesRead.get(group) ?? findNamesRead(group);
  namesRead.set(group, names);
  return names;
}

const namesRead = new WeakMap<Group, ReadonlySet<string>>();

function findNamesRead(group: Group): Set<string> {
  const inner = new Set(group.computes.map((compute) => compute.name));
  const names = new Set<string>();
  for (const compute of group.computes) for (const name of tensorsRead(compute.value)) if (!inner.has(name)) names.add(name);
  return names;
}

/** Whether the tensor is read inside an index, where only its buffer will do. */
export function isReadInIndex(expr: Expr, tensor: string): boolean {
  let found = false;
  visitExpr(expr, (inner) => {
    for (const index of indicesOf(inner)) {
      visitAtoms(index, (atom) => {
        if (atom.kind === "read" && atom.tensor === tensor) found = true;
      });
    }
  });
  return found;
}

/** Bounds of all iterators of a compute, those of its reduction included. */
export function computeRanges(compute: Compute): Ranges {
  const extents = new Map(compute.axes.map((axis) => [axis.name, axis.extent]));
  visitExpr(compute.value, (expr) => {
    if (expr.kind === "reduce") for (const axis of expr.axes) extents.set(axis.name, axis.extent);
  });
  return {
    variable: (name) => {
      const extent = extents.get(name);
      return extent === undefined ? undefined : { low: 0, high: extent - 1 };
    },
  };
}

/** Whether the indices are the axes themselves, in order; an axis of extent 1 may be written 0. */
export function isIdentity(indices: readonly Index[], axes: Compute["axes"]): boolean {
  return indices.length === axes.length && indices.every((index, d) => isZero(subtract(index, axisIndex(axes[d]))));
}

/** Whether reading `shape` at `indices` goes through its elements in the row-major order of `axes`. */
export function isRowMajorCopy(indices: readonly Index[], shape: readonly number[], axes: Compute["axes"]): boolean {
  const strides = rowMajorStrides(shape);
  const outer = rowMajorStrides(axes.map((axis) => axis.extent));
  let difference: Index = constantIndex(0);
  indices.forEach((index, d) => {
    difference = add(difference, scale(index, strides[d] ?? 1));
  });
  axes.forEach((axis, d) => {
    difference = subtract(difference, scale(axisIndex(axis), outer[d] ?? 1));
  });
  return isZero(difference);
}

export function isZero(index: Index): boolean {
  return index.terms.length === 0 && index.constant === 0;
}

/** Whether the index stays in 0 .. extent-1. */
export function staysInside(index: Index, extent: number, ranges: Ranges): boolean {
  const { low, high } = rangeOf(index, ranges);
  return low >= 0 && high < extent;
}

function axisIndex(axis: Compute["axes"][number] | undefined): Index {
  return axis && axis.extent > 1 ? variableIndex(axis.name) : offset(constantIndex(0), 0);
}
