/** LiteRT.js: XNNPACK in WebAssembly with relaxed SIMD, one thread. It wants a page: its loader adds a script to it. */
import { loadAndCompile, loadLiteRt, Tensor } from "@litertjs/core";
import type { Peer } from "../contender.ts";

const script = "litert_wasm_internal.js";
const binary = "litert_wasm_internal.wasm";

export const peer: Peer = {
  async load({ files, input }) {
    const place = (name: string, type: string) => URL.createObjectURL(new Blob([files[name] ?? ""], { type }));
    const wasm = place(binary, "application/wasm");
    (globalThis as { Module?: object }).Module = { locateFile: () => wasm };
    // The loader takes for a folder what does not end in ".js"; a fragment does no harm to an address in memory.
    await loadLiteRt(`${place(script, "text/javascript")}#${script}`);
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
