/** The kinds of layers in a Keras model, of an HDF5 file or of TensorFlow.js's layers format. */
import { readFileSync } from "node:fs";
import { isRecord } from "../../src/importers/keras/config.ts";

/** Undefined for a file of another format. The configuration of an HDF5 file lies in it as text. */
export function kerasOperators(path: string): ReadonlySet<string> | undefined {
  const bytes = readFileSync(path);
  if (path.endsWith(".json")) {
    const { modelTopology } = JSON.parse(bytes.toString("utf8"));
    return isRecord(modelTopology) && !Array.isArray(modelTopology.node) ? kindsIn(modelTopology) : undefined;
  }
  if (!/\.(h5|hdf5)$/.test(path)) return undefined;
  const text = bytes.toString("latin1");
  const start = text.search(/\{"(?:class_name|module|config)": ?"?/);
  return start < 0 ? new Set() : kindsIn(JSON.parse(text.slice(start, endOf(text, start))));
}

/** Behind the bracket that closes the one at `start`; names in the tests' models hold no brackets. */
function endOf(text: string, start: number): number {
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    if (text[i] === "{") depth++;
    if (text[i] === "}" && --depth === 0) return i + 1;
  }
  return start;
}

function kindsIn(value: unknown): ReadonlySet<string> {
  if (Array.isArray(value)) return new Set(value.flatMap((item) => [...kindsIn(item)]));
  if (!isRecord(value)) return new Set();
  const own = typeof value.class_name === "string" ? [value.class_name] : [];
  return new Set([...own, ...Object.values(value).flatMap((item) => [...kindsIn(item)])]);
}
