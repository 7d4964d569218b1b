/** A small foreign file that proves the translation of an operator: what goes in, and what must come out, computed without the compiler. */
import type { ForeignFile, Importer } from "../../../src/importers/importer.ts";
import { type Tensor, tensor } from "../../operators/tensors.ts";
import { fileOf } from "../support.ts";

/** An operand of a node: given when the model runs, or a constant of the file; integers may stand for real numbers. */
export type Operand = Tensor & {
  readonly constant?: boolean;
  readonly scale?: number | readonly number[];
  readonly zero?: number;
  /** Along which several scales lie. */
  readonly axis?: number;
};

export type CaseFile = {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** What lies beside it. */
  readonly neighbours?: ReadonlyMap<string, Uint8Array>;
};

export type ImportCase = {
  readonly name: string;
  /** The operators or layers whose translation it proves. */
  readonly operators: readonly string[];
  readonly importer: Importer;
  readonly file: CaseFile;
  /** By the source's names. */
  readonly inputs: ReadonlyMap<string, Tensor>;
  /** In the order of the source's outputs. */
  readonly expected: readonly Tensor[];
  /** Relative for floats, in steps for integers. */
  readonly tolerance?: number;
  readonly steps?: number;
};

export function constant(operand: Operand): Operand {
  return { ...operand, constant: true };
}

/** A constant list of integers, as axes and shapes are. */
export function list(...values: readonly number[]): Operand {
  return constant(tensor([values.length], values, "i32"));
}

/** A constant integer without dimensions. */
export function integer(value: number): Operand {
  return constant(tensor([], [value], "i32"));
}

export function quantised(shape: readonly number[], data: readonly number[], dtype: "i8" | "u8", scale: number, zero = 0): Operand {
  return { ...tensor(shape, data, dtype), scale, zero };
}

export function foreignFileOf({ path, bytes, neighbours = new Map() }: CaseFile): ForeignFile {
  return {
    ...fileOf(path, bytes),
    neighbour(name) {
      const value = neighbours.get(name);
      return value ? { value, diagnostics: [] } : { diagnostics: [] };
    },
  };
}
