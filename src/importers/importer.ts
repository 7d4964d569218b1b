/**
 * What an importer is: from the bytes of a foreign file to a Quern model with its weights.
 *
 * An importer reads the file into data of its own, walks over its nodes, and for each calls the library's operators through a
 * `ModelBuilder` (model_builder.ts), which writes one line for each call, infers its type from the operator's declaration, and
 * says of a refused call which node it comes from:
 *
 *     const builder = createModelBuilder({ name: "net", origin: "Imported from net.h5 (Keras 3).", library: options.library });
 *     const image = builder.input("input:0", { dtype: "f32", shape: [1, 32, 32, 3] });
 *     builder.enter({ operator: "Conv2D", name: "conv1" });
 *     const kernel = builder.weight("conv1/kernel", { type, values });
 *     const y = builder.call("conv2d", [image, kernel], { stride: [2, 2], pad: "same" }, "conv1");
 *     builder.output("probabilities", y);
 *     return builder.finish();
 *
 * Bytes come from strangers: every extent is checked by limits.ts before anything is allocated for it, a diagnostic names the
 * node or the byte offset, and nothing is thrown. What is not supported is said all at once (unsupported.ts).
 * The table of all importers is importers.ts. Files are read by the command line, never here.
 */
import type { TensorType } from "../ir/dtype.ts";
import type { Library } from "../semantics/instantiate.ts";
import type { Checked } from "../support/diagnostic.ts";

/** Numbers of a tensor, row-major; f16 as the numbers that they mean. */
export type Numbers = Float32Array | Float64Array | Int32Array | Int8Array | Uint8Array | Uint16Array | Int16Array;

export type ImportedTensor = { readonly type: TensorType; readonly values: Numbers };

/** A file and what lies beside it. */
export type ForeignFile = {
  /** As it is shown in messages. */
  readonly path: string;
  readonly bytes: Uint8Array;
  /** A file of the same folder (external data, shards), by the name that the format gives; one outside the folder is refused. */
  neighbour(name: string): Checked<Uint8Array>;
  /** Runs what a damaged file may keep from ending, in a library that is not ours; undefined where its time ran out. */
  limited<T>(work: () => T): T | undefined;
};

export type ImportOptions = {
  /** The operators that a model may call. */
  readonly library: Library;
  /** Shapes of inputs by the source's names, for dimensions that the file leaves open. */
  readonly shapes?: ReadonlyMap<string, readonly number[]>;
  /** Inputs that become constants, by the source's names. */
  readonly fixed?: ReadonlyMap<string, ImportedTensor>;
  /**
   * Whether what a network repeats becomes functions of its text. Those weights may then have other paths, and values other names:
   * what is computed stays the same.
   */
  readonly blocks?: boolean;
};

/** A name of the interface: the model's identifier and what the source calls it. */
export type InterfaceName = { readonly name: string; readonly source: string; readonly type: TensorType };

export type ImportedModel = {
  readonly name: string;
  /** The text of `model.qn`. */
  readonly text: string;
  /** By their paths, in the order of their first use. */
  readonly weights: ReadonlyMap<string, ImportedTensor>;
  /** In the source's order. */
  readonly inputs: readonly InterfaceName[];
  readonly outputs: readonly InterfaceName[];
};

export type Importer = {
  /** As the format is called. */
  readonly name: string;
  /** Endings of its files' names, with the dot. */
  readonly extensions: readonly string[];
  /** Reads the whole file: all that is wrong or unsupported is in the diagnostics, and then there is no value. */
  read(file: ForeignFile, options: ImportOptions): Promise<Checked<ImportedModel>>;
};
