/** Imported models, compiled and run. */

import { limited } from "../../src/cli/io/limited.ts";
import { type Compiled, compile, libraryFiles } from "../../src/compile.ts";
import type { ForeignFile, ImportedModel, ImportedTensor, Importer, ImportOptions } from "../../src/importers/importer.ts";
import type { Weights } from "../../src/pipeline/execute.ts";
import { linkModule } from "../../src/semantics/module.ts";
import { type Checked, hasErrors, renderDiagnostic } from "../../src/support/diagnostic.ts";
import { invariant } from "../../src/support/invariant.ts";
import { targets } from "./targets.ts";

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

export type Imported = { readonly model: ImportedModel; readonly compiled: Compiled; readonly weights: Weights };

/** Compiles the text; a mistake in it is the importer's. */
export function compileImported(model: ImportedModel): Imported {
  const { value: compiled, diagnostics } = compile([{ file: "model.qn", text: model.text }]);
  if (!compiled || hasErrors(diagnostics)) {
    const texts = new Map([["model.qn", model.text]]);
    throw new Error([...diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, texts)), model.text].join("\n\n"));
  }
  const weights = new Map([...model.weights].map(([path, { values }]) => [path, Float64Array.from(values)]));
  return { model, compiled, weights };
}

/** Runs the model on each target that there is, or those wanted; tensors come and go by the source's names. */
export function runImported(
  { model, compiled, weights }: Imported,
  inputs: ReadonlyMap<string, ImportedTensor>,
  wanted: readonly string[] = targets.map(({ name }) => name),
): { readonly target: string; readonly outputs: ReadonlyMap<string, Float64Array> }[] {
  const given = new Map(model.inputs.map(({ name, source }) => [name, Float64Array.from(inputs.get(source)?.values ?? [])]));
  return targets.flatMap(({ name: target, create }) => {
    if (!create || !wanted.includes(target)) return [];
    const results = create(compiled, weights).run(given);
    const outputs = new Map(model.outputs.map(({ name, source }) => [source, results.get(name) ?? new Float64Array()]));
    return [{ target, outputs }];
  });
}
