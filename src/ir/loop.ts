/**
 * The loop level: immutable nests of named loops over buffers and local tiles. Schedules rewrite it.
 * A loop is addressed by name; names are unique along every path from the root.
 */
import type { Index } from "./affine.ts";
import type { DType } from "./dtype.ts";
import type { Expr, ReduceOp } from "./expr.ts";
import type { NnOutput } from "./nn.ts";
import type { Buffer } from "./tensor.ts";

/**
 * The coordinates of a GPU's grid: which workgroup, and which invocation in it. A loop bound to one runs its iterations at the same
 * time, on the workgroups or invocations with that coordinate; where a nest binds loops of different extents, the shorter ones idle.
 */
export type GridAxis = `${"workgroup" | "invocation"}.${"x" | "y" | "z"}`;

export const gridAxes: readonly GridAxis[] = ["workgroup.x", "workgroup.y", "workgroup.z", "invocation.x", "invocation.y", "invocation.z"];

export function isGridAxis(name: string): name is GridAxis {
  return gridAxes.some((axis) => axis === name);
}

/** Whether iterations of a loop of this mode run at the same time within one workgroup. */
export function isInvocation(mode: string): boolean {
  return isGridAxis(mode) && mode.startsWith("invocation.");
}

/** `cooperative`: the invocations of a workgroup have the iterations among them, whichever of them, and go on when all are done. */
export const loopModes = ["serial", "unroll", "vectorize", "parallel", "cooperative", ...gridAxes] as const;
export type LoopMode = (typeof loopModes)[number];

/** Where a tile lies: in registers, in memory of whoever runs the loops around it, or in memory that a workgroup shares. */
export const tileScopes = ["register", "memory", "workgroup"] as const;
export type TileScope = (typeof tileScopes)[number];

export type AccumulateOp = Exclude<ReduceOp, "argmax" | "argmin">;

/** The function that takes one more value into a reduction. */
export const accumulateFunctions: { readonly [op in AccumulateOp]: "add" | "mul" | "max" | "min" } = {
  sum: "add",
  prod: "mul",
  max: "max",
  min: "min",
};
export const accumulateOps = ["sum", "prod", "max", "min"] as const satisfies readonly AccumulateOp[];

export type Statement =
  | { readonly kind: "for"; readonly name: string; readonly extent: number; readonly mode: LoopMode; readonly body: Statement }
  | { readonly kind: "sequence"; readonly statements: readonly Statement[] }
  /** `buffer[indices] = value` */
  | { readonly kind: "store"; readonly buffer: string; readonly indices: readonly Index[]; readonly value: Expr }
  /**
   * A whole reduction, order left open: `buffer[indices] = finish(op over all iterations of the loops in `over` of value)`.
   * Every loop in `over` encloses the statement inside the loops that `indices` use, or among them in any order.
   * In `finish`, a read of the tensor named by `accumulator` with no indices is the reduced value.
   * `where` leaves an iteration out of the reduction, not its element out of the result.
   */
  | {
      readonly kind: "reduce";
      readonly buffer: string;
      readonly indices: readonly Index[];
      readonly dtype: DType;
      readonly op: AccumulateOp;
      readonly over: readonly string[];
      readonly value: Expr;
      readonly where?: Expr;
      readonly accumulator: string;
      readonly finish: Expr;
    }
  /** `buffer[indices] = op(buffer[indices], value)` where `where` holds. */
  | {
      readonly kind: "accumulate";
      readonly buffer: string;
      readonly indices: readonly Index[];
      readonly op: AccumulateOp;
      readonly value: Expr;
      readonly where?: Expr;
    }
  /** A guard: the body runs where the condition holds. */
  | { readonly kind: "if"; readonly condition: Expr; readonly body: Statement }
  /**
   * A tile that lives while `body` runs. `register` demands that every index into it be constant once unrolled. `workgroup` is one
   * tile for all iterations of loops around it that are bound to invocations: what fills it does not depend on these.
   */
  | {
      readonly kind: "local";
      readonly name: string;
      readonly dtype: DType;
      readonly shape: readonly number[];
      readonly scope: TileScope;
      readonly body: Statement;
    };

export type For = Extract<Statement, { kind: "for" }>;
export type Reduce = Extract<Statement, { kind: "reduce" }>;

export type Nest = {
  readonly name: string;
  readonly phase: "build" | "run";
  /** The buffer the nest computes. */
  readonly result: string;
  /** The schedule steps that led here, as text, in order. */
  readonly trace: readonly string[];
  readonly body: Statement;
};

export type LoopProgram = {
  readonly name: string;
  readonly buffers: readonly Buffer[];
  /** In execution order. */
  readonly nests: readonly Nest[];
  readonly inputs: readonly string[];
  readonly outputs: readonly NnOutput[];
  /** Bytes of the arena; 0 until memory is planned. */
  readonly arenaBytes: number;
};
