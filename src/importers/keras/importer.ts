/** Keras's HDF5 files: the configuration as an attribute, the weights of each layer in a group of its name. */
import { errorDiagnostic } from "../../support/diagnostic.ts";
import type { Importer } from "../importer.ts";
import { shownName } from "../limits.ts";
import { type H5Group, readHdf5 } from "./hdf5.ts";
import type { StoredWeight } from "./layer.ts";
import { importKeras } from "./model.ts";

export const keras: Importer = {
  name: "Keras",
  extensions: [".h5", ".hdf5"],
  async read(file, options) {
    const fail = (message: string, help?: string) => ({ diagnostics: [errorDiagnostic("keras", `${file.path}: ${message}`, { help })] });
    const root = await readHdf5(file, ["model_weights"]);
    if (typeof root === "string") return fail(root);
    const text = root.attributes.get("model_config");
    if (typeof text !== "string")
      return fail("the file has no model_config", "save the whole model, not its weights alone: model.save(path)");
    const config = parseConfig(text);
    if (config === undefined) return fail("its model_config is no JSON");
    const base = file.path.replace(/^.*[\\/]/, "");
    const version = root.attributes.get("keras_version");
    const shown = typeof version === "string" ? ` ${version}` : "";
    const group = root.groups.get("model_weights");
    const model = {
      name: base.replace(/\.(?:h5|hdf5)$/i, ""),
      file: file.path,
      origin: `Imported from ${shownName(base)} (Keras${shownName(shown)}).`,
      config,
      version: Number.parseInt(typeof version === "string" ? version : "2", 10) || 2,
      weights: group ? weightsIn(group, []) : [],
    };
    return importKeras(model, options);
  },
};

/** Undefined for what is no JSON. */
function parseConfig(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function weightsIn({ groups, datasets }: H5Group, words: readonly string[]): StoredWeight[] {
  const own = [...datasets].map(([key, tensor]) => ({ words: [...words, key.replace(/:\d+$/, "")], tensor }));
  return [...own, ...[...groups].flatMap(([key, group]) => weightsIn(group, [...words, key]))];
}
