/** TensorFlow.js: the WebGPU backend, inputs and outputs as arrays. */
import "@tensorflow/tfjs-backend-webgpu";
import { setBackend } from "@tensorflow/tfjs-core";
import type { Peer } from "../contender.ts";
import { callGraph } from "./tfjs_graph.ts";

export const peer: Peer = {
  async load({ files, input }) {
    if (!(await setBackend("webgpu"))) throw new Error("TensorFlow.js finds no WebGPU adapter");
    return await callGraph(files, input);
  },
};
