/** quern verify: each layer against the float64 reference, and the first that is wrong by name. */
import { Command } from "commander";
import type { Compiled } from "../../compile.ts";
import type { Weights } from "../../pipeline/execute.ts";
import type { LayerReport, VerifyReport } from "../../pipeline/verify.ts";
import { errorDiagnostic } from "../../support/diagnostic.ts";
import {
  algorithmOption,
  examples,
  gpuLimitOption,
  jsonOption,
  modelOption,
  parseWhole,
  scheduleOption,
  targetOption,
  weightsOption,
} from "../options.ts";
import { loadProgram, loadWeights, type ProgramOptions, settle, stop, type WeightOptions } from "../program.ts";
import { formatTable } from "../table.ts";
import { diagnosticJson, printJson, report, type Terminal } from "../terminal.ts";

type Options = ProgramOptions & WeightOptions & { readonly seed: number };

export function verifyCommand(terminal: Terminal): Command {
  return new Command("verify")
    .summary("compare every layer with the float64 reference")
    .description("Runs random inputs through the target and the float64 reference, and judges every layer by its error bound.")
    .argument("<file>", "source file")
    .addOption(weightsOption())
    .option("--seed <n>", "seed of the inputs and of the initialisers", parseWhole, 0)
    .addOption(scheduleOption())
    .addOption(algorithmOption())
    .addOption(targetOption())
    .addOption(gpuLimitOption())
    .addOption(modelOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      examples(
        "quern verify model.qn",
        "quern verify model.qn --weights model.safetensors --seed 7",
        "quern verify model.qn --target webgpu",
      ),
    )
    .action((file: string, options: Options) => verify(file, options, terminal));
}

async function verify(file: string, options: Options, terminal: Terminal): Promise<void> {
  const compiled = await loadProgram(file, options, terminal);
  const weights = loadWeights(compiled, options, terminal);
  const result = await (options.target === "webgpu" ? verifyOnGpu : verifyHere)(compiled, weights, options, terminal);
  const problem = problemOf(result);
  if (options.json) {
    printJson(terminal, { ...result, seed: options.seed, diagnostics: problem ? [diagnosticJson(problem)] : [] });
  } else {
    for (const line of describeReport(result)) terminal.out(line);
    report(terminal, problem ? [problem] : []);
  }
  if (!result.ok) stop();
}

type Verify = (compiled: Compiled, weights: Weights, options: Options, terminal: Terminal) => Promise<VerifyReport>;

const verifyHere: Verify = async (compiled, weights, { seed }) => {
  const { verifyModel } = await import("../../pipeline/verify.ts");
  return verifyModel(compiled, weights, { seed });
};

const verifyOnGpu: Verify = async (compiled, weights, options, terminal) => {
  const { withGpu } = await import("../gpu/device.ts");
  const { verifyOnDevice } = await import("../../pipeline/verify_shaders.ts");
  const checked = await withGpu(terminal, options, async ({ device, name }) => {
    terminal.err(`note: on ${name}`);
    return await verifyOnDevice(compiled, weights, device, { seed: options.seed });
  });
  return settle(checked, terminal, options);
};

/** The first layer beyond its bound: what follows it only passes its error on. */
export function problemOf({ layers, outputs, ok }: VerifyReport): ReturnType<typeof errorDiagnostic> | undefined {
  if (ok) return undefined;
  const layer = layers.find((candidate) => !candidate.ok);
  if (layer) {
    const error = formatError(layer.error);
    return errorDiagnostic(
      "layer-error",
      `the layer \`${layer.name}\` is the first beyond its bound: it is off by ${error}, ${ratioText(layer)} times what is allowed`,
    );
  }
  const output = outputs.find((candidate) => !candidate.ok);
  return errorDiagnostic(
    "output-error",
    `every layer is within its bound, but the output \`${output?.name}\` is off by ${formatError(output?.error ?? 0)} of its largest value`,
  );
}

export function describeReport({ layers, outputs, ok }: VerifyReport): string[] {
  const rows = layers.map((layer) => [layer.name, formatError(layer.error), ratioText(layer), layer.ok ? "" : "beyond its bound"]);
  const ends = outputs.map(
    (output) => `${output.name}: ${formatError(output.error)} of its largest value, end to end${output.ok ? "" : ": too much"}`,
  );
  return [
    ...formatTable(["layer", "max error", "of bound", ""], rows, ["left", "right", "right", "left"]),
    "",
    ...ends,
    ok ? "all within bounds" : "not within bounds",
  ];
}

function formatError(error: number): string {
  return error === 0 ? "0" : Number.isFinite(error) ? error.toExponential(1) : String(error);
}

function ratioText({ ratio }: LayerReport): string {
  if (!Number.isFinite(ratio)) return String(ratio);
  return ratio >= 1000 ? ratio.toExponential(1) : ratio.toFixed(3);
}
