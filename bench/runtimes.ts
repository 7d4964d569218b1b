/**
 * The cases of tests/importers/cases and exported examples, run by the runtimes of their formats: npm --prefix bench run runtimes. What
 * plain loops compute there is so confirmed by ONNX Runtime, TensorFlow.js and LiteRT.js themselves, and what `quern export` writes is theirs to run.
 * Exits with 1 where a runtime gives something else and no reason is known.
 */
import { exporters } from "../src/exporters/exporters.ts";
import { initializeWeights } from "../src/ir/initialize.ts";
import { createWasm } from "../src/pipeline/execute.ts";
import { exportModel } from "../src/pipeline/export_model.ts";
import type { ImportCase } from "../tests/importers/cases/case.ts";
import { onnxCases } from "../tests/importers/cases/onnx_cases.ts";
import { tfjsCases } from "../tests/importers/cases/tfjs_cases.ts";
import { tfliteCases } from "../tests/importers/cases/tflite_cases.ts";
import { mismatch, randomTensor, seeded, type Tensor } from "../tests/operators/tensors.ts";
import { compileExample } from "../tests/support.ts";
import type { Given, Ran } from "./runtime_case.ts";
import { startLiteRt } from "./runtimes_litert.ts";
import { runOnnx } from "./runtimes_ort.ts";
import { runTfjs } from "./runtimes_tfjs.ts";

type Run = (given: Given) => Promise<Ran>;
type Question = {
  readonly name: string;
  readonly given: Given;
  readonly expected: readonly Tensor[];
  readonly tolerance?: number;
  readonly steps?: number;
};

/** What a runtime says where it has no such operator or lets no such elements through: it cannot be asked. */
const cannotBeAsked = /Unknown op|not supported|has not been implemented|Could not find an implementation/;

/** Cases that a runtime is known to run otherwise than its format says, by its name and the case's. */
const known: { readonly [runtime: string]: { readonly [name: string]: string } } = {
  "TensorFlow.js": {
    "StridedSlice, masks": "reads outside where a limit is left open and the step is negative",
    "Conv2D, groups": "has no groups on this backend",
    EnsureShape: "wants a shape as text",
    BitwiseAnd: "looks for its operands under other names",
  },
  "LiteRT.js": {
    "ADD, tanh": "ignores this activation",
    ATAN2: "gives zeros",
    "ATAN2, a constant": "gives zeros",
    "CONV_2D, groups": "has no groups on this backend",
    CONCATENATION: "ignores an activation",
    ARG_MAX: "wants the type of its result as an option",
    ARG_MIN: "wants the type of its result as an option",
    SHAPE: "gives zeros for what it computes before it runs",
    RANK: "gives zeros for what it computes before it runs",
    RANGE: "gives zeros for what it computes before it runs",
    "RANGE, floats": "gives zeros for what it computes before it runs",
    "DEQUANTIZE, a constant": "gives zeros for what it computes before it runs",
    PACK: "gives zeros",
    BROADCAST_TO: "fails",
  },
};

function questionOf({ name, file: { path, bytes, neighbours = new Map() }, inputs, ...expectation }: ImportCase): Question {
  return { name, given: { files: new Map([[path, bytes], ...neighbours]), inputs }, ...expectation };
}

const examples = ["resnet8", "vww", "unet", "mobilenet-v3-small"] as const;

/** An example with drawn weights and a drawn image, as the format has it, and what WebAssembly gives. */
function exampleIn(format: "onnx" | "tflite" | "tfjs", name: (typeof examples)[number]): Question {
  const compiled = compileExample(name);
  const weights = initializeWeights(compiled.source.weights, 0);
  const exporter = exporters[format];
  if (!exporter) throw new Error(`there is no exporter for ${format}`);
  const file = format === "tfjs" ? "model.json" : `model.${format}`;
  const { value: files, diagnostics } = exportModel(compiled, weights, exporter, file, { keepsInterface: true });
  if (!files) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  const bytesOf = (contents: Uint8Array | string) => (typeof contents === "string" ? new TextEncoder().encode(contents) : contents);
  const inputs = compiled.inputs.map(({ name: own, type }) => [own, randomTensor(seeded(`runtimes/${name}`), type.shape)] as const);
  const results = createWasm(compiled, weights).run(new Map(inputs.map(([own, { data }]) => [own, Float64Array.from(data)])));
  const expected = compiled.outputs.map(({ name: own, type }): Tensor => ({ ...type, data: [...(results.get(own) ?? [])] }));
  return {
    name: `example ${name}`,
    given: { files: new Map(files.map(({ name: own, contents }) => [own, bytesOf(contents)])), inputs: new Map(inputs) },
    expected,
    tolerance: 1e-4,
  };
}

/** Why the outputs are not those expected; undefined where they are. */
function refuted({ expected, tolerance = 1e-5, steps = 0 }: Question, ran: Ran): string | undefined {
  if ("problem" in ran) return ran.problem.split("\n", 1).join();
  const found = expected.map((wanted, i) => {
    const output = ran.outputs[i];
    if (!output) return `output ${i} is missing`;
    if (output.shape.join() !== wanted.shape.join()) return `output ${i} is [${output.shape}] instead of [${wanted.shape}]`;
    return mismatch(wanted, output.values, tolerance, steps);
  });
  return found.find((problem) => problem !== undefined);
}

async function check(runtime: string, questions: readonly Question[], run: Run): Promise<void> {
  const lines: string[] = [];
  let [agree, unasked] = [0, 0];
  for (const question of questions) {
    const problem = refuted(question, await run(question.given));
    const reason = known[runtime]?.[question.name];
    if (problem === undefined) agree++;
    else if (cannotBeAsked.test(problem)) unasked++;
    else lines.push(`  ${question.name}: ${reason === undefined ? problem : `the runtime ${reason}`}`);
    if (problem !== undefined && reason === undefined && !cannotBeAsked.test(problem)) process.exitCode = 1;
  }
  console.log(`${runtime}: ${agree} of ${questions.length} agree; ${unasked} cannot be asked; others:`);
  for (const line of lines) console.log(line);
}

await check("ONNX Runtime", [...onnxCases.map(questionOf), ...examples.map((name) => exampleIn("onnx", name))], runOnnx);
await check("TensorFlow.js", [...tfjsCases.map(questionOf), ...examples.map((name) => exampleIn("tfjs", name))], runTfjs);
const litert = await startLiteRt("/usr/bin/chromium");
if (litert) {
  await check("LiteRT.js", [...tfliteCases.map(questionOf), ...examples.map((name) => exampleIn("tflite", name))], litert.run);
  await litert.close();
} else console.log("SKIPPED: there is no browser for LiteRT.js at /usr/bin/chromium");
