/**
 * ONNX's node tests and the operator tests that PyTorch converted: every case goes through the importer, and runs on every target,
 * but those that onnx_left_out.ts lists with a reason.
 */
import { describe, expect, test } from "vitest";
import { runImported } from "../importers/support.ts";
import { targetsOfCase } from "../importers/targets.ts";
import { sharedFile } from "../support.ts";
import { onnxSuites, readOnnxCases } from "./onnx_cases.ts";
import { leftOut, outside } from "./onnx_left_out.ts";
import { prepareOnnx } from "./onnx_run.ts";
import { onnxTolerance } from "./onnx_tolerance.ts";
import { mismatch } from "./tensors.ts";

describe.each(onnxSuites)("ONNX's suite %s", (suite) => {
  const path = sharedFile(`conformance/onnx/${suite}.tar.gz`);
  if (path === undefined) {
    test.skip("is not here", () => {});
    return;
  }
  const cases = readOnnxCases(path);
  test.each(cases.filter(({ name }) => !Object.hasOwn(leftOut, name)))("$name", async (given) => {
    const prepared = await prepareOnnx(given);
    if (typeof prepared === "string") throw new Error(prepared);
    expect(prepared.expected.size).toBeGreaterThan(0);
    for (const { target, outputs } of await runImported(prepared.imported, prepared.inputs, targetsOfCase(given.name))) {
      const { tolerance, steps } = onnxTolerance(given.name, target);
      for (const [name, { type, values }] of prepared.expected) {
        const found = mismatch({ dtype: type.dtype, data: values }, outputs.get(name) ?? [], tolerance, steps);
        expect(`${target}: ${name}: ${found ?? "agrees"}`).toBe(`${target}: ${name}: agrees`);
      }
    }
  });
  const listed = cases.filter(({ name }) => Object.hasOwn(leftOut, name));
  // A case that has become possible must leave the list.
  test.each(listed)("$name is left out, and refused", async (given) => {
    expect(typeof (await prepareOnnx(given))).toBe("string");
  });
});

test("what is left out is little, and of kinds that are outside", () => {
  const reasons: readonly string[] = Object.values(outside);
  const rest = Object.entries(leftOut).filter(([, reason]) => !reasons.includes(reason));
  for (const reason of new Set(Object.values(leftOut)))
    console.log(`left out: ${reason}: ${Object.values(leftOut).filter((other) => other === reason).length} cases`);
  expect(rest.length).toBeLessThanOrEqual(0.05 * 848);
});
