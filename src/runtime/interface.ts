/** What a built module says of itself; the compiler fills it in, the code beside reads it. */

export type ElementType = "f32" | "f64" | "f16" | "i8" | "u8" | "i32" | "i64" | "bool";

/** An input or output. */
export type Slot = { readonly name: string; readonly shape: readonly number[]; readonly dtype: ElementType };

export type WasmTarget = "relaxed" | "simd";
export type Target = WasmTarget | "webgpu";

export const weightsFile = "model.weights.bin";
/** Those of the module without relaxed SIMD, where they are others. */
export const simdWeightsFile = "model.simd.weights.bin";
/** The plan for a GPU, as JSON. */
export const gpuPlanFile = "model.webgpu.json";
export const gpuWeightsFile = "model.webgpu.bin";

/** The file of a WebAssembly module's weights, and the byte offsets of its inputs and outputs in its memory, in the order of the manifest's. */
export type WasmPlan = { readonly weights: string; readonly inputs: readonly number[]; readonly outputs: readonly number[] };

export type Manifest = {
  readonly inputs: readonly Slot[];
  readonly outputs: readonly Slot[];
  /** They differ where the two have schedules of their own. */
  readonly wasm: { readonly [target in WasmTarget]: WasmPlan };
  /** Length in bytes of each file, by its name: a page that answers in a file's place is found out. */
  readonly bytes: { readonly [file: string]: number };
};

/** A stretch of an arena: which one, the first byte, and how many. */
export type Stretch = readonly [arena: number, offset: number, bytes: number];

/** Everything that a device is given but the weights, which are the first arena's contents. */
export type GpuPlan = {
  /** Bytes of each arena. */
  readonly arenas: readonly number[];
  /** WGSL. */
  readonly shaders: readonly string[];
  /**
   * In order: which shader, what its bindings are, how many workgroups, and the numbers (i32) of the uniform buffer that follows the
   * bindings; perhaps another shader with its numbers, for a device whose every subgroup has at least so many invocations.
   */
  readonly dispatches: readonly (readonly [
    shader: number,
    bindings: readonly Stretch[],
    grid: readonly [number, number, number],
    numbers: readonly number[],
    subgroups?: readonly [size: number, shader: number, numbers: readonly number[]],
  ])[];
  /** In the order of the manifest's. */
  readonly inputs: readonly Stretch[];
  readonly outputs: readonly Stretch[];
  /** Limits that the device must have, where they are above every device's. */
  readonly limits: { readonly [limit: string]: number };
};
