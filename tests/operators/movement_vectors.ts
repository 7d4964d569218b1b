/** Larger cases of operators that move elements, of reductions and products, whose expectations plain loops compute. */
import type { Random } from "../../src/support/random.ts";
import { at, fill, type Point, reduced } from "./definitions.ts";
import type { Case, Makers } from "./image_vectors.ts";
import { range, wrapped } from "./lists.ts";
import { randomTensor, type Tensor, tensor } from "./tensors.ts";

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

function shaped(random: Random, least = 1, most = 4): Tensor {
  return randomTensor(
    random,
    range(random.integer(least, most)).map(() => random.integer(1, 6)),
  );
}

/** Positions along a dimension of extent n, some of them counted from the end. */
function positions(random: Random, shape: readonly number[], n: number): Tensor {
  return tensor(
    shape,
    range(shape.reduce((a, b) => a * b, 1)).map(() => random.integer(-n, n - 1)),
    "i32",
  );
}

function replaced(point: Point, d: number, value: number): number[] {
  return point.map((own, i) => (i === d ? value : own));
}

const combined: { readonly [operator: string]: (values: readonly number[]) => number } = {
  reduce_prod: (values) => values.reduce((product, value) => product * value, 1),
  reduce_l1: (values) => sum(values.map(Math.abs)),
  reduce_l2: (values) => Math.sqrt(sum(values.map((value) => value ** 2))),
  reduce_sum_square: (values) => sum(values.map((value) => value ** 2)),
  reduce_log_sum: (values) => Math.log(sum(values)),
  reduce_log_sum_exp: (values) => Math.log(sum(values.map(Math.exp))),
};

function reduction(name: string): (random: Random) => Case {
  return (random) => {
    const given = shaped(random);
    const x = name === "reduce_log_sum" ? { ...given, data: given.data.map(Math.abs) } : given;
    const axes = range(x.shape.length).filter(() => random.integer(0, 1) === 1);
    const keep = random.integer(0, 1) === 1;
    const written = axes.map((axis) => (random.integer(0, 1) ? axis : axis - x.shape.length));
    return {
      call: `${name}(x0, axes: [${written}], keep: ${keep})`,
      inputs: [x],
      expected: reduced(x, axes, keep, combined[name] as (values: readonly number[]) => number),
    };
  };
}

/** Few different values, so that there are ties. */
function tied(random: Random): Tensor {
  const x = shaped(random, 1, 3);
  return { ...x, data: x.data.map((value) => Math.round(value * 1.5)) };
}

function ranked(line: readonly number[], largest: boolean): number[] {
  return range(line.length).sort((i, j) => {
    const [a, b] = [line[i] as number, line[j] as number];
    return a === b ? i - j : largest ? b - a : a - b;
  });
}

function topK(result: "values" | "positions"): (random: Random) => Case {
  return (random) => {
    const x = tied(random);
    const axis = random.integer(0, x.shape.length - 1);
    const k = random.integer(1, x.shape[axis] as number);
    const largest = random.integer(0, 1) === 1;
    const line = (point: Point) => range(x.shape[axis] as number).map((i) => at(x, replaced(point, axis, i)));
    return {
      call: `top_k(x0, k: ${k}, axis: ${axis}, largest: ${largest}).${result}`,
      inputs: [x],
      expected: fill(
        replaced(x.shape, axis, k),
        (point) => {
          const place = ranked(line(point), largest)[point[axis] as number] as number;
          return result === "values" ? at(x, replaced(point, axis, place)) : place;
        },
        result === "values" ? "f32" : "i32",
      ),
    };
  };
}

/** What a step of one element at a time visits. */
function visited(n: number, start: number, end: number, step: number): number[] {
  const all = step > 0 ? range(n) : range(n).reverse();
  const [from, to] = [wrapped(start, n), wrapped(end, n)];
  return all.filter((i) => (step > 0 ? i >= from && i < to : i <= from && i > to)).filter((_, i) => i % Math.abs(step) === 0);
}

export const movementMakers: Makers = {
  ...Object.fromEntries(Object.keys(combined).map((name) => [name, reduction(name)])),
  argmin: (random) => {
    const x = tied(random);
    const axis = random.integer(0, x.shape.length - 1);
    return {
      call: `argmin(x0, axis: ${axis})`,
      inputs: [x],
      expected: reduced(x, [axis], false, (values) => values.indexOf(Math.min(...values)), "i32"),
    };
  },
  cumulative_sum: (random) => {
    const x = shaped(random);
    const axis = random.integer(0, x.shape.length - 1);
    const [exclusive, reverse] = [random.integer(0, 1) === 1, random.integer(0, 1) === 1];
    return {
      call: `cumulative_sum(x0, axis: ${axis}, exclusive: ${exclusive}, reverse: ${reverse})`,
      inputs: [x],
      expected: fill(x.shape, (point) => {
        const own = point[axis] as number;
        const taken = range(x.shape[axis] as number).filter((i) => (i === own ? !exclusive : reverse ? i > own : i < own));
        return sum(taken.map((i) => at(x, replaced(point, axis, i))));
      }),
    };
  },
  slice: (random) => {
    const x = shaped(random, 1, 3);
    const bounds = x.shape.map((n) => {
      const [start, end] = [random.integer(-n, n), random.integer(-n, n)];
      return { start, end, step: random.pick([1, 2, 3, -1, -2]), n };
    });
    const lists = bounds.map(({ n, start, end, step }) => visited(n, start, end, step));
    return {
      call: `slice(x0, starts: [${bounds.map((b) => b.start)}], ends: [${bounds.map((b) => b.end)}], steps: [${bounds.map((b) => b.step)}])`,
      inputs: [x],
      expected: fill(
        lists.map((list) => list.length),
        (point) =>
          at(
            x,
            point.map((i, d) => lists[d]?.[i] as number),
          ),
      ),
    };
  },
  gather: (random) => {
    const x = shaped(random, 1, 3);
    const axis = random.integer(0, x.shape.length - 1);
    const n = x.shape[axis] as number;
    const ids = positions(
      random,
      range(random.integer(0, 2)).map(() => random.integer(1, 4)),
      n,
    );
    return {
      call: `gather(x0, x1, axis: ${axis})`,
      inputs: [x, ids],
      expected: fill([...x.shape.slice(0, axis), ...ids.shape, ...x.shape.slice(axis + 1)], (point) => {
        const middle = point.slice(axis, axis + ids.shape.length);
        return at(x, [...point.slice(0, axis), wrapped(at(ids, middle), n), ...point.slice(axis + ids.shape.length)]);
      }),
    };
  },
  gather_elements: (random) => {
    const x = shaped(random, 1, 3);
    const axis = random.integer(0, x.shape.length - 1);
    const n = x.shape[axis] as number;
    const ids = positions(random, replaced(x.shape, axis, random.integer(1, 7)), n);
    return {
      call: `gather_elements(x0, x1, axis: ${axis})`,
      inputs: [x, ids],
      expected: fill(ids.shape, (point) => at(x, replaced(point, axis, wrapped(at(ids, point), n)))),
    };
  },
  scatter_add: (random) => {
    const x = shaped(random, 1, 3);
    const axis = random.integer(0, x.shape.length - 1);
    const n = x.shape[axis] as number;
    const ids = positions(random, [random.integer(1, 7)], n);
    const updates = randomTensor(random, replaced(x.shape, axis, ids.data.length));
    return {
      call: `scatter_add(x0, x1, x2, axis: ${axis})`,
      inputs: [x, ids, updates],
      expected: fill(x.shape, (point) => {
        const hits = range(ids.data.length).filter((j) => wrapped(ids.data[j] as number, n) === point[axis]);
        return at(x, point) + sum(hits.map((j) => at(updates, replaced(point, axis, j))));
      }),
    };
  },
  top_k: (random) => topK(random.pick(["values", "positions"]))(random),
  contract: (random) => {
    const shared = [random.integer(1, 4), random.integer(1, 4)] as const;
    const [p, q, r] = [random.integer(1, 5), random.integer(1, 9), random.integer(1, 3)];
    const a = randomTensor(random, [shared[0], p, shared[1]]);
    const b = randomTensor(random, [q, shared[1], r, shared[0]]);
    return {
      call: "contract(x0, x1, a_axes: [0, 2], b_axes: [-1, 1])",
      inputs: [a, b],
      expected: fill([p, q, r], ([i = 0, j = 0, k = 0]) =>
        sum(range(shared[0]).flatMap((u) => range(shared[1]).map((v) => at(a, [u, i, v]) * at(b, [j, v, k, u])))),
      ),
    };
  },
};
