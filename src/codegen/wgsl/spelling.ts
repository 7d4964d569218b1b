/**
 * Pieces of WGSL. A text knows how tightly it holds, so that parentheses stand where the grammar needs them and nowhere else.
 */
import type { ScalarFunction } from "../../ir/expr.ts";
import type { KernelType } from "../../ir/kernel.ts";
import { scalarFunctions } from "../../ir/scalar_functions.ts";
import { type Spelling, strengths } from "../../ir/wgsl_functions.ts";

/** WGSL source of an expression, and how tightly its outermost operator binds. */
export type Text = { readonly text: string; readonly strength: number };

export function spellingOf(name: ScalarFunction, on: KernelType): Spelling {
  const { integer, float } = scalarFunctions[name].wgsl;
  return on === "i32" || on === "i32x4" ? integer : float;
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
