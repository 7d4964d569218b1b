/** What a runtime is given, and what it gave. */
import type { Tensor } from "../tests/operators/tensors.ts";

export type Given = {
  /** The model first, then what lies beside it. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly inputs: ReadonlyMap<string, Tensor>;
};

export type Output = { readonly shape: readonly number[]; readonly values: readonly number[] };
export type Ran = { readonly outputs: readonly Output[] } | { readonly problem: string };
