/**
 * ONNX's node tests and the operator tests that PyTorch converted: every case that is a composition of this library's operators
 * runs through the reference and WebAssembly. The others are counted with the reason.
 */
import { describe, expect, test } from "vitest";
import { sharedFile } from "../support.ts";
import { loadOnnxSuite, onnxSuites } from "./onnx_suites.ts";
import { mismatch, outcomesOf } from "./tensors.ts";

/** The suites compute in f32, some by ways of their own. */
const tolerance = 1e-5;

const looser = new Map([
  // A sum of thousands of elements, which numpy adds in another order.
  ["test_nllloss_NCd1d2d3d4d5_mean_weight_expanded", 1e-4],
  // Written with four digits.
  ["test_averagepool_2d_ceil_last_window_starts_on_pad", 1e-4],
]);

describe.each(onnxSuites)("ONNX's suite %s", (suite) => {
  const path = sharedFile(`conformance/onnx/${suite}.tar.gz`);
  if (path === undefined) {
    test.skip("is not here", () => {});
    return;
  }
  const { cases, skipped } = loadOnnxSuite(path);
  test.each(cases)("$name", ({ name, vectors }) => {
    for (const vector of vectors)
      for (const { target, values } of outcomesOf(vector))
        expect(`${vector.call}: ${target}: ${mismatch(vector, values, looser.get(name) ?? tolerance) ?? "agrees"}`).toBe(
          `${vector.call}: ${target}: agrees`,
        );
  });
  test("what does not fit is told", () => {
    const reasons = new Map<string, string[]>();
    for (const { name, reason } of skipped) reasons.set(reason, [...(reasons.get(reason) ?? []), name.replace("test_", "")]);
    const count = (family: string, list: readonly { readonly family: string }[]) => list.filter((one) => one.family === family).length;
    const families = [...new Set([...cases, ...skipped].map(({ family }) => family))].sort();
    console.log(
      [
        `${suite}: ${cases.length} cases ran, ${skipped.length} were skipped`,
        families.map((family) => `${family} ${count(family, cases)}/${count(family, cases) + count(family, skipped)}`).join(", "),
        ...[...reasons].map(([reason, names]) => `  ${reason} (${names.length}): ${names.join(", ")}`),
      ].join("\n"),
    );
    expect(cases.length).toBeGreaterThan(0);
  });
});
