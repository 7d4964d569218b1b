/** Functions of numbers by the names that TensorFlow gives them, as JavaScript has them. */

/** Halves go to even. */
function rounded(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 !== 0) ? below + 1 : below;
}

/** Abramowitz and Stegun's series: erf x = 2 / sqrt(pi) sum of (-1)^n x^(2n+1) / (n! (2n+1)). */
export function erf(x: number): number {
  let [term, total] = [x, x];
  for (let n = 1; n < 80; n++) {
    term *= (-x * x) / n;
    total += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * total;
}

const truth = (x: boolean) => (x ? 1 : 0);

/** A function and where its operand lies; [-3, 3] where nothing is said. */
export type Unary = { readonly of: (x: number) => number; readonly from?: readonly [low: number, high: number] };

export const unaries: { readonly [name: string]: Unary } = {
  Abs: { of: Math.abs },
  Acos: { of: Math.acos, from: [-0.9, 0.9] },
  Acosh: { of: Math.acosh, from: [1.1, 4] },
  Asin: { of: Math.asin, from: [-0.9, 0.9] },
  Asinh: { of: Math.asinh },
  Atan: { of: Math.atan },
  Atanh: { of: Math.atanh, from: [-0.9, 0.9] },
  Ceil: { of: Math.ceil },
  Cos: { of: Math.cos },
  Cosh: { of: Math.cosh },
  Elu: { of: (x) => (x > 0 ? x : Math.expm1(x)) },
  Erf: { of: erf },
  Exp: { of: Math.exp },
  Expm1: { of: Math.expm1 },
  Floor: { of: Math.floor },
  Log: { of: Math.log, from: [0.1, 4] },
  Log1p: { of: Math.log1p, from: [-0.5, 4] },
  Neg: { of: (x) => -x },
  Reciprocal: { of: (x) => 1 / x, from: [0.2, 3] },
  Relu: { of: (x) => Math.max(x, 0) },
  Relu6: { of: (x) => Math.min(Math.max(x, 0), 6), from: [-4, 10] },
  Round: { of: rounded },
  Rsqrt: { of: (x) => 1 / Math.sqrt(x), from: [0.2, 4] },
  Selu: { of: (x) => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * Math.expm1(x)) },
  Sigmoid: { of: (x) => 1 / (1 + Math.exp(-x)) },
  Sign: { of: Math.sign },
  Sin: { of: Math.sin },
  Sinh: { of: Math.sinh },
  Softplus: { of: (x) => Math.log1p(Math.exp(x)) },
  Sqrt: { of: Math.sqrt, from: [0, 4] },
  Square: { of: (x) => x * x },
  Tan: { of: Math.tan, from: [-1.2, 1.2] },
  Tanh: { of: Math.tanh },
};

/** `whole` says the same of integers. */
export type Binary = { readonly of: (x: number, y: number) => number; readonly whole?: boolean; readonly dtype?: "bool" };

const modulo = (x: number, y: number) => x - Math.floor(x / y) * y;

export const binaries: { readonly [name: string]: Binary } = {
  AddV2: { of: (x, y) => x + y, whole: true },
  Sub: { of: (x, y) => x - y, whole: true },
  Mul: { of: (x, y) => x * y, whole: true },
  RealDiv: { of: (x, y) => x / y },
  FloorDiv: { of: (x, y) => Math.floor(x / y), whole: true },
  FloorMod: { of: modulo, whole: true },
  Maximum: { of: Math.max, whole: true },
  Minimum: { of: Math.min, whole: true },
  Atan2: { of: Math.atan2 },
  SquaredDifference: { of: (x, y) => (x - y) ** 2 },
  Less: { of: (x, y) => truth(x < y), dtype: "bool", whole: true },
  LessEqual: { of: (x, y) => truth(x <= y), dtype: "bool", whole: true },
  Greater: { of: (x, y) => truth(x > y), dtype: "bool", whole: true },
  GreaterEqual: { of: (x, y) => truth(x >= y), dtype: "bool", whole: true },
  Equal: { of: (x, y) => truth(x === y), dtype: "bool", whole: true },
  NotEqual: { of: (x, y) => truth(x !== y), dtype: "bool", whole: true },
};
