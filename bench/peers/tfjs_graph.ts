/** A graph model of TensorFlow.js from bytes in memory, on the backend that has been set. */
import { loadGraphModel } from "@tensorflow/tfjs-converter";
import { type Tensor, tensor } from "@tensorflow/tfjs-core";
import type { Call, Given } from "../contender.ts";

export async function callGraph(files: Given["files"], input: Given["input"]): Promise<Call> {
  const text = JSON.parse(new TextDecoder().decode(files["model.json"]));
  const model = await loadGraphModel({
    load: async () => ({
      modelTopology: text.modelTopology,
      signature: text.signature,
      format: text.format,
      weightSpecs: text.weightsManifest[0].weights,
      weightData: files["model.bin"]?.buffer ?? new ArrayBuffer(0),
    }),
  });
  return async () => {
    const given = tensor(input.values, [...input.shape]);
    const output = model.execute({ [input.name]: given }) as Tensor;
    const values = await output.data();
    given.dispose();
    output.dispose();
    return values as Float32Array;
  };
}
