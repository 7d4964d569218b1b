/** Small Keras models, imported, and what Keras recorded of them: an input and its output. */
import { readdirSync } from "node:fs";
import type { ImportedTensor } from "../../src/importers/importer.ts";
import { type H5Group, readHdf5 } from "../../src/importers/keras/hdf5.ts";
import { foreignFile, imported } from "../importers/imported.ts";
import type { Imported } from "../importers/support.ts";

export type KerasModel = { readonly net: Imported; readonly input: ImportedTensor; readonly output: ImportedTensor };

/** Paths of all models under a folder. */
export function kerasPaths(base: string): string[] {
  return readdirSync(base, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith("_model.h5"))
    .sort()
    .map((name) => `${base}/${name}`);
}

export async function loadKerasModel(path: string): Promise<KerasModel> {
  const recorded = await readHdf5(foreignFile(path.replace("_model.h5", "_inputs_and_outputs.h5")), []);
  if (typeof recorded === "string") throw new Error(recorded);
  const [input] = datasetsIn(recorded.groups.get("inputs"));
  const [output] = datasetsIn(recorded.groups.get("predictions"));
  if (!input || !output) throw new Error(`${path} records nothing`);
  // The batch is open in the file.
  const { model } = await imported(path);
  const shapes = new Map(model.inputs.map(({ source }) => [source, input.type.shape]));
  return { net: await imported(path, { shapes }), input, output };
}

function datasetsIn(group: H5Group | undefined): ImportedTensor[] {
  if (!group) return [];
  return [...group.datasets.values(), ...[...group.groups.values()].flatMap(datasetsIn)];
}
