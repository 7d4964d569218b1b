/** Models of one Keras layer, made for a test, in the layers format of TensorFlow.js: its configuration is Keras's own. */
import { tfjs } from "../../../src/importers/tfjs/importer.ts";
import type { Tensor } from "../../operators/tensors.ts";
import type { ImportCase } from "./case.ts";
import { tfjsFile } from "./tfjs_file.ts";

export type KerasLayerCase = {
  readonly kind: string;
  readonly of?: string;
  readonly config?: { readonly [key: string]: unknown };
  readonly weights?: { readonly [kind: string]: Tensor };
  readonly operands: readonly Tensor[];
  readonly result: Tensor;
  /** 2 where nothing is said. */
  readonly version?: 2 | 3;
  readonly tolerance?: number;
};

/** The inputs are x0 and on, and the layer is `y`. */
export function kerasCase({ kind, of, config = {}, weights = {}, operands, result, version = 2, ...bounds }: KerasLayerCase): ImportCase {
  const inputs = operands.map(({ shape }, i) => ({
    class_name: "InputLayer",
    config: { name: `x${i}`, [version === 2 ? "batch_input_shape" : "batch_shape"]: shape, dtype: "float32" },
    name: `x${i}`,
    inbound_nodes: [],
  }));
  const tensorOf = ({ shape }: Tensor, i: number) => ({
    class_name: "__keras_tensor__",
    config: { shape, dtype: "float32", keras_history: [`x${i}`, 0, 0] },
  });
  const given = operands.map(tensorOf);
  const calls =
    version === 2 ? [operands.map((_, i) => [`x${i}`, 0, 0, {}])] : [{ args: given.length === 1 ? given : [given], kwargs: {} }];
  const layer = { class_name: kind, config: { name: "y", ...config }, name: "y", inbound_nodes: calls };
  const model = {
    class_name: "Functional",
    config: {
      name: "net",
      layers: [...inputs, layer],
      input_layers: operands.map((_, i) => [`x${i}`, 0, 0]),
      output_layers: [["y", 0, 0]],
    },
  };
  const topology = { keras_version: version === 2 ? "2.15.0" : "3.3.0", backend: "tensorflow", model_config: model };
  return {
    name: of === undefined ? kind : `${kind}, ${of}`,
    operators: [kind],
    importer: tfjs,
    file: tfjsFile(
      { format: "layers-model", modelTopology: topology },
      Object.entries(weights).map(([name, tensor]) => [`y/${name}`, tensor] as const),
    ),
    inputs: new Map(operands.map((operand, i) => [`x${i}`, operand])),
    expected: [result],
    ...bounds,
  };
}
