/**
 * How buffers and arrays are declared and reached. f32 and i32 lie in elements, or in vectors of four where they are reached as
 * vectors and never written one by one. Narrow types lie packed in words, as everywhere: a device stores whole words, so that an
 * element is written by two atomic operations that leave its neighbours alone.
 */
import type { DType } from "../../ir/dtype.ts";
import type { KernelExpr, KernelStatement } from "../../ir/kernel.ts";
import { childrenOfKernel } from "../../ir/kernel_parts.ts";
import { kernelTypes } from "../../ir/kernel_type.ts";
import type { Shader, ShaderArray } from "../../ir/shader.ts";
import { invariant } from "../../support/invariant.ts";
import type { Helper } from "./helpers.ts";

export type Storage =
  | { readonly kind: "elements"; readonly type: "f32" | "i32" }
  | { readonly kind: "vectors"; readonly type: "f32" | "i32" }
  /** `per` elements in a word; `atomic` where the shader writes them. */
  | { readonly kind: "packed"; readonly dtype: NarrowDType; readonly per: 2 | 4; readonly atomic: boolean };

export type NarrowDType = "f16" | "i8" | "u8" | "bool";

type Use = { scalarStore: boolean; vector: boolean };

export function storagesOf(shader: Shader): Map<string, Storage> {
  const uses = new Map<string, Use>();
  visitAccesses(shader.body, (buffer, lanes, writes) => {
    const use = uses.get(buffer) ?? { scalarStore: false, vector: false };
    use.vector ||= lanes > 1;
    use.scalarStore ||= writes && lanes === 1;
    uses.set(buffer, use);
  });
  const storages = new Map<string, Storage>();
  for (const { name, dtype, writes } of shader.parameters) storages.set(name, storageOf(dtype, uses.get(name), writes));
  for (const { name, dtype } of shader.arrays) storages.set(name, arrayStorage(dtype, uses.get(name)));
  return storages;
}

function storageOf(dtype: DType, use: Use | undefined, writes: boolean): Storage {
  switch (dtype) {
    case "f32":
    case "i32":
      return { kind: use?.vector && !use.scalarStore ? "vectors" : "elements", type: dtype };
    case "f16":
      return { kind: "packed", dtype, per: 2, atomic: writes };
    case "i8":
    case "u8":
    case "bool":
      return { kind: "packed", dtype, per: 4, atomic: writes };
    case "f64":
    case "i64":
      throw new Error(`internal error: a shader has a buffer of ${dtype}`);
  }
}

/** Arrays are the shader's own, and have a word for every element. */
function arrayStorage(dtype: DType, use: Use | undefined): Storage {
  return storageOf(dtype === "f32" || dtype === "f16" ? "f32" : "i32", use, true);
}

function visitAccesses(statements: readonly KernelStatement[], visit: (buffer: string, lanes: number, writes: boolean) => void): void {
  const inExpr = (expr: KernelExpr): void => {
    if (expr.kind === "load") visit(expr.buffer, expr.splat ? 1 : kernelTypes[expr.type].lanes, false);
    for (const child of childrenOfKernel(expr)) inExpr(child);
  };
  for (const statement of statements) {
    switch (statement.kind) {
      case "set":
      case "subgroup":
        inExpr(statement.value);
        break;
      case "store":
        visit(statement.buffer, kernelTypes[statement.type].lanes, true);
        inExpr(statement.address);
        inExpr(statement.value);
        break;
      case "for":
        visitAccesses(statement.body, visit);
        break;
      case "if":
        inExpr(statement.condition);
        visitAccesses(statement.whenTrue, visit);
        visitAccesses(statement.otherwise, visit);
        break;
      case "barrier":
        break;
    }
  }
}

/** The element type of the declaration of a buffer. */
export function elementName(storage: Storage): string {
  if (storage.kind === "packed") return storage.atomic ? "atomic<u32>" : "u32";
  if (storage.kind === "elements") return storage.type;
  return storage.type === "f32" ? "vec4f" : "vec4i";
}

export function declareArray(name: string, { elements, space }: ShaderArray, storage: Storage): string {
  const count = storage.kind === "vectors" ? Math.ceil(elements / 4) : elements;
  return `var<${space}> ${name}: array<${elementName(storage)}, ${Math.max(1, count)}>;`;
}

/** An address that is text, with what is known of it as a number. */
export type Place = { readonly text: string; readonly constant: number | undefined };

/** One element at an address that counts elements. */
export function loadElement(name: string, at: Place, storage: Storage, use: (helper: Helper) => string): string {
  switch (storage.kind) {
    case "elements":
      return `${name}[${at.text}]`;
    case "vectors":
      return `${name}[${divided(at, 4)}][${remainder(at, 4)}]`;
    case "packed": {
      const word = `${name}[${divided(at, storage.per)}]`;
      const value = storage.atomic ? `atomicLoad(&${word})` : word;
      const helper = ({ i8: "element_i8", u8: "element_u8", bool: "element_u8", f16: "element_f16" } as const)[storage.dtype];
      return `${use(helper)}(${value}, ${at.text})`;
    }
  }
}

/** Statements that write one element. */
export function storeElement(name: string, at: Place, value: string, storage: Storage, use: (helper: Helper) => string): string[] {
  if (storage.kind === "elements") return [`${name}[${at.text}] = ${value};`];
  invariant(storage.kind === "packed", `${name} lies in vectors and is written by elements`);
  const { dtype, per } = storage;
  const word = `&${name}[${divided(at, per)}]`;
  const width = 32 / per;
  const mask = per === 2 ? "0xffffu" : "0xffu";
  const shift = at.constant === undefined ? `(u32(${remainder(at, per)}) * ${width}u)` : `${(at.constant % per) * width}u`;
  const bits = dtype === "f16" ? `${use("bits_f16")}(${value})` : `(bitcast<u32>(${value}) & ${mask})`;
  return [`atomicAnd(${word}, ~(${mask} << ${shift}));`, `atomicOr(${word}, ${bits} << ${shift});`];
}

function divided({ text, constant }: Place, by: 2 | 4): string {
  return constant === undefined ? `(${text}) >> ${by === 2 ? 1 : 2}u` : String(Math.floor(constant / by));
}

function remainder({ text, constant }: Place, by: 2 | 4): string {
  return constant === undefined ? `(${text}) & ${by - 1}` : String(constant % by);
}
