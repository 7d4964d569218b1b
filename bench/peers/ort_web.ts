/** onnxruntime-web: the wasm execution provider, one thread, all graph optimisations, else its defaults. */
import { env, InferenceSession, Tensor } from "onnxruntime-web/wasm";
import type { Peer } from "../contender.ts";
import { firstOutput } from "./ort_output.ts";

export const peer: Peer = {
  async load({ files, input }) {
    // Errors only: otherwise it remarks on machines whose CPU it does not know.
    env.logLevel = "error";
    env.wasm.numThreads = 1;
    env.wasm.proxy = false;
    const binary = files["ort-wasm-simd-threaded.wasm"];
    if (binary) env.wasm.wasmBinary = binary.buffer;
    const session = await InferenceSession.create(files["model.onnx"] ?? new Uint8Array(), {
      executionProviders: ["wasm"],
      graphOptimizationLevel: "all",
    });
    return async () => firstOutput(await session.run({ [input.name]: new Tensor("float32", input.values, input.shape) }));
  },
};
