/** LiteRT.js: XNNPACK in WebAssembly with relaxed SIMD, one thread. It wants a page: its loader adds a script to it. */
import { loadAndCompile, Tensor } from "@litertjs/core";
import type { Peer } from "../contender.ts";
import { loadRuntime } from "./litert_runtime.ts";

export const peer: Peer = {
  async load({ files, input }) {
    await loadRuntime(files);
    const model = await loadAndCompile(files["model.tflite"] ?? new Uint8Array(), {
      accelerator: "wasm",
      cpuOptions: { numThreads: 1 },
    });
    // Otherwise parts of the graph would run in kernels that nobody would choose, and the comparison would be worth nothing.
    if (!model.isFullyAccelerated) throw new Error("XNNPACK does not take the whole graph");
    return async () => {
      const given = Tensor.fromTypedArray(input.values, [...input.shape]);
      const [output] = await model.run([given]);
      if (!output) throw new Error("the model gave no output");
      const values = output.toTypedArray().slice() as Float32Array;
      given.delete();
      output.delete();
      return values;
    };
  },
};
