/** Importing a file for the tests: with the library, from the disk, compiled, its weights as numbers. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Compiled } from "../../src/compile.ts";
import { loadModule } from "../../src/compile.ts";
import type { ForeignFile, ImportedModel, ImportOptions } from "../../src/importers/importer.ts";
import { importerFor } from "../../src/importers/importers.ts";
import type { Library } from "../../src/semantics/instantiate.ts";
import { type Checked, errorDiagnostic, renderDiagnostic } from "../../src/support/diagnostic.ts";
import { compileText } from "../support.ts";

let loaded: Library | undefined;

export function library(): Library {
  loaded ??= loadModule([]).value;
  if (!loaded) throw new Error("the library does not load");
  return loaded;
}

export function foreignFile(path: string, bytes: Uint8Array = new Uint8Array(readFileSync(path))): ForeignFile {
  return {
    path,
    bytes,
    neighbour(name) {
      try {
        return { value: new Uint8Array(readFileSync(join(dirname(path), name))), diagnostics: [] };
      } catch {
        return { diagnostics: [errorDiagnostic("no-file", `there is no ${name}`)] };
      }
    },
  };
}

export async function importFile(file: ForeignFile, options: Partial<ImportOptions> = {}): Promise<Checked<ImportedModel>> {
  const importer = importerFor(file.path);
  if (!importer) throw new Error(`nothing imports ${file.path}`);
  return importer.read(file, { library: library(), ...options });
}

export type Imported = { readonly model: ImportedModel; readonly compiled: Compiled; readonly weights: ReadonlyMap<string, Float64Array> };

/** What must import; its diagnostics otherwise fail the test as a person would read them. */
export async function imported(path: string, options: Partial<ImportOptions> = {}): Promise<Imported> {
  const { value: model, diagnostics } = await importFile(foreignFile(path), options);
  if (!model) throw new Error(diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, new Map())).join("\n"));
  const compiled = compileText(model.text, "imported.qn");
  const weights = new Map([...model.weights].map(([name, { values }]) => [name, Float64Array.from(values)]));
  return { model, compiled, weights };
}
