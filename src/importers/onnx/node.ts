/** A node of an ONNX graph or function, and its attributes. */
import type { ImportedTensor } from "../importer.ts";

export type OnnxAttribute =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "numbers"; readonly value: readonly number[] }
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "texts"; readonly value: readonly string[] }
  | { readonly kind: "tensor"; readonly value: ImportedTensor }
  /** A graph, a tensor that cannot be read, or an attribute of the function that the node stands in. */
  | { readonly kind: "other"; readonly problem: string }
  | { readonly kind: "reference"; readonly name: string };

export type OnnxNode = {
  /** The operator's name; of another domain than ONNX's own with the domain before it, as `com.microsoft.Gelu`. */
  readonly operator: string;
  readonly name: string;
  /** Names; "" is an operand that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, OnnxAttribute>;
};
