/** How WebAssembly spells the kernel level's functions: binaryen's method for every function on every type that has one. */
import type binaryen from "binaryen";
import type { ScalarFunction } from "../../ir/expr.ts";
import type { KernelType } from "../../ir/kernel.ts";

/** An expression in binaryen's heap. */
export type Ref = number;
type Unary = (value: Ref) => Ref;
type Binary = (left: Ref, right: Ref) => Ref;

/** Names of binaryen's methods where they differ from the function's own, and the functions each type has. */
const floats: Partial<Record<ScalarFunction, string>> = {
  add: "add",
  sub: "sub",
  mul: "mul",
  div: "div",
  min: "min",
  max: "max",
  neg: "neg",
  abs: "abs",
  floor: "floor",
  ceil: "ceil",
  trunc: "trunc",
  round: "nearest",
  sqrt: "sqrt",
  eq: "eq",
  ne: "ne",
  lt: "lt",
  le: "le",
  gt: "gt",
  ge: "ge",
};

const integers: Partial<Record<ScalarFunction, string>> = {
  add: "add",
  sub: "sub",
  mul: "mul",
  eq: "eq",
  ne: "ne",
  lt: "lt_s",
  le: "le_s",
  gt: "gt_s",
  ge: "ge_s",
  and: "and",
  or: "or",
  not: "eqz",
  bit_and: "and",
  bit_or: "or",
  bit_xor: "xor",
  shift_left: "shl",
  shift_right: "shr_s",
};

const integerVectors: Partial<Record<ScalarFunction, string>> = {
  add: "add",
  sub: "sub",
  mul: "mul",
  min: "min_s",
  max: "max_s",
  neg: "neg",
  abs: "abs",
  eq: "eq",
  ne: "ne",
  lt: "lt_s",
  le: "le_s",
  gt: "gt_s",
  ge: "ge_s",
  shift_left: "shl",
  shift_right: "shr_s",
};

/** Masks and bits are the same on whole vectors. */
const wholeVectors: Partial<Record<ScalarFunction, string>> = {
  and: "and",
  or: "or",
  not: "not",
  bit_and: "and",
  bit_or: "or",
  bit_xor: "xor",
};

const tables: { readonly [type in KernelType]: Partial<Record<ScalarFunction, string>> } = {
  f32: { ...floats },
  f64: { ...floats },
  f32x4: floats,
  i32: integers,
  i32x4: integerVectors,
};

/** The method, or undefined where a function has no instruction on the type and is composed. */
export function spell(module: binaryen.Module, name: ScalarFunction, on: KernelType): Unary | Binary | undefined {
  const whole = on === "i32x4" ? wholeVectors[name] : undefined;
  const method = whole ?? tables[on][name];
  if (method === undefined) return undefined;
  const namespace = module[whole ? "v128" : on] as unknown as Record<string, Unary & Binary>;
  // A float's negation is the type's own instruction; looked up on the namespace, so that `this` stays bound.
  return namespace[method]?.bind(namespace);
}
