/**
 * The column of WGSL in the table of scalar functions: how a function is spelled on floats and on integers (on vectors both work lane by
 * lane), and the error of its f32 spelling.
 */
import type { ScalarFunction } from "./expr.ts";

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

export type WgslRecord = {
  readonly float: Spelling;
  readonly integer: Spelling;
  /**
   * Worst error on f32 in units in the last place of the exact result, of finite operands and results that are not subnormal: what
   * WGSL allows (15.7.4 Floating Point Accuracy), where a correctly rounded result may be rounded either way. What no instruction
   * computes is expanded as for WebAssembly, and may be off by twice as much, and more by what its divisions add.
   */
  readonly ulps: number;
};

const { bits, sum, product, unary } = strengths;
const none: Spelling = { kind: "none" };
const infix = (operator: string, own: number, right: number): Spelling => ({ kind: "infix", operator, own, left: own, right });
const call = (name: string): Spelling => ({ kind: "call", name });
const bitwise = (operator: string): Spelling => ({ kind: "infix", operator, own: bits, left: unary, right: unary });

const both = (spelling: Spelling, ulps: number): WgslRecord => ({ float: spelling, integer: spelling, ulps });
const float = (spelling: Spelling, ulps: number): WgslRecord => ({ float: spelling, integer: none, ulps });
const integer = (spelling: Spelling): WgslRecord => ({ float: none, integer: spelling, ulps: 0 });
const compare = (operator: string): WgslRecord => both({ kind: "compare", operator }, 0);
const expanded = (ulps: number): WgslRecord => both(none, ulps);

export const wgslFunctions: { readonly [name in ScalarFunction]: WgslRecord } = {
  add: both(infix("+", sum, product), 1),
  sub: both(infix("-", sum, product), 1),
  mul: both(infix("*", product, unary), 1),
  div: float(infix("/", product, unary), 2.5),
  floordiv: integer({ kind: "helper", name: "floordiv" }),
  mod: integer({ kind: "helper", name: "modulo" }),
  neg: both({ kind: "prefix", operator: "-" }, 0),
  abs: both(call("abs"), 0),
  max: both(call("max"), 0),
  min: both(call("min"), 0),
  floor: float(call("floor"), 0),
  ceil: float(call("ceil"), 0),
  trunc: float(call("trunc"), 0),
  round: float(call("round"), 0),
  // As 1 / inverseSqrt(x), of which the one is off by 2.5 and the other by 2.
  sqrt: float(call("sqrt"), 5),
  exp: expanded(4),
  log: expanded(4),
  tanh: expanded(9),
  sin: expanded(6),
  cos: expanded(6),
  atan: expanded(9),
  erf: expanded(9),
  eq: compare("=="),
  ne: compare("!="),
  lt: compare("<"),
  le: compare("<="),
  gt: compare(">"),
  ge: compare(">="),
  and: integer({ kind: "logic", operator: "&&", bits: "&" }),
  or: integer({ kind: "logic", operator: "||", bits: "|" }),
  not: integer({ kind: "not" }),
  bit_and: integer(bitwise("&")),
  bit_or: integer(bitwise("|")),
  bit_xor: integer(bitwise("^")),
  shift_left: integer({ kind: "shift", operator: "<<" }),
  shift_right: integer({ kind: "shift", operator: ">>" }),
  float_bits: float({ kind: "bitcast" }, 0),
  bits_float: integer({ kind: "bitcast" }),
};
