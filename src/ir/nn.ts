/**
 * The nn level: a flat list of operator calls in SSA form. A node's meaning is its operator's declaration,
 * which the program carries; nothing here knows an operator by name.
 */

import type { DefDeclaration, OpDeclaration } from "./declaration.ts";
import type { TensorType } from "./dtype.ts";

/** A compile-time value: attributes of calls, arguments of compile-time functions. */
export type AttributeValue = number | boolean | string | readonly AttributeValue[];
export type Attributes = { readonly [name: string]: AttributeValue };

export type Initializer =
  | { readonly kind: "zeros" }
  | { readonly kind: "ones" }
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "uniform"; readonly low: number; readonly high: number }
  /** Normal with variance 2 / fan-in; fan-in is the product of all extents but the last. */
  | { readonly kind: "he_normal" }
  /** Uniform within sqrt(6 / (fan-in + fan-out)); fan-out is the last extent times the receptive field. */
  | { readonly kind: "glorot_uniform" };

export type NnValue = { readonly name: string; readonly type: TensorType };
/** A tensor of the weights file; `name` is its SSA name, `path` its key in the file (`block1.conv.kernel`). */
export type NnWeight = NnValue & { readonly path: string; readonly initializer?: Initializer };
/** A literal tensor, row-major. */
export type NnConstant = NnValue & { readonly data: readonly number[] };

export type NnNode = {
  readonly results: readonly NnValue[];
  /** Key into `NnProgram.operators`. */
  readonly operator: string;
  readonly operands: readonly string[];
  /** Complete: defaults filled in, so that two equal calls have equal attributes. */
  readonly attributes: Attributes;
};

export type NnOutput = { readonly name: string; readonly value: string };

export type NnProgram = {
  readonly name: string;
  readonly inputs: readonly NnValue[];
  readonly weights: readonly NnWeight[];
  readonly constants: readonly NnConstant[];
  /** In an order where every operand is defined before it is used. */
  readonly nodes: readonly NnNode[];
  readonly outputs: readonly NnOutput[];
  /** Every operator that `nodes` call, and those that their expansions call, by name. */
  readonly operators: ReadonlyMap<string, OpDeclaration>;
  /** Every compile-time function that those operators use. */
  readonly definitions: ReadonlyMap<string, DefDeclaration>;
};
