/** The operator tests of ONNX.js, through the importer as ONNX's own. */
import { describe, expect, test } from "vitest";
import { runImported } from "../importers/support.ts";
import { targetsOfCase } from "../importers/targets.ts";
import { sharedFile } from "../support.ts";
import { prepareOnnx } from "./onnx_run.ts";
import { readOnnxJsCases } from "./onnxjs_suite.ts";
import { mismatch } from "./tensors.ts";

/** Some vectors give four digits. */
const tolerance = 1e-4;

/** Cases that no operator means, with the reason. */
const leftOut = new Map([["image-scaler.jsonc: abs with no attributes: T[1,2,3,4]", "three biases for two channels"]]);

describe("the operator tests of ONNX.js", () => {
  const folder = sharedFile("conformance/onnxjs-ops");
  if (folder === undefined) {
    test.skip("are not here", () => {});
    return;
  }
  const { cases, malformed } = readOnnxJsCases(folder);
  test.each(cases.filter(({ name }) => !leftOut.has(name)))("$name", async (given) => {
    const prepared = await prepareOnnx(given);
    if (typeof prepared === "string") throw new Error(prepared);
    for (const { target, outputs } of await runImported(prepared.imported, prepared.inputs, targetsOfCase(given.name)))
      for (const [name, { type, values }] of prepared.expected) {
        const found = mismatch({ dtype: type.dtype, data: values }, outputs.get(name) ?? [], tolerance);
        expect(`${target}: ${found ?? "agrees"}`).toBe(`${target}: agrees`);
      }
  });
  test("what is malformed is told", () => {
    console.log(`${cases.length} cases ran; with more or fewer values than the shapes say: ${malformed.join(", ") || "none"}`);
    for (const [name, reason] of leftOut) console.log(`left out: ${name}: ${reason}`);
    expect(malformed.length).toBeLessThanOrEqual(6);
  });
});
