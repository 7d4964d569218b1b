/** LiteRT.js: its WebGPU delegate in f32, inputs and outputs as arrays. It wants a page: its loader adds a script to it. */
import { loadAndCompile, Tensor } from "@litertjs/core";
import type { Peer } from "../contender.ts";
import { loadRuntime } from "./litert_runtime.ts";

export const peer: Peer = {
  async load({ files, input }) {
    await loadRuntime(files);
    const model = await loadAndCompile(files["model.tflite"] ?? new Uint8Array(), {
      accelerator: "webgpu",
      gpuOptions: { precision: "fp32" },
    });
    if (!model.isFullyAccelerated) throw new Error("the WebGPU delegate does not take the whole graph");
    return async () => {
      const given = await Tensor.fromTypedArray(input.values, [...input.shape]).moveTo("webgpu");
      const [output] = await model.run([given]);
      if (!output) throw new Error("the model gave no output");
      const values = ((await output.data()) as Float32Array).slice();
      given.delete();
      output.delete();
      return values;
    };
  },
};
