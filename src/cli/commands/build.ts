/** quern build: the module that ships, written into a folder. */
import { join } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import type { BuiltGpu } from "../../pipeline/build_module.ts";
import type { Weights } from "../../pipeline/execute.ts";
import type { Target } from "../../pipeline/passes.ts";
import { writeFiles } from "../io/files.ts";
import {
  algorithmOption,
  examples,
  gpuLimitOption,
  jsonOption,
  modelOption,
  scheduleOption,
  seedOption,
  weightsOption,
} from "../options.ts";
import { forSimd, loadProgram, loadWeights, type ProgramOptions, settle, type WeightOptions } from "../program.ts";
import { formatBytes } from "../table.ts";
import { printJson, sayOnce, type Terminal } from "../terminal.ts";

type Options = Omit<ProgramOptions, "target"> &
  WeightOptions & { readonly out: string; readonly engine: string; readonly target: readonly Target[] };

export function buildCommand(terminal: Terminal): Command {
  return new Command("build")
    .summary("write an ES module")
    .description(
      "Writes model.js, model.d.ts, model.simd.wasm, model.relaxed.wasm and model.weights.bin into a folder, and model.simd.weights.bin where that module is tuned apart; with --target wasm,webgpu also model.webgpu.json and model.webgpu.bin.",
    )
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
    .addOption(
      new Option(
        "--target <targets>",
        "`wasm`, or `wasm,webgpu`: the module takes a GPU where there is one, and WebAssembly elsewhere; `webgpu` means both",
      )
        .argParser(parseTargets)
        .default(["wasm"], "wasm"),
    )
    .addOption(gpuLimitOption())
    .addOption(modelOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `${examples("quern build model.qn --weights model.safetensors --out dist", "quern build model.qn --target wasm,webgpu --out dist")}

Then, in Node, a bundler, a worker or a page:
  import { load } from "./dist/model.js";
  const net = await load();
  const { probabilities } = await net.run({ image });
net.target and net.reason say what it runs on, and why.`,
    )
    .action((file: string, options: Options) => build(file, options, terminal));
}

function parseTargets(text: string): readonly Target[] {
  const named = text.split(",");
  if (!named.every((name): name is Target => name === "wasm" || name === "webgpu"))
    throw new InvalidArgumentError("It should be wasm, or wasm,webgpu.");
  // WebAssembly is what runs where there is no GPU: no module goes without.
  return named.includes("webgpu") ? ["wasm", "webgpu"] : ["wasm"];
}

async function build(file: string, options: Options, processTerminal: Terminal): Promise<void> {
  const terminal = sayOnce(processTerminal);
  // What is built runs in other places than here; the schedules of another engine are still better than none.
  const engines = [...new Set([options.engine, "chromium", "node"])];
  const given = { ...options, target: "wasm", engines } as const;
  const compiled = await loadProgram(file, given, terminal);
  const withoutRelaxed = await forSimd(compiled, file, given, terminal);
  const weights = loadWeights(compiled, options, terminal);
  const { moduleFiles } = await import("../../pipeline/build_module.ts");
  const { buildModule } = await import("../../pipeline/execute.ts");
  const gpu = options.target.includes("webgpu") ? await buildForGpu(file, weights, options, terminal) : undefined;
  const files = moduleFiles(buildModule(compiled, weights, withoutRelaxed), compiled, gpu);
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

async function buildForGpu(file: string, weights: Weights, options: Options, terminal: Terminal): Promise<BuiltGpu> {
  const engines = [...new Set([options.engine === "node" ? "dawn" : options.engine, "chromium", "dawn"])];
  const compiled = await loadProgram(file, { ...options, target: "webgpu", engines }, terminal);
  const { buildGpu } = await import("../../pipeline/gpu.ts");
  return buildGpu(compiled, weights);
}
