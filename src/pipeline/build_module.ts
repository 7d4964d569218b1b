/** The files that `quern build` writes, as data: from a built module and the model's interface. */

import type { NnValue } from "../ir/nn.ts";
import { type GpuPlan, gpuPlanFile, gpuWeightsFile, type Manifest, type Slot, weightsFile } from "../runtime/interface.ts";
import { declarationText, moduleText, wasmFile } from "../runtime/module_template.ts";
import { invariant } from "../support/invariant.ts";
import type { Compiled } from "./compiled.ts";
import type { BuiltModule } from "./execute.ts";

/** What a module with WebGPU ships beside WebAssembly. */
export type BuiltGpu = { readonly plan: GpuPlan; readonly weights: Uint8Array };

export type ModuleFile = { readonly name: string; readonly contents: Uint8Array | string };

/** `model.js`, `model.d.ts`, one wasm per variant and the weights packed for it; with `gpu`, shaders and their weights. */
export function moduleFiles(built: BuiltModule, model: Pick<Compiled, "name" | "inputs" | "outputs">, gpu?: BuiltGpu): ModuleFile[] {
  const binaries = [
    { name: wasmFile("simd"), contents: built.simd },
    { name: wasmFile("relaxed"), contents: built.relaxed },
    { name: weightsFile, contents: built.weights },
    ...(gpu
      ? [
          { name: gpuPlanFile, contents: new TextEncoder().encode(JSON.stringify(gpu.plan)) },
          { name: gpuWeightsFile, contents: gpu.weights },
        ]
      : []),
  ];
  const manifest: Manifest = {
    inputs: slotsOf(model.inputs, built, (name) => name),
    outputs: slotsOf(model.outputs, built, (name) => built.kernel.outputs.find((output) => output.name === name)?.value),
    bytes: Object.fromEntries(binaries.map(({ name, contents }) => [name, contents.byteLength])),
  };
  return [
    { name: "model.js", contents: moduleText(model.name, manifest) },
    { name: "model.d.ts", contents: declarationText(model.name, manifest) },
    ...binaries,
  ];
}

function slotsOf(values: readonly NnValue[], { kernel }: BuiltModule, bufferOf: (name: string) => string | undefined): Slot[] {
  return values.map(({ name, type }) => {
    const placement = kernel.placements.find((candidate) => candidate.buffer === bufferOf(name));
    invariant(placement, `no place in memory for ${name}`);
    return { name, shape: type.shape, dtype: type.dtype, at: placement.offset };
  });
}
