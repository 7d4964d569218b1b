/** quern export: what it writes where, and what it says of a model that a format has no words for. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readOnnxModel } from "../exporters/onnx_reader.ts";
import { readTflite } from "../exporters/tflite_reader.ts";
import { quern } from "./quern.ts";

const folder = mkdtempSync(join(tmpdir(), "quern-export-"));
afterAll(() => rmSync(folder, { recursive: true }));

const model = join(folder, "small.qn");
writeFileSync(
  model,
  `model small(image: f32[1, 8, 8, 3]) -> probabilities: f32[1, 4] {
  image |> conv2d(@kernel: [3, 3, 3, 4] = he_normal) |> relu |> global_avg_pool |> softmax
}
`,
);

const odd = join(folder, "odd.qn");
writeFileSync(
  odd,
  `op odd(x: [...s]) -> y: [...s] { y[...i] = if x[...i] > 0 then sqrt(x[...i]) else x[...i] * x[...i] }

model odd_model(image: f32[1, 8, 8, 4]) -> y: f32[1, 8, 8, 4] {
  max_pool2d(odd(image) + odd(image * 2), window: [2, 2], stride: [1, 1], dilation: [2, 2], pad: [1, 1, 1, 1])
}
`,
);

test("tflite", () => {
  const file = join(folder, "small.tflite");
  const { code, out, err } = quern(["export", model, "--to", "tflite", "--out", file]);
  expect(code).toBe(0);
  expect(err).toContain("no --weights");
  expect(out).toBe(`${file}  ${readFileSync(file).length} B\n`);
  const { inputs, outputs, lines } = readTflite(readFileSync(file));
  expect([inputs, outputs]).toEqual([["image"], ["probabilities"]]);
  expect(lines.map(({ operator }) => operator)).toEqual(["CONV_2D", "MEAN", "SOFTMAX"]);
});

test("onnx, in a folder that is made", () => {
  const file = join(folder, "deep", "small.onnx");
  expect(quern(["export", model, "--to", "onnx", "--out", file, "--seed", "3"]).code).toBe(0);
  const { nodes } = readOnnxModel(readFileSync(file));
  expect(nodes.map(({ operator }) => operator)).toEqual(["Conv", "Relu", "GlobalAveragePool", "Flatten", "Softmax"]);
  expect(nodes.at(-1)?.outputs).toEqual(["probabilities"]);
});

test("tfjs writes the weights beside the model", () => {
  const file = join(folder, "small.json");
  const { code, out } = quern(["export", model, "--to", "tfjs", "--out", file, "--json"]);
  expect(code).toBe(0);
  const binary = join(folder, "small.bin");
  expect(JSON.parse(out)).toEqual({
    ok: true,
    files: [file, binary].map((path) => ({ path, bytes: readFileSync(path).length })),
  });
  expect(JSON.parse(readFileSync(file, "utf8")).weightsManifest[0].paths).toEqual(["small.bin"]);
});

test("everything that a format cannot say is named in one run, and nothing is written", () => {
  const file = join(folder, "odd.tflite");
  const { code, out, err } = quern(["export", odd, "--to", "tflite", "--out", file]);
  expect(code).toBe(1);
  expect(out).toBe("");
  expect(err).toContain("error[export]: TensorFlow Lite cannot say: `odd` (it has no such operator)\n  note: in %odd, %odd_2");
  expect(err).toContain("error[export]: TensorFlow Lite cannot say: `max_pool2d` dilates its window\n  note: in %y");
  expect(existsSync(file)).toBe(false);
  // What one format cannot say another may.
  const onnx = quern(["export", odd, "--to", "onnx", "--out", join(folder, "odd.onnx")]);
  expect(onnx.err.match(/cannot say/g)?.length).toBe(1);
});

test("a format that there is not is a usage error", () => {
  const { code, err } = quern(["export", model, "--to", "keras", "--out", join(folder, "model.keras")]);
  expect(code).toBe(2);
  expect(err).toContain("onnx, tflite, tfjs");
});
