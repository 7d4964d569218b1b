/**
 * Random bodies of comprehensions: indices, reads, reductions, conditions and arithmetic over the iterators and
 * tensors in scope, each with an upper bound of its magnitude so that values stay where f32 is exact or well behaved.
 */
import { type ComputedType, chance, freshName, type Generator, mark, type TensorInfo } from "./features.ts";

export type Readable = TensorInfo & {
  /** How an extent is written: a dimension's name or a number. */
  readonly extents: readonly string[];
  /** Filled with constants that are known when compiling. */
  readonly constant?: boolean;
};

export type Iterator = { readonly name: string; readonly extent: number };

export type Context = {
  readonly generator: Generator;
  readonly iterators: readonly Iterator[];
  readonly tensors: readonly Readable[];
  /** Names of dimensions that a reduction may go over. */
  readonly dimensions: readonly Iterator[];
  /** Points visited for one element so far: nested reductions multiply. */
  readonly points: number;
};

export type Value = { readonly text: string; readonly magnitude: number };

type IndexText = { readonly text: string; readonly low: number; readonly high: number };

const mostPoints = 6000;
/** Beyond this a value is clamped before it takes part in more arithmetic. */
const largest = 500;

/** A value of the type; at depth 0 a read or a constant. */
export function randomValue(context: Context, dtype: ComputedType, depth: number): Value {
  if (dtype === "bool") return { text: randomCondition(context, depth), magnitude: 1 };
  if (depth <= 0 || chance(context.generator, 0.15)) return leaf(context, dtype);
  const roll = context.generator.random.uniform();
  if (roll < 0.1) return selectValue(context, dtype, depth);
  if (roll < 0.3 && context.points < mostPoints) return randomReduction(context, dtype, depth);
  if (roll < 0.38) return castValue(context, dtype, depth);
  return dtype === "f32" ? floatFunction(context, depth) : integerFunction(context, dtype, depth);
}

export function randomCondition(context: Context, depth: number): string {
  const { generator } = context;
  const { random } = generator;
  const roll = random.uniform();
  if (depth > 0 && roll < 0.25) {
    const name = random.pick(["and", "or", "not"]);
    mark(generator, `function: ${name}`);
    if (name === "not") return `(not ${randomCondition(context, depth - 1)})`;
    return `(${randomCondition(context, depth - 1)} ${name} ${randomCondition(context, depth - 1)})`;
  }
  if (roll < 0.4) {
    const tensor = pickTensor(context, () => true);
    if (tensor) {
      mark(generator, "read: inside");
      return `inside(${tensor.name}[${tensor.shape.map(() => randomIndex(context).text).join(", ")}])`;
    }
  }
  const flag = roll < 0.5 ? pickTensor(context, (tensor) => tensor.dtype === "bool") : undefined;
  if (flag) return readTensor(context, flag);
  if (depth > 0 && roll > 0.93) {
    mark(generator, "cast: bool");
    return `bool(${randomValue(context, random.pick(["i32", "u8"]), depth - 1).text})`;
  }
  const comparison = random.pick(["eq", "ne", "lt", "le", "gt", "ge"]);
  mark(generator, `function: ${comparison}`);
  const symbol = { eq: "==", ne: "!=", lt: "<", le: "<=", gt: ">", ge: ">=" }[comparison] as string;
  if (roll < 0.7) return `(${randomIndex(context).text} ${symbol} ${randomIndex(context).text})`;
  const dtype = random.pick(["f32", "i32", "i8", "u8"] as const);
  if (dtype === "f32") generator.discontinuous = true;
  return `(${randomValue(context, dtype, depth - 1).text} ${symbol} ${randomValue(context, dtype, depth - 1).text})`;
}

/** A reduction of the type; integers may come from argmax and argmin. */
export function randomReduction(context: Context, dtype: ComputedType, depth: number): Value {
  const { generator } = context;
  const { random } = generator;
  const positional = dtype === "i32" && chance(generator, 0.35);
  const op = positional ? random.pick(["argmax", "argmin"]) : random.pick(["sum", "sum", "max", "min", "prod"]);
  mark(generator, `reduction: ${op}`);
  if (context.points > 1) mark(generator, "reduction: nested");
  const binders: string[] = [];
  let inner = context;
  let count = 1;
  const axes = random.integer(1, 3);
  for (let i = 0; i < axes; i++) {
    const dimension = chance(generator, 0.4) ? context.dimensions[random.integer(0, context.dimensions.length)] : undefined;
    const free = dimension && !inner.iterators.some((iterator) => iterator.name === dimension.name) ? dimension : undefined;
    const extent = free ? free.extent : random.pick([0, 1, 2, 2, 3, 3, 4]);
    if (extent === 0 && chance(generator, 0.7)) continue;
    if (inner.points * Math.max(1, extent) > mostPoints) continue;
    if (free) mark(generator, "reduction: over a dimension");
    const name = free ? free.name : freshName(generator, "r");
    binders.push(free ? name : `${name} in ${chance(generator, 0.3) ? `0..${extent}` : extent}`);
    inner = { ...inner, iterators: [...inner.iterators, { name, extent }], points: inner.points * Math.max(1, extent) };
    count *= extent;
  }
  if (binders.length === 0) return leaf(context, dtype);
  if (binders.length > 1) mark(generator, "reduction: several axes");
  const where = chance(generator, 0.3) ? ` where ${randomCondition(inner, 1)}` : "";
  if (where) mark(generator, "reduction: where");
  const over = `${op}(${binders.join(", ")}${where})`;
  if (positional) {
    const of = random.pick(["f32", "i32", "i8", "u8"] as const);
    if (of === "f32") generator.discontinuous = true;
    // A plain read: what rounds could turn a near tie around inside one layer.
    const body = of === "f32" ? leaf(inner, of) : randomValue(inner, of, depth - 1);
    return { text: `(${over} (${body.text}))`, magnitude: Math.max(1, count) };
  }
  const raw = randomValue(inner, dtype, depth - 1);
  if (op === "sum") return { text: `(${over} (${raw.text}))`, magnitude: raw.magnitude * count };
  if (op === "prod") {
    // A power of 2 that f32 holds.
    const body = clamp(raw, dtype, count > 12 ? 1 : 2);
    return { text: `(${over} (${body.text}))`, magnitude: Math.max(1, body.magnitude) ** Math.max(1, count) };
  }
  const value = { text: `(${over} (${raw.text}))`, magnitude: where || count === 0 ? Infinity : raw.magnitude };
  return value.magnitude === Infinity && chance(generator, 0.8) ? clamp(value, dtype, 8) : value;
}

/** Within -limit .. limit. */
export function clamp(value: Value, dtype: ComputedType, limit: number): Value {
  if (value.magnitude <= limit) return value;
  return { text: `min(max(${value.text}, ${dtype}(${dtype === "u8" ? 0 : -limit})), ${dtype}(${limit}))`, magnitude: limit };
}

/** A read of the type if any tensor has it, or a constant, or an index as a value. */
function leaf(context: Context, dtype: ComputedType): Value {
  const { generator } = context;
  const tensor = chance(generator, 0.85) ? pickTensor(context, (candidate) => candidate.dtype === dtype) : undefined;
  if (tensor) return { text: readTensor(context, tensor), magnitude: Math.max(tensor.magnitude, 4) };
  const roll = generator.random.uniform();
  if (roll < 0.4 && dtype !== "bool") {
    const index = randomIndex(context);
    mark(generator, `cast: ${dtype}`);
    return { text: `${dtype}(${index.text})`, magnitude: boundOf(dtype, Math.max(Math.abs(index.low), Math.abs(index.high))) };
  }
  if (roll < 0.7) {
    const other = pickTensor(context, (candidate) => candidate.dtype !== "f32" || context.generator.exact);
    if (other) {
      mark(generator, `cast: ${dtype}`);
      const shown = other.dtype === dtype ? readTensor(context, other) : `${dtype}(${readTensor(context, other)})`;
      return { text: shown, magnitude: boundOf(dtype, Math.max(other.magnitude, 4)) };
    }
  }
  return randomConstant(context, dtype);
}

function randomConstant({ generator }: Context, dtype: ComputedType): Value {
  const { random } = generator;
  const whole = dtype === "u8" ? random.integer(0, 9) : random.integer(-4, 4);
  if (dtype !== "f32" && chance(generator, 0.06)) {
    const extreme = random.pick({ i32: [-2147483648, 2147483647], i8: [-128, 127, 100], u8: [255, 200], bool: [1] }[dtype]);
    return { text: `${dtype}(${extreme})`, magnitude: Math.abs(extreme) };
  }
  const value = dtype === "f32" ? whole / random.pick([1, 1, 2]) : whole;
  return { text: `${dtype}(${value})`, magnitude: Math.abs(value) };
}

function selectValue(context: Context, dtype: ComputedType, depth: number): Value {
  mark(context.generator, "select");
  const [a, b] = [randomValue(context, dtype, depth - 1), randomValue(context, dtype, depth - 1)];
  return {
    text: `(if ${randomCondition(context, depth - 1)} then ${a.text} else ${b.text})`,
    magnitude: Math.max(a.magnitude, b.magnitude),
  };
}

function castValue(context: Context, dtype: ComputedType, depth: number): Value {
  const from = context.generator.random.pick(["f32", "i32", "i8", "u8", "bool"] as const);
  if (from === dtype) return leaf(context, dtype);
  const value = randomValue(context, from, depth - 1);
  mark(context.generator, `cast: ${dtype}`);
  if (from === "f32") context.generator.discontinuous = true;
  return { text: `${dtype}(${value.text})`, magnitude: boundOf(dtype, value.magnitude) };
}

function boundOf(dtype: ComputedType, magnitude: number): number {
  const most = { f32: Infinity, i32: 2 ** 31, i8: 128, u8: 255, bool: 1 }[dtype];
  return Number.isNaN(magnitude) || magnitude > most ? most : magnitude;
}

const transcendental = ["div", "sqrt", "exp", "log", "tanh", "sin", "cos", "atan", "erf"] as const;

function floatFunction(context: Context, depth: number): Value {
  const { generator } = context;
  const a = clamp(randomValue(context, "f32", depth - 1), "f32", largest);
  const names = ["add", "add", "sub", "mul", "mul", "neg", "abs", "max", "min", "floor", "ceil", "trunc", "round", "bits"] as const;
  const name = generator.random.pick(generator.exact ? names : [...names, ...transcendental, ...transcendental]);
  if (name !== "bits") mark(generator, `function: ${name}`);
  const second = () => clamp(randomValue(context, "f32", depth - 1), "f32", largest);
  switch (name) {
    case "add":
    case "sub": {
      const b = chance(generator, 0.2) ? { text: "2", magnitude: 2 } : second();
      return { text: `(${a.text} ${name === "add" ? "+" : "-"} ${b.text})`, magnitude: a.magnitude + b.magnitude };
    }
    case "mul": {
      const b = clamp(second(), "f32", generator.exact ? 8 : largest);
      return { text: `(${a.text} * ${b.text})`, magnitude: a.magnitude * b.magnitude };
    }
    case "max":
    case "min": {
      const b = second();
      return { text: `${name}(${a.text}, ${b.text})`, magnitude: Math.max(a.magnitude, b.magnitude) };
    }
    case "div":
      return { text: `(${a.text} / (abs(${second().text}) + 1))`, magnitude: a.magnitude };
    case "sqrt":
      return { text: `sqrt(abs(${a.text}) + 0.25)`, magnitude: Math.sqrt(a.magnitude + 0.25) };
    case "exp":
      return { text: `exp(min(${a.text}, 3))`, magnitude: 20.1 };
    case "log":
      return { text: `log(abs(${a.text}) + 0.5)`, magnitude: Math.max(1, Math.log(a.magnitude + 0.5)) };
    case "sin":
    case "cos":
    case "atan":
    case "erf":
      return { text: `${name}(${clamp(a, "f32", 16).text})`, magnitude: name === "atan" ? 1.6 : 1 };
    case "tanh":
      return { text: `tanh(${clamp(a, "f32", 4).text})`, magnitude: 1 };
    case "bits":
      if (!generator.exact) return a;
      mark(generator, "function: float_bits");
      mark(generator, "function: bits_float");
      return { text: `bits_float(float_bits(${a.text}))`, magnitude: a.magnitude };
    case "neg":
      return { text: `(-${a.text})`, magnitude: a.magnitude };
    default:
      if (name !== "abs") generator.discontinuous = true;
      return { text: `${name}(${a.text})`, magnitude: a.magnitude + 1 };
  }
}

function integerFunction(context: Context, dtype: "i32" | "i8" | "u8", depth: number): Value {
  const { generator } = context;
  const { random } = generator;
  const a = randomValue(context, dtype, depth - 1);
  const names = "add sub mul floordiv mod neg abs max min bit_and bit_or bit_xor shift_left shift_right".split(" ");
  const name = random.pick(names);
  mark(generator, `function: ${name}`);
  const most = boundOf(dtype, Infinity);
  const infix = { add: "+", sub: "-", mul: "*", floordiv: "//", mod: "%" }[name];
  if (name === "neg" || name === "abs")
    return { text: name === "neg" ? `(-${a.text})` : `abs(${a.text})`, magnitude: boundOf(dtype, a.magnitude + 1) };
  if (name === "shift_left" || name === "shift_right") {
    const amount = chance(generator, 0.7) ? `${dtype}(${random.integer(0, 7)})` : `bit_and(${leaf(context, dtype).text}, ${dtype}(7))`;
    return { text: `${name}(${a.text}, ${amount})`, magnitude: name === "shift_left" ? most : a.magnitude };
  }
  const b = randomValue(context, dtype, depth - 1);
  const magnitude =
    name === "add" || name === "sub" ? a.magnitude + b.magnitude : name === "mul" ? a.magnitude * b.magnitude : a.magnitude + b.magnitude;
  const wraps = dtype === "u8" && (name === "sub" || magnitude > 255);
  return {
    text: infix ? `(${a.text} ${infix} ${b.text})` : `${name}(${a.text}, ${b.text})`,
    magnitude: wraps || name.startsWith("bit") ? most : boundOf(dtype, magnitude),
  };
}

function pickTensor(context: Context, accepts: (tensor: Readable) => boolean): Readable | undefined {
  const found = context.tensors.filter(accepts);
  return found.length > 0 ? context.generator.random.pick(found) : undefined;
}

/** A read inside the tensor wherever the iterators are, or one with a default. */
function readTensor(context: Context, tensor: Readable): string {
  const { generator } = context;
  const safe = !tensor.shape.includes(0) && chance(generator, 0.6);
  const at = (index: (d: number) => string) => `${tensor.name}[${tensor.shape.map((_, d) => index(d)).join(", ")}]`;
  if (safe) return at((d) => indexInside(context, tensor, d));
  const dtype = tensor.dtype as ComputedType;
  const read = at((d) => (tensor.shape[d] && chance(generator, 0.5) ? indexInside(context, tensor, d) : randomIndex(context).text));
  const other = chance(generator, 0.3) ? pickTensor(context, (next) => next.dtype === dtype && !next.shape.includes(0)) : undefined;
  if (other) {
    mark(generator, "read: else read");
    return `(${read} else ${other.name}[${other.shape.map((_, d) => indexInside(context, other, d)).join(", ")}])`;
  }
  if (dtype === "bool") return `(${read} else ${generator.random.pick(["true", "false"])})`;
  if (chance(generator, 0.15) && context.iterators.length > 0) {
    mark(generator, "read: else value");
    return `(${read} else ${dtype}(${randomIndex(context).text}))`;
  }
  mark(generator, "read: else constant");
  const fallback = generator.random.pick(["0", "0", "1", dtype === "u8" ? "3" : "-2"]);
  return `(${read} else ${fallback})`;
}

/** An index of dimension d that is inside for every point. */
function indexInside(context: Context, tensor: Readable, d: number): string {
  const { generator } = context;
  const { random } = generator;
  const extent = tensor.shape[d] as number;
  const fitting = context.iterators.filter((iterator) => iterator.extent <= extent && iterator.extent > 0);
  const roll = random.uniform();
  if (fitting.length > 0 && roll < 0.6) return random.pick(fitting).name;
  if (fitting.length > 0 && roll < 0.72) {
    mark(generator, "index: reversed");
    const shown = tensor.extents[d] as string;
    const isHidden = context.iterators.some((iterator) => iterator.name === shown);
    return `${isHidden ? extent : shown} - 1 - ${random.pick(fitting).name}`;
  }
  const table =
    roll < 0.85 ? pickTensor(context, ({ dtype, shape }) => dtype !== "f32" && dtype !== "bool" && !shape.includes(0)) : undefined;
  if (table && table !== tensor) {
    mark(generator, table.constant ? "read: gather constant" : "read: gather computed");
    const read = `${table.name}[${table.shape.map((_, k) => indexPlain(context, table.shape[k] as number)).join(", ")}]`;
    return chance(generator, 0.6) ? `i32(${read}) % ${extent}` : `min(max(i32(${read}), 0), ${extent - 1})`;
  }
  const index = randomIndex(context);
  if (index.low >= 0 && index.high < extent) return index.text;
  if (chance(generator, 0.3)) {
    mark(generator, "index: clamped");
    return `min(max(${index.text}, 0), ${extent - 1})`;
  }
  mark(generator, "index: mod");
  return `(${index.text}) % ${extent}`;
}

function indexPlain(context: Context, extent: number): string {
  const fitting = context.iterators.filter((iterator) => iterator.extent <= extent && iterator.extent > 0);
  if (fitting.length > 0) return context.generator.random.pick(fitting).name;
  return String(context.generator.random.integer(0, extent - 1));
}

/** Any quasi-affine index of the iterators. */
function randomIndex(context: Context, depth = 2): IndexText {
  const { generator, iterators } = context;
  const { random } = generator;
  const constant = random.integer(-1, 3);
  if (iterators.length === 0 || chance(generator, 0.1)) {
    mark(generator, "index: constant");
    return { text: String(constant), low: constant, high: constant };
  }
  const iterator = random.pick(iterators);
  const plain: IndexText = { text: iterator.name, low: 0, high: Math.max(0, iterator.extent - 1) };
  const roll = random.uniform();
  if (depth === 0 || roll < 0.3) return plain;
  if (roll < 0.5) {
    mark(generator, "index: affine");
    return { text: `(${plain.text} + ${constant})`, low: plain.low + constant, high: plain.high + constant };
  }
  if (roll < 0.65) {
    const factor = random.pick([2, 3, -1, -2]);
    mark(generator, "index: strided");
    const ends = [plain.low * factor, plain.high * factor].map((end) => end + constant);
    return { text: `(${plain.text}*${factor} + ${constant})`, low: Math.min(...ends), high: Math.max(...ends) };
  }
  const inner = randomIndex(context, depth - 1);
  const by = random.integer(1, 4);
  if (roll < 0.75) {
    mark(generator, "index: floordiv");
    return { text: `(${inner.text} // ${by})`, low: Math.floor(inner.low / by), high: Math.floor(inner.high / by) };
  }
  if (roll < 0.85) {
    mark(generator, "index: mod");
    return { text: `(${inner.text} % ${by})`, low: 0, high: by - 1 };
  }
  mark(generator, "index: sum of iterators");
  return { text: `(${plain.text} + ${inner.text})`, low: plain.low + inner.low, high: plain.high + inner.high };
}
