/** A model as it was said to the builder, call by call, before it is text. */
import type { TensorType } from "../ir/dtype.ts";
import type { Attributes } from "../ir/nn.ts";
import type { Library } from "../semantics/instantiate.ts";
import type { InterfaceName } from "./importer.ts";
import type { Names } from "./names.ts";

/** The foreign node whose calls follow. */
export type ForeignNode = { readonly operator: string; readonly name: string };

/** A tensor of the model that is being written: an input, a weight, or a result of a line. */
export type Value = { readonly id: number; readonly type: TensorType };

export type Line = {
  readonly operator: string;
  readonly operands: readonly (Value | number)[];
  /** Of the operands, numbers too. */
  readonly types: readonly TensorType[];
  /** Those without which the call would mean something else. */
  readonly attributes: Attributes;
  /** All of them, with the defaults. */
  readonly complete: Attributes;
  readonly results: readonly Value[];
  /** As the source names the first result, where it does. */
  name: string | undefined;
  readonly node: ForeignNode | undefined;
};

export type WrittenWeight = { readonly steps: readonly string[]; readonly type: TensorType };

/** Everything that was said of a model. */
export type WrittenModel = {
  readonly name: string;
  /** Said before the model, a line each. */
  readonly documentation: readonly string[];
  readonly inputs: readonly (InterfaceName & { readonly id: number })[];
  readonly outputs: readonly (InterfaceName & { readonly id: number })[];
  readonly weights: ReadonlyMap<number, WrittenWeight>;
  readonly lines: readonly Line[];
  readonly names: Names;
  readonly library: Library;
};
