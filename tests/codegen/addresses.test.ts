/** Addresses of rows that a schedule has fused. */
import { expect, test } from "vitest";
import { printKernel } from "../../src/ir/print_kernel.ts";
import { compileText } from "../support.ts";

/** The kernel of a pointwise convolution whose rows of 14 are fused into one, tiles of four rows and eight columns. */
function kernelText(after: string): string {
  const { levels } = compileText(
    `model m(x: f32[1, 14, 14, 16]) -> y: f32[1, 14, 14, 32] { x |> conv2d(@a: [1, 1, 16, 32] = he_normal) ${after} }`,
    "m.qn",
  );
  return printKernel(levels.kernel());
}

test("rows that lie one after the other have one pointer, and no division tells where they begin", () => {
  const text = kernelText("");
  expect(text).toContain("fuse oh, ow into ow.rows");
  const code = text.split("\n").filter((line) => !line.includes("trace"));
  expect(code.filter((line) => line.includes(" // ") || line.includes(" % "))).toEqual([]);
  const splats = code.flatMap((line) => /load f32x4 splat (\w+\[\w+)/.exec(line)?.[1] ?? []);
  expect(splats).toHaveLength(4);
  expect(new Set(splats).size).toBe(1);
});

test("rows with a border between them are told apart by division", () => {
  const code = kernelText("|> depthwise_conv2d(@b: [3, 3, 32, 1] = he_normal, pad: same)");
  expect(code).toContain("fuse oh, ow into ow.rows");
  expect(code).toMatch(/ % 14/);
});
