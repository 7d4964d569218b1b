/** Writes what the contenders load into `.cache/`: the built module, the ONNX file, the images, and the bundled shells. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { moduleFiles } from "../src/pipeline/build_module.ts";
import { buildModule } from "../src/pipeline/execute.ts";
import type { Assignment, Kind } from "./contender.ts";
import { type Network, onlyInput } from "./networks.ts";
import { channelsFirst, onnxModel, toChannelsFirst } from "./onnx_model.ts";

export const cache = new URL("./.cache/", import.meta.url);
export const runtimeFolder = new URL("./node_modules/onnxruntime-web/dist/", import.meta.url);

export type Size = { readonly raw: number; readonly gzip: number };
export type Sizes = { readonly quern: readonly FileSize[]; readonly onnx: readonly FileSize[] };
export type FileSize = Size & { readonly name: string };

export type Prepared = {
  readonly network: Network;
  readonly inputOffset: number;
  readonly sizes: Sizes;
};

/** The files that onnxruntime-web's wasm backend loads, without WebGPU. */
export const runtimeFiles = ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"] as const;

export function prepare(network: Network): Prepared {
  const folder = new URL(`${network.name}/`, cache);
  mkdirSync(folder, { recursive: true });
  const built = buildModule(network.compiled, network.weights);
  const files = moduleFiles(built, network.compiled);
  for (const { name, contents } of files) writeFileSync(new URL(name, folder), contents);
  const model = onnxModel(network.compiled.source, network.weights);
  writeFileSync(new URL("model.onnx", folder), model);
  const input = onlyInput(network.compiled);
  writeFileSync(new URL("image.bin", folder), bytesOf(network.image));
  writeFileSync(new URL("image_channels_first.bin", folder), bytesOf(toChannelsFirst(network.image, input.type.shape)));
  const placement = built.kernel.placements.find(({ buffer }) => buffer === input.name);
  if (!placement) throw new Error(`${input.name} has no place in memory`);
  const shipped = files.filter(({ name }) => name !== "model.d.ts");
  return {
    network,
    inputOffset: placement.offset,
    sizes: {
      quern: shipped.map(({ name, contents }) => sizeOf(name, typeof contents === "string" ? Buffer.from(contents) : contents)),
      onnx: [...runtimeFiles.map((name) => sizeOf(name, readFileSync(new URL(name, runtimeFolder)))), sizeOf("model.onnx", model)],
    },
  };
}

/** `base` is where the engine sees `.cache/`: a file: URL, or an address of the page's server. */
export function assign(kind: Kind, { network, inputOffset }: Prepared, base: string, runtime: Assignment["runtime"]): Assignment {
  const { name, type } = onlyInput(network.compiled);
  const isOnnx = kind === "onnxruntime-web";
  return {
    kind,
    model: `${base}${network.name}/${isOnnx ? "model.onnx" : "model.js"}`,
    input: {
      name,
      file: `${base}${network.name}/${isOnnx ? "image_channels_first.bin" : "image.bin"}`,
      shape: isOnnx ? channelsFirst(type.shape) : type.shape,
    },
    inputOffset,
    runtime,
  };
}

/** The code that runs in a measured engine, without types and in one file: nothing of a loader takes part in the timing. */
export async function bundleShells(): Promise<void> {
  const shells = [
    { entry: "node_shell", platform: "node", extension: ".mjs" },
    { entry: "page_shell", platform: "browser", extension: ".js" },
  ] as const;
  for (const { entry, platform, extension } of shells) {
    await build({
      entryPoints: [new URL(`${entry}.ts`, import.meta.url).pathname],
      outfile: new URL(`${entry}${extension}`, cache).pathname,
      bundle: true,
      format: "esm",
      target: "es2022",
      platform,
      logLevel: "warning",
    });
  }
}

function sizeOf(name: string, bytes: Uint8Array): FileSize {
  return { name, raw: bytes.byteLength, gzip: gzipSync(bytes, { level: 9 }).byteLength };
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
