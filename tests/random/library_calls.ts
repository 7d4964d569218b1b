/** Random calls of the library's operators on what a model has at hand, with the type and magnitude of the result. */
import { chance, computedTypes, type Generator, mark, type TensorInfo } from "./features.ts";
import { layerMakers } from "./library_layers.ts";
import { broadcast, call, count, isFloat, isNumber, type Maker, most, pick, randomWeight } from "./library_support.ts";
import type { Call } from "./operators.ts";

export function randomLibraryCall(generator: Generator, pool: readonly TensorInfo[]): Call | undefined {
  // Layers more often than their number: it is their loops that schedules change most.
  const name = generator.random.pick(Object.keys(chance(generator, 0.35) ? layerMakers : makers));
  const call = makers[name]?.(generator, pool);
  if (call) mark(generator, `library: ${name}`);
  return call;
}

/** A partner of the same type that broadcasts with x: from the pool, a weight, or a number. */
function partner(generator: Generator, pool: readonly TensorInfo[], x: TensorInfo): TensorInfo {
  const same = pick(generator, pool, (other) => other.dtype === x.dtype && broadcast(x.shape, other.shape) !== undefined);
  const roll = generator.random.uniform();
  if (same && roll < 0.6) return same;
  if (roll < 0.75 || x.dtype !== "f32") {
    mark(generator, "model: literal");
    const value = generator.random.integer(x.dtype === "u8" ? 0 : -3, 3);
    return { name: String(value), dtype: x.dtype, shape: [], magnitude: 3 };
  }
  const shape = x.shape.slice(generator.random.integer(0, x.shape.length)).map((extent) => (chance(generator, 0.3) ? 1 : extent));
  return randomWeight(generator, shape);
}

function binary(text: (x: string, y: string) => string, magnitude: (x: number, y: number) => number, gives?: "bool"): Maker {
  return (generator, pool) => {
    const x = pick(generator, pool, isNumber);
    if (!x) return undefined;
    const y = partner(generator, pool, x);
    const shape = broadcast(x.shape, y.shape);
    if (!shape || count(shape) > 400) return undefined;
    if (gives && x.dtype === "f32") generator.discontinuous = true;
    return {
      text: text(x.name, y.name),
      results: [{ dtype: gives ?? x.dtype, shape, magnitude: gives ? 1 : magnitude(x.magnitude, y.magnitude) }],
    };
  };
}

function unary(
  text: (x: string, generator: Generator) => string,
  magnitude: (x: number) => number,
  options: { rounds?: true; steps?: true; float?: true } = {},
): Maker {
  return (generator, pool) => {
    if (options.rounds && generator.exact) return undefined;
    const x = pick(generator, pool, options.float ? isFloat : isNumber);
    if (!x) return undefined;
    if (options.steps) generator.discontinuous = true;
    return {
      text: text(x.name, generator),
      results: [{ dtype: x.dtype, shape: x.shape, magnitude: Math.min(most(x.dtype), magnitude(x.magnitude)) }],
    };
  };
}

function infix(symbol: string, name: string): (x: string, y: string) => string {
  return (x, y) =>
    `${x.startsWith("-") || x.startsWith("@") ? `(${x})` : x} ${symbol} ${y.startsWith("-") || y.startsWith("@") ? `(${y})` : y}`.replace(
      "NAME",
      name,
    );
}

function reduction(name: string, magnitude: (x: number, points: number) => number, options: { float?: true } = {}): Maker {
  return (generator, pool) => {
    const x = pick(generator, pool, (tensor) => (options.float ? isFloat(tensor) : isNumber(tensor)) && tensor.shape.length > 0);
    if (!x || (options.float && generator.exact)) return undefined;
    const axes = x.shape.map((_, d) => d).filter(() => chance(generator, 0.5));
    const keep = chance(generator, 0.5);
    const shape = keep ? x.shape.map((extent, d) => (axes.includes(d) ? 1 : extent)) : x.shape.filter((_, d) => !axes.includes(d));
    const points = axes.reduce((product, d) => product * (x.shape[d] as number), 1);
    const shown = axes.map((d) => (chance(generator, 0.3) ? d - x.shape.length : d));
    const text = call(generator, name, x.name, [`axes: [${shown.join(", ")}]`, ...(keep ? ["keep: true"] : [])]);
    return { text, results: [{ dtype: x.dtype, shape, magnitude: Math.min(most(x.dtype), magnitude(x.magnitude, points)) }] };
  };
}

const makers: { readonly [name: string]: Maker } = {
  ...layerMakers,
  add: binary(infix("+", "add"), (x, y) => x + y),
  sub: binary(infix("-", "sub"), (x, y) => x + y),
  mul: binary(infix("*", "mul"), (x, y) => x * y),
  div: (generator, pool) => {
    const x = pick(generator, pool, isFloat);
    if (!x || generator.exact) return undefined;
    const y = partner(generator, pool, x);
    const shape = broadcast(x.shape, y.shape);
    if (!shape || count(shape) > 400) return undefined;
    const divisor = /^-?\d+$/.test(y.name) ? String(Math.abs(Number(y.name))) : `abs(${y.name})`;
    return { text: `${x.name} / (${divisor} + 0.5)`, results: [{ dtype: "f32", shape, magnitude: x.magnitude * 2 }] };
  },
  maximum: binary((x, y) => `maximum(${x}, ${y})`, Math.max),
  minimum: binary((x, y) => `minimum(${x}, ${y})`, Math.max),
  less: binary(infix("<", "less"), () => 1, "bool"),
  greater: binary(
    (x, y) => `greater(${x}, ${y})`,
    () => 1,
    "bool",
  ),
  select: (generator, pool) => {
    const x = pick(generator, pool, isNumber);
    if (!x) return undefined;
    const found = pick(generator, pool, (tensor) => tensor.dtype === "bool" && broadcast(tensor.shape, x.shape) !== undefined);
    if (!found && x.dtype === "f32") generator.discontinuous = true;
    const condition = found ?? { ...x, name: `${x.name} > 1` };
    const y = partner(generator, pool, x);
    const choices = broadcast(x.shape, y.shape);
    const shape = choices && broadcast(condition.shape, choices);
    if (!shape || count(shape) > 400) return undefined;
    return {
      text: `select(${condition.name}, ${x.name}, ${y.name})`,
      results: [{ dtype: x.dtype, shape, magnitude: Math.max(x.magnitude, y.magnitude) }],
    };
  },
  neg: unary(
    (x, generator) => {
      mark(generator, "model: prefix");
      return `-${x}`;
    },
    (x) => x + 1,
  ),
  abs: unary(
    (x, generator) => call(generator, "abs", x),
    (x) => x + 1,
  ),
  sqrt: unary(
    (x) => `sqrt(abs(${x}) + 0.25)`,
    (x) => x + 1,
    { rounds: true, float: true },
  ),
  exp: unary(
    (x) => `exp(minimum(${x}, 2))`,
    () => 8,
    { rounds: true, float: true },
  ),
  log: unary(
    (x) => `log(abs(${x}) + 0.5)`,
    (x) => x + 1,
    { rounds: true, float: true },
  ),
  tanh: unary(
    (x) => `tanh(clip(${x}, low: -4, high: 4))`,
    () => 1,
    { rounds: true, float: true },
  ),
  sigmoid: unary(
    (x, generator) => call(generator, "sigmoid", x),
    () => 1,
    { rounds: true, float: true },
  ),
  floor: unary(
    (x, generator) => call(generator, "floor", x),
    (x) => x + 1,
    { steps: true, float: true },
  ),
  relu: unary(
    (x, generator) => call(generator, "relu", x),
    (x) => x,
  ),
  relu6: unary(
    (x, generator) => call(generator, "relu6", x),
    () => 6,
  ),
  clip: unary(
    (x, generator) => call(generator, "clip", x, generator.random.pick([["low: -2"], ["high: 3"], ["low: -1", "high: 2"]])),
    (x) => Math.max(3, x),
    { float: true },
  ),
  leaky_relu: unary(
    (x, generator) => call(generator, "leaky_relu", x, ["slope: 0.5"]),
    (x) => x,
    { float: true },
  ),
  cast: (generator, pool) => {
    const x = pick(generator, pool, () => true);
    if (!x) return undefined;
    const to = generator.random.pick(computedTypes);
    mark(generator, `cast: ${to}`);
    if (x.dtype === "f32") generator.discontinuous = true;
    return {
      text: call(generator, "cast", x.name, [`to: ${to}`]),
      results: [{ dtype: to, shape: x.shape, magnitude: Math.min(most(to), Number.isNaN(x.magnitude) ? Infinity : x.magnitude) }],
    };
  },
  concat: (generator, pool) => {
    const x = pick(generator, pool, (tensor) => isNumber(tensor) && tensor.shape.length > 0);
    if (!x) return undefined;
    const axis = generator.random.integer(0, x.shape.length - 1);
    const fits = (tensor: TensorInfo) =>
      tensor.dtype === x.dtype &&
      tensor.shape.length === x.shape.length &&
      tensor.shape.every((extent, d) => d === axis || extent === x.shape[d]);
    const parts = [x, ...pool.filter((tensor) => fits(tensor) && chance(generator, 0.5)).slice(0, 3)];
    if (parts.length === 1) parts.push(x);
    const extent = parts.reduce((sum, part) => sum + (part.shape[axis] as number), 0);
    const shown = chance(generator, 0.5) ? axis : axis - x.shape.length;
    return {
      text: `concat(${parts.map((part) => part.name).join(", ")}, axis: ${shown})`,
      results: [
        {
          dtype: x.dtype,
          shape: x.shape.map((e, d) => (d === axis ? extent : e)),
          magnitude: Math.max(...parts.map((part) => part.magnitude)),
        },
      ],
    };
  },
  reshape: (generator, pool) => {
    const x = pick(generator, pool, () => true);
    if (!x) return undefined;
    const shape = randomFactors(generator, count(x.shape));
    const wild = shape.length > 0 && !shape.includes(0) && chance(generator, 0.4) ? generator.random.integer(0, shape.length - 1) : -1;
    return {
      text: call(generator, "reshape", x.name, [`to: [${shape.map((extent, d) => (d === wild ? -1 : extent)).join(", ")}]`]),
      results: [{ ...x, shape }],
    };
  },
  flatten: (generator, pool) => {
    const x = pick(generator, pool, (tensor) => tensor.shape.length > 0);
    if (!x) return undefined;
    const axis = generator.random.integer(0, x.shape.length);
    return {
      text: call(generator, "flatten", x.name, [`axis: ${axis}`]),
      results: [{ ...x, shape: [...x.shape.slice(0, axis), count(x.shape.slice(axis))] }],
    };
  },
  transpose: (generator, pool) => {
    const x = pick(generator, pool, (tensor) => tensor.shape.length > 1);
    if (!x) return undefined;
    const keyed = x.shape.map((_, d) => ({ d, key: generator.random.uniform() }));
    const order = keyed.sort((a, b) => a.key - b.key).map(({ d }) => d);
    return {
      text: call(generator, "transpose", x.name, [`order: [${order}]`]),
      results: [{ ...x, shape: order.map((d) => x.shape[d] as number) }],
    };
  },
  pad: (generator, pool) => {
    const x = pick(generator, pool, (tensor) => isNumber(tensor) && count(tensor.shape) < 100);
    if (!x) return undefined;
    const pads = [...x.shape, ...x.shape].map(() => generator.random.integer(0, 2));
    const shape = x.shape.map((extent, d) => extent + (pads[d] as number) + (pads[d + x.shape.length] as number));
    if (count(shape) > 400) return undefined;
    return {
      text: call(generator, "pad", x.name, [`pad: [${pads}]`, ...(chance(generator, 0.5) ? ["value: 1"] : [])]),
      results: [{ ...x, shape, magnitude: Math.max(1, x.magnitude) }],
    };
  },
  reduce_sum: reduction("reduce_sum", (x, points) => x * Math.max(1, points)),
  reduce_mean: reduction("reduce_mean", (x, points) => (points === 0 ? Infinity : x), { float: true }),
  reduce_max: reduction("reduce_max", (x, points) => (points === 0 ? Infinity : x)),
  reduce_min: reduction("reduce_min", (x, points) => (points === 0 ? Infinity : x)),
  argmax: (generator, pool) => {
    const x = pick(generator, pool, (tensor) => isNumber(tensor) && tensor.shape.length > 0);
    if (!x) return undefined;
    if (x.dtype === "f32") generator.discontinuous = true;
    const axis = generator.random.integer(-1, x.shape.length - 1);
    const d = axis < 0 ? x.shape.length - 1 : axis;
    const keep = chance(generator, 0.5);
    const shape = keep ? x.shape.map((extent, e) => (e === d ? 1 : extent)) : x.shape.filter((_, e) => e !== d);
    return {
      text: call(generator, "argmax", x.name, [`axis: ${axis}`, ...(keep ? ["keep: true"] : [])]),
      results: [{ dtype: "i32", shape, magnitude: x.shape[d] as number }],
    };
  },
};

/** A shape of so many elements. */
function randomFactors(generator: Generator, elements: number): number[] {
  const shape: number[] = [];
  let left = elements;
  while (left > 1 && shape.length < 3) {
    const divisors = Array.from({ length: left }, (_, i) => i + 1).filter((value) => left % value === 0);
    const factor = generator.random.pick(divisors);
    shape.push(factor);
    left /= factor;
  }
  return left === 1 && shape.length > 0 ? shape : [...shape, left];
}
