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
  "quern simd default",
  "quern relaxed default",
  "quern webgpu default",
  "quern simd earlier",
  "quern relaxed earlier",
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
  /** Quern beside what is measured of it: with its default schedules, or with those and the compiler of an earlier checkout. */
  readonly beside?: Beside;
};

export type Beside = "default" | "earlier";

type Variant = Pick<Contender, "kind" | "target" | "runsIn">;
const quern = (variant: Variant): Contender => ({ ...variant, system: "quern", peer: "quern", format: "quern" });
const simd = { target: "wasm-simd", runsIn: ["page", "node"] } as const;
const relaxed = { target: "wasm-relaxed", runsIn: ["page", "node"] } as const;
const webgpu = { target: "webgpu", runsIn: ["page"] } as const;

export const contenders: { readonly [kind in Kind]: Contender } = {
  "quern simd": quern({ kind: "quern simd", ...simd }),
  "quern simd default": { ...quern({ kind: "quern simd default", ...simd }), beside: "default" },
  "quern relaxed": quern({ kind: "quern relaxed", ...relaxed }),
  "quern relaxed default": { ...quern({ kind: "quern relaxed default", ...relaxed }), beside: "default" },
  "quern simd earlier": { ...quern({ kind: "quern simd earlier", ...simd }), beside: "earlier" },
  "quern relaxed earlier": { ...quern({ kind: "quern relaxed earlier", ...relaxed }), beside: "earlier" },
  "ort-web": { kind: "ort-web", system: "ort-web", target: "wasm", runsIn: ["page", "node"], peer: "ort_web", format: "onnx" },
  tfjs: { kind: "tfjs", system: "tfjs", target: "wasm", runsIn: ["page", "node"], peer: "tfjs", format: "tfjs" },
  litert: { kind: "litert", system: "litert", target: "wasm", runsIn: ["page"], peer: "litert", format: "tflite" },
  "ort-node": { kind: "ort-node", system: "ort-node", target: "native", runsIn: "native", peer: "ort_node", format: "onnx" },
  "quern webgpu": quern({ kind: "quern webgpu", ...webgpu }),
  "quern webgpu default": { ...quern({ kind: "quern webgpu default", ...webgpu }), beside: "default" },
  "ort-web webgpu": { kind: "ort-web webgpu", system: "ort-web", target: "webgpu", runsIn: ["page"], peer: "ort_web_gpu", format: "onnx" },
  "tfjs webgpu": { kind: "tfjs webgpu", system: "tfjs", target: "webgpu", runsIn: ["page"], peer: "tfjs_gpu", format: "tfjs" },
  "litert webgpu": { kind: "litert webgpu", system: "litert", target: "webgpu", runsIn: ["page"], peer: "litert_gpu", format: "tflite" },
};

/** Quern as it is measured, and not what it is compared with. */
export function isOwn(contender: Contender | undefined): boolean {
  return contender?.system === "quern" && !contender.beside;
}

export type Wanted = {
  readonly family: Family;
  readonly host: "page" | "node";
  /** Whether the engine takes relaxed instructions. */
  readonly relaxed: boolean;
  readonly systems: readonly System[];
  /** What runs beside Quern as it is measured. */
  readonly beside: readonly Beside[];
};

/** Those that can run in an engine; a variant that the engine does not take is left out. */
export function contendersIn({ family, host, relaxed, systems, beside: wanted }: Wanted): Contender[] {
  return Object.values(contenders).filter(
    ({ system, target, runsIn, beside }) =>
      (target === "webgpu") === (family === "webgpu") &&
      systems.includes(system) &&
      (runsIn === "native" || runsIn.includes(host)) &&
      (relaxed || target !== "wasm-relaxed") &&
      (beside === undefined || wanted.includes(beside)),
  );
}
