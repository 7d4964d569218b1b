/** The text of `model.js` and `model.d.ts`, from what the built module says of itself. */
import { type ElementType, gpuPlanFile, type Manifest, type Slot, type WasmTarget } from "./interface.ts";
import { gpuRuntime, runtime } from "./text.ts";

export function wasmFile(target: WasmTarget): string {
  return `model.${target}.wasm`;
}

/** Self-contained but for the files beside it; `new URL` with a literal is how bundlers find those. */
export function moduleText(title: string, manifest: Manifest): string {
  const urls = Object.keys(manifest.bytes).map(
    (file) => `  ${JSON.stringify(file)}: () => new URL(${JSON.stringify(`./${file}`)}, import.meta.url),`,
  );
  const code = hasGpu(manifest) ? gpuRuntime : runtime;
  return [
    `// ${title}, built by Quern. Types and shapes: model.d.ts`,
    `const manifest = ${JSON.stringify(manifest)};`,
    "const urls = {",
    ...urls,
    "};",
    code.text.trim(),
    `export const load = (options) => ${code.name}(manifest, urls, options);`,
    "",
  ].join("\n");
}

export function declarationText(title: string, manifest: Manifest): string {
  const { inputs, outputs } = manifest;
  const targets = `${hasGpu(manifest) ? '"webgpu" | ' : ""}"relaxed" | "simd"`;
  return `// ${title}, built by Quern.

/** What \`run\` takes; every array has exactly as many elements as its shape, row-major. */
export interface Inputs {
${inputs.map((slot) => property(slot, "  ", inputType(slot.dtype))).join("\n")}
}

/** What \`run\` gives, row-major. */
export interface Outputs {
${outputs.map((slot) => property(slot, "  ", arrayTypes[slot.dtype])).join("\n")}
}

export interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: ${[...new Set([...inputs, ...outputs].map((slot) => JSON.stringify(slot.dtype)))].sort().join(" | ")};
}

export interface Net {
  /** In the source's order. */
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  /** What was loaded, and why. */
  readonly target: ${targets};
  readonly reason: string;
${hasGpu(manifest) ? gpuNet : wasmNet}
  /** Lets go of the memory; \`run\` rejects from then on. */
  dispose(): void;
}
${hasGpu(manifest) ? `\n${gpuTypes}\n` : ""}
export type Bytes = ArrayBuffer | ArrayBufferView;

export interface LoadOptions {
  /** Takes this instead of asking the engine. */
  readonly target?: ${targets} | "wasm";
${hasGpu(manifest) ? gpuOption : ""}  /** Contents of files by name, which are then not fetched. */
  readonly files?: { ${Object.keys(manifest.bytes)
    .map((file) => `readonly ${JSON.stringify(file)}?: Bytes`)
    .join("; ")} };
}

/** Reads the weights and the one variant that the engine can run. Rejects if a file is missing or not of this build. */
export declare function load(options?: LoadOptions): Promise<Net>;
`;
}

function hasGpu({ bytes }: Manifest): boolean {
  return Object.hasOwn(bytes, gpuPlanFile);
}

const wasmNet = `  /**
   * Runs the network once. Results are the caller's own copies; arrays given as \`into\` are filled and returned instead.
   * Overlapping calls follow each other. Rejects with a TypeError if a name, a type or a length is wrong.
   */
  run(inputs: Inputs, options?: { readonly into?: Partial<Outputs> }): Promise<Outputs>;`;

const gpuNet = `  /**
   * Runs the network once. Results are the caller's own copies; arrays given as \`into\` are filled and returned instead. With
   * \`outputs\` only those named are read back. Overlapping calls follow each other. Rejects with a TypeError if a name, a type or
   * a length is wrong. On a GPU an input may be a buffer of \`device\` (usage COPY_SRC) that begins with the tensor's elements.
   */
  run<K extends keyof Outputs = keyof Outputs>(
    inputs: Inputs | GpuInputs,
    options?: { readonly into?: Partial<Outputs>; readonly outputs?: readonly K[]; readonly keepOnGpu?: false },
  ): Promise<Pick<Outputs, K>>;
  /** The same on a GPU with the results left there, in buffers that are the caller's to destroy. */
  run<K extends keyof Outputs = keyof Outputs>(
    inputs: Inputs | GpuInputs,
    options: { readonly outputs?: readonly K[]; readonly keepOnGpu: true },
  ): Promise<{ [name in K]: GpuBuffer }>;
  /** The device that it runs on; undefined where it runs as WebAssembly. */
  readonly device: GpuDevice | undefined;
  /** Fulfilled, with the reason, when the device is lost; undefined where there is none. */
  readonly lost: Promise<string> | undefined;
  /** Begins anew, on the device given or on a new one, after the old one was lost. Of no effect as WebAssembly. */
  reload(device?: GpuDevice): Promise<void>;`;

const gpuTypes = `/** WebGPU's own types where the program has them (lib "dom" of newer TypeScript, or @webgpu/types). */
export type GpuBuffer = typeof globalThis extends { GPUBuffer: { prototype: infer Buffer } } ? Buffer : { readonly size: number; destroy(): void };
export type GpuDevice = typeof globalThis extends { GPUDevice: { prototype: infer Device } } ? Device : object;
export type GpuInputs = { readonly [name in keyof Inputs]: Inputs[name] | GpuBuffer };`;

const gpuOption = `  /** A device to run on, which stays the caller's; otherwise one is made where there is a GPU. */
  readonly device?: GpuDevice;
`;

const arrayTypes: { readonly [dtype in ElementType]: string } = {
  f32: "Float32Array",
  f64: "Float64Array",
  f16: "Uint16Array",
  i8: "Int8Array",
  u8: "Uint8Array",
  i32: "Int32Array",
  i64: "BigInt64Array",
  bool: "Uint8Array",
};

const remarks: { readonly [dtype in ElementType]?: string } = {
  f16: "; the bits of IEEE 754 binary16",
  i64: "; values of 32 bits",
  bool: "; 0 or 1",
};

function inputType(dtype: ElementType): string {
  return dtype === "u8" || dtype === "bool" ? "Uint8Array | Uint8ClampedArray" : arrayTypes[dtype];
}

function property({ name, dtype, shape }: Slot, indent: string, type: string): string {
  const key = /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
  const elements = shape.reduce((product, extent) => product * extent, 1);
  return `${indent}/** ${dtype}[${shape.join(", ")}], ${elements} elements${remarks[dtype] ?? ""} */\n${indent}${key}: ${type};`;
}
