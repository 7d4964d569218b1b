/** quern build: the module that ships, written into a folder. */
import { join } from "node:path";
import { Command, Option } from "commander";
import { moduleFiles } from "../../pipeline/build_module.ts";
import { writeFiles } from "../io/files.ts";
import { algorithmOption, examples, jsonOption, modelOption, scheduleOption, seedOption, targetOption, weightsOption } from "../options.ts";
import { loadProgram, loadWeights, type ProgramOptions, settle, type WeightOptions } from "../program.ts";
import { printJson, type Terminal } from "../terminal.ts";

type Options = ProgramOptions & WeightOptions & { readonly out: string; readonly engine: string };

export function buildCommand(terminal: Terminal): Command {
  return new Command("build")
    .summary("write an ES module")
    .description("Writes model.js, model.d.ts, model.simd.wasm, model.relaxed.wasm and model.weights.bin into a folder.")
    .argument("<file>", "source file")
    .requiredOption("--out <folder>", "where to write; made if it is not there")
    .addOption(weightsOption())
    .addOption(seedOption())
    .addOption(scheduleOption())
    .addOption(
      new Option("--engine <engine>", "whose tuned schedules to take first, of those in the .schedule file")
        .choices(["chromium", "node"])
        .default("chromium"),
    )
    .addOption(algorithmOption())
    .addOption(targetOption())
    .addOption(modelOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `${examples("quern build model.qn --weights model.safetensors --out dist")}

Then, in Node, a bundler, a worker or a page:
  import { load } from "./dist/model.js";
  const net = await load();
  const { probabilities } = await net.run({ image });`,
    )
    .action((file: string, options: Options) => build(file, options, terminal));
}

async function build(file: string, options: Options, terminal: Terminal): Promise<void> {
  // What is built runs in other places than here; the schedules of another engine are still better than none.
  const engines = [...new Set([options.engine, "chromium", "node"])];
  const compiled = await loadProgram(file, { ...options, engines }, terminal);
  const weights = loadWeights(compiled, options, terminal);
  const { buildModule } = await import("../../pipeline/execute.ts");
  const files = moduleFiles(buildModule(compiled, weights), compiled);
  settle({ value: true, diagnostics: writeFiles(options.out, files) }, terminal, options);
  const written = files.map(({ name, contents }) => ({ path: join(options.out, name), bytes: Buffer.byteLength(contents) }));
  if (options.json) {
    const describe = (values: typeof compiled.inputs) => values.map(({ name, type }) => ({ name, ...type }));
    printJson(terminal, { ok: true, files: written, inputs: describe(compiled.inputs), outputs: describe(compiled.outputs) });
    return;
  }
  const width = Math.max(...written.map(({ path }) => path.length));
  for (const { path, bytes } of written) terminal.out(`${path.padEnd(width)}  ${formatBytes(bytes)}`);
}

function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
