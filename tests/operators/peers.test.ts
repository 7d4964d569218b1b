/** The operator tests of ONNX.js, by the same tables as ONNX's own. What does not fit is told with the reason. */
import { describe, expect, test } from "vitest";
import { sharedFile } from "../support.ts";
import { loadOnnxJsSuite } from "./onnx_suites.ts";
import { mismatch, outcomesOf } from "./tensors.ts";

/** Some vectors give four digits. */
const tolerance = 1e-4;

describe("the operator tests of ONNX.js", () => {
  const folder = sharedFile("conformance/onnxjs-ops");
  if (folder === undefined) {
    test.skip("are not here", () => {});
    return;
  }
  const { cases, skipped } = loadOnnxJsSuite(folder);
  test.each(cases)("$name", ({ vectors }) => {
    for (const vector of vectors)
      for (const { target, values } of outcomesOf(vector))
        expect(`${vector.call}: ${target}: ${mismatch(vector, values, tolerance) ?? "agrees"}`).toBe(`${vector.call}: ${target}: agrees`);
  });
  test("what does not fit is told", () => {
    console.log(
      [`${cases.length} cases ran, ${skipped.length} were skipped`, ...skipped.map(({ name, reason }) => `  ${name}: ${reason}`)].join(
        "\n",
      ),
    );
    expect(skipped.length).toBeLessThanOrEqual(6);
  });
});
