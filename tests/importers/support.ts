/** Imported models, compiled and run. */

import { limited } from "../../src/cli/io/limited.ts";
import { type Compiled, type CompileOptions, compile, libraryFiles } from "../../src/compile.ts";
import type { ForeignFile, ImportedModel, ImportedTensor, Importer, ImportOptions } from "../../src/importers/importer.ts";
import { defaultGpuLimits, type GpuLimits } from "../../src/ir/gpu_limits.ts";
import { linkModule } from "../../src/semantics/module.ts";
import { type Checked, hasErrors, renderDiagnostic } from "../../src/support/diagnostic.ts";
import { invariant } from "../../src/support/invariant.ts";
import { type Program, type TargetName, targetsHere } from "./targets.ts";

const linked = linkModule(libraryFiles(), []).value;
invariant(linked, "the library does not link");
export const library = linked;

/** A file in memory with nothing beside it. */
export function fileOf(path: string, bytes: Uint8Array): ForeignFile {
  return { path, bytes, neighbour: () => ({ diagnostics: [] }), limited: (work) => limited(work, 1000) };
}

export async function importBytes(
  importer: Importer,
  path: string,
  bytes: Uint8Array,
  options: Omit<ImportOptions, "library"> = {},
): Promise<Checked<ImportedModel>> {
  return importer.read(fileOf(path, bytes), { ...options, library });
}

export type Imported = Program & { readonly model: ImportedModel };

/** Compiles the text; a mistake in it is the importer's. For a GPU it is compiled under the default limits, or others. */
export function compileImported(model: ImportedModel, limits: GpuLimits = defaultGpuLimits): Imported {
  const weights = new Map([...model.weights].map(([path, { values }]) => [path, Float64Array.from(values)]));
  let forGpu: Compiled | undefined;
  const compiledForGpu = () => {
    forGpu ??= compileText(model, { target: "webgpu", limits });
    return forGpu;
  };
  return { model, compiled: compileText(model, {}), weights, compiledForGpu };
}

function compileText(model: ImportedModel, options: CompileOptions): Compiled {
  const { value: compiled, diagnostics } = compile([{ file: "model.qn", text: model.text }], options);
  if (!compiled || hasErrors(diagnostics)) {
    const texts = new Map([["model.qn", model.text]]);
    throw new Error([...diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, texts)), model.text].join("\n\n"));
  }
  return compiled;
}

/** Runs the model on each target of this machine, or those wanted; tensors come and go by the source's names. */
export async function runImported(
  program: Imported,
  inputs: ReadonlyMap<string, ImportedTensor>,
  wanted: readonly TargetName[] = targetsHere().map(({ name }) => name),
): Promise<{ readonly target: TargetName; readonly outputs: ReadonlyMap<string, Float64Array> }[]> {
  const { model } = program;
  const given = new Map(model.inputs.map(({ name, source }) => [name, Float64Array.from(inputs.get(source)?.values ?? [])]));
  const found: Awaited<ReturnType<typeof runImported>> = [];
  for (const { name: target, run } of targetsHere()) {
    if (!wanted.includes(target)) continue;
    const results = await run(program, given);
    found.push({ target, outputs: new Map(model.outputs.map(({ name, source }) => [source, results.get(name) ?? new Float64Array()])) });
  }
  return found;
}
