/** Vectors: a call in Quern, its operands and what it must give, and running one through the reference and WebAssembly. */

import { compile } from "../../src/compile.ts";
import type { DType } from "../../src/ir/dtype.ts";
import { createReference, createWasm } from "../../src/pipeline/execute.ts";
import { renderDiagnostic } from "../../src/support/diagnostic.ts";
import { createRandom, type Random } from "../../src/support/random.ts";

export type Tensor = { readonly dtype: DType; readonly shape: readonly number[]; readonly data: readonly number[] };

export type Vector = {
  /** The library's operator that is tested. */
  readonly operator: string;
  /** In terms of x0, x1, ... */
  readonly call: string;
  readonly inputs: readonly Tensor[];
  readonly expected: Tensor;
};

export function tensor(shape: readonly number[], data: readonly number[], dtype: DType = "f32"): Tensor {
  if (shape.reduce((a, b) => a * b, 1) !== data.length) throw new Error(`${data.length} values for the shape [${shape}]`);
  return { dtype, shape, data };
}

export function vector(operator: string, call: string, inputs: readonly Tensor[], expected: Tensor): Vector {
  return { operator, call, inputs, expected };
}

/** Standard normal values, as f32. */
export function randomTensor(random: Random, shape: readonly number[]): Tensor {
  return tensor(
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => Math.fround(random.normal())),
  );
}

export function seeded(name: string): Random {
  return createRandom(`vectors/${name}`);
}

/** The model that consists of the call. */
export function sourceOf({ call, inputs, expected }: Vector): string {
  const typed = ({ dtype, shape }: Tensor) => `${dtype}[${shape.join(", ")}]`;
  return `model vector(${inputs.map((input, i) => `x${i}: ${typed(input)}`).join(", ")}) -> y: ${typed(expected)} {\n  ${call}\n}\n`;
}

/** What the reference and the target's module give. */
export function outcomesOf(vector: Vector): { readonly target: "reference" | "wasm"; readonly values: Float64Array }[] {
  const source = sourceOf(vector);
  const { value: compiled, diagnostics } = compile(source);
  if (!compiled) throw new Error(diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, new Map([["input.qn", source]]))).join("\n"));
  const inputs = new Map(vector.inputs.map(({ data }, i) => [`x${i}`, Float64Array.from(data)] as const));
  const run = { reference: createReference, wasm: createWasm } as const;
  return (["reference", "wasm"] as const).map((target) => ({
    target,
    values: run[target](compiled, new Map()).run(inputs).get("y") ?? new Float64Array(),
  }));
}

/** Where what came out differs from what was expected, or undefined: floats within the tolerance of the largest magnitude, integers by `steps`. */
export function mismatch(expected: Expected, values: ArrayLike<number>, tolerance: number, steps = 0): string | undefined {
  const { data, dtype } = expected;
  if (values.length !== data.length) return `${values.length} elements instead of ${data.length}`;
  let largest = 1;
  for (let i = 0; i < data.length; i++) if (Number.isFinite(data[i])) largest = Math.max(largest, Math.abs(data[i] as number));
  const allowed = dtype.startsWith("f") ? tolerance * largest : steps;
  for (let i = 0; i < data.length; i++) {
    const [wanted, found] = [data[i] as number, values[i] as number];
    const isSame = wanted === found || (Number.isNaN(wanted) && Number.isNaN(found));
    if (!isSame && !(Math.abs(wanted - found) <= allowed)) return `element ${i} is ${found} instead of ${wanted}`;
  }
  return undefined;
}

export type Expected = { readonly dtype: DType; readonly data: ArrayLike<number> };
