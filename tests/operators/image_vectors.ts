/** Larger cases of layers over images with random parameters and values, whose expectations plain loops compute. */
import type { Random } from "../../src/support/random.ts";
import { convolution, fill, type Window } from "./definitions.ts";
import {
  type Coordinates,
  cubic,
  edge,
  mirrored,
  placeOf,
  pooled,
  responseNormalized,
  sampled,
  standardized,
  tent,
  transposedConvolution,
  zeros,
} from "./image_definitions.ts";
import { range } from "./lists.ts";
import { randomTensor, type Tensor, tensor } from "./tensors.ts";

export type Case = { readonly call: string; readonly inputs: readonly Tensor[]; readonly expected: Tensor };
export type Makers = { readonly [operator: string]: (random: Random) => Case };

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

function list(random: Random, count: number, low: number, high: number): number[] {
  return range(count).map(() => random.integer(low, high));
}

/** [n, ...spatial, c] */
function image(random: Random, rank: number, channels = random.integer(1, 9)): Tensor {
  return randomTensor(random, [random.integer(1, 2), ...list(random, rank, 3, 6), channels]);
}

function integersLike(random: Random, shape: readonly number[], dtype: "i8" | "u8"): Tensor {
  const [low, high] = dtype === "i8" ? [-128, 127] : [0, 255];
  return tensor(
    shape,
    range(shape.reduce((a, b) => a * b, 1)).map(() => random.integer(low, high)),
    dtype,
  );
}

function convolved(operator: "conv1d" | "conv3d", rank: number): (random: Random) => Case {
  return (random) => {
    const groups = random.integer(1, 2);
    const x = image(random, rank, groups * random.integer(1, 3));
    const k = randomTensor(random, [...list(random, rank, 1, 3), (x.shape.at(-1) as number) / groups, groups * random.integer(1, 9)]);
    const window: Window = { stride: list(random, rank, 1, 2), dilation: range(rank).map(() => 1), pad: list(random, 2 * rank, 0, 2) };
    const call = `${operator}(x0, x1, stride: [${window.stride}], pad: [${window.pad}], groups: ${groups})`;
    return { call, inputs: [x, k], expected: convolution(x, k, window, groups) };
  };
}

function transposed(operator: string, fixed?: number): (random: Random) => Case {
  return (random) => {
    const rank = fixed ?? random.integer(1, 3);
    const groups = random.integer(1, 2);
    const x = randomTensor(random, [random.integer(1, 2), ...list(random, rank, 1, 4), groups * random.integer(1, 3)]);
    const k = randomTensor(random, [...list(random, rank, 1, 3), random.integer(1, 9), x.shape.at(-1) as number]);
    const [stride, dilation] = [list(random, rank, 1, 3), list(random, rank, 1, 2)];
    const extra = stride.map((most) => random.integer(0, most - 1));
    // At least one element remains.
    const pad = [...k.shape.slice(0, rank), ...k.shape.slice(0, rank)].map((extent) => random.integer(0, Math.floor((extent - 1) / 2)));
    const attributes = `stride: [${stride}], dilation: [${dilation}], pad: [${pad}], extra: [${extra}], groups: ${groups}`;
    return {
      call: `${operator}(x0, x1, ${attributes})`,
      inputs: [x, k],
      expected: transposedConvolution(x, k, { stride, dilation, pad }, extra, groups),
    };
  };
}

type Combine = (values: readonly number[], covered: number) => number;

function pool(operator: string, variants: readonly (readonly [attribute: string, combine: Combine])[]): (random: Random) => Case {
  return (random) => {
    const rank = random.integer(1, 3);
    const x = image(random, rank);
    const size = list(random, rank, 1, 3);
    const dilates = operator !== "lp_pool";
    const stride = list(random, rank, 1, 3);
    // Dilated only as far as the window fits into the image.
    const dilation = size.map((k, d) => (dilates && (k - 1) * 2 < (x.shape[d + 1] as number) ? random.integer(1, 2) : 1));
    // The padding is less than the window, so that none lies in it altogether, and with dilation none misses the image.
    const pad = [...size, ...size].map((extent, i) => (dilation[i % rank] === 1 ? random.integer(0, extent - 1) : 0));
    const ceil = dilates && dilation.every((d) => d === 1) && random.integer(0, 1) === 1;
    const [attribute, combine] = random.pick([...variants]);
    const attributes = `window: [${size}], stride: [${stride}]${dilates ? `, dilation: [${dilation}], ceil: ${ceil}` : ""}, pad: [${pad}]${attribute}`;
    return { call: `${operator}(x0, ${attributes})`, inputs: [x], expected: pooled(x, size, { stride, dilation, pad }, ceil, combine) };
  };
}

/** gamma and beta along the last dimension. */
function scaled(x: Tensor, gamma: Tensor, beta: Tensor): Tensor {
  const c = gamma.data.length;
  return tensor(
    x.shape,
    x.data.map((value, i) => value * (gamma.data[i % c] as number) + (beta.data[i % c] as number)),
  );
}

function normalization(operator: string, attributes: (groups: number) => string, key: (point: readonly number[], width: number) => string) {
  return (random: Random): Case => {
    const groups = random.integer(1, 3);
    const x = image(random, random.integer(1, 2), groups * random.integer(1, 4));
    const c = x.shape.at(-1) as number;
    const [gamma, beta] = [randomTensor(random, [c]), randomTensor(random, [c])];
    return {
      call: `${operator}(x0, x1, x2, epsilon: 0.01${attributes(groups)})`,
      inputs: [x, gamma, beta],
      expected: scaled(
        standardized(x, 0.01, (point) => key(point, c / groups)),
        gamma,
        beta,
      ),
    };
  };
}

/** A size that is neither far from the image's nor divides it often. */
function resizing(mode: "nearest" | "linear" | "cubic"): (random: Random) => Case {
  return (random) => {
    const x = image(random, 2, random.integer(1, 5));
    const size = list(random, 2, 1, 9);
    const coordinates: Coordinates = random.pick(["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", "tf_half_pixel"]);
    const coefficient = random.pick([-0.5, -0.75]);
    const rounding = random.pick(["round_half_down", "round_half_up", "floor", "ceil"] as const);
    const nearest = (place: number, n: number) => {
      // What f32 may not tell apart is the same place.
      const near = Math.abs(place * 2 - Math.round(place * 2)) < 1e-6 ? Math.round(place * 2) / 2 : place;
      const whole = {
        round_half_down: Math.ceil(near - 0.5),
        round_half_up: Math.floor(near + 0.5),
        floor: Math.floor(near),
        ceil: Math.ceil(near),
      };
      return edge(whole[rounding], n) as number;
    };
    const place = (o: number, d: number) => placeOf(o, x.shape[d] as number, size[d - 1] as number, coordinates);
    const more = { nearest: `, rounding: ${rounding}`, linear: "", cubic: `, coefficient: ${coefficient}` }[mode];
    return {
      call: `resize_${mode}(x0, size: [${size}], coordinates: ${coordinates}${more})`,
      inputs: [x],
      expected: fill([x.shape[0] as number, ...size, x.shape[3] as number], ([n = 0, i = 0, j = 0, c = 0]) => {
        const [y, z] = [place(i, 1), place(j, 2)];
        if (mode === "nearest") return sampled(x, n, c, nearest(y, x.shape[1] as number), nearest(z, x.shape[2] as number), tent, edge);
        return sampled(x, n, c, y, z, mode === "linear" ? tent : cubic(coefficient), edge);
      }),
    };
  };
}

/** Batches and groups in which a point stands. */
const ofGroup = (point: readonly number[], width: number) => `${point[0]} ${Math.floor((point.at(-1) as number) / width)}`;

export const imageMakers: Makers = {
  conv1d: convolved("conv1d", 1),
  conv3d: convolved("conv3d", 3),
  conv_integer: (random) => {
    const x = integersLike(random, [1, 5, 4, 3], random.pick(["i8", "u8"]));
    const k = integersLike(random, [2, 3, 3, random.integer(1, 9)], random.pick(["i8", "u8"]));
    const [own, other] = list(random, 2, -8, 8);
    const window: Window = { stride: list(random, 2, 1, 2), dilation: [1, 1], pad: list(random, 4, 0, 1) };
    const shifted = (t: Tensor, zero = 0) => ({ ...t, data: t.data.map((value) => value - zero) });
    return {
      call: `conv_integer(x0, x1, x_zero: ${own}, k_zero: ${other}, stride: [${window.stride}], pad: [${window.pad}])`,
      inputs: [x, k],
      expected: { ...convolution(shifted(x, own), shifted(k, other), window), dtype: "i32" },
    };
  },
  conv_transpose: transposed("conv_transpose"),
  conv_transpose1d: transposed("conv_transpose1d", 1),
  conv_transpose2d: transposed("conv_transpose2d", 2),
  max_pool: pool("max_pool", [["", (values) => Math.max(...values)]]),
  avg_pool: pool("avg_pool", [
    ["", (values) => sum(values) / values.length],
    [", count_padding: true", (values, covered) => sum(values) / covered],
  ]),
  lp_pool: pool("lp_pool", [
    [", p: 1", (values) => sum(values.map(Math.abs))],
    ["", (values) => Math.hypot(...values)],
    [", p: 3", (values) => Math.cbrt(sum(values.map((value) => Math.abs(value) ** 3)))],
  ]),
  instance_norm: normalization(
    "instance_norm",
    () => "",
    (point) => `${point[0]} ${point.at(-1)}`,
  ),
  group_norm: normalization("group_norm", (groups) => `, groups: ${groups}`, ofGroup),
  layer_norm: normalization(
    "layer_norm",
    () => "",
    (point) => point.slice(0, -1).join(),
  ),
  local_response_norm: (random) => {
    const x = image(random, 2);
    const size = random.integer(1, 5);
    return {
      call: `local_response_norm(x0, size: ${size}, alpha: 0.5, beta: 0.75, k: 2)`,
      inputs: [x],
      expected: responseNormalized(x, size, 0.5, 0.75, 2),
    };
  },
  resize_nearest: resizing("nearest"),
  resize_linear: resizing("linear"),
  resize_cubic: resizing("cubic"),
  grid_sample: (random) => {
    const x = image(random, 2, random.integer(1, 5));
    const [h, w] = x.shape.slice(1, 3) as [number, number];
    const grid = randomTensor(random, [x.shape[0] as number, ...list(random, 2, 1, 4), 2]);
    const [mode, padding] = [random.pick(["linear", "cubic"]), random.pick(["zeros", "border", "reflection"] as const)];
    const align = random.integer(0, 1) === 1;
    const outside = { zeros, border: edge, reflection: mirrored(align) }[padding];
    const place = (value: number, n: number) => (align ? ((value + 1) * (n - 1)) / 2 : ((value + 1) * n - 1) / 2);
    const [, a = 1, b = 1] = grid.shape;
    return {
      call: `grid_sample(x0, x1, mode: ${mode}, padding: ${padding}, align_corners: ${align})`,
      inputs: [x, grid],
      expected: fill([x.shape[0] as number, a, b, x.shape[3] as number], ([n = 0, i = 0, j = 0, c = 0]) => {
        const at = 2 * ((n * a + i) * b + j);
        const [px, py] = [place(grid.data[at] as number, w), place(grid.data[at + 1] as number, h)];
        return sampled(x, n, c, py, px, mode === "linear" ? tent : cubic(-0.75), outside);
      }),
    };
  },
};
