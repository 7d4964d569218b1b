/** Every operator that is imported, in a file of its own, gives what plain loops give. */
import { describe, expect, test } from "vitest";
import { checkCase } from "./cases/check_case.ts";
import { kerasCases } from "./cases/keras_cases.ts";
import { onnxCases } from "./cases/onnx_cases.ts";
import { tfjsCases } from "./cases/tfjs_cases.ts";
import { tfliteCases } from "./cases/tflite_cases.ts";
import { targetsOfCase } from "./targets.ts";

describe.each([
  ["ONNX", onnxCases],
  ["TensorFlow Lite", tfliteCases],
  ["Keras", kerasCases],
  ["TensorFlow.js", tfjsCases],
] as const)("%s", (_, cases) => {
  test.each(cases.map((one) => [one.name, one] as const))("%s", async (_name, one) => {
    const targets = targetsOfCase(one.name);
    const found = await checkCase(one, targets);
    if (typeof found === "string") throw new Error(found);
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(targets.map((target) => [target, undefined])));
  });
});
