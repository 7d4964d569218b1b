/**
 * The tensor level: groups of computes over buffers. A group becomes one kernel; only its results are
 * buffers that other groups see. In normal form a compute is a map, or one reduction at the root.
 */

import { type DType, dtypes, elementCount, rowMajorStrides } from "./dtype.ts";
import type { Compute, Expr } from "./expr.ts";
import type { Initializer, NnOutput } from "./nn.ts";

/** Elements beyond the shape, per dimension, that hold `fill`; reads may reach into them. */
export type Halo = { readonly before: readonly number[]; readonly after: readonly number[]; readonly fill: number };

export type BufferRole =
  | { readonly kind: "input" }
  | { readonly kind: "weight"; readonly path: string; readonly initializer?: Initializer }
  | { readonly kind: "constant"; readonly data: readonly number[] }
  /** Computed from weights and constants once, at build time. */
  | { readonly kind: "derived" }
  | { readonly kind: "temporary" };

export type Buffer = {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly role: BufferRole;
  readonly halo?: Halo;
  /** Its dimensions in the order in which they lie in memory, outermost first, where that is not their own order. */
  readonly layout?: readonly number[];
  /**
   * Row-major elements of another buffer of the same count and dtype: a reshape that moves nothing. With a halo it is a part of
   * that buffer: the halo is the rest of it, and the two are allocated alike.
   */
  readonly aliasOf?: string;
  /** The operand in whose place it is computed, element by element: the two lie in the same memory in the same layout. */
  readonly overwrites?: string;
  /** Byte offset in the arena, for inputs, outputs and temporaries, once loops are scheduled and memory is planned. */
  readonly offset?: number;
};

export type Group = {
  readonly name: string;
  /** `build`: depends on weights and constants only and runs at build time. */
  readonly phase: "build" | "run";
  /** In dependence order; the last one's tensor is the group's result buffer, the others are inner. */
  readonly computes: readonly Compute[];
};

export type TensorProgram = {
  readonly name: string;
  readonly buffers: readonly Buffer[];
  readonly groups: readonly Group[];
  readonly inputs: readonly string[];
  readonly outputs: readonly NnOutput[];
};

/** Whether it is a region of another buffer, which the groups that compute the parts of that buffer fill together. */
export function isPart({ aliasOf, halo }: Pick<Buffer, "aliasOf" | "halo">): boolean {
  return aliasOf !== undefined && halo !== undefined;
}

/** Allocated extents: the shape with its halo. */
export function allocatedShape(buffer: Pick<Buffer, "shape" | "halo">): number[] {
  const { shape, halo } = buffer;
  return shape.map((extent, d) => extent + (halo?.before[d] ?? 0) + (halo?.after[d] ?? 0));
}

/** Allocated extents in the order of memory, outermost first. */
export function extentsInMemory(buffer: Pick<Buffer, "shape" | "halo" | "layout">): number[] {
  const extents = allocatedShape(buffer);
  return buffer.layout ? buffer.layout.map((d) => extents[d] ?? 1) : extents;
}

/** Elements from one index of each dimension to the next. */
export function stridesOf(buffer: Pick<Buffer, "shape" | "halo" | "layout">): number[] {
  const strides = rowMajorStrides(extentsInMemory(buffer));
  const { layout } = buffer;
  return layout ? layout.map((_, d) => strides[layout.indexOf(d)] ?? 1) : strides;
}

export function resultOf(group: Group): Compute {
  const last = group.computes.at(-1);
  if (!last) throw new Error(`internal error: group ${group.name} has no compute`);
  return last;
}

/** The reduction at the root of a compute in normal form. */
export function rootReduction(compute: Compute): Extract<Expr, { kind: "reduce" }> | undefined {
  return compute.value.kind === "reduce" ? compute.value : undefined;
}

export type Buffers = ReadonlyMap<string, Buffer>;

/** The first tensor that lies in its memory: an alias lies where its source does, and a result in place where its operand did. */
export function memoryOf(name: string, buffers: Buffers): string {
  const buffer = buffers.get(name);
  const other = buffer?.aliasOf ?? buffer?.overwrites;
  return other === undefined ? name : memoryOf(other, buffers);
}

/** Whether they lie in the same memory, or in places of the arena that meet. A local tile meets only itself. */
export function shareMemory(a: string, b: string, buffers: Buffers): boolean {
  const [one, other] = [buffers.get(a), buffers.get(b)];
  if (!one || !other) return a === b;
  if (memoryOf(a, buffers) === memoryOf(b, buffers)) return true;
  if (one.offset === undefined || other.offset === undefined) return false;
  return one.offset < other.offset + bytesOf(other) && other.offset < one.offset + bytesOf(one);
}

/** Bytes that a buffer takes, border included. */
export function bytesOf(buffer: Buffer): number {
  return elementCount(allocatedShape(buffer)) * dtypes[buffer.dtype].bytes;
}
