/** Elementwise operators and activations against JavaScript's own functions, or the definition in float64, infinities and NaN included. */
import { broadcast } from "./lists.ts";
import { randomTensor, seeded, type Tensor, tensor, type Vector, vector } from "./tensors.ts";

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
const extremes = [0, inf, -inf, nan];

type Unary = {
  readonly of: (x: number) => number;
  /** Attributes, as they are written. */
  readonly with?: string;
  /** The values tried; otherwise from -4 to 4 and those without bounds. */
  readonly at?: readonly number[];
};

const grid = Array.from({ length: 33 }, (_, i) => (i - 16) / 4);
const between = (low: number, high: number) => Array.from({ length: 25 }, (_, i) => low + ((high - low) * i) / 24);
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const logOnePlusExp = (x: number) => (x > 30 ? x : Math.log1p(Math.exp(x)));

/** The integral by Simpson's rule. */
function errorFunction(x: number): number {
  if (Math.abs(x) > 7 || Number.isNaN(x)) return Math.sign(x);
  const steps = 4000;
  let total = 0;
  for (let i = 0; i <= steps; i++) total += (i === 0 || i === steps ? 1 : i % 2 ? 4 : 2) * Math.exp(-(((x * i) / steps) ** 2));
  return ((2 / Math.sqrt(Math.PI)) * total * x) / steps / 3;
}

function halfToEven(x: number): number {
  const low = Math.floor(x);
  if (x - low !== 0.5) return Math.round(x);
  return low % 2 === 0 ? low : low + 1;
}

const unary: { readonly [operator: string]: readonly Unary[] } = {
  neg: [{ of: (x) => -x }],
  abs: [{ of: Math.abs }],
  sign: [{ of: Math.sign }],
  reciprocal: [{ of: (x) => 1 / x, at: [...extremes, 0.5, -4, 3, 1e20] }],
  square: [{ of: (x) => x * x }],
  sqrt: [{ of: Math.sqrt }],
  rsqrt: [{ of: (x) => 1 / Math.sqrt(x), at: [...extremes, 0.25, 4, 1e10, -1] }],
  exp: [{ of: Math.exp }],
  log: [{ of: Math.log }],
  log2: [{ of: Math.log2, at: [...extremes, ...between(0.1, 20), 1024, 1e30] }],
  log10: [{ of: Math.log10, at: [...extremes, ...between(0.1, 20), 1000, 1e30] }],
  floor: [{ of: Math.floor }],
  ceil: [{ of: Math.ceil }],
  trunc: [{ of: Math.trunc }],
  round: [{ of: halfToEven }],
  sin: [{ of: Math.sin }, { of: Math.sin, at: between(-1000, 1000) }],
  cos: [{ of: Math.cos }, { of: Math.cos, at: between(-1000, 1000) }],
  tan: [{ of: Math.tan, at: [...extremes, ...between(-1.4, 1.4), 3, 10] }],
  asin: [{ of: Math.asin, at: [...extremes, ...between(-1, 1), 1.5, -2] }],
  acos: [{ of: Math.acos, at: [...extremes, ...between(-1, 1), 1.5, -2] }],
  atan: [{ of: Math.atan }, { of: Math.atan, at: [1e10, -1e30, 1e-10] }],
  sinh: [{ of: Math.sinh }],
  cosh: [{ of: Math.cosh }],
  tanh: [{ of: Math.tanh }],
  asinh: [{ of: Math.asinh }, { of: Math.asinh, at: [1e10, -1e30, 3e38, 1e-3] }],
  acosh: [{ of: Math.acosh, at: [...extremes, ...between(1, 20), 0.5, -3, -1e30, 1e30, 3e38] }],
  atanh: [{ of: Math.atanh, at: [...extremes, ...between(-0.99, 0.99), 1, -1, 1.5] }],
  erf: [{ of: errorFunction }],
  relu: [{ of: (x) => Math.max(x, 0) }],
  relu6: [{ of: (x) => Math.min(Math.max(x, 0), 6), at: [...extremes, ...between(-2, 8)] }],
  clip: [{ of: (x) => Math.min(Math.max(x, -1.5), 2), with: "low: -1.5, high: 2" }],
  leaky_relu: [{ of: (x) => (x < 0 ? 0.25 * x : x), with: "slope: 0.25" }],
  thresholded_relu: [
    { of: (x) => (x > 1 ? x : 0), at: [...grid, 0, inf, -inf] },
    { of: (x) => (x > 2 ? x : 0), with: "threshold: 2", at: grid },
  ],
  elu: [{ of: (x) => (x < 0 ? Math.expm1(x) : x) }, { of: (x) => (x < 0 ? 0.5 * Math.expm1(x) : x), with: "alpha: 0.5" }],
  selu: [
    { of: (x) => 1.0507009873554805 * (x < 0 ? 1.6732632423543772 * Math.expm1(x) : x) },
    { of: (x) => 3 * (x < 0 ? 2 * Math.expm1(x) : x), with: "alpha: 2, gamma: 3" },
  ],
  celu: [{ of: (x) => (x < 0 ? Math.expm1(x) : x) }, { of: (x) => (x < 0 ? 2 * Math.expm1(x / 2) : x), with: "alpha: 2" }],
  sigmoid: [{ of: sigmoid }],
  hard_sigmoid: [
    { of: (x) => Math.min(Math.max(0.2 * x + 0.5, 0), 1) },
    { of: (x) => Math.min(Math.max(0.5 * x + 0.25, 0), 1), with: "slope: 0.5, offset: 0.25" },
  ],
  // Minus infinity times 0 is NaN, as in other frameworks.
  hard_swish: [{ of: (x) => x * Math.min(Math.max(x / 6 + 0.5, 0), 1) }],
  silu: [{ of: (x) => x * sigmoid(x) }],
  gelu: [{ of: (x) => 0.5 * x * (1 + errorFunction(x / Math.SQRT2)) }],
  gelu_tanh: [{ of: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))) }],
  mish: [{ of: (x) => x * Math.tanh(logOnePlusExp(x)) }],
  softplus: [{ of: logOnePlusExp }, { of: logOnePlusExp, at: [100, -100, 1e30] }],
  softsign: [{ of: (x) => x / (1 + Math.abs(x)) }],
};

const conditions: { readonly [operator: string]: (x: number) => boolean } = {
  is_nan: Number.isNaN,
  is_inf: (x) => Math.abs(x) === inf,
};

type Binary = {
  readonly of: (x: number, y: number) => number | boolean;
  readonly infix?: string;
  readonly dtype: "f32" | "i32" | "bool";
  /** Operands that only some functions take. */
  readonly x?: readonly number[];
  readonly y?: readonly number[];
};

const whole = [-7, -3, 0, 1, 5, 8, 100];
const powersOf = (x: number, y: number) => x ** y;

const binary: { readonly [operator: string]: Binary } = {
  add: { of: (x, y) => x + y, infix: "+", dtype: "f32" },
  sub: { of: (x, y) => x - y, infix: "-", dtype: "f32" },
  mul: { of: (x, y) => x * y, infix: "*", dtype: "f32" },
  div: { of: (x, y) => x / y, infix: "/", dtype: "f32" },
  floor_div: { of: (x, y) => Math.floor(x / y), infix: "//", dtype: "i32", x: whole, y: [-4, -1, 3, 7] },
  mod: { of: (x, y) => x - y * Math.floor(x / y), infix: "%", dtype: "i32", x: whole, y: [-4, -1, 3, 7] },
  fmod: { of: (x, y) => x % y, dtype: "f32", x: [5.25, -5.25, 0.5, 7, inf, nan], y: [2, -2, 0.25, 3, inf, 0] },
  maximum: { of: Math.max, dtype: "f32" },
  minimum: { of: Math.min, dtype: "f32" },
  pow: { of: powersOf, dtype: "f32", x: [0, 0.5, 2, 3, -2, -1.5], y: [0, 1, 2, 3, -1, 0.5, -2.5] },
  atan2: { of: Math.atan2, dtype: "f32", x: [1, -1, 0, 2.5, -0.25, inf, -inf, nan], y: [1, -1, 3, -0.5, inf, -inf] },
  less: { of: (x, y) => x < y, infix: "<", dtype: "f32" },
  less_equal: { of: (x, y) => x <= y, infix: "<=", dtype: "f32" },
  greater: { of: (x, y) => x > y, infix: ">", dtype: "f32" },
  greater_equal: { of: (x, y) => x >= y, infix: ">=", dtype: "f32" },
  equal: { of: (x, y) => x === y, infix: "==", dtype: "f32" },
  not_equal: { of: (x, y) => x !== y, infix: "!=", dtype: "f32" },
  bitwise_and: { of: (x, y) => x & y, dtype: "i32", x: whole, y: whole },
  bitwise_or: { of: (x, y) => x | y, dtype: "i32", x: whole, y: whole },
  bitwise_xor: { of: (x, y) => x ^ y, dtype: "i32", x: whole, y: whole },
  left_shift: { of: (x, y) => x << y, dtype: "i32", x: [...whole, 2147483647], y: [0, 1, 4, 31] },
  right_shift: { of: (x, y) => x >> y, dtype: "i32", x: [...whole, -2147483648], y: [0, 1, 4, 31] },
  logical_and: { of: (x, y) => x !== 0 && y !== 0, infix: "and", dtype: "bool", x: [0, 1], y: [0, 1] },
  logical_or: { of: (x, y) => x !== 0 || y !== 0, infix: "or", dtype: "bool", x: [0, 1], y: [0, 1] },
  logical_xor: { of: (x, y) => (x !== 0) !== (y !== 0), dtype: "bool", x: [0, 1], y: [0, 1] },
};

const usual = [-2.5, -1, 0, 0.5, 1, 3, inf, -inf, nan];

function pairs(operator: string, { of, infix, dtype, x = usual, y = usual }: Binary): Vector[] {
  const [left, right] = [tensor([x.length, 1], x.map(rounded), dtype), tensor([y.length], y.map(rounded), dtype)];
  const results = left.data.flatMap((a) => right.data.map((b) => of(a, b)));
  const gives = typeof results[0] === "boolean" ? "bool" : dtype;
  const expected = tensor([x.length, y.length], results.map(Number), gives);
  return [`${operator}(x0, x1)`, ...(infix ? [`x0 ${infix} x1`] : [])].map((call) => vector(operator, call, [left, right], expected));
}

function rounded(x: number): number {
  return Math.fround(x);
}

function mapped(x: Tensor, of: (value: number) => number, dtype = x.dtype): Tensor {
  return tensor(x.shape, x.data.map(of), dtype);
}

/** A slope per channel, for which the operand's sign decides. */
function parametric(): Vector[] {
  const random = seeded("prelu");
  return [[3], [2, 1], [4, 2, 3], []].map((shape) => {
    const [x, slope] = [randomTensor(random, [4, 2, 3]), randomTensor(random, shape)];
    const own = (position: number) => {
      const [i, j, k] = [Math.floor(position / 6), Math.floor(position / 3) % 2, position % 3];
      const index = [i, j, k].slice(3 - shape.length);
      return slope.data[shape.reduce((at, extent, d) => at * extent + (extent === 1 ? 0 : (index[d] as number)), 0)] as number;
    };
    const expected = x.data.map((value, position) => (value < 0 ? value * own(position) : value));
    return vector("prelu", "prelu(x0, x1)", [x, slope], tensor(broadcast([x.shape, shape]), expected));
  });
}

export const scalarVectors: readonly Vector[] = [
  ...Object.entries(unary).flatMap(([operator, cases]) =>
    cases.map(({ of, with: attributes, at = [...extremes, ...grid] }) => {
      const x = tensor([at.length], at.map(rounded));
      return vector(operator, `${operator}(x0${attributes ? `, ${attributes}` : ""})`, [x], mapped(x, of));
    }),
  ),
  ...Object.entries(conditions).map(([operator, of]) => {
    const x = tensor([6], [...extremes, 1, -1e30].map(rounded));
    return vector(
      operator,
      `${operator}(x0)`,
      [x],
      mapped(x, (value) => Number(of(value)), "bool"),
    );
  }),
  ...Object.entries(binary).flatMap(([operator, record]) => pairs(operator, record)),
  ...parametric(),
  vector("logical_not", "logical_not(x0)", [tensor([2], [0, 1], "bool")], tensor([2], [1, 0], "bool")),
  vector("bitwise_not", "bitwise_not(x0)", [tensor([4], [0, -1, 5, 2147483647], "i32")], tensor([4], [-1, 0, -6, -2147483648], "i32")),
  vector("bitwise_not", "bitwise_not(x0)", [tensor([3], [0, 255, 5], "u8")], tensor([3], [255, 0, 250], "u8")),
];
