/** Writes what the contenders load into `.cache/`: models in every format, the image, the shells and the bundled peers. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { exporters } from "../src/exporters/exporters.ts";
import { moduleFiles } from "../src/pipeline/build_module.ts";
import { buildModule } from "../src/pipeline/execute.ts";
import { exportModel } from "../src/pipeline/export_model.ts";
import { buildGpu } from "../src/pipeline/gpu.ts";
import { gpuPlanFile, gpuWeightsFile, simdWeightsFile, weightsFile } from "../src/runtime/interface.ts";
import { wasmFile } from "../src/runtime/module_template.ts";
import type { Assignment } from "./contender.ts";
import type { Earlier } from "./earlier.ts";
import { type Network, onlyInput, type Variants } from "./networks.ts";
import type { Beside, Contender } from "./systems.ts";

export const cache = new URL("./.cache/", import.meta.url);
const packages = new URL("./node_modules/", import.meta.url);

export type Size = { readonly raw: number; readonly gzip: number };
/** What is fetched: the runtime, and the weights with what describes the model. Of Quern, the code is the model's own. */
export type Shipped = { readonly code: Size; readonly model: Size };

export type Prepared = {
  readonly network: Network;
  readonly schedule: "default" | "tuned";
  /** Why a peer cannot have the network, by format. */
  readonly refused: ReadonlyMap<string, string>;
  /** Bytes of Quern's memory, and of the weights within; the rest is the arena. */
  readonly memory: { readonly whole: number; readonly weights: number };
};

const formats: { readonly [format in "onnx" | "tflite" | "tfjs"]: string } = {
  onnx: "model.onnx",
  tflite: "model.tflite",
  tfjs: "model.json",
};

export function prepare(network: Network, schedule: Prepared["schedule"], earlier?: Earlier): Prepared {
  const folder = new URL(`${network.name}/`, cache);
  // What an earlier run has left there might be taken for this one's.
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const write = (name: string, contents: Uint8Array | string) => writeFileSync(new URL(name, folder), contents);
  const writeModule = ({ compiled, forSimd, gpu }: Variants, within: string) => {
    const built = buildModule(compiled, network.weights, forSimd);
    for (const { name, contents } of moduleFiles(built, compiled, gpu && buildGpu(gpu, network.weights))) write(within + name, contents);
    return built;
  };
  const { kernel } = writeModule(network, "").relaxed;
  for (const beside of Object.values(besides)) mkdirSync(new URL(beside, folder), { recursive: true });
  if (network.byDefault) writeModule(network.byDefault, besides.default);
  for (const { name, contents } of earlier?.filesOf(network) ?? []) write(besides.earlier + name, contents);
  const refused = new Map<string, string>();
  for (const [format, file] of Object.entries(formats)) {
    const { value, diagnostics } = exportModel(network.compiled, network.weights, exporterOf(format), file);
    if (!value) refused.set(format, diagnostics.map(({ message }) => message).join("; "));
    for (const { name, contents } of value ?? []) write(name, contents);
  }
  const [, ...spatial] = onlyInput(network.compiled).type.shape;
  write("image.bin", bytesOf(network.image));
  write("image_channels_first.bin", bytesOf(toChannelsFirst(network.image, spatial)));
  return { network, schedule, refused, memory: { whole: kernel.runBytes, weights: kernel.weightBytes } };
}

/** Where the files are of what runs beside Quern, in the network's folder. */
const besides: { readonly [beside in Beside]: string } = { default: "default/", earlier: "earlier/" };

function exporterOf(format: string) {
  const exporter = exporters[format];
  if (!exporter) throw new Error(`there is no exporter for ${format}`);
  return exporter;
}

/** Files of the model by the names that the peer knows, in the network's folder of the cache. */
function modelFiles(contender: Contender, network: Network): readonly string[] {
  switch (contender.format) {
    case "quern": {
      const variant = variantOf(contender.target);
      if (variant === "webgpu") return ["model.js", gpuPlanFile, gpuWeightsFile];
      const hasOwn = existsSync(new URL(`${network.name}/${within(contender)}${simdWeightsFile}`, cache));
      return ["model.js", wasmFile(variant), variant === "simd" && hasOwn ? simdWeightsFile : weightsFile];
    }
    case "onnx":
      return ["model.onnx"];
    case "tflite":
      return ["model.tflite"];
    case "tfjs":
      return ["model.json", "model.bin"];
  }
}

/** Files of the runtime beside its JavaScript, in node_modules. In Node only TensorFlow.js is told where its wasm is. */
const runtimeFiles: { readonly [peer: string]: readonly string[] } = {
  ort_web: ["onnxruntime-web/dist/ort-wasm-simd-threaded.wasm"],
  tfjs: ["@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm"],
  litert: ["@litertjs/core/wasm/litert_wasm_internal.js", "@litertjs/core/wasm/litert_wasm_internal.wasm"],
  ort_node: [],
  quern: [],
  ort_web_gpu: ["onnxruntime-web/dist/ort-wasm-simd-threaded.asyncify.wasm"],
  tfjs_gpu: [],
  litert_gpu: ["@litertjs/core/wasm/litert_wasm_internal.js", "@litertjs/core/wasm/litert_wasm_internal.wasm"],
};

/** Those that need a page. */
const onlyInPages = ["litert", "litert_gpu", "ort_web_gpu", "tfjs_gpu"];

const nativeLibraries = ["libonnxruntime.so.1", "onnxruntime_binding.node"].map(
  (name) => `onnxruntime-node/bin/napi-v6/${process.platform}/${process.arch}/${name}`,
);

/** `base` is where the engine sees this folder: a file: URL, or an address of the page's server. */
export function assign(contender: Contender, { network }: Prepared, host: "page" | "node", base: string): Assignment {
  const { name, type } = onlyInput(network.compiled);
  const isOnnx = contender.format === "onnx";
  const at = `${base}.cache/${network.name}/`;
  const [n = 1, h = 1, w = 1, c = 1] = type.shape;
  const models = modelFiles(contender, network).map((file) => [file, at + within(contender) + file]);
  const runtime = (runtimeFiles[contender.peer] ?? []).map((path) => [
    path.slice(path.lastIndexOf("/") + 1),
    `${base}node_modules/${path}`,
  ]);
  return {
    peer: `${base}.cache/${peerFile(contender, host)}`,
    files: Object.fromEntries([...models, ...runtime]),
    input: { name, file: at + (isOnnx ? "image_channels_first.bin" : "image.bin"), shape: isOnnx ? [n, c, h, w] : type.shape },
    ...(contender.format === "quern" ? { variant: variantOf(contender.target) } : {}),
  };
}

export function shippedBy(contender: Contender, { network }: Prepared): Shipped {
  const own = modelFiles(contender, network).map((name) => readFileSync(new URL(`${network.name}/${within(contender)}${name}`, cache)));
  if (contender.format === "quern") return { code: sizeOf(own.slice(0, 2)), model: sizeOf(own.slice(2)) };
  const paths = contender.runsIn === "native" ? nativeLibraries : (runtimeFiles[contender.peer] ?? []);
  const bundle = contender.runsIn === "native" ? [] : [readFileSync(new URL(peerFile(contender, "page"), cache))];
  return { code: runtimeSize(paths, bundle), model: sizeOf(own) };
}

const runtimeSizes = new Map<string, Size>();

/** Remembered, for compressing megabytes takes its time. */
function runtimeSize(paths: readonly string[], bundle: readonly Uint8Array[]): Size {
  const key = paths.join();
  const known = runtimeSizes.get(key) ?? sizeOf([...bundle, ...paths.map((path) => readFileSync(new URL(path, packages)))]);
  runtimeSizes.set(key, known);
  return known;
}

function peerFile({ peer }: Contender, host: "page" | "node"): string {
  return `${host}_${peer}.${host === "node" ? "mjs" : "js"}`;
}

function within({ beside }: Contender): string {
  return beside ? besides[beside] : "";
}

function variantOf(target: Contender["target"]): "simd" | "relaxed" | "webgpu" {
  if (target === "webgpu") return "webgpu";
  return target === "wasm-relaxed" ? "relaxed" : "simd";
}

/** Modules of Node that peers name in branches which a page never takes. */
const nodeModules = ["fs", "path", "crypto", "os", "util", "worker_threads", "perf_hooks", "node-fetch", "string_decoder"];

/**
 * The code that runs in a measured engine, in one file each: nothing of a loader takes part in the timing. A page's peer is
 * bundled with its runtime and minified, as it would ship; in Node runtimes are packages as usual.
 */
export async function bundleShells(): Promise<void> {
  const bundle = (entry: string, outfile: string, options: Partial<Parameters<typeof build>[0]>) =>
    build({
      entryPoints: [new URL(`${entry}.ts`, import.meta.url).pathname],
      outfile: new URL(outfile, cache).pathname,
      bundle: true,
      format: "esm",
      target: "es2022",
      logLevel: "warning",
      ...options,
    });
  await bundle("node_shell", "node_shell.mjs", { platform: "node" });
  await bundle("page_shell", "page_shell.js", { platform: "browser" });
  for (const peer of Object.keys(runtimeFiles)) {
    if (!onlyInPages.includes(peer)) await bundle(`peers/${peer}`, `node_${peer}.mjs`, { platform: "node", packages: "external" });
    if (peer !== "ort_node") await bundle(`peers/${peer}`, `page_${peer}.js`, { platform: "browser", minify: true, external: nodeModules });
  }
}

function sizeOf(parts: readonly Uint8Array[]): Size {
  return {
    raw: parts.reduce((sum, bytes) => sum + bytes.byteLength, 0),
    gzip: parts.reduce((sum, bytes) => sum + gzipSync(bytes, { level: 9 }).byteLength, 0),
  };
}

/** Elements of [h, w, c] in the order of [c, h, w]. */
function toChannelsFirst(values: Float32Array, [h = 1, w = 1, c = 1]: readonly number[]): Float32Array {
  return values.map((_, i) => values[(i % (h * w)) * c + Math.floor(i / (h * w))] ?? 0);
}

/** Elements of [c, h, w] in the order of [h, w, c]. */
export function toChannelsLast(values: readonly number[], [h = 1, w = 1, c = 1]: readonly number[]): number[] {
  return values.map((_, i) => values[(i % c) * h * w + Math.floor(i / c)] ?? 0);
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
