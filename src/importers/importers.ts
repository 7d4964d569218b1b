/** All formats that are imported, and which of them a file's name says. */
import type { Importer } from "./importer.ts";
import { keras } from "./keras/importer.ts";
import { onnx } from "./onnx/importer.ts";
import { tfjs } from "./tfjs/importer.ts";
import { tflite } from "./tflite/importer.ts";

export const importers: readonly Importer[] = [onnx, tflite, keras, tfjs];

/** The importer whose extension the path has; undefined for a source file. */
export function importerFor(path: string): Importer | undefined {
  const lower = path.toLowerCase();
  return importers.find(({ extensions }) => extensions.some((extension) => lower.endsWith(extension)));
}
