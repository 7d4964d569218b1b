/** quern import: a network of another format as a Quern model and its weights. */
import { join } from "node:path";
import { Command } from "commander";
import { errorDiagnostic } from "../../support/diagnostic.ts";
import { writeFiles } from "../io/files.ts";
import { type ForeignOptions, importerOf, readForeign } from "../io/foreign.ts";
import { formatSafetensors } from "../io/safetensors.ts";
import { examples, fixOption, jsonOption, shapeOption } from "../options.ts";
import { settle } from "../program.ts";
import { printJson, type Terminal } from "../terminal.ts";

type Options = ForeignOptions & { readonly out: string; readonly json?: boolean };

export function importCommand(terminal: Terminal): Command {
  return new Command("import")
    .summary("write a network of another format as a model")
    .description(
      "Reads a trained network and writes model.qn and model.safetensors; what the network repeats becomes functions. Inputs and outputs stay as the source has them. Every other command takes the foreign file too.",
    )
    .argument("<net>", "a network: .onnx, .tflite, .h5, or a model.json of TensorFlow.js")
    .requiredOption("--out <folder>", "where to write; made if it is not there")
    .addOption(shapeOption())
    .addOption(fixOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      examples("quern import net.onnx --out net", "quern import net.onnx --shape x=1x3x48x192 --out net", "quern verify net.onnx"),
    )
    .action((net: string, options: Options) => importNetwork(net, options, terminal));
}

async function importNetwork(net: string, options: Options, terminal: Terminal): Promise<void> {
  const importer = await importerOf(net);
  const { importers } = await import("../../importers/importers.ts");
  const endings = importers.flatMap(({ name, extensions }) => `${extensions.join(", ")} (${name})`).join("; ");
  const unknown = errorDiagnostic("format", `${net} is of no format that can be imported`, { help: `known are ${endings}` });
  if (!importer) return void settle({ diagnostics: [unknown] }, terminal, options);
  const model = settle(await readForeign(net, importer, { ...options, blocks: true }), terminal, options);
  const { check } = await import("../../compile.ts");
  const { formatSource } = await import("../../frontend/format.ts");
  const source = { file: "model.qn", text: model.text };
  // A mistake in the text is the importer's, and its line says most about it.
  settle({ value: true, diagnostics: check([source]).diagnostics }, terminal, options, new Map([[source.file, source.text]]));
  const text = formatSource(source.text, source.file).value ?? source.text;
  const files = [
    { name: "model.qn", contents: text },
    { name: "model.safetensors", contents: formatSafetensors(model.weights) },
  ];
  settle({ value: true, diagnostics: writeFiles(options.out, files) }, terminal, options);
  const written = files.map(({ name, contents }) => ({ path: join(options.out, name), bytes: Buffer.byteLength(contents) }));
  if (options.json) printJson(terminal, { ok: true, files: written, inputs: model.inputs, outputs: model.outputs });
  else for (const { path, bytes } of written) terminal.out(`${path}  ${bytes} B`);
}
