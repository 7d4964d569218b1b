/** Random calls of the library's layers: convolutions, pools, matrix products, normalisation. */

import { chance, freshName, type Generator, mark, type TensorInfo } from "./features.ts";
import { broadcast, call, count, isFloat, type Maker, pick, randomWeight } from "./library_support.ts";

const isImage = (tensor: TensorInfo) => isFloat(tensor) && tensor.shape.length === 4 && !tensor.shape.includes(0);

export const layerMakers: { readonly [name: string]: Maker } = {
  matmul: (generator, pool) => {
    const a = pick(generator, pool, (tensor) => isFloat(tensor) && tensor.shape.length >= 2);
    if (!a) return undefined;
    const c = a.shape.at(-1) as number;
    const found = pick(
      generator,
      pool,
      (tensor) =>
        isFloat(tensor) &&
        tensor.shape.length >= 2 &&
        tensor.shape.at(-2) === c &&
        broadcast(a.shape.slice(0, -2), tensor.shape.slice(0, -2)) !== undefined,
    );
    const b = found && chance(generator, 0.6) ? found : randomWeight(generator, [c, generator.random.pick([1, 2, 3, 4, 5, 8, 13, 24])]);
    const batch = broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2));
    const shape = [...(batch ?? []), a.shape.at(-2) as number, b.shape.at(-1) as number];
    if (count(shape) > 400) return undefined;
    return {
      text: call(generator, "matmul", a.name, [b.name]),
      results: [{ dtype: "f32", shape, magnitude: a.magnitude * b.magnitude * Math.max(1, c) }],
    };
  },
  dense: (generator, pool) => {
    const x = pick(generator, pool, (tensor) => isFloat(tensor) && tensor.shape.length === 2);
    if (!x) return undefined;
    const [n, c] = x.shape as [number, number];
    const f = generator.random.pick([1, 2, 3, 4, 7, 8, 12, 17]);
    return {
      text: call(generator, "dense", x.name, [randomWeight(generator, [c, f]).name, randomWeight(generator, [f]).name]),
      results: [{ dtype: "f32", shape: [n, f], magnitude: (x.magnitude * 3 + 3) * Math.max(1, c) }],
    };
  },
  batch_norm: (generator, pool) => {
    const x = pick(generator, pool, (tensor) => isFloat(tensor) && tensor.shape.length > 0);
    if (!x || generator.exact) return undefined;
    const c = x.shape.at(-1) as number;
    const rest = [1, 2, 3].map(() => randomWeight(generator, [c]).name);
    const variance = `@${freshName(generator, "w")}: [${c}] = uniform(0.5, 2)`;
    mark(generator, "initialiser: uniform");
    return {
      text: call(generator, "batch_norm", x.name, [...rest, variance, "epsilon: 0.01"]),
      results: [{ dtype: "f32", shape: x.shape, magnitude: (x.magnitude + 3) * 5 + 3 }],
    };
  },
  softmax: (generator, pool) => {
    const x = pick(generator, pool, (tensor) => isFloat(tensor) && tensor.shape.length > 0);
    if (!x || generator.exact) return undefined;
    return {
      text: call(generator, "softmax", x.name, chance(generator, 0.5) ? [`axis: ${generator.random.integer(-1, x.shape.length - 1)}`] : []),
      results: [{ ...x, magnitude: 1 }],
    };
  },
  conv2d: convolution("conv2d"),
  conv: convolution("conv"),
  depthwise_conv2d: convolution("depthwise_conv2d"),
  max_pool2d: pool2d("max_pool2d"),
  avg_pool2d: pool2d("avg_pool2d"),
  global_avg_pool: (generator, pool) => {
    const x = pick(generator, pool, isImage);
    if (!x || generator.exact) return undefined;
    return {
      text: call(generator, "global_avg_pool", x.name),
      results: [{ dtype: "f32", shape: [x.shape[0] as number, x.shape[3] as number], magnitude: x.magnitude }],
    };
  },
};

/** Window arithmetic of the library, written again. */
function windowExtent(n: number, k: number, stride: number, dilation: number, padding: number): number {
  return Math.floor((n + padding - (k - 1) * dilation - 1) / stride) + 1;
}

type Window = { readonly text: readonly string[]; readonly extents: readonly number[] };

function randomWindow(generator: Generator, n: readonly number[], k: readonly number[], dilates: boolean): Window | undefined {
  const { random } = generator;
  const stride = n.map(() => random.integer(1, 3));
  const dilation = n.map(() => (dilates ? random.integer(1, 2) : 1));
  const word = random.pick(["same", "same_lower", "valid", "numbers"]);
  const pads = word === "numbers" ? [...n, ...n].map(() => random.integer(0, 2)) : undefined;
  const extents = n.map((extent, d) => {
    const [size, step, gap] = [k[d] as number, stride[d] as number, dilation[d] as number];
    if (word === "same" || word === "same_lower") return Math.ceil(extent / step);
    return windowExtent(extent, size, step, gap, pads ? (pads[d] as number) + (pads[d + n.length] as number) : 0);
  });
  if (extents.some((extent) => extent < 1)) return undefined;
  const text = [`stride: [${stride}]`, ...(dilates ? [`dilation: [${dilation}]`] : []), `pad: ${pads ? `[${pads}]` : word}`];
  return { text, extents };
}

function convolution(name: "conv2d" | "conv" | "depthwise_conv2d"): Maker {
  return (generator, pool) => {
    const { random } = generator;
    const x = pick(generator, pool, (tensor) =>
      name === "conv" ? isFloat(tensor) && tensor.shape.length >= 3 && !tensor.shape.includes(0) : isImage(tensor),
    );
    if (!x) return undefined;
    const spatial = x.shape.slice(1, -1);
    const channels = x.shape.at(-1) as number;
    const k = spatial.map(() => random.integer(1, 3));
    const window = randomWindow(generator, spatial, k, true);
    if (!window) return undefined;
    const groups = name === "conv" ? random.pick([1, channels]) : 1;
    const filters = name === "conv" ? groups * random.integer(1, 3) : random.pick([1, 2, 3, 4, 8, 9, 16, 21]);
    const multiplier = random.integer(1, 2);
    const last = name === "depthwise_conv2d" ? [channels, multiplier] : [channels / groups, filters];
    const kernel = randomWeight(generator, [...k, ...last]);
    const shape = [x.shape[0] as number, ...window.extents, name === "depthwise_conv2d" ? channels * multiplier : filters];
    if (count(shape) > 1000) return undefined;
    const rest = [kernel.name, ...window.text, ...(name === "conv" && groups !== 1 ? [`groups: ${groups}`] : [])];
    return {
      text: call(generator, name, x.name, rest),
      results: [{ dtype: "f32", shape, magnitude: x.magnitude * 3 * count(k) * channels }],
    };
  };
}

function pool2d(name: "max_pool2d" | "avg_pool2d"): Maker {
  return (generator, pool) => {
    const x = pick(generator, pool, isImage);
    if (!x || (name === "avg_pool2d" && generator.exact)) return undefined;
    const k = [generator.random.integer(1, 3), generator.random.integer(1, 3)];
    const window = randomWindow(generator, x.shape.slice(1, 3), k, name === "max_pool2d");
    if (!window) return undefined;
    const rest = [`window: [${k}]`, ...window.text, ...(name === "avg_pool2d" && chance(generator, 0.5) ? ["count_padding: true"] : [])];
    const shape = [x.shape[0] as number, ...window.extents, x.shape[3] as number];
    // A window that lies in the padding altogether has no largest element and no mean.
    return { text: call(generator, name, x.name, rest), results: [{ dtype: "f32", shape, magnitude: Infinity }] };
  };
}
