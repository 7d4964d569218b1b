/** Definitions of layers over images once more, as plain loops in float64: transposed convolution, pooling, normalisation, resizing, sampling. */
import { at, fill, type Point, points, type Window } from "./definitions.ts";
import type { Tensor } from "./tensors.ts";

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]) => sum(values) / values.length;

/** Each element of x adds the kernel, times itself, to the outputs from i stride - before on. */
export function transposedConvolution(x: Tensor, k: Tensor, window: Window, extra: Point, groups: number): Tensor {
  const [spatial, size] = [x.shape.slice(1, -1), k.shape.slice(0, -2)];
  const [g, c] = [k.shape.at(-2) as number, k.shape.at(-1) as number];
  const { stride, dilation, pad } = window as { [key in keyof Window]: number[] };
  const extents = spatial.map((n, d) => {
    const reach = ((size[d] as number) - 1) * (dilation[d] as number) + 1;
    return (n - 1) * (stride[d] as number) + reach + (extra[d] as number) - (pad[d] as number) - (pad[d + spatial.length] as number);
  });
  const totals = new Map<string, number>();
  for (const [n = 0, ...rest] of points(x.shape)) {
    const [place, channel] = [rest.slice(0, -1), rest.at(-1) as number];
    for (const tap of points([...size, g])) {
      const [r, own] = [tap.slice(0, -1), tap.at(-1) as number];
      const o = place.map((i, d) => i * (stride[d] as number) + (r[d] as number) * (dilation[d] as number) - (pad[d] as number));
      const filter = Math.floor(channel / (c / groups)) * g + own;
      const key = [n, ...o, filter].join();
      totals.set(key, (totals.get(key) ?? 0) + at(x, [n, ...rest]) * at(k, [...r, own, channel]));
    }
  }
  return fill([x.shape[0] as number, ...extents, g * groups], (point) => totals.get(point.join()) ?? 0);
}

/** The output extents of pooling, where with `ceil` a last window must begin before the padding after. */
function pooledExtents(x: Tensor, size: Point, { stride, dilation, pad }: Window, ceil: boolean): number[] {
  return size.map((k, d) => {
    const [n, before] = [x.shape[d + 1] as number, pad[d] as number];
    const all = n + before + (pad[d + size.length] as number);
    let count = 0;
    for (let start = 0; ceil ? start < n + before : start + (k - 1) * (dilation[d] as number) < all; start += stride[d] as number) {
      count++;
      if (start + (k - 1) * (dilation[d] as number) + 1 >= all) break;
    }
    return count;
  });
}

/** Of every window: the elements inside x, and how many lie inside x or its padding. */
export function pooled(
  x: Tensor,
  size: Point,
  window: Window,
  ceil: boolean,
  combine: (values: readonly number[], covered: number) => number,
): Tensor {
  const { stride, dilation, pad } = window;
  const rank = size.length;
  const shape = [x.shape[0] as number, ...pooledExtents(x, size, window, ceil), x.shape.at(-1) as number];
  return fill(shape, (point) => {
    const places = points(size).map((r) =>
      r.map((i, d) => (point[d + 1] as number) * (stride[d] as number) + i * (dilation[d] as number) - (pad[d] as number)),
    );
    const inside = places.filter((p) => p.every((i, d) => i >= 0 && i < (x.shape[d + 1] as number)));
    const covered = places.filter((p) => p.every((i, d) => i < (x.shape[d + 1] as number) + (pad[d + rank] as number)));
    return combine(
      inside.map((p) => at(x, [point[0] as number, ...p, point.at(-1) as number])),
      covered.length,
    );
  });
}

/** x minus the mean over the root of the variance of the elements that `key` puts together. */
export function standardized(x: Tensor, epsilon: number, key: (point: Point) => string): Tensor {
  const groups = new Map<string, number[]>();
  for (const point of points(x.shape)) groups.set(key(point), [...(groups.get(key(point)) ?? []), at(x, point)]);
  return fill(x.shape, (point) => {
    const values = groups.get(key(point)) as number[];
    const center = mean(values);
    return (at(x, point) - center) / Math.sqrt(mean(values.map((value) => (value - center) ** 2)) + epsilon);
  });
}

export function responseNormalized(x: Tensor, size: number, alpha: number, beta: number, k: number): Tensor {
  const channels = x.shape.at(-1) as number;
  return fill(x.shape, (point) => {
    const c = point.at(-1) as number;
    let squares = 0;
    for (let i = c - Math.floor((size - 1) / 2); i <= c + Math.ceil((size - 1) / 2); i++)
      if (i >= 0 && i < channels) squares += at(x, [...point.slice(0, -1), i]) ** 2;
    return at(x, point) / (k + (alpha / size) * squares) ** beta;
  });
}

export type Coordinates = "half_pixel" | "asymmetric" | "align_corners" | "pytorch_half_pixel" | "tf_half_pixel";

/** Where output `o` of `output` lies among `input` elements. */
export function placeOf(o: number, input: number, output: number, coordinates: Coordinates): number {
  const scale = output / input;
  switch (coordinates) {
    case "half_pixel":
      return (o + 0.5) / scale - 0.5;
    case "asymmetric":
      return o / scale;
    case "align_corners":
      return output === 1 ? 0 : (o * (input - 1)) / (output - 1);
    case "pytorch_half_pixel":
      return output === 1 ? 0 : (o + 0.5) / scale - 0.5;
    case "tf_half_pixel":
      return (o + 0.5) / scale;
  }
}

/** How much of the element that is `distance` away a filter takes. */
export type Filter = (distance: number) => number;

export const tent: Filter = (d) => Math.max(0, 1 - Math.abs(d));

/** Keys (1981). */
export function cubic(a: number): Filter {
  return (distance) => {
    const d = Math.abs(distance);
    if (d <= 1) return (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1;
    return d < 2 ? a * d ** 3 - 5 * a * d ** 2 + 8 * a * d - 4 * a : 0;
  };
}

/** What a place outside a dimension of n elements reads: an element of it, or nothing. */
export type Outside = (place: number, n: number) => number | undefined;

export const edge: Outside = (place, n) => Math.max(0, Math.min(n - 1, place));
export const zeros: Outside = (place, n) => (place >= 0 && place < n ? place : undefined);

/** The image at (y, x): all elements within two of it, weighted by the filter in both directions. */
export function sampled(image: Tensor, n: number, c: number, y: number, x: number, filter: Filter, outside: Outside): number {
  const [h, w] = [image.shape[1] as number, image.shape[2] as number];
  let total = 0;
  for (let i = Math.floor(y) - 2; i <= Math.floor(y) + 3; i++)
    for (let j = Math.floor(x) - 2; j <= Math.floor(x) + 3; j++) {
      const [row, column] = [outside(i, h), outside(j, w)];
      const weight = filter(y - i) * filter(x - j);
      if (weight !== 0 && row !== undefined && column !== undefined) total += at(image, [n, row, column, c]) * weight;
    }
  return total;
}

/** Mirrored at the outermost elements, or at their outer corners. */
export function mirrored(alignCorners: boolean): Outside {
  return (place, n) => {
    let p = place;
    const [low, high] = alignCorners ? [0, n - 1] : [-0.5, n - 0.5];
    while (p < low || p > high) p = p < low ? 2 * low - p : 2 * high - p;
    return p;
  };
}
