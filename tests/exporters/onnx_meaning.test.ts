/**
 * What an exported ONNX node computes: imported again, by the meaning that ONNX's suites have confirmed (tests/operators), it must
 * give what the model gave.
 */
import { expect, test } from "vitest";
import { onnx } from "../../src/importers/onnx/importer.ts";
import { initializeWeights } from "../../src/ir/initialize.ts";
import { createReference } from "../../src/pipeline/execute.ts";
import { compileImported, importBytes, runImported } from "../importers/support.ts";
import { mismatch, randomTensor, seeded } from "../operators/tensors.ts";
import { compileText } from "../support.ts";
import { readOnnxModel } from "./onnx_reader.ts";
import { exported } from "./support.ts";

/** Calls whose export is one node; `x` is [1, 6, 5, 4]. */
const calls: { readonly [call: string]: string } = {
  "conv2d(x, @k: [3, 3, 4, 5] = he_normal, stride: [2, 1], pad: same)": "Conv",
  "conv2d(x, @k: [3, 2, 4, 5] = he_normal, pad: [0, 1, 2, 0]) + @b: [5] = uniform(-1, 1)": "Conv",
  "conv2d(x, @k: [2, 2, 4, 3] = he_normal, dilation: [2, 3])": "Conv",
  "conv(x, @k: [3, 3, 2, 6] = he_normal, groups: 2, pad: same_lower)": "Conv",
  "depthwise_conv2d(x, @k: [3, 3, 4, 2] = he_normal, pad: same)": "Conv",
  "conv_transpose2d(x, @k: [3, 2, 5, 4] = he_normal, stride: [2, 2], pad: [1, 0, 0, 1], extra: [1, 0])": "ConvTranspose",
  "max_pool2d(x, window: [3, 2], stride: [2, 1], pad: [1, 0, 1, 1])": "MaxPool",
  "max_pool(x, window: [2, 2], stride: [2, 2], ceil: true)": "MaxPool",
  "avg_pool2d(x, window: [3, 3], stride: [2, 2], pad: same)": "AveragePool",
  "avg_pool2d(x, window: [2, 3], pad: [1, 1, 1, 1], count_padding: true)": "AveragePool",
  "resize_nearest(x, size: [12, 7])": "Resize",
  "resize_linear(x, size: [12, 7], coordinates: align_corners)": "Resize",
  "depth_to_space(x, block: 2)": "DepthToSpace",
  "depth_to_space(x, block: 2, order: column_first)": "DepthToSpace",
  "space_to_depth(slice(x, starts: [0, 0, 0, 0], ends: [1, 6, 4, 4]), block: 2)": "Slice SpaceToDepth",
  "slice(x, starts: [0, 1, -3, 0], ends: [1, 6, 5, 3])": "Slice",
  "split(x, parts: 2, part: 1, axis: 1)": "Slice",
  "pad(x, pad: [0, 1, 2, 0, 0, 0, 1, 3], value: 2)": "Pad",
  "pad(x, pad: [0, 1, 2, 0, 0, 0, 1, 0], mode: reflect)": "Pad",
  "reduce_sum(x, axes: [1, 3], keep: true)": "ReduceSum",
  "reduce_max(x, axes: [2], keep: true)": "ReduceMax",
  "reduce_mean(x, axes: [1, 2], keep: true)": "GlobalAveragePool",
  "softmax(x, axis: 2)": "Softmax",
  "softmax(x)": "Softmax",
  "transpose(x, order: [0, 2, 1, 3])": "Transpose",
  "x * @s: [4] = uniform(-1, 1)": "Mul",
  "x - @s: [5, 4] = uniform(-1, 1)": "Sub",
  "hard_swish(x)": "HardSwish",
  "hard_sigmoid(x, slope: 0.3, offset: 0.1)": "HardSigmoid",
  "leaky_relu(x, slope: 0.3)": "LeakyRelu",
  "relu6(x)": "Clip",
  "clip(x, low: -0.5, high: 0.25)": "Clip",
};

const shape = [1, 6, 5, 4];

test.each(Object.entries(calls))("%s", async (call, operators) => {
  const input = randomTensor(seeded(call), shape);
  const compiled = compileText(`model one(x: f32[${shape.join(", ")}]) -> y {\n  ${call}\n}`);
  const weights = initializeWeights(compiled.source.weights, 0);
  const expected =
    createReference(compiled, weights)
      .run(new Map([["x", Float64Array.from(input.data)]]))
      .get("y") ?? new Float64Array();
  const [file = new Uint8Array()] = exported(compiled, "onnx");
  expect(
    readOnnxModel(file)
      .nodes.map(({ operator }) => operator)
      .join(" "),
  ).toBe(operators);
  const { value: model, diagnostics } = await importBytes(onnx, "one.onnx", file);
  if (!model) throw new Error(diagnostics[0]?.message);
  const x = { type: { dtype: "f32", shape: [] } as const, values: Float32Array.from(channelsFirst(shape, input.data)) };
  const wanted = channelsFirst(compiled.outputs[0]?.type.shape ?? [], [...expected]);
  for (const { target, outputs } of await runImported(compileImported(model), new Map([["x", x]]))) {
    const found = mismatch({ dtype: "f32", data: wanted }, outputs.get("y") ?? [], 1e-5);
    expect(`${target}: ${found ?? "agrees"}`).toBe(`${target}: agrees`);
  }
});

/** The elements of an image channels first, as ONNX has it. */
function channelsFirst([, h = 1, w = 1, c = 1]: readonly number[], values: readonly number[]): number[] {
  return values.map((_, i) => values[(i % (h * w)) * c + Math.floor(i / (h * w))] ?? 0);
}
