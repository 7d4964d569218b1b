/** TensorFlow.js: a model.json with the topology, of Keras's layers or a TensorFlow graph, and the weights in shards beside it. */
import { errorDiagnostic } from "../../support/diagnostic.ts";
import type { Importer } from "../importer.ts";
import { isRecord } from "../keras/config.ts";
import { importKeras } from "../keras/model.ts";
import { shownName } from "../limits.ts";
import { importGraphModel } from "./graph_model.ts";
import { readManifest } from "./manifest.ts";

export const tfjs: Importer = {
  name: "TensorFlow.js",
  extensions: [".json"],
  async read(file, options) {
    const fail = (message: string) => ({ diagnostics: [errorDiagnostic("tfjs", `${file.path}: ${message}`)] });
    const parsed = parseModel(file.bytes);
    if (!isRecord(parsed)) return fail("this is no JSON object");
    const { modelTopology: topology, weightsManifest } = parsed;
    if (!isRecord(topology)) return fail("the file has no modelTopology");
    const { value: weights, diagnostics } = readManifest(weightsManifest, file);
    if (!weights) return { diagnostics };
    const words = file.path.split(/[\\/]/);
    const base = words.at(-1) ?? "";
    // Most are called model.json: the folder says which.
    const name = base === "model.json" ? (words.at(-2) ?? "model") : base.replace(/\.json$/i, "");
    const isGraph = Array.isArray(topology.node);
    const shown = words.slice(base === "model.json" ? -2 : -1).join("/");
    const common = {
      name,
      file: file.path,
      origin: `Imported from ${shownName(shown)} (TensorFlow.js ${isGraph ? "graph" : "layers"} model).`,
    };
    if (isGraph) {
      const metadata = isRecord(parsed.userDefinedMetadata) ? parsed.userDefinedMetadata.signature : undefined;
      return importGraphModel({ ...common, topology, signature: parsed.signature ?? metadata, weights }, options);
    }
    const version = Number.parseInt(String(topology.keras_version ?? "2").replace(/^\D*/, ""), 10) || 2;
    const stored = [...weights].map(([key, tensor]) => ({ words: key.split("/"), tensor }));
    return importKeras({ ...common, config: topology.model_config ?? topology, version, weights: stored }, options);
  },
};

function parseModel(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
