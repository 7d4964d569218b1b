/**
 * The operators' definitions once more, as plain loops over arrays in float64. Nothing here is shared with the compiler:
 * that is the point.
 */
import { type Tensor, tensor } from "./tensors.ts";

export type Point = readonly number[];

export function points(shape: readonly number[]): Point[] {
  return shape.reduce<Point[]>((all, extent) => all.flatMap((point) => Array.from({ length: extent }, (_, i) => [...point, i])), [[]]);
}

/** The element at a point, or `outside`. */
export function at({ shape, data }: Tensor, point: Point, outside = Number.NaN): number {
  let position = 0;
  for (let d = 0; d < shape.length; d++) {
    const [i, extent] = [point[d] as number, shape[d] as number];
    if (i < 0 || i >= extent) return outside;
    position = position * extent + i;
  }
  return data[position] as number;
}

export function fill(shape: readonly number[], value: (point: Point) => number, dtype: Tensor["dtype"] = "f32"): Tensor {
  return tensor(shape, points(shape).map(value), dtype);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

export type Window = {
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  /** Before each dimension, then after each. */
  readonly pad: readonly number[];
};

/** The padding that TensorFlow's SAME means: ceil(n / stride) outputs, the odd element after (or before, for ONNX's SAME_LOWER). */
export function samePadding(n: Point, k: Point, stride: Point, dilation: Point, odd: "after" | "before"): number[] {
  const totals = n.map((extent, d) => {
    const covered =
      (Math.ceil(extent / (stride[d] as number)) - 1) * (stride[d] as number) + ((k[d] as number) - 1) * (dilation[d] as number) + 1;
    return Math.max(0, covered - extent);
  });
  const small = totals.map((total) => Math.floor(total / 2));
  const large = totals.map((total) => Math.ceil(total / 2));
  return odd === "after" ? [...small, ...large] : [...large, ...small];
}

function outputs(n: Point, k: Point, { stride, dilation, pad }: Window): number[] {
  return n.map((extent, d) => {
    const room = extent + (pad[d] as number) + (pad[d + n.length] as number) - ((k[d] as number) - 1) * (dilation[d] as number) - 1;
    return Math.floor(room / (stride[d] as number)) + 1;
  });
}

function tap(o: Point, r: Point, { stride, dilation, pad }: Window): number[] {
  return o.map((i, d) => i * (stride[d] as number) + (r[d] as number) * (dilation[d] as number) - (pad[d] as number));
}

/** y[n, o, f] = sum over r, g of x[n, o stride + r dilation - pad, group(f) G + g] k[r, g, f] */
export function convolution(x: Tensor, k: Tensor, window: Window, groups = 1): Tensor {
  const spatial = x.shape.slice(1, -1);
  const [size, g, f] = [k.shape.slice(0, -2), k.shape.at(-2) as number, k.shape.at(-1) as number];
  return fill([x.shape[0] as number, ...outputs(spatial, size, window), f], (point) => {
    const [n, o, filter] = [point[0] as number, point.slice(1, -1), point.at(-1) as number];
    const group = Math.floor(filter / (f / groups));
    const products = points([...size, g]).map((tapped) => {
      const [r, channel] = [tapped.slice(0, -1), tapped.at(-1) as number];
      return at(x, [n, ...tap(o, r, window), group * g + channel], 0) * at(k, [...r, channel, filter]);
    });
    return sum(products);
  });
}

/** y[n, o, c m + j] = sum over r of x[n, o stride + r dilation - pad, c] k[r, c, j] */
export function depthwise(x: Tensor, k: Tensor, window: Window): Tensor {
  const [size, c, m] = [k.shape.slice(0, 2), k.shape[2] as number, k.shape[3] as number];
  return fill([x.shape[0] as number, ...outputs(x.shape.slice(1, 3), size, window), c * m], (point) => {
    const [n, o, filter] = [point[0] as number, point.slice(1, 3), point[3] as number];
    const [channel, j] = [Math.floor(filter / m), filter % m];
    return sum(points(size).map((r) => at(x, [n, ...tap(o, r, window), channel], 0) * at(k, [...r, channel, j])));
  });
}

/** The elements of a window that lie inside the image. */
function insideOf(x: Tensor, n: number, o: Point, channel: number, size: Point, window: Window): number[] {
  return points(size)
    .map((r) => tap(o, r, window))
    .filter((p) => p.every((i, d) => i >= 0 && i < (x.shape[d + 1] as number)))
    .map((p) => at(x, [n, ...p, channel]));
}

export function maxPool(x: Tensor, size: Point, window: Window): Tensor {
  return fill([x.shape[0] as number, ...outputs(x.shape.slice(1, 3), size, window), x.shape[3] as number], ([n, i, j, c]) =>
    Math.max(...insideOf(x, n as number, [i as number, j as number], c as number, size, window)),
  );
}

export function averagePool(x: Tensor, size: Point, window: Window, countPadding: boolean): Tensor {
  return fill([x.shape[0] as number, ...outputs(x.shape.slice(1, 3), size, window), x.shape[3] as number], ([n, i, j, c]) => {
    const values = insideOf(x, n as number, [i as number, j as number], c as number, size, window);
    return sum(values) / (countPadding ? (size[0] as number) * (size[1] as number) : values.length);
  });
}

/** Rows of a by columns of b, over leading dimensions that are equal, 1 or missing. */
export function matrixProduct(a: Tensor, b: Tensor): Tensor {
  const rank = Math.max(a.shape.length, b.shape.length) - 2;
  const extents = (x: Tensor) => [...Array<number>(rank + 2 - x.shape.length).fill(1), ...x.shape.slice(0, -2)];
  const [s, t] = [extents(a), extents(b)];
  const batch = s.map((extent, d) => Math.max(extent, t[d] as number));
  const [m, c, f] = [a.shape.at(-2) as number, a.shape.at(-1) as number, b.shape.at(-1) as number];
  const lead = (x: Tensor, own: readonly number[], point: Point) =>
    point
      .slice(0, rank)
      .map((i, d) => ((own[d] as number) === 1 ? 0 : i))
      .slice(rank + 2 - x.shape.length);
  return fill([...batch, m, f], (point) => {
    const [row, column] = [point[rank] as number, point[rank + 1] as number];
    return sum(Array.from({ length: c }, (_, i) => at(a, [...lead(a, s, point), row, i]) * at(b, [...lead(b, t, point), i, column])));
  });
}

export function normalized(x: Tensor, gamma: Tensor, beta: Tensor, mean: Tensor, variance: Tensor, epsilon: number): Tensor {
  const of = (values: Tensor, c: number) => values.data[c] as number;
  return fill(x.shape, (point) => {
    const c = point.at(-1) as number;
    return ((at(x, point) - of(mean, c)) / Math.sqrt(of(variance, c) + epsilon)) * of(gamma, c) + of(beta, c);
  });
}

/** The elements that one element of a reduction over `axes` sees, in row-major order. */
function seen(x: Tensor, axes: readonly number[], kept: Point): number[] {
  return points(axes.map((axis) => x.shape[axis] as number)).map((r) => {
    let next = 0;
    return at(
      x,
      x.shape.map((_, d) => (axes.includes(d) ? (r[axes.indexOf(d)] as number) : (kept[next++] as number))),
    );
  });
}

export function reduced(
  x: Tensor,
  axes: readonly number[],
  keep: boolean,
  combine: (values: readonly number[]) => number,
  dtype: Tensor["dtype"] = "f32",
): Tensor {
  const rest = x.shape.filter((_, d) => !axes.includes(d));
  const values = points(rest).map((point) => combine(seen(x, axes, point)));
  return tensor(keep ? x.shape.map((extent, d) => (axes.includes(d) ? 1 : extent)) : rest, values, dtype);
}

export const reducers: { readonly [name: string]: (values: readonly number[]) => number } = {
  reduce_sum: sum,
  reduce_mean: (values) => sum(values) / values.length,
  reduce_max: (values) => Math.max(...values),
  reduce_min: (values) => Math.min(...values),
  argmax: (values) => values.indexOf(Math.max(...values)),
};

export function softmaxAlong(x: Tensor, axis: number): Tensor {
  return fill(x.shape, (point) => {
    const line = Array.from({ length: x.shape[axis] as number }, (_, i) =>
      Math.exp(
        at(
          x,
          point.map((p, d) => (d === axis ? i : p)),
        ),
      ),
    );
    return (line[point[axis] as number] as number) / sum(line);
  });
}

export function transposed(x: Tensor, order: readonly number[]): Tensor {
  return fill(
    order.map((d) => x.shape[d] as number),
    (point) =>
      at(
        x,
        x.shape.map((_, d) => point[order.indexOf(d)] as number),
      ),
    x.dtype,
  );
}

export function padded(x: Tensor, pad: readonly number[], value: number): Tensor {
  const rank = x.shape.length;
  const shape = x.shape.map((extent, d) => extent + (pad[d] as number) + (pad[d + rank] as number));
  return fill(shape, (point) =>
    at(
      x,
      point.map((i, d) => i - (pad[d] as number)),
      value,
    ),
  );
}

export function concatenated(parts: readonly Tensor[], axis: number): Tensor {
  const first = parts[0] as Tensor;
  const extent = sum(parts.map((part) => part.shape[axis] as number));
  return fill(
    first.shape.map((e, d) => (d === axis ? extent : e)),
    (point) => {
      let i = point[axis] as number;
      let k = 0;
      while (i >= ((parts[k] as Tensor).shape[axis] as number)) i -= (parts[k++] as Tensor).shape[axis] as number;
      return at(
        parts[k] as Tensor,
        point.map((p, d) => (d === axis ? i : p)),
      );
    },
    first.dtype,
  );
}
