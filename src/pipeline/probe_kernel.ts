/** Parts of the kernels that are written out by hand to probe a machine, for there is no model that would come out as them. */
import type { KernelExpr } from "../ir/kernel.ts";

/** The type of a vector register. */
export const type = "f32x4";
export const vectorBytes = 16;

export const get = (name: string): KernelExpr => ({ kind: "get", name, type });
export const address = (name: string): KernelExpr => ({ kind: "get", name, type: "i32" });
export const base = (buffer: string): KernelExpr => ({ kind: "base", buffer });
export const whole = (value: number): KernelExpr => ({ kind: "constant", type: "i32", value });
export const splat = (value: number): KernelExpr => ({ kind: "splat", type, value: { kind: "constant", type: "f32", value } });
export const integer = (name: "add" | "mul", a: KernelExpr, b: KernelExpr): KernelExpr => ({
  kind: "apply",
  function: name,
  on: "i32",
  args: [a, b],
});
