/** How padding is said in formats that have SAME or nothing: by SAME where it equals that, by a pad before, or not at all. */
import { expect, test } from "vitest";
import { compileText } from "../support.ts";
import { exported, tryExport } from "./support.ts";
import { readTflite } from "./tflite_reader.ts";

/** What a call becomes; `x` is [1, 8, 8, 4] of any sign. Padding is SAME (0) or VALID (1). */
const calls: { readonly [call: string]: string } = {
  "conv2d(x, @k: [3, 3, 4, 4] = he_normal)": "CONV_2D 1",
  "conv2d(x, @k: [3, 3, 4, 4] = he_normal, pad: [1, 1, 1, 1])": "CONV_2D 0",
  // At stride 2 an even extent needs one row after and none before.
  "conv2d(x, @k: [3, 3, 4, 4] = he_normal, stride: [2, 2], pad: same)": "CONV_2D 0",
  "conv2d(x, @k: [3, 3, 4, 4] = he_normal, stride: [2, 2], pad: [0, 0, 1, 1])": "CONV_2D 0",
  "conv2d(x, @k: [3, 3, 4, 4] = he_normal, stride: [2, 2], pad: [1, 1, 1, 1])": "PAD 0 0 1 0 1 0 0 0, CONV_2D 1",
  "conv2d(x, @k: [2, 2, 4, 4] = he_normal, pad: same_lower)": "PAD 0 0 1 0 1 0 0 0, CONV_2D 1",
  "conv2d(x, @k: [3, 3, 4, 4] = he_normal, dilation: [2, 2], pad: [2, 2, 2, 2])": "CONV_2D 0",
  // What a window does not reach is no padding.
  "conv2d(x, @k: [2, 2, 4, 4] = he_normal, stride: [2, 2], pad: [0, 0, 1, 1])": "CONV_2D 1",
  "depthwise_conv2d(x, @k: [3, 3, 4, 1] = he_normal, pad: [1, 0, 1, 0])": "PAD 0 0 1 1 0 0 0 0, DEPTHWISE_CONV_2D 1",
  "max_pool2d(x, window: [3, 3], stride: [2, 2], pad: same)": "MAX_POOL_2D 0",
  "max_pool2d(x, window: [3, 3], stride: [2, 2], pad: [1, 1, 1, 1])": "PADV2 0 0 1 0 1 0 0 0 -Infinity, MAX_POOL_2D 1",
  "max_pool2d(relu(x), window: [3, 3], stride: [2, 2], pad: [1, 1, 1, 1])": "RELU, PAD 0 0 1 0 1 0 0 0, MAX_POOL_2D 1",
  "max_pool2d(leaky_relu(x), window: [3, 3], pad: [1, 1, 1, 1])": "LEAKY_RELU, PADV2 0 0 1 0 1 0 0 0 -Infinity, MAX_POOL_2D 1",
  // Rounding up reads one more row.
  "max_pool(relu(x), window: [3, 3], stride: [2, 2], ceil: true)": "RELU, MAX_POOL_2D 0",
  "avg_pool2d(x, window: [3, 3], stride: [1, 1], pad: same)": "AVERAGE_POOL_2D 0",
  "avg_pool2d(x, window: [3, 3], stride: [1, 1], pad: same, count_padding: true)": "PAD 0 0 1 1 1 1 0 0, AVERAGE_POOL_2D 1",
};

test.each(Object.entries(calls))("%s", (call, expected) => {
  const [file = new Uint8Array()] = exported(modelOf(call), "tflite");
  const { lines, tensors } = readTflite(file);
  const constants = new Map(tensors.flatMap(({ name, bytes, type }) => (bytes ? [[name, numbersOf(bytes, type)] as const] : [])));
  const said = lines.map(({ operator, operands, attributes }) => {
    if (operator.startsWith("PAD")) return [operator, ...operands.slice(1).flatMap((name) => constants.get(name) ?? [])].join(" ");
    return attributes.padding === undefined ? operator : `${operator} ${attributes.padding}`;
  });
  expect(said.join(", ")).toBe(expected);
});

test("a mean that leaves out a padding that is not SAME cannot be said", () => {
  const model = modelOf("avg_pool2d(x, window: [3, 3], stride: [2, 2], pad: [1, 1, 1, 1])");
  for (const format of ["tflite", "tfjs"] as const) {
    const { value, diagnostics } = tryExport(model, format);
    expect(value).toBeUndefined();
    expect(diagnostics.map(({ message }) => message.replace(/.*cannot say: /, ""))).toEqual([
      "`avg_pool2d` leaves a padding out of the mean that is not SAME",
    ]);
  }
  expect(tryExport(model, "onnx").value).toBeDefined();
});

function modelOf(call: string) {
  return compileText(`model one(x: f32[1, 8, 8, 4]) -> y {\n  ${call}\n}`);
}

function numbersOf(bytes: Uint8Array, type: number): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 4 }, (_, i) => (type === 2 ? view.getInt32(4 * i, true) : view.getFloat32(4 * i, true)));
}
