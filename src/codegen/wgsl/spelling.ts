/**
 * How WGSL spells the kernel level's functions, in total tables: one for floats, one for integers; on vectors both work lane by lane.
 * A text knows how tightly it holds, so that parentheses stand where the grammar needs them and nowhere else.
 */
import type { ScalarFunction } from "../../ir/expr.ts";
import type { KernelType } from "../../ir/kernel.ts";

/** WGSL source of an expression, and how tightly its outermost operator binds. */
export type Text = { readonly text: string; readonly strength: number };

/**
 * From what holds least to what holds most. WGSL's operators on bits and its logic mix with no others without parentheses
 * (WGSL, 8.18 Operator Precedence), which their needs say.
 */
export const strengths = { none: 0, logic: 1, bits: 2, compare: 3, shift: 4, sum: 5, product: 6, unary: 7, primary: 8 } as const;

export type Spelling =
  | { readonly kind: "infix"; readonly operator: string; readonly own: number; readonly left: number; readonly right: number }
  | { readonly kind: "prefix"; readonly operator: string }
  | { readonly kind: "call"; readonly name: string }
  /** Gives a bool, where kernels have 0 and 1, or masks. */
  | { readonly kind: "compare"; readonly operator: string }
  /** On truth values. */
  | { readonly kind: "logic"; readonly operator: "&&" | "||"; readonly bits: "&" | "|" }
  | { readonly kind: "not" }
  /** The amount is a u32, and counts modulo 32. */
  | { readonly kind: "shift"; readonly operator: "<<" | ">>" }
  /** Reads the same bits as the other element type. */
  | { readonly kind: "bitcast" }
  /** A function of the shader's own (`helpers.ts`). */
  | { readonly kind: "helper"; readonly name: "floordiv" | "modulo" }
  /** No kernel has it: it is expanded before, or not for this type. */
  | { readonly kind: "none" };

type Table = { readonly [name in ScalarFunction]: Spelling };

const { bits, sum, product, unary } = strengths;
const none: Spelling = { kind: "none" };
const call = (name: string): Spelling => ({ kind: "call", name });
const compare = (operator: string): Spelling => ({ kind: "compare", operator });
const bitwise = (operator: string): Spelling => ({ kind: "infix", operator, own: bits, left: unary, right: unary });

const shared = {
  add: { kind: "infix", operator: "+", own: sum, left: sum, right: product },
  sub: { kind: "infix", operator: "-", own: sum, left: sum, right: product },
  mul: { kind: "infix", operator: "*", own: product, left: product, right: unary },
  neg: { kind: "prefix", operator: "-" },
  abs: call("abs"),
  max: call("max"),
  min: call("min"),
  eq: compare("=="),
  ne: compare("!="),
  lt: compare("<"),
  le: compare("<="),
  gt: compare(">"),
  ge: compare(">="),
  exp: none,
  log: none,
  tanh: none,
  sin: none,
  cos: none,
  atan: none,
  erf: none,
} as const satisfies Partial<Table>;

const floats: Table = {
  ...shared,
  div: { kind: "infix", operator: "/", own: product, left: product, right: unary },
  floor: call("floor"),
  ceil: call("ceil"),
  trunc: call("trunc"),
  round: call("round"),
  sqrt: call("sqrt"),
  float_bits: { kind: "bitcast" },
  floordiv: none,
  mod: none,
  and: none,
  or: none,
  not: none,
  bit_and: none,
  bit_or: none,
  bit_xor: none,
  shift_left: none,
  shift_right: none,
  bits_float: none,
};

const integers: Table = {
  ...shared,
  floordiv: { kind: "helper", name: "floordiv" },
  mod: { kind: "helper", name: "modulo" },
  and: { kind: "logic", operator: "&&", bits: "&" },
  or: { kind: "logic", operator: "||", bits: "|" },
  not: { kind: "not" },
  bit_and: bitwise("&"),
  bit_or: bitwise("|"),
  bit_xor: bitwise("^"),
  shift_left: { kind: "shift", operator: "<<" },
  shift_right: { kind: "shift", operator: ">>" },
  bits_float: { kind: "bitcast" },
  div: none,
  floor: none,
  ceil: none,
  trunc: none,
  round: none,
  sqrt: none,
  float_bits: none,
};

export function spellingOf(name: ScalarFunction, on: KernelType): Spelling {
  return on === "i32" || on === "i32x4" ? integers[name] : floats[name];
}

/** No device computes in float64; the reference alone does. */
export const typeNames: { readonly [type in Exclude<KernelType, "f64">]: string } = {
  i32: "i32",
  f32: "f32",
  i32x4: "vec4i",
  f32x4: "vec4f",
};

export function typeName(type: KernelType): string {
  if (type === "f64") throw new Error("internal error: a shader computes in f64");
  return typeNames[type];
}

export function primary(text: string): Text {
  return { text, strength: strengths.primary };
}

/** In parentheses where it holds less tightly than its place needs. */
export function within(least: number, { text, strength }: Text): string {
  return strength >= least ? text : `(${text})`;
}
