/**
 * The kernel level: structured code over typed registers and byte addresses, one step above a target.
 * Names of values are unique in a kernel; an address is the start of a buffer plus bytes. `shader.ts` has the form for GPUs,
 * which shares statements and expressions.
 */
import type { DType } from "./dtype.ts";
import type { ScalarFunction } from "./expr.ts";
import type { AccumulateOp } from "./loop.ts";
import type { Initializer, NnOutput } from "./nn.ts";

/** Scalars and 128-bit vectors. A condition is an `i32` (0 or 1), or a lane mask (0 or -1) in an `i32x4`. */
export type KernelType = "i32" | "f32" | "f64" | "i32x4" | "f32x4";

export type KernelExpr =
  | { readonly kind: "constant"; readonly type: KernelType; readonly value: number }
  | { readonly kind: "get"; readonly name: string; readonly type: KernelType }
  /** Byte address (i32) where a buffer parameter begins. */
  | { readonly kind: "base"; readonly buffer: string }
  /**
   * Reads `dtype` at address + offset (bytes) of `buffer`. A vector type reads consecutive elements; `splat` reads one
   * element into every lane. Narrow integers widen to i32, f16 to f32, bool to 0 or 1.
   */
  | {
      readonly kind: "load";
      readonly type: KernelType;
      readonly dtype: DType;
      readonly buffer: string;
      readonly address: KernelExpr;
      readonly offset: number;
      readonly splat?: true;
    }
  /** A scalar function that has an instruction, on operands of type `on`. */
  | { readonly kind: "apply"; readonly function: ScalarFunction; readonly on: KernelType; readonly args: readonly KernelExpr[] }
  /** a * b + c, rounded once or twice: the target's choice (relaxed). */
  | { readonly kind: "multiply_add"; readonly on: KernelType; readonly args: readonly [KernelExpr, KernelExpr, KernelExpr] }
  | {
      readonly kind: "select";
      readonly type: KernelType;
      readonly condition: KernelExpr;
      readonly whenTrue: KernelExpr;
      readonly otherwise: KernelExpr;
    }
  | { readonly kind: "splat"; readonly type: KernelType; readonly value: KernelExpr }
  | { readonly kind: "extract"; readonly type: KernelType; readonly value: KernelExpr; readonly lane: number }
  | { readonly kind: "replace"; readonly type: KernelType; readonly vector: KernelExpr; readonly lane: number; readonly value: KernelExpr }
  /** Between i32, f32 and f64 (and lanewise); float to integer truncates and saturates. */
  | { readonly kind: "convert"; readonly from: KernelType; readonly type: KernelType; readonly value: KernelExpr }
  /** Wraps an i32 to a narrow integer dtype's range, still as i32. */
  | { readonly kind: "wrap"; readonly dtype: DType; readonly value: KernelExpr }
  /** A function of the host's maths library, in float64: the reference only. */
  | { readonly kind: "host"; readonly function: ScalarFunction; readonly args: readonly KernelExpr[] };

export type KernelStatement =
  | { readonly kind: "set"; readonly name: string; readonly type: KernelType; readonly value: KernelExpr }
  | {
      readonly kind: "store";
      readonly dtype: DType;
      readonly type: KernelType;
      readonly buffer: string;
      readonly address: KernelExpr;
      readonly offset: number;
      readonly value: KernelExpr;
    }
  /** `extent` iterations (at least 1); `name` counts from 0 by 1. */
  | { readonly kind: "for"; readonly name: string; readonly extent: number; readonly body: readonly KernelStatement[] }
  | {
      readonly kind: "if";
      readonly condition: KernelExpr;
      readonly whenTrue: readonly KernelStatement[];
      readonly otherwise: readonly KernelStatement[];
    }
  /** Shaders only: every invocation of the workgroup gets here before one goes on, and sees what the others wrote. */
  | { readonly kind: "barrier" }
  /**
   * Shaders only: the workgroup is one subgroup, all of whose invocations get here together; each has the reduction of what they
   * all have as `value` then.
   */
  | { readonly kind: "subgroup"; readonly op: AccumulateOp; readonly name: string; readonly type: KernelType; readonly value: KernelExpr };

export type Kernel = {
  readonly name: string;
  /** Where it comes from: the nest's name and its schedule. For readers and headers; codegen does not look. */
  readonly trace: readonly string[];
  /** Buffer parameters, in order; the ones it writes are marked. */
  readonly parameters: readonly { readonly name: string; readonly dtype: DType; readonly writes: boolean }[];
  readonly body: readonly KernelStatement[];
};

/** A buffer's place in linear memory. */
export type Placement = {
  readonly buffer: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly bytes: number;
};

export type WeightSource =
  | { readonly kind: "weight"; readonly path: string; readonly initializer?: Initializer }
  | { readonly kind: "constant"; readonly data: readonly number[] };

/** A call of a kernel with the buffers bound to its parameters. */
export type KernelCall = {
  readonly kernel: string;
  readonly nest: string;
  readonly phase: "build" | "run";
  readonly arguments: readonly string[];
};

export type KernelProgram = {
  readonly name: string;
  readonly kernels: readonly Kernel[];
  readonly calls: readonly KernelCall[];
  /** Every buffer. Weights that run-time kernels read come first and are the shipped image, `weightBytes` long. */
  readonly placements: readonly Placement[];
  readonly sources: readonly { readonly buffer: string; readonly source: WeightSource }[];
  readonly weightBytes: number;
  /** Linear memory needed by `run` (weights and arena); `buildBytes` also covers what only build-time kernels touch. */
  readonly runBytes: number;
  readonly buildBytes: number;
  readonly inputs: readonly string[];
  readonly outputs: readonly NnOutput[];
};
