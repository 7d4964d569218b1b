/** onnxruntime-web: the WebGPU execution provider, all graph optimisations, inputs and outputs as arrays. */
import { env, InferenceSession, Tensor } from "onnxruntime-web/webgpu";
import type { Peer } from "../contender.ts";
import { firstOutput } from "./ort_output.ts";

export const peer: Peer = {
  async load({ files, input }) {
    env.logLevel = "error";
    env.wasm.numThreads = 1;
    env.wasm.proxy = false;
    const binary = files["ort-wasm-simd-threaded.asyncify.wasm"];
    if (binary) env.wasm.wasmBinary = binary.buffer;
    const session = await InferenceSession.create(files["model.onnx"] ?? new Uint8Array(), {
      executionProviders: ["webgpu"],
      graphOptimizationLevel: "all",
    });
    return async () => firstOutput(await session.run({ [input.name]: new Tensor("float32", input.values, input.shape) }));
  },
};
