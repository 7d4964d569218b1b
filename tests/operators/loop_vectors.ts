/** Larger cases with random parameters and values, whose expectations the plain loops of `definitions.ts` compute. */
import type { Random } from "../../src/support/random.ts";
import {
  averagePool,
  concatenated,
  convolution,
  depthwise,
  matrixProduct,
  maxPool,
  normalized,
  padded,
  reduced,
  reducers,
  samePadding,
  softmaxAlong,
  transposed,
  type Window,
} from "./definitions.ts";
import { type Case, imageMakers } from "./image_vectors.ts";
import { movementMakers } from "./movement_vectors.ts";
import { quantizedMakers } from "./quantized_vectors.ts";
import { randomTensor, seeded, type Tensor, tensor, type Vector, vector } from "./tensors.ts";
import { winogradMakers } from "./winograd_vectors.ts";

/** So many cases for each operator that has loops. */
export function loopVectors(count: number): Vector[] {
  return Object.entries({ ...makers, ...imageMakers, ...movementMakers, ...quantizedMakers, ...winogradMakers }).flatMap(
    ([operator, make]) =>
      Array.from({ length: count }, (_, i) => {
        const { call, inputs, expected } = make(seeded(`${operator}/${i}`));
        return vector(operator, call, inputs, expected);
      }),
  );
}

/** Strides, dilations and a padding in numbers or words, such that at least one window fits. */
function randomWindow(random: Random, n: readonly number[], k: readonly number[], dilates: boolean): { window: Window; text: string } {
  const stride = n.map(() => random.integer(1, 3));
  const dilation = n.map(() => (dilates ? random.integer(1, 2) : 1));
  const written = [`stride: [${stride}]`, ...(dilates ? [`dilation: [${dilation}]`] : [])].join(", ");
  const word = random.pick(["same", "same_lower", "numbers"]);
  if (word !== "numbers") {
    const pad = samePadding(n, k, stride, dilation, word === "same" ? "after" : "before");
    return { window: { stride, dilation, pad }, text: `${written}, pad: ${word}` };
  }
  const needed = n.map((extent, d) => Math.max(0, ((k[d] as number) - 1) * (dilation[d] as number) + 1 - extent));
  const pad = [...n.map(() => random.integer(0, 2)), ...needed.map((least) => least + random.integer(0, 2))];
  return { window: { stride, dilation, pad }, text: `${written}, pad: [${pad}]` };
}

function randomImage(random: Random): Tensor {
  return randomTensor(random, [random.integer(1, 2), random.integer(3, 7), random.integer(3, 7), random.integer(1, 9)]);
}

function windowSize(random: Random): [number, number] {
  return [random.integer(1, 3), random.integer(1, 3)];
}

function pool(name: "max_pool2d" | "avg_pool2d"): (random: Random) => Case {
  return (random) => {
    const x = randomImage(random);
    const size = windowSize(random);
    // No window may lie in the padding altogether.
    const stride = [random.integer(1, 3), random.integer(1, 3)];
    const pad = samePadding(x.shape.slice(1, 3), size, stride, [1, 1], "after");
    const window: Window = { stride, dilation: [1, 1], pad };
    const counts = random.integer(0, 1) === 1;
    const text = `window: [${size}], stride: [${stride}], pad: ${random.pick(["same", `[${pad}]`])}`;
    if (name === "max_pool2d") return { call: `max_pool2d(x0, ${text})`, inputs: [x], expected: maxPool(x, size, window) };
    return { call: `avg_pool2d(x0, ${text}, count_padding: ${counts})`, inputs: [x], expected: averagePool(x, size, window, counts) };
  };
}

function reduction(name: string): (random: Random) => Case {
  return (random) => {
    const x = randomTensor(
      random,
      Array.from({ length: random.integer(1, 4) }, () => random.integer(1, 5)),
    );
    const axes = x.shape.map((_, d) => d).filter(() => random.integer(0, 1) === 1);
    const keep = random.integer(0, 1) === 1;
    const expected = reduced(x, axes, keep, reducers[name] as (values: readonly number[]) => number);
    return { call: `${name}(x0, axes: [${axes}], keep: ${keep})`, inputs: [x], expected };
  };
}

const makers: { readonly [operator: string]: (random: Random) => Case } = {
  conv2d: (random) => {
    const x = randomImage(random);
    const k = randomTensor(random, [...windowSize(random), x.shape[3] as number, random.integer(1, 20)]);
    const { window, text } = randomWindow(random, x.shape.slice(1, 3), k.shape.slice(0, 2), true);
    return { call: `conv2d(x0, x1, ${text})`, inputs: [x, k], expected: convolution(x, k, window) };
  },
  conv: (random) => {
    const rank = random.integer(1, 3);
    const groups = random.integer(1, 3);
    const x = randomTensor(random, [
      random.integer(1, 2),
      ...Array.from({ length: rank }, () => random.integer(3, 5)),
      groups * random.integer(1, 2),
    ]);
    const size = Array.from({ length: rank }, () => random.integer(1, 3));
    const k = randomTensor(random, [...size, (x.shape.at(-1) as number) / groups, groups * random.integer(1, 4)]);
    const { window, text } = randomWindow(random, x.shape.slice(1, -1), size, true);
    return { call: `conv(x0, x1, ${text}, groups: ${groups})`, inputs: [x, k], expected: convolution(x, k, window, groups) };
  },
  depthwise_conv2d: (random) => {
    const x = randomImage(random);
    const k = randomTensor(random, [...windowSize(random), x.shape[3] as number, random.integer(1, 3)]);
    const { window, text } = randomWindow(random, x.shape.slice(1, 3), k.shape.slice(0, 2), true);
    return { call: `depthwise_conv2d(x0, x1, ${text})`, inputs: [x, k], expected: depthwise(x, k, window) };
  },
  max_pool2d: pool("max_pool2d"),
  avg_pool2d: pool("avg_pool2d"),
  global_avg_pool: (random) => {
    const x = randomImage(random);
    return {
      call: "global_avg_pool(x0)",
      inputs: [x],
      expected: reduced(x, [1, 2], false, reducers.reduce_mean as (values: readonly number[]) => number),
    };
  },
  matmul: (random) => {
    const c = random.integer(1, 12);
    const batch = random.pick([
      [[], []],
      [[2], [2]],
      [[3], []],
      [[2, 1], [3]],
      [[1], [2, 2]],
    ] as const);
    const a = randomTensor(random, [...batch[0], random.integer(1, 9), c]);
    const b = randomTensor(random, [...batch[1], c, random.integer(1, 20)]);
    return { call: "matmul(x0, x1)", inputs: [a, b], expected: matrixProduct(a, b) };
  },
  matmul_by_parts: (random) => {
    const [parts, stretch, m, f] = [random.integer(1, 5), random.integer(1, 6), random.integer(1, 4), random.integer(1, 9)];
    const c = parts * stretch;
    const x = randomTensor(random, [m, c]);
    const k = randomTensor(random, [c, f]);
    const expected = tensor(
      [parts, m, f],
      Array.from({ length: parts * m * f }, (_, at) => {
        const [p, row, column] = [Math.floor(at / (m * f)), Math.floor(at / f) % m, at % f];
        let sum = 0;
        for (let i = p * stretch; i < (p + 1) * stretch; i++) sum += (x.data[row * c + i] ?? 0) * (k.data[i * f + column] ?? 0);
        return sum;
      }),
    );
    return { call: `matmul_by_parts(x0, x1, parts: ${parts})`, inputs: [x, k], expected };
  },
  batch_norm: (random) => {
    const c = random.integer(1, 9);
    const x = randomTensor(random, [random.integer(1, 3), random.integer(1, 3), c]);
    const [gamma, beta, mean, spread] = [1, 2, 3, 4].map(() => randomTensor(random, [c])) as [Tensor, Tensor, Tensor, Tensor];
    const variance = tensor(
      [c],
      spread.data.map((value) => Math.fround(Math.abs(value) + 0.5)),
    );
    return {
      call: "batch_norm(x0, x1, x2, x3, x4, epsilon: 0.001)",
      inputs: [x, gamma, beta, mean, variance],
      expected: normalized(x, gamma, beta, mean, variance, 0.001),
    };
  },
  softmax: (random) => {
    const x = randomTensor(
      random,
      Array.from({ length: random.integer(1, 3) }, () => random.integer(1, 10)),
    );
    const axis = random.integer(0, x.shape.length - 1);
    return { call: `softmax(x0, axis: ${random.pick([axis, axis - x.shape.length])})`, inputs: [x], expected: softmaxAlong(x, axis) };
  },
  reduce_sum: reduction("reduce_sum"),
  reduce_mean: reduction("reduce_mean"),
  reduce_max: reduction("reduce_max"),
  reduce_min: reduction("reduce_min"),
  argmax: (random) => {
    const shape = Array.from({ length: random.integer(1, 3) }, () => random.integer(1, 9));
    // Few different values, so that there are ties: the first wins.
    const x = tensor(
      shape,
      Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.integer(-2, 2)),
    );
    const axis = random.integer(0, shape.length - 1);
    return {
      call: `argmax(x0, axis: ${axis})`,
      inputs: [x],
      expected: reduced(x, [axis], false, reducers.argmax as (values: readonly number[]) => number, "i32"),
    };
  },
  transpose: (random) => {
    const x = randomTensor(
      random,
      Array.from({ length: random.integer(2, 4) }, () => random.integer(1, 5)),
    );
    const order = x.shape
      .map((_, d) => ({ d, key: random.uniform() }))
      .sort((a, b) => a.key - b.key)
      .map(({ d }) => d);
    return { call: `transpose(x0, order: [${order}])`, inputs: [x], expected: transposed(x, order) };
  },
  pad: (random) => {
    const x = randomTensor(
      random,
      Array.from({ length: random.integer(1, 3) }, () => random.integer(1, 4)),
    );
    const amounts = [...x.shape, ...x.shape].map(() => random.integer(0, 2));
    return { call: `pad(x0, pad: [${amounts}], value: -0.5)`, inputs: [x], expected: padded(x, amounts, -0.5) };
  },
  concat: (random) => {
    const shape = Array.from({ length: random.integer(1, 3) }, () => random.integer(1, 4));
    const axis = random.integer(0, shape.length - 1);
    const parts = Array.from({ length: random.integer(1, 4) }, () =>
      randomTensor(
        random,
        shape.map((extent, d) => (d === axis ? random.integer(1, 5) : extent)),
      ),
    );
    return {
      call: `concat(${parts.map((_, i) => `x${i}`).join(", ")}, axis: ${axis})`,
      inputs: parts,
      expected: concatenated(parts, axis),
    };
  },
};
