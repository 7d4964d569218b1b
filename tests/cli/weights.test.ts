/** Weights against the model: each that does not fit is named. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { FileDType, FileTensor } from "../../src/cli/io/element_types.ts";
import { formatSafetensors } from "../../src/cli/io/safetensors.ts";
import { matchWeights, readWeights } from "../../src/cli/io/weights.ts";
import type { DType } from "../../src/ir/dtype.ts";
import type { Initializer } from "../../src/ir/nn.ts";
import { renderDiagnostic } from "../../src/support/diagnostic.ts";

const folder = mkdtempSync(join(tmpdir(), "quern-weights-"));
afterAll(() => rmSync(folder, { recursive: true }));

const weight = (path: string, shape: readonly number[], dtype: DType = "f32", initializer?: Initializer) => ({
  path,
  type: { dtype, shape },
  ...(initializer ? { initializer } : {}),
});
const tensor = (shape: readonly number[], dtype: FileDType = "f32"): FileTensor => ({
  dtype,
  shape,
  values: new Float64Array(shape.reduce((a, b) => a * b, 1)).fill(0.1),
});
const match = (needed: Parameters<typeof matchWeights>[1], tensors: { [name: string]: FileTensor }, declared = needed) => {
  const { value, diagnostics } = matchWeights(new Map(Object.entries(tensors)), needed, "w.safetensors", declared);
  return { value, text: diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, new Map())).join("\n") };
};

describe("weights", () => {
  test("a file that fits", () => {
    const { value, text } = match([weight("a", [2]), weight("b", [1], "i8")], { a: tensor([2]), b: tensor([1], "i8") });
    expect(text).toBe("");
    expect([...(value?.keys() ?? [])]).toEqual(["a", "b"]);
  });

  test("every tensor that does not fit is named, with what was expected and what was found", () => {
    const needed = [
      weight("conv.kernel", [3, 3, 8, 16]),
      weight("conv.bias", [16]),
      weight("head.kernel", [64, 10]),
      weight("scale", [4], "i8"),
    ];
    const { value, text } = match(needed, {
      "conv.kernel": tensor([16, 8, 3, 3]),
      "conv.biass": tensor([16]),
      "head.kernel": tensor([64, 11]),
      scale: tensor([4], "f32"),
      optimizer: tensor([1]),
    });
    expect(value).toBeUndefined();
    expect(text).toBe(`error[misshapen-tensor]: w.safetensors: the tensor \`conv.kernel\` should be f32[3, 3, 8, 16] and is f32[16, 8, 3, 3]
  help: the extents are the same in another order: transpose the tensor, or declare the weight in the file's order
error[missing-tensor]: w.safetensors: there is no tensor \`conv.bias\`; the model needs it as f32[16]
  help: the file has \`conv.biass\`, which the model does not use: is that the one?
error[misshapen-tensor]: w.safetensors: the tensor \`head.kernel\` should be f32[64, 10] and is f32[64, 11]
  help: dimension 1 is 11 instead of 10
error[mistyped-tensor]: w.safetensors: the tensor \`scale\` should be i8[4] and is f32[4]
  help: convert the tensor, or declare the weight with the file's type
warning[extra-tensor]: w.safetensors: the model has no weight \`@conv.biass\`, so this tensor is not used
  help: did you mean \`conv.bias\`, which is missing?
warning[extra-tensor]: w.safetensors: the model has no weight \`@optimizer\`, so this tensor is not used`);
  });

  test("ranks that differ", () => {
    expect(match([weight("a", [2, 1])], { a: tensor([2]) }).text).toContain("help: the ranks differ: 2 and 1");
  });

  test("half precision widens, double is rounded with a warning, whole numbers are no floats", () => {
    expect(match([weight("a", [2])], { a: tensor([2], "f16") }).text).toBe("");
    expect(match([weight("a", [2])], { a: tensor([2], "bf16") }).text).toBe("");
    const rounded = match([weight("a", [1])], { a: tensor([1], "f64") });
    expect(rounded.text).toBe(
      "warning[rounded-tensor]: w.safetensors: the tensor `a` should be f32[1] and is f64[1]: its values are rounded",
    );
    expect(rounded.value?.get("a")).toEqual(Float64Array.of(Math.fround(0.1)));
    expect(match([weight("a", [2])], { a: tensor([2], "i8") }).text).toContain("error[mistyped-tensor]");
    expect(match([weight("a", [2], "i8")], { a: tensor([2], "u8") }).text).toContain("error[mistyped-tensor]");
  });

  test("a weight of the source that no output needs is no surprise in the file", () => {
    const { value, text } = match([weight("a", [1])], { a: tensor([1]), unused: tensor([3]) }, [weight("a", [1]), weight("unused", [3])]);
    expect(text).toBe("");
    expect([...(value?.keys() ?? [])]).toEqual(["a", "unused"]);
  });

  test("without a file, initialisers draw: the same seed the same values", () => {
    const needed = [weight("a", [3, 4], "f32", { kind: "he_normal" }), weight("b", [2], "f32", { kind: "ones" })];
    const draw = (seed: number) => readWeights(undefined, needed, { seed }).value;
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    expect(draw(1)?.get("b")).toEqual(Float64Array.of(1, 1));
  });

  test("no file and no initialiser", () => {
    const { value, diagnostics } = readWeights(undefined, [weight("a", [1]), weight("b", [2], "f32", { kind: "zeros" }), weight("c", [3])]);
    expect(value).toBeUndefined();
    expect(diagnostics.map((diagnostic) => diagnostic.message)).toEqual([
      "the weight `@a` f32[1] has no initialiser and no file gives it",
      "the weight `@c` f32[3] has no initialiser and no file gives it",
    ]);
  });

  test("files on the disk: there, absent, a folder, truncated", () => {
    const path = join(folder, "model.safetensors");
    const bytes = formatSafetensors(new Map([["a", { type: { dtype: "f32" as const, shape: [2] }, values: [1, 2] }]]));
    writeFileSync(path, bytes);
    expect(readWeights(path, [weight("a", [2])]).value?.get("a")).toEqual(Float64Array.of(1, 2));
    const read = (file: string) =>
      readWeights(file, [weight("a", [2])]).diagnostics.map(({ message, help }) => `${message}${help ? `; ${help}` : ""}`);
    expect(read(join(folder, "model.safetensor"))).toEqual([
      `cannot read ${join(folder, "model.safetensor")}: there is no such file; did you mean ${path}?`,
    ]);
    expect(read(folder)).toEqual([`cannot read ${folder}: it is a folder`]);
    writeFileSync(path, bytes.subarray(0, bytes.length - 1));
    expect(read(path)).toEqual([`${path}: the file is truncated: the tensor \`a\` ends at byte 8 of the data and 7 bytes are there`]);
  });
});
