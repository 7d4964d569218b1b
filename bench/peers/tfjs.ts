/** TensorFlow.js: the wasm backend with SIMD, one thread. */

import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { env, setBackend } from "@tensorflow/tfjs-core";
import type { Peer } from "../contender.ts";
import { callGraph } from "./tfjs_graph.ts";

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
    return await callGraph(files, input);
  },
};

/** The path of a file's folder; Node's build takes a path, not an address. */
function folderOf(url: string): string {
  return decodeURIComponent(new URL(".", url).pathname);
}
