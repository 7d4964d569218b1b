/** TensorFlow.js: the wasm backend with SIMD, one thread. */

import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { loadGraphModel } from "@tensorflow/tfjs-converter";
import { env, setBackend, type Tensor, tensor } from "@tensorflow/tfjs-core";
import type { Peer } from "../contender.ts";

const wasmFile = "tfjs-backend-wasm-simd.wasm";

export const peer: Peer = {
  async load({ files, places, input }) {
    // The build with threads would be taken in an isolated page; one thread is measured, without what threads cost.
    env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
    const binary = files[wasmFile];
    const inPage = "document" in globalThis;
    const place = inPage && binary ? URL.createObjectURL(new Blob([binary], { type: "application/wasm" })) : undefined;
    // In a page it wants a place for every build, though it fetches one.
    const builds = [wasmFile, "tfjs-backend-wasm.wasm", "tfjs-backend-wasm-threaded-simd.wasm"];
    setWasmPaths(place === undefined ? folderOf(places[wasmFile] ?? "") : Object.fromEntries(builds.map((build) => [build, place])));
    await setBackend("wasm");
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
  },
};

/** The path of a file's folder; Node's build takes a path, not an address. */
function folderOf(url: string): string {
  return decodeURIComponent(new URL(".", url).pathname);
}
