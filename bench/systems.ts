/** What is measured: Quern's variants and its peers, with the engine that each runs in and the files that it needs. */

export const systems = ["quern", "ort-web", "tfjs", "litert", "ort-node"] as const;
export type System = (typeof systems)[number];

export const kinds = [
  "quern simd",
  "quern relaxed",
  "ort-web",
  "tfjs",
  "litert",
  "ort-node",
  "quern webgpu",
  "ort-web webgpu",
  "tfjs webgpu",
  "litert webgpu",
] as const;
export type Kind = (typeof kinds)[number];

/** What is compared in one run: systems on WebAssembly, or systems on WebGPU. */
export const families = ["wasm", "webgpu"] as const;
export type Family = (typeof families)[number];

export type Contender = {
  readonly kind: Kind;
  readonly system: System;
  readonly target: "wasm-simd" | "wasm-relaxed" | "wasm" | "native" | "webgpu";
  /** `native` runs in a Node process whatever engine is measured: the anchor that shows what the machine can do. */
  readonly runsIn: readonly ("page" | "node")[] | "native";
  /** The source of its adapter in peers/. */
  readonly peer: string;
  /** Which model it loads. */
  readonly format: "quern" | "onnx" | "tfjs" | "tflite";
};

export const contenders: { readonly [kind in Kind]: Contender } = {
  "quern simd": { kind: "quern simd", system: "quern", target: "wasm-simd", runsIn: ["page", "node"], peer: "quern", format: "quern" },
  "quern relaxed": {
    kind: "quern relaxed",
    system: "quern",
    target: "wasm-relaxed",
    runsIn: ["page", "node"],
    peer: "quern",
    format: "quern",
  },
  "ort-web": { kind: "ort-web", system: "ort-web", target: "wasm", runsIn: ["page", "node"], peer: "ort_web", format: "onnx" },
  tfjs: { kind: "tfjs", system: "tfjs", target: "wasm", runsIn: ["page", "node"], peer: "tfjs", format: "tfjs" },
  litert: { kind: "litert", system: "litert", target: "wasm", runsIn: ["page"], peer: "litert", format: "tflite" },
  "ort-node": { kind: "ort-node", system: "ort-node", target: "native", runsIn: "native", peer: "ort_node", format: "onnx" },
  "quern webgpu": { kind: "quern webgpu", system: "quern", target: "webgpu", runsIn: ["page"], peer: "quern", format: "quern" },
  "ort-web webgpu": { kind: "ort-web webgpu", system: "ort-web", target: "webgpu", runsIn: ["page"], peer: "ort_web_gpu", format: "onnx" },
  "tfjs webgpu": { kind: "tfjs webgpu", system: "tfjs", target: "webgpu", runsIn: ["page"], peer: "tfjs_gpu", format: "tfjs" },
  "litert webgpu": { kind: "litert webgpu", system: "litert", target: "webgpu", runsIn: ["page"], peer: "litert_gpu", format: "tflite" },
};

/** Those that can run in an engine; a variant that the engine does not take is left out. */
export function contendersIn(family: Family, host: "page" | "node", relaxed: boolean, wanted: readonly System[]): Contender[] {
  return Object.values(contenders).filter(
    ({ kind, system, target, runsIn }) =>
      (target === "webgpu") === (family === "webgpu") &&
      wanted.includes(system) &&
      (runsIn === "native" || runsIn.includes(host)) &&
      (relaxed || kind !== "quern relaxed"),
  );
}
