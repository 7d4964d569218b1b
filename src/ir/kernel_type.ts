/** The types of kernel expressions: what a target's validator would say, told from the expression alone. */
import type { DType } from "./dtype.ts";
import type { ScalarFunction } from "./expr.ts";
import type { KernelExpr, KernelType } from "./kernel.ts";
import { scalarFunctions } from "./scalar_functions.ts";

export const kernelTypes: { readonly [type in KernelType]: { readonly lanes: number; readonly element: "i32" | "f32" | "f64" } } = {
  i32: { lanes: 1, element: "i32" },
  f32: { lanes: 1, element: "f32" },
  f64: { lanes: 1, element: "f64" },
  i32x4: { lanes: 4, element: "i32" },
  f32x4: { lanes: 4, element: "f32" },
};

export function isKernelType(name: string): name is KernelType {
  return Object.hasOwn(kernelTypes, name);
}

/** The type with the lanes of one and the element of the other; undefined where there is none, as for four f64. */
export function withElement(type: KernelType, element: "i32" | "f32" | "f64"): KernelType | undefined {
  if (kernelTypes[type].lanes === 1) return element;
  return element === "f64" ? undefined : `${element}x4`;
}

/** What a function gives on operands of a type: comparisons an i32 or a lane mask, the bit casts the other element. */
export function applicationType(name: ScalarFunction, on: KernelType): KernelType {
  const { gives } = scalarFunctions[name];
  if (gives === "same") return on;
  return withElement(on, gives === "f32" ? "f32" : "i32") ?? on;
}

export function typeOfKernel(expr: KernelExpr): KernelType {
  switch (expr.kind) {
    case "constant":
    case "get":
    case "load":
    case "select":
    case "splat":
    case "extract":
    case "replace":
    case "convert":
      return expr.type;
    case "base":
      return "i32";
    case "apply":
      return applicationType(expr.function, expr.on);
    case "multiply_add":
      return expr.on;
    case "wrap":
      return typeOfKernel(expr.value);
    case "host":
      return "f64";
  }
}

/** The types in which an element of a dtype is held once loaded: narrow integers widen to i32, f16 to f32. */
export function holds(type: KernelType, dtype: DType): boolean {
  const { element } = kernelTypes[type];
  if (dtype === "f64") return element === "f64";
  return element === (dtype === "f32" || dtype === "f16" ? "f32" : "i32");
}

export function splatType(element: KernelType): KernelType | undefined {
  if (element === "f32") return "f32x4";
  return element === "i32" ? "i32x4" : undefined;
}
