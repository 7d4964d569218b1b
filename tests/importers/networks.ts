/** The pretrained networks of the formats that are not ONNX, as shared/vectors names them, and what each needs to be imported. */
import { sharedFile } from "../support.ts";
import { imported } from "./imported.ts";
import { agreement, inputValues, type ReferenceVectors, referenceVectors } from "./reference_vectors.ts";
import { type Imported, runImported } from "./support.ts";
import type { TargetName } from "./targets.ts";

export type Network = {
  readonly name: string;
  readonly vectors: ReferenceVectors;
  readonly path: string;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
};

/** Those that are quick to import and run. */
export const smallNetworks = [
  "pretrainedResnet_quant.tflite",
  "kws_ref_model.tflite",
  "kws_ref_model_float32.tflite",
  "vww_96_int8.tflite",
  "mobilenet_v1_0.25_224_quant.tflite",
  "face_detection_short_range.tflite",
  "pretrainedResnet.h5",
  "fer2013_mini_XCEPTION.102-0.66.h5",
  "doodlenet.tfjs",
  "upscaler-default-2x.tfjs",
  "human_facemesh.tfjs",
] as const;

export const largeNetworks = [
  "pretrainedResnet.tflite",
  "vww_96_float.tflite",
  "mobilenet_v1_0.25_224_1_default_1.tflite",
  "mobilenet_v2_1.0_224_quant.tflite",
  "version-slim-320_without_postprocessing.tflite",
  "deeplabv3.tflite",
  "vww_96.h5",
  "tiny-vgg.tfjs",
  "human_emotion.tfjs",
  "human_liveness.tfjs",
  "nsfwjs_mobilenet_v2_mid.tfjs",
] as const;

/** Undefined, with a visible line, where the shared files are absent. */
export function networkOf(name: string): Network | undefined {
  const vectors = referenceVectors(name);
  const path = vectors && sharedFile(`${vectors.model}${name.endsWith(".tfjs") ? "/model.json" : ""}`);
  if (!vectors || path === undefined) return undefined;
  const [first] = vectors.runs;
  // Its image may have any height and width.
  const shapes = new Map(name.startsWith("upscaler") && first ? [["LR", first.input.shape]] : []);
  return { name, vectors, path, shapes };
}

/** Relative to the largest output. */
const tolerance = 1e-4;

/** A network imported, and run on its recorded inputs; what is wrong on each target, nothing where all agrees. */
export async function checkNetwork(network: Network, targets: readonly TargetName[]): Promise<Checked> {
  const net = await imported(network.path, { shapes: network.shapes });
  return { net, problems: await runRecorded(net, network, targets) };
}

export type Checked = { readonly net: Imported; readonly problems: Problems };

type Problems = ReadonlyMap<TargetName, readonly string[]>;

/** Outputs are found by their names, or by their shape where an exporter has changed the names. */
export async function runRecorded(net: Imported, { vectors }: Network, targets: readonly TargetName[]): Promise<Problems> {
  const { inputs, outputs } = net.model;
  const problems = new Map<TargetName, string[]>();
  for (const run of vectors.runs) {
    const [input] = inputs;
    const given = { type: { dtype: "f32", shape: run.input.shape } as const, values: inputValues(run.input) };
    for (const { target, outputs: found } of await runImported(net, new Map([[input?.source ?? "", given]]), targets)) {
      const wrong = problems.get(target) ?? [];
      problems.set(target, wrong);
      if (input?.type.shape.join() !== run.input.shape.join()) wrong.push(`the input is [${input?.type.shape}]`);
      if (outputs.length !== run.outputs.length) wrong.push(`there are ${outputs.length} outputs`);
      for (const output of run.outputs) {
        const known = outputs.find(({ source }) => plainName(source) === plainName(output.name)) ?? byShape(outputs, output.shape);
        if (known?.type.shape.join() !== output.shape.join()) wrong.push(`${output.name} is [${known?.type.shape}]`);
        else wrong.push(...disagreements(found.get(known.source) ?? new Float64Array(), output));
      }
    }
  }
  return problems;
}

/** The only output of that shape. */
function byShape(outputs: Imported["model"]["outputs"], shape: readonly number[]) {
  const alike = outputs.filter(({ type }) => type.shape.join() === shape.join());
  return alike.length === 1 ? alike[0] : undefined;
}

/** f32 within a bound; integers within one step for 99 of 100, and two at most. */
function disagreements(values: Float64Array, output: ReferenceVectors["runs"][number]["outputs"][number]): string[] {
  const { relative, largest, withinOne, sameArgmax } = agreement(values, output);
  const isFloat = output.dtype === "float32";
  return [
    ...(isFloat && !(relative < tolerance) ? [`${output.name} differs by ${relative} of its largest element`] : []),
    ...(isFloat || (largest <= 2 && withinOne >= 0.99) ? [] : [`${output.name} differs by ${largest} steps, and by one in ${withinOne}`]),
    ...(sameArgmax ? [] : [`${output.name} has its largest element elsewhere`]),
  ];
}

function plainName(source: string): string {
  return source.replace(/:0$/, "");
}
