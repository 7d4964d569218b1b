/** The same prediction as the reference runtime on labelled data, sample by sample (shared/expected_accuracy.json). */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { createWasm } from "../../src/pipeline/execute.ts";
import { full, sharedFile } from "../support.ts";
import { imported } from "./imported.ts";

/** Without QUERN_TEST=full so many of the samples. */
const few = 100;

type Expected = { readonly n: number; readonly pred: string };
type Data = {
  readonly model: string;
  readonly file: string;
  /** The same predictions that are wanted of integer networks are fewer: a step may decide between two classes. */
  readonly least: number;
  input(bytes: Uint8Array, sample: number): Float64Array;
};

/** A label byte and planes of 32 by 32, as images with channels last. */
function picture(bytes: Uint8Array, sample: number, offset: number): Float64Array {
  const planes = bytes.subarray(sample * 3073 + 1, (sample + 1) * 3073);
  return Float64Array.from({ length: 3072 }, (_, i) => (planes[(i % 3) * 1024 + Math.floor(i / 3)] as number) - offset);
}

function sound(bytes: Uint8Array, sample: number): Int8Array {
  return new Int8Array(bytes.buffer, bytes.byteOffset + sample * 490, 490);
}

const networks: { readonly [name: string]: Data } = {
  "pretrainedResnet.tflite": {
    model: "models/mlperf-tiny/pretrainedResnet.tflite",
    file: "data/cifar10-jpeg/test_1000.bin",
    least: 0.995,
    input: (bytes, sample) => picture(bytes, sample, 0),
  },
  "pretrainedResnet_quant.tflite": {
    model: "models/mlperf-tiny/pretrainedResnet_quant.tflite",
    file: "data/cifar10-jpeg/test_1000.bin",
    least: 0.98,
    input: (bytes, sample) => picture(bytes, sample, 128),
  },
  "kws_ref_model.tflite": {
    model: "models/mlperf-tiny/kws_ref_model.tflite",
    file: "data/kws01/inputs_int8_49x10.bin",
    least: 0.98,
    input: (bytes, sample) => Float64Array.from(sound(bytes, sample)),
  },
  "kws_ref_model_float32.tflite": {
    model: "models/mlperf-tiny/kws_ref_model_float32.tflite",
    file: "data/kws01/inputs_int8_49x10.bin",
    least: 0.995,
    input: (bytes, sample) => Float64Array.from(sound(bytes, sample), (q) => Math.fround((q - 83) * 0.58470291)),
  },
};

describe.each(Object.entries(networks))("%s", (name, { model, file, least, input }) => {
  const [expectedPath, modelPath, dataPath] = ["expected_accuracy.json", model, file].map(sharedFile);
  if (expectedPath === undefined || modelPath === undefined || dataPath === undefined) {
    test.skip("is not here", () => {});
    return;
  }
  test("predicts what the reference runtime predicts", { timeout: 120_000 }, async () => {
    const { results } = JSON.parse(readFileSync(expectedPath, "utf8")) as { results: { [name: string]: Expected } };
    const { n, pred } = results[name] as Expected;
    const wanted = (pred.includes(",") ? pred.split(",") : [...pred]).map(Number);
    expect(wanted.length).toBe(n);
    const bytes = new Uint8Array(readFileSync(dataPath));
    const { model: net, compiled, weights } = await imported(modelPath);
    const runner = createWasm(compiled, weights);
    const count = full ? n : Math.min(n, few);
    let same = 0;
    for (let sample = 0; sample < count; sample++) {
      const [values = new Float64Array()] = runner.run(new Map([[net.inputs[0]?.name ?? "", input(bytes, sample)]])).values();
      const best = values.reduce((place, value, i) => (value > (values[place] as number) ? i : place), 0);
      if (best === wanted[sample]) same++;
    }
    console.log(`${name}: ${same} of ${count} predictions are the reference's`);
    expect(same / count).toBeGreaterThanOrEqual(least);
  });
});
