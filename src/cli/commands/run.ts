/** quern run: a model on arrays and pictures; one file per input, several records per file. */
import { join } from "node:path";
import { Command, Option } from "commander";
import type { Compiled } from "../../compile.ts";
import { elementCount, formatType } from "../../ir/dtype.ts";
import type { Tensors, Weights } from "../../pipeline/execute.ts";
import { type Diagnostic, errorDiagnostic } from "../../support/diagnostic.ts";
import { readText, writeFile, writeFiles } from "../io/files.ts";
import { defaultImageOptions, type ImageOptions } from "../io/image.ts";
import { assignInputs, readInputs } from "../io/inputs.ts";
import { formatNpy } from "../io/npy.ts";
import {
  algorithmOption,
  collect,
  examples,
  gpuLimitOption,
  jsonOption,
  modelOption,
  parseNumbers,
  parsePositive,
  parseWhole,
  scheduleOption,
  seedOption,
  weightsOption,
} from "../options.ts";
import { loadProgram, loadWeights, type ProgramOptions, settle, type WeightOptions } from "../program.ts";
import { joinResults, type Result } from "../results.ts";
import { printJson, type Terminal } from "../terminal.ts";
import { describeRanking, type Ranking, rank } from "../top.ts";

type Options = Omit<ProgramOptions, "target"> &
  WeightOptions & {
    readonly input?: readonly string[];
    readonly random?: number;
    readonly target: "wasm" | "webgpu" | "reference";
    readonly output?: string;
    readonly top?: number;
    readonly labels?: string;
    readonly resize: boolean;
    readonly layout: ImageOptions["layout"];
    readonly scale: ImageOptions["scale"];
    readonly mean: readonly number[];
    readonly std: readonly number[];
  };

/** Labels without --top rank this many. */
const defaultTop = 5;

export function runCommand(terminal: Terminal): Command {
  return new Command("run")
    .summary("run a model on arrays or pictures")
    .description("Runs a model. An array with more records than the model's batch is run record by record.")
    .argument("<file>", "source file")
    .option("--input <[name=]file>", "a .npy, .png or .jpg for an input; once for each", collect)
    .option("--random <seed>", "draw the inputs that no file gives", parseWhole)
    .addOption(weightsOption())
    .addOption(seedOption())
    .option("--output <where>", "a .npy file for a single output, or a folder for NAME.npy of each; otherwise results are printed")
    .addOption(
      new Option("--target <target>", "what to run on; webgpu is Dawn for Node (npm install webgpu)")
        .choices(["wasm", "webgpu", "reference"])
        .default("wasm"),
    )
    .addOption(gpuLimitOption())
    .option("--top <k>", "print the k largest elements of each record, ranked", parsePositive)
    .option("--labels <file>", "a name for each element on a line of its own, for --top")
    .option("--no-resize", "take a picture only if it has the input's height and width")
    .addOption(
      new Option("--layout <layout>", "how the input lays out a picture").choices(["nhwc", "nchw"]).default(defaultImageOptions.layout),
    )
    .addOption(
      new Option("--scale <range>", "what pixel values become first").choices(["0..1", "0..255"]).default(defaultImageOptions.scale),
    )
    .addOption(
      numbersOption("--mean <numbers>", "subtracted from a picture, for all channels or each: 0.485,0.456,0.406", defaultImageOptions.mean),
    )
    .addOption(numbersOption("--std <numbers>", "then divided by: 0.229,0.224,0.225", defaultImageOptions.std))
    .addOption(scheduleOption())
    .addOption(algorithmOption())
    .addOption(modelOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      examples(
        "quern run model.qn --random 1",
        "quern run model.qn --weights model.safetensors --input cat.jpg --scale 0..1 --top 5 --labels labels.txt",
        "quern run model.qn --input image=x.npy --output y.npy",
      ),
    )
    .action((file: string, options: Options) => run(file, options, terminal));
}

function numbersOption(flags: string, description: string, initial: readonly number[]): Option {
  return new Option(flags, description).argParser(parseNumbers).default(initial, initial.join());
}

async function run(file: string, options: Options, terminal: Terminal): Promise<void> {
  const { target } = options;
  const compiled = await loadProgram(file, { ...options, target: target === "webgpu" ? target : "wasm" }, terminal);
  // Everything that can be wrong with the arguments is said before the work begins.
  const files = options.input ?? [];
  settle(assignInputs(files, compiled.inputs, options.random !== undefined), terminal, options);
  settle({ value: true, diagnostics: checkOutputs(compiled, options) }, terminal, options);
  const labels = options.labels === undefined ? undefined : linesOf(settle(readText(options.labels), terminal, options));
  const weights = loadWeights(compiled, options, terminal);
  const { randomInputs } = await import("../../pipeline/verify.ts");
  const drawn = options.random === undefined ? undefined : randomInputs(compiled, options.random);
  const inputs = settle(await readInputs(files, compiled.inputs, options, drawn), terminal, options);
  const runs = await (target === "webgpu" ? runOnGpu : runHere)(compiled, weights, inputs.records, options, terminal);
  const results = compiled.outputs.map(({ name, type }) => joinResults(name, type, runs, inputs.batched));
  const top = options.top ?? (labels ? defaultTop : undefined);
  const ranked = top === undefined ? undefined : results.map((result) => settle(rank(result, top, labels), terminal, options));
  const { paths, diagnostics } = writeResults(results, options.output);
  settle({ value: paths, diagnostics }, terminal, options);
  if (options.json) printJson(terminal, describeJson(results, ranked, paths));
  else for (const line of describe(results, ranked, paths)) terminal.out(line);
}

type Run = (
  compiled: Compiled,
  weights: Weights,
  records: readonly Tensors[],
  options: Options,
  terminal: Terminal,
) => Promise<readonly ReadonlyMap<string, Float64Array>[]>;

const runHere: Run = async (compiled, weights, records, { target }) => {
  const { createReference, createWasm } = await import("../../pipeline/execute.ts");
  const runner = (target === "reference" ? createReference : createWasm)(compiled, weights);
  return records.map((record) => runner.run(record));
};

const runOnGpu: Run = async (compiled, weights, records, options, terminal) => {
  const { withGpu } = await import("../gpu/device.ts");
  const { createGpuRunner, shadersOf } = await import("../../pipeline/gpu.ts");
  return await withGpu(terminal, options, async ({ device, name }) => {
    terminal.err(`note: on ${name}`);
    const runner = await createGpuRunner(shadersOf(compiled), weights, device);
    const results: ReadonlyMap<string, Float64Array>[] = [];
    for (const record of records) results.push(await runner.run(record));
    runner.destroy();
    return results;
  });
};

function checkOutputs(compiled: Compiled, { output }: Options): Diagnostic[] {
  if (!output?.endsWith(".npy") || compiled.outputs.length === 1) return [];
  const names = compiled.outputs.map(({ name }) => name).join(", ");
  return [
    errorDiagnostic("which-output", `the model has the outputs ${names}, and ${output} is one file`, {
      help: "name a folder with --output",
    }),
  ];
}

function linesOf(text: string): string[] {
  const lines = text.split(/\r?\n/);
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}

function writeResults(results: readonly Result[], output: string | undefined): { paths: string[]; diagnostics: Diagnostic[] } {
  const [only] = results;
  if (output === undefined) return { paths: [], diagnostics: [] };
  if (output.endsWith(".npy") && only) return { paths: [output], diagnostics: writeFile(output, formatNpy(only.type, only.values)) };
  const files = results.map(({ name, type, values }) => ({ name: `${name}.npy`, contents: formatNpy(type, values) }));
  return { paths: files.map(({ name }) => join(output, name)), diagnostics: writeFiles(output, files) };
}

function describe(results: readonly Result[], ranked: readonly Ranking[] | undefined, paths: readonly string[]): string[] {
  const written = paths.map((path, i) => `${path}: ${formatType((results[i] as Result).type)}`);
  if (ranked) return [...ranked.flatMap(describeRanking), ...written];
  return paths.length > 0 ? written : results.flatMap(describeValues);
}

const printedRows = 10;
const printedColumns = 12;

/** Rows of the last dimension; long ones and many are cut, and the cut is said. */
function describeValues({ name, type, values }: Result): string[] {
  const columns = type.shape.at(-1) ?? 1;
  const rows = columns === 0 ? 0 : elementCount(type.shape) / columns;
  const lines = Array.from({ length: Math.min(rows, printedRows) }, (_, row) => {
    const shown = values.subarray(row * columns, row * columns + Math.min(columns, printedColumns));
    const cells = Array.from(shown, (value) => formatNumber(value, type.dtype).padStart(11)).join(" ");
    return `${cells}${columns > printedColumns ? `  and ${columns - printedColumns} more` : ""}`;
  });
  const rest = rows > printedRows ? [`  and ${rows - printedRows} more rows: write them all with --output`] : [];
  return [`${name}: ${formatType(type)}`, ...lines, ...rest];
}

function formatNumber(value: number, dtype: string): string {
  return dtype.startsWith("f") ? String(Number(value.toPrecision(6))) : String(value);
}

function describeJson(results: readonly Result[], ranked: readonly Ranking[] | undefined, paths: readonly string[]): unknown {
  const outputs = results.map(({ name, type, values }, i) => ({
    name,
    dtype: type.dtype,
    shape: type.shape,
    ...(ranked ? { top: ranked[i]?.records } : {}),
    ...(paths[i] === undefined ? { values: [...values] } : { file: paths[i] }),
  }));
  return { ok: true, outputs };
}
