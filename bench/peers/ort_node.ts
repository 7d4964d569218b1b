/** onnxruntime-node: native code, one thread. Not a rival but an anchor: what this processor does without WebAssembly. */
import { InferenceSession, Tensor } from "onnxruntime-node";
import type { Peer } from "../contender.ts";
import { firstOutput } from "./ort_output.ts";

export const peer: Peer = {
  async load({ files, input }) {
    const session = await InferenceSession.create(files["model.onnx"] ?? new Uint8Array(), {
      executionProviders: ["cpu"],
      graphOptimizationLevel: "all",
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      logSeverityLevel: 3,
    });
    return async () => firstOutput(await session.run({ [input.name]: new Tensor("float32", input.values, input.shape) }));
  },
};
