/**
 * A network that is imported, exported to TensorFlow Lite or TensorFlow.js and imported again agrees with the vectors of its source's
 * runtime, and stays the same at the nn level when that is done once more.
 */
import { describe, expect, test } from "vitest";
import type { Compiled } from "../../src/compile.ts";
import { exporters } from "../../src/exporters/exporters.ts";
import { tfjs } from "../../src/importers/tfjs/importer.ts";
import { tflite } from "../../src/importers/tflite/importer.ts";
import type { Weights } from "../../src/pipeline/execute.ts";
import { exportModel } from "../../src/pipeline/export_model.ts";
import { full } from "../support.ts";
import { foreignFileOf } from "./cases/case.ts";
import { computedLines } from "./computed_lines.ts";
import { imported } from "./imported.ts";
import { largeNetworks, networkOf, runRecorded, smallNetworks } from "./networks.ts";
import { compileImported, type Imported, library } from "./support.ts";

const formats = { tflite: { importer: tflite, file: "net.tflite" }, tfjs: { importer: tfjs, file: "net/model.json" } } as const;
type Format = keyof typeof formats;

async function again({ compiled, weights }: { readonly compiled: Compiled; readonly weights: Weights }, format: Format): Promise<Imported> {
  const { importer, file } = formats[format];
  const exporter = exporters[format];
  if (!exporter) throw new Error(`there is no exporter for ${format}`);
  const { value: files, diagnostics } = exportModel(compiled, weights, exporter, file, { keepsInterface: true });
  if (!files) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  const [main, ...rest] = files.map(({ name, contents }) => ({
    name,
    bytes: typeof contents === "string" ? new TextEncoder().encode(contents) : contents,
  }));
  const bytes = main?.bytes ?? new Uint8Array();
  const neighbours = new Map(rest.map((other) => [other.name, other.bytes]));
  const read = await importer.read(foreignFileOf({ path: file, bytes, neighbours }), { library });
  if (!read.value) throw new Error(read.diagnostics.map(({ message }) => message).join("\n"));
  return compileImported(read.value);
}

/** Integer networks, and one whose weights alone are integers: the exporters say f32. */
const integers = /quant|int8|^kws/;
const real = [...smallNetworks, ...largeNetworks].filter((name) => !integers.test(name));

describe.each(Object.keys(formats) as Format[])("%s", (format) => {
  // A quick one of each format; the others take long.
  const few = ["face_detection_short_range.tflite", "pretrainedResnet.h5", "doodlenet.tfjs"] as const;
  test.each(full ? real : few)("%s", { timeout: 240_000 }, async (name) => {
    const network = networkOf(name);
    if (!network) return;
    // The export folds normalisations and spells paddings and biases as the format does: from then on nothing changes.
    const once = await again(await imported(network.path, { shapes: network.shapes }), format);
    const twice = await again(once, format);
    expect(computedLines(twice.compiled.levels.nn())).toEqual(computedLines(once.compiled.levels.nn()));
    const problems = await runRecorded(once, network, ["wasm"]);
    expect(Object.fromEntries(problems)).toEqual({ wasm: [] });
  });
});
