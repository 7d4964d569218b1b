/**
 * How a value lies: its stored dimension i is the source's dimension layout[i]. ONNX's networks have channels first and the
 * library's operators have them last; a value stays as its operator gave it until somebody needs it otherwise.
 */
import { elementCount } from "../../ir/dtype.ts";
import type { ImportedTensor, Numbers } from "../importer.ts";

export type Layout = readonly number[];

export function identity(rank: number): Layout {
  return Array.from({ length: rank }, (_, d) => d);
}

/** [n, ...spatial, c] of [n, c, ...spatial]. */
export function channelsLast(rank: number): Layout {
  return rank < 3 ? identity(rank) : [0, ...identity(rank).slice(2), 1];
}

/** [...spatial, channels in, channels out] of a kernel [channels out, channels in, ...spatial]. */
export function kernelLast(rank: number): Layout {
  return [...identity(rank).slice(2), 1, 0];
}

export function isSame(a: Layout, b: Layout): boolean {
  return a.length === b.length && a.every((dimension, i) => dimension === b[i]);
}

export function isIdentity(layout: Layout): boolean {
  return layout.every((dimension, i) => dimension === i);
}

/** The extents in the order in which they are stored. */
export function storedShape(shape: readonly number[], layout: Layout): readonly number[] {
  return layout.map((dimension) => shape[dimension] ?? 1);
}

/** Whether the order moves dimensions of extent 1 only, and so no element. */
export function movesNothing(order: Layout, shape: readonly number[]): boolean {
  const moving = order.filter((position) => shape[position] !== 1);
  return moving.every((position, i) => i === 0 || position > (moving[i - 1] ?? 0));
}

/** The tensor with dimension i of the result being dimension order[i]. */
export function permuted(tensor: ImportedTensor, order: Layout): ImportedTensor {
  const { dtype, shape } = tensor.type;
  const type = { dtype, shape: storedShape(shape, order) };
  if (movesNothing(order, shape)) return { type, values: tensor.values };
  return { type, values: permuteNumbers(tensor.values, shape, order) };
}

function permuteNumbers(values: Numbers, shape: readonly number[], order: Layout): Numbers {
  const count = elementCount(shape);
  const result = values.slice();
  const strides = order.map((dimension) => elementCount(shape.slice(dimension + 1)));
  const extents = storedShape(shape, order);
  const point = extents.map(() => 0);
  let from = 0;
  for (let to = 0; to < count; to++) {
    result[to] = values[from] as number;
    for (let d = extents.length - 1; d >= 0; d--) {
      const next = (point[d] as number) + 1;
      from += strides[d] as number;
      if (next < (extents[d] as number)) {
        point[d] = next;
        break;
      }
      from -= next * (strides[d] as number);
      point[d] = 0;
    }
  }
  return result;
}

export function wrapAxis(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

export function range(count: number, from = 0): number[] {
  return Array.from({ length: Math.max(0, count) }, (_, i) => from + i);
}

/** The shape to which shapes broadcast, aligned at their last dimensions; what does not broadcast takes the first that is not 1. */
export function broadcastShape(shapes: readonly (readonly number[])[]): readonly number[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  return range(rank).map((d) => shapes.reduce((extent, shape) => (extent === 1 ? (shape[d - rank + shape.length] ?? 1) : extent), 1));
}
