/** Files of the disk, imported and compiled. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { limited } from "../../src/cli/io/limited.ts";
import type { ForeignFile, ImportOptions } from "../../src/importers/importer.ts";
import { importerFor } from "../../src/importers/importers.ts";
import { errorDiagnostic, renderDiagnostic } from "../../src/support/diagnostic.ts";
import { compileImported, type Imported, library } from "./support.ts";

export function foreignFile(path: string): ForeignFile {
  return {
    path,
    bytes: new Uint8Array(readFileSync(path)),
    limited,
    neighbour(name) {
      try {
        return { value: new Uint8Array(readFileSync(join(dirname(path), name))), diagnostics: [] };
      } catch {
        return { diagnostics: [errorDiagnostic("no-file", `there is no ${name}`)] };
      }
    },
  };
}

/** What must import; its diagnostics otherwise fail the test as a person would read them. */
export async function imported(path: string, options: Omit<ImportOptions, "library"> = {}): Promise<Imported> {
  const importer = importerFor(path);
  if (!importer) throw new Error(`nothing imports ${path}`);
  const { value: model, diagnostics } = await importer.read(foreignFile(path), { library, ...options });
  if (!model) throw new Error(diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, new Map())).join("\n"));
  return compileImported(model);
}
