/** The files that `quern build` writes, as data: from a built module and the model's interface. */

import type { NnValue } from "../ir/nn.ts";
import {
  type GpuPlan,
  gpuPlanFile,
  gpuWeightsFile,
  type Manifest,
  type Slot,
  simdWeightsFile,
  type WasmPlan,
  weightsFile,
} from "../runtime/interface.ts";
import { declarationText, moduleText, wasmFile } from "../runtime/module_template.ts";
import { invariant } from "../support/invariant.ts";
import type { Compiled } from "./compiled.ts";
import type { BuiltModule, BuiltVariant } from "./execute.ts";

/** What a module with WebGPU ships beside WebAssembly. */
export type BuiltGpu = { readonly plan: GpuPlan; readonly weights: Uint8Array };

export type ModuleFile = { readonly name: string; readonly contents: Uint8Array | string };

/** `model.js`, `model.d.ts`, a wasm for each variant, the weights packed for it, and others for the one without relaxed SIMD where it reads others; with `gpu`, shaders and their weights. */
export function moduleFiles(built: BuiltModule, model: Interface, gpu?: BuiltGpu): ModuleFile[] {
  const { simd, relaxed } = built;
  const ofSimd = areEqual(simd.weights, relaxed.weights) ? weightsFile : simdWeightsFile;
  const binaries = [
    { name: wasmFile("simd"), contents: simd.wasm },
    { name: wasmFile("relaxed"), contents: relaxed.wasm },
    { name: weightsFile, contents: relaxed.weights },
    ...(ofSimd === weightsFile ? [] : [{ name: ofSimd, contents: simd.weights }]),
    ...(gpu
      ? [
          { name: gpuPlanFile, contents: new TextEncoder().encode(JSON.stringify(gpu.plan)) },
          { name: gpuWeightsFile, contents: gpu.weights },
        ]
      : []),
  ];
  const manifest: Manifest = {
    inputs: model.inputs.map(slotOf),
    outputs: model.outputs.map(slotOf),
    wasm: { simd: planOf(simd, model, ofSimd), relaxed: planOf(relaxed, model, weightsFile) },
    bytes: Object.fromEntries(binaries.map(({ name, contents }) => [name, contents.byteLength])),
  };
  return [
    { name: "model.js", contents: moduleText(model.name, manifest) },
    { name: "model.d.ts", contents: declarationText(model.name, manifest) },
    ...binaries,
  ];
}

function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || (a.length === b.length && a.every((byte, i) => byte === b[i]));
}

function slotOf({ name, type }: NnValue): Slot {
  return { name, shape: type.shape, dtype: type.dtype };
}

type Interface = Pick<Compiled, "name" | "inputs" | "outputs">;

function planOf({ kernel }: BuiltVariant, { inputs, outputs }: Interface, weights: string): WasmPlan {
  const offsets = new Map(kernel.placements.map(({ buffer, offset }) => [buffer, offset]));
  const values = new Map(kernel.outputs.map((output) => [output.name, output.value]));
  const placeOf = (name: string, buffer: string | undefined): number => {
    const offset = buffer === undefined ? undefined : offsets.get(buffer);
    invariant(offset !== undefined, `no place in memory for ${name}`);
    return offset;
  };
  return {
    weights,
    inputs: inputs.map(({ name }) => placeOf(name, name)),
    outputs: outputs.map(({ name }) => placeOf(name, values.get(name))),
  };
}
