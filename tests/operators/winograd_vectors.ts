/** Winograd's transforms as the dense matrices of Lavin and Gray (2016), multiplied out; and their composition as a plain convolution. */
import type { Random } from "../../src/support/random.ts";
import { at, convolution, fill } from "./definitions.ts";
import type { Makers } from "./image_vectors.ts";
import { randomTensor, type Tensor } from "./tensors.ts";

type Matrix = readonly (readonly number[])[];
type Tile = 2 | 4;

const inputMatrix: { readonly [m in Tile]: Matrix } = {
  2: [
    [1, 0, -1, 0],
    [0, 1, 1, 0],
    [0, -1, 1, 0],
    [0, 1, 0, -1],
  ],
  4: [
    [4, 0, -5, 0, 1, 0],
    [0, -4, -4, 1, 1, 0],
    [0, 4, -4, -1, 1, 0],
    [0, -2, -1, 2, 1, 0],
    [0, 2, -1, -2, 1, 0],
    [0, 4, 0, -5, 0, 1],
  ],
};

const weightMatrix: { readonly [m in Tile]: Matrix } = {
  2: [
    [1, 0, 0],
    [1 / 2, 1 / 2, 1 / 2],
    [1 / 2, -1 / 2, 1 / 2],
    [0, 0, 1],
  ],
  4: [
    [1 / 4, 0, 0],
    [-1 / 6, -1 / 6, -1 / 6],
    [-1 / 6, 1 / 6, -1 / 6],
    [1 / 24, 1 / 12, 1 / 6],
    [1 / 24, -1 / 12, 1 / 6],
    [0, 0, 1],
  ],
};

const outputMatrix: { readonly [m in Tile]: Matrix } = {
  2: [
    [1, 1, 1, 0],
    [0, 1, -1, -1],
  ],
  4: [
    [1, 1, 1, 1, 1, 0],
    [0, 1, -1, 2, -2, 0],
    [0, 1, 1, 4, 4, 0],
    [0, 1, -1, 8, -8, 1],
  ],
};

/** Element (a, b) of M X M'. */
function sandwiched(matrix: Matrix, [a, b]: readonly [number, number], element: (i: number, j: number) => number): number {
  const [left, right] = [matrix[a] ?? [], matrix[b] ?? []];
  return left.reduce((total, p, i) => total + right.reduce((row, q, j) => row + p * q * element(i, j), 0), 0);
}

function drawTile(random: Random): Tile {
  return random.pick([2, 4] as const);
}

/** Top, left, bottom, right. */
function drawPad(random: Random): number[] {
  return Array.from({ length: 4 }, () => random.integer(0, 1));
}

function tilesOf(x: Tensor, pad: readonly number[], m: Tile): { readonly rows: number; readonly columns: number } {
  const [, h = 0, w = 0] = x.shape;
  const [top = 0, left = 0, bottom = 0, right = 0] = pad;
  return { rows: Math.ceil((h + top + bottom - 2) / m), columns: Math.ceil((w + left + right - 2) / m) };
}

function image(random: Random): Tensor {
  return randomTensor(random, [random.integer(1, 2), random.integer(3, 9), random.integer(3, 9), random.integer(1, 9)]);
}

export const winogradMakers: Makers = {
  winograd_input: (random) => {
    const [x, m, pad] = [image(random), drawTile(random), drawPad(random)];
    const { rows, columns } = tilesOf(x, pad, m);
    const shape = [m + 2, m + 2, (x.shape[0] as number) * rows * columns, x.shape[3] as number];
    const expected = fill(shape, ([a = 0, b = 0, t = 0, c = 0]) => {
      const [n, row, column] = [Math.floor(t / (rows * columns)), Math.floor(t / columns) % rows, t % columns];
      const [top = 0, left = 0] = pad;
      return sandwiched(inputMatrix[m], [a, b], (i, j) => at(x, [n, row * m + i - top, column * m + j - left, c], 0));
    });
    return { call: `winograd_input(x0, m: ${m}, pad: [${pad}])`, inputs: [x], expected };
  },
  winograd_weights: (random) => {
    const m = drawTile(random);
    const k = randomTensor(random, [3, 3, random.integer(1, 5), random.integer(1, 9)]);
    const shape = [m + 2, m + 2, k.shape[2] as number, k.shape[3] as number];
    const expected = fill(shape, ([a = 0, b = 0, c = 0, f = 0]) => sandwiched(weightMatrix[m], [a, b], (i, j) => at(k, [i, j, c, f])));
    return { call: `winograd_weights(x0, m: ${m})`, inputs: [k], expected };
  },
  winograd_product: (random) => {
    const [a, b, t, c, f] = [2, 3, random.integer(1, 9), random.integer(1, 9), random.integer(1, 9)];
    const [v, u] = [randomTensor(random, [a, b, t, c]), randomTensor(random, [a, b, c, f])];
    const expected = fill([a, b, t, f], ([i = 0, j = 0, row = 0, column = 0]) =>
      Array.from({ length: c }, (_, p) => at(v, [i, j, row, p]) * at(u, [i, j, p, column])).reduce((total, term) => total + term, 0),
    );
    return { call: "winograd_product(x0, x1)", inputs: [v, u], expected };
  },
  winograd_output: (random) => {
    const m = drawTile(random);
    const [n, h, w, f] = [random.integer(1, 2), random.integer(1, 9), random.integer(1, 9), random.integer(1, 9)];
    const [rows, columns] = [Math.ceil(h / m), Math.ceil(w / m)];
    const e = randomTensor(random, [m + 2, m + 2, n * rows * columns, f]);
    const expected = fill([n, h, w, f], ([sample = 0, y = 0, x = 0, filter = 0]) => {
      const t = (sample * rows + Math.floor(y / m)) * columns + Math.floor(x / m);
      return sandwiched(outputMatrix[m], [y % m, x % m], (i, j) => at(e, [i, j, t, filter]));
    });
    return { call: `winograd_output(x0, m: ${m}, shape: [${n}, ${h}, ${w}])`, inputs: [e], expected };
  },
  winograd_conv2d: (random) => {
    const [x, m, pad] = [image(random), drawTile(random), drawPad(random)];
    const k = randomTensor(random, [3, 3, x.shape[3] as number, random.integer(1, 9)]);
    const expected = convolution(x, k, { stride: [1, 1], dilation: [1, 1], pad });
    return { call: `winograd_conv2d(x0, x1, m: ${m}, pad: [${pad}])`, inputs: [x, k], expected };
  },
};
