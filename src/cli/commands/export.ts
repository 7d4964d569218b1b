/** quern export: the model with its weights in the format of another runtime. */
import { basename, dirname, join } from "node:path";
import { Command, Option } from "commander";
import { writeFiles } from "../io/files.ts";
import { importerOf } from "../io/foreign.ts";
import { examples, jsonOption, modelOption, seedOption, weightsOption } from "../options.ts";
import { loadProgram, loadWeights, type ProgramOptions, settle, type WeightOptions } from "../program.ts";
import { printJson, type Terminal } from "../terminal.ts";

type Options = ProgramOptions &
  WeightOptions & { readonly to: string; readonly out: string; readonly interface?: "as-is" | "channels-first" };

const formats = ["onnx", "tflite", "tfjs"] as const;

export function exportCommand(terminal: Terminal): Command {
  return new Command("export")
    .summary("write the model in another format")
    .description(
      "Writes the program after the nn passes (batch normalisation is in the weights by then) for ONNX Runtime, LiteRT or TensorFlow.js.",
    )
    .argument("<file>", "source file")
    .addOption(new Option("--to <format>", "the format").choices(formats).makeOptionMandatory())
    .requiredOption("--out <file>", "where to write; for tfjs the model.json, which gets its weights beside it")
    .addOption(
      new Option(
        "--interface <order>",
        "how an ONNX file has inputs and outputs of four dimensions (default: channels-first, and as-is for a foreign network)",
      ).choices(["as-is", "channels-first"]),
    )
    .addOption(weightsOption())
    .addOption(seedOption())
    .addOption(modelOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `${examples("quern export model.qn --weights model.safetensors --to tflite --out model.tflite")}

In an ONNX file an input or output of four dimensions is channels first, [n, c, h, w], unless --interface as-is keeps the model's order.`,
    )
    .action((file: string, options: Options) => exportTo(file, options, terminal));
}

async function exportTo(file: string, options: Options, terminal: Terminal): Promise<void> {
  const compiled = await loadProgram(file, { ...options, schedule: "none" }, terminal);
  const weights = loadWeights(compiled, options, terminal);
  const { exporters } = await import("../../exporters/exporters.ts");
  const { exportModel } = await import("../../pipeline/export_model.ts");
  const exporter = exporters[options.to];
  if (!exporter) throw new Error(`there is no exporter for ${options.to}`);
  const keepsInterface = (options.interface ?? ((await importerOf(file)) ? "as-is" : "channels-first")) === "as-is";
  const files = settle(exportModel(compiled, weights, exporter, basename(options.out), { keepsInterface }), terminal, options);
  const folder = dirname(options.out);
  settle({ value: true, diagnostics: writeFiles(folder, files) }, terminal, options);
  const written = files.map(({ name, contents }) => ({ path: join(folder, name), bytes: Buffer.byteLength(contents) }));
  if (options.json) printJson(terminal, { ok: true, files: written });
  else for (const { path, bytes } of written) terminal.out(`${path}  ${bytes} B`);
}
