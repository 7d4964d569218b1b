/** LiteRT.js in a page: runs one file after the other, as the driver asks. */
import { loadAndCompile, loadLiteRt, Tensor } from "@litertjs/core";

export type PageInput = { readonly dtype: string; readonly shape: readonly number[]; readonly data: readonly number[] };
export type PageOutput = { readonly shape: readonly number[]; readonly values: readonly number[] };

/** Of the element types that the runtime lets through its tensors. */
const arrays = { f32: Float32Array, i32: Int32Array, u8: Uint8Array } as const;

let loaded: Promise<unknown> | undefined;

/** `model` is in base64: the debugging channel carries text. */
async function runFile(model: string, inputs: readonly PageInput[]): Promise<readonly PageOutput[]> {
  loaded ??= loadLiteRt("/wasm/");
  await loaded;
  const bytes = Uint8Array.from(atob(model), (character) => character.charCodeAt(0));
  const compiled = await loadAndCompile(bytes, { accelerator: "wasm", cpuOptions: { numThreads: 1 } });
  const given = inputs.map(({ dtype, shape, data }) => {
    if (!(dtype in arrays)) throw new Error(`element type ${dtype} is not supported`);
    return Tensor.fromTypedArray(arrays[dtype as keyof typeof arrays].from(data), [...shape]);
  });
  const outputs = await compiled.run(given);
  const values = outputs.map((output) => ({
    shape: [...output.type.layout.dimensions],
    values: Array.from(output.toTypedArray(), Number),
  }));
  for (const tensor of [...given, ...outputs]) tensor.delete();
  compiled.delete();
  return values;
}

(globalThis as { runFile?: typeof runFile }).runFile = runFile;
