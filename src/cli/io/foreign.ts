/** Foreign networks as files: what lies beside them, shapes and fixed inputs from the command line. */
import { realpathSync } from "node:fs";
import { dirname, isAbsolute, join, relative } from "node:path";
import type { ForeignFile, ImportedModel, ImportedTensor, Importer, ImportOptions } from "../../importers/importer.ts";
import { type Checked, type Diagnostic, errorDiagnostic, hasErrors } from "../../support/diagnostic.ts";
import type { FileDType } from "./element_types.ts";
import { readBytes } from "./files.ts";
import { limited } from "./limited.ts";
import { parseNpy } from "./npy.ts";

/** As they were written: `name=1x3x48x192`, `name=x.npy`. */
export type ForeignOptions = { readonly shape?: readonly string[]; readonly fix?: readonly string[] };

/** `blocks` is for a text that is written. */
type ReadOptions = ForeignOptions & Pick<ImportOptions, "blocks">;

/** The importer that the path's ending names; undefined for a source file. */
export async function importerOf(path: string): Promise<Importer | undefined> {
  const { importerFor } = await import("../../importers/importers.ts");
  return importerFor(path);
}

export async function readForeign(path: string, importer: Importer, options: ReadOptions): Promise<Checked<ImportedModel>> {
  const { loadModule } = await import("../../compile.ts");
  const bytes = readBytes(path);
  const shapes = parseShapes(options.shape ?? []);
  const fixed = readFixed(options.fix ?? []);
  const library = loadModule([]).value;
  const found = [...bytes.diagnostics, ...shapes.diagnostics, ...fixed.diagnostics];
  if (!bytes.value || !shapes.value || !fixed.value || !library) return { diagnostics: found };
  const file: ForeignFile = { path, bytes: bytes.value, neighbour: (name) => readNeighbour(path, name), limited };
  return importer.read(file, { library, shapes: shapes.value, fixed: fixed.value, blocks: options.blocks ?? false });
}

/** A file of the same folder or below it: what a stranger's file names must not reach the rest of the disk. */
function readNeighbour(path: string, name: string): Checked<Uint8Array> {
  const refuse = (why: string) => ({ diagnostics: [errorDiagnostic("file", `${path} names the file ${JSON.stringify(name)}: ${why}`)] });
  if (isAbsolute(name) || name.includes("\0")) return refuse("it is no file of the same folder");
  const beside = join(dirname(path), name);
  try {
    const within = relative(realpathSync(dirname(path)), realpathSync(beside));
    if (within === "" || within.startsWith("..") || isAbsolute(within)) return refuse("it is no file of the same folder");
  } catch {
    return refuse("there is no such file");
  }
  return readBytes(beside);
}

function parseShapes(given: readonly string[]): Checked<ReadonlyMap<string, readonly number[]>> {
  const found: Diagnostic[] = [];
  const shapes = new Map<string, readonly number[]>();
  for (const text of given) {
    const [, name, extents] = /^(.*)=((?:\d{1,9}(?:x\d{1,9})*)?)$/s.exec(text) ?? [];
    if (name === undefined || extents === undefined)
      found.push(
        errorDiagnostic("shape", `--shape ${text} is no shape of an input`, {
          help: "write the source's name and its extents: --shape image=1x3x48x192",
        }),
      );
    else if (shapes.has(name))
      found.push(errorDiagnostic("shape", `--shape is given twice for \`${name}\``, { help: "leave one of the two out" }));
    else shapes.set(name, extents === "" ? [] : extents.split("x").map(Number));
  }
  return hasErrors(found) ? { diagnostics: found } : { value: shapes, diagnostics: found };
}

/** bf16 is a file's own; its numbers are f32. */
function programType(dtype: FileDType) {
  return dtype === "bf16" ? "f32" : dtype;
}

function readFixed(given: readonly string[]): Checked<ReadonlyMap<string, ImportedTensor>> {
  const found: Diagnostic[] = [];
  const fixed = new Map<string, ImportedTensor>();
  for (const text of given) {
    const [, name, path] = /^(.+)=([^=]+\.npy)$/s.exec(text) ?? [];
    if (name === undefined || path === undefined) {
      found.push(
        errorDiagnostic("fix", `--fix ${text} fixes no input`, {
          help: "write the source's name and a file of its values: --fix shape=shape.npy",
        }),
      );
      continue;
    }
    const bytes = readBytes(path);
    const parsed = bytes.value ? parseNpy(bytes.value, path) : { diagnostics: bytes.diagnostics };
    found.push(...parsed.diagnostics);
    if (!parsed.value) continue;
    const { dtype, shape, values } = parsed.value;
    fixed.set(name, { type: { dtype: programType(dtype), shape }, values });
  }
  return hasErrors(found) ? { diagnostics: found } : { value: fixed, diagnostics: found };
}
