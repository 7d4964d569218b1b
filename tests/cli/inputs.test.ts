/** Arguments and arrays to records, records to results. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { defaultImageOptions } from "../../src/cli/io/image.ts";
import { assignInputs, readInputs, splitRecords } from "../../src/cli/io/inputs.ts";
import { formatNpy } from "../../src/cli/io/npy.ts";
import { joinResults } from "../../src/cli/results.ts";
import { describeRanking, rank } from "../../src/cli/top.ts";
import type { DType } from "../../src/ir/dtype.ts";

const folder = mkdtempSync(join(tmpdir(), "quern-inputs-"));
afterAll(() => rmSync(folder, { recursive: true }));

const input = (name: string, shape: readonly number[], dtype: DType = "f32") => ({ name, type: { dtype, shape } });
const say = (diagnostics: readonly { message: string; help?: string }[]) =>
  diagnostics.map(({ message, help }) => (help ? `${message} (${help})` : message));
const array = (shape: readonly number[], dtype: DType = "f32") => ({
  dtype,
  shape,
  values: Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i),
});

describe("which file is which input's", () => {
  const two = [input("image", [1, 2]), input("mask", [1], "bool")];
  test("names", () => {
    expect(assignInputs(["x.npy"], [input("image", [1])], false).value).toEqual(new Map([["image", "x.npy"]]));
    expect(assignInputs(["mask=m=1.npy", "image=/a b/x.npy"], two, false).value).toEqual(
      new Map([
        ["mask", "m=1.npy"],
        ["image", "/a b/x.npy"],
      ]),
    );
    expect(assignInputs(["./a=b.npy"], [input("image", [1])], false).value).toEqual(new Map([["image", "./a=b.npy"]]));
  });
  test("mistakes", () => {
    const mistakes = (args: readonly string[], drawn = false) => say(assignInputs(args, two, drawn).diagnostics);
    expect(mistakes(["x.npy"])).toEqual([
      "the model has 2 inputs, and `--input x.npy` names none (write --input image=x.npy --input mask=x.npy, or draw random values with --random 1)",
    ]);
    expect(mistakes(["imag=x.npy"])).toEqual(["the model has no input `imag` (did you mean `image`?)"]);
    expect(mistakes(["image=x.npy", "image=y.npy"])[0]).toContain("the input `image` is given twice");
    expect(mistakes([])).toEqual([
      "no file for the inputs `image: f32[1, 2]`, `mask: bool[1]` (write --input image=x.npy --input mask=x.npy, or draw random values with --random 1)",
    ]);
    expect(mistakes([], true)).toEqual([]);
    expect(say(assignInputs([], [input("image", [1, 32, 32, 3])], false).diagnostics)).toEqual([
      "no file for the input `image: f32[1, 32, 32, 3]` (write --input x.npy, or draw random values with --random 1)",
    ]);
  });
});

describe("records of an array", () => {
  const split = (file: ReturnType<typeof array>, model: ReturnType<typeof input>) => splitRecords(file, model, "x.npy");
  const rows = (...args: Parameters<typeof split>) => split(...args).value?.map((record) => [...record]);
  test("one, one without its batch, several", () => {
    expect(rows(array([1, 2]), input("x", [1, 2]))).toEqual([[0, 1]]);
    expect(rows(array([2]), input("x", [1, 2]))).toEqual([[0, 1]]);
    expect(rows(array([3, 2]), input("x", [1, 2]))).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
    ]);
    expect(rows(array([4, 1]), input("x", [2, 1]))).toEqual([
      [0, 1],
      [2, 3],
    ]);
    expect(rows(array([]), input("x", []))).toEqual([[0]]);
  });
  test("types that hold all values of the file's, and double precision", () => {
    expect(rows(array([2], "u8"), input("x", [2]))).toEqual([[0, 1]]);
    const rounded = splitRecords({ dtype: "f64", shape: [1], values: Float64Array.of(0.1) }, input("x", [1]), "x.npy");
    expect(rounded.value?.[0]).toEqual(Float64Array.of(Math.fround(0.1)));
    expect(say(split(array([2], "i32"), input("x", [2])).diagnostics)).toEqual([
      "x.npy: the input `x` is f32[2] and the file holds i32[2] (save it as np.float32)",
    ]);
  });
  test("shapes that do not fit", () => {
    expect(say(split(array([1, 3]), input("x", [1, 2])).diagnostics)).toEqual([
      "x.npy: the input `x` is f32[1, 2] and the file holds f32[1, 3] (an array of several records is [records, 2])",
    ]);
    expect(say(split(array([3, 2]), input("x", [2, 2])).diagnostics)).toEqual([
      "x.npy: the input `x` is f32[2, 2] and the file holds f32[3, 2] (its first dimension must be a multiple of 2, the model's batch, and not 0)",
    ]);
    expect(say(split(array([0, 2]), input("x", [1, 2])).diagnostics)[0]).toContain("and not 0");
    expect(say(split(array([2]), input("x", [])).diagnostics)[0]).toContain("a single number");
  });
});

describe("files", () => {
  const save = (name: string, shape: readonly number[], dtype: DType = "f32") => {
    writeFileSync(join(folder, name), formatNpy({ dtype, shape }, array(shape).values));
    return join(folder, name);
  };
  const model = [input("a", [1, 2]), input("b", [1])];
  test("records of several inputs go together, one record serves all", async () => {
    const [a, b] = [save("a.npy", [3, 2]), save("b.npy", [1])];
    const read = await readInputs([`a=${a}`, `b=${b}`], model, defaultImageOptions);
    expect(read.value?.batched).toBe(true);
    expect(read.value?.records.map((record) => [...record].map(([name, values]) => [name, [...values]]))).toEqual([
      [
        ["a", [0, 1]],
        ["b", [0]],
      ],
      [
        ["a", [2, 3]],
        ["b", [0]],
      ],
      [
        ["a", [4, 5]],
        ["b", [0]],
      ],
    ]);
  });
  test("numbers of records that differ", async () => {
    const read = await readInputs([`a=${save("a.npy", [3, 2])}`, `b=${save("b.npy", [2])}`], model, defaultImageOptions);
    expect(say(read.diagnostics)).toEqual(["the input `a` has 3 records and `b` has 2 (give as many of each, or one that serves all)"]);
  });
  test("drawn values fill what no file gives", async () => {
    const drawn = new Map([
      ["a", Float64Array.of(8, 9)],
      ["b", Float64Array.of(7)],
    ]);
    const read = await readInputs([`b=${save("b.npy", [1])}`], model, defaultImageOptions, drawn);
    expect(read.value?.records).toEqual([
      new Map([
        ["a", Float64Array.of(8, 9)],
        ["b", Float64Array.of(0)],
      ]),
    ]);
  });
  test("all mistakes in one go", async () => {
    writeFileSync(join(folder, "broken.npy"), "no");
    const read = await readInputs([`a=${join(folder, "broken.npy")}`, `b=${join(folder, "list.csv")}`], model, defaultImageOptions);
    expect(say(read.diagnostics)).toHaveLength(2);
    writeFileSync(join(folder, "list.csv"), "1,2");
    const other = await readInputs([`a=${join(folder, "list.csv")}`], [model[0] as (typeof model)[0]], defaultImageOptions);
    expect(say(other.diagnostics)).toEqual([
      `${join(folder, "list.csv")}: an input is a .npy, .png or .jpg file (save an array with np.save)`,
    ]);
  });
});

describe("results", () => {
  const runs = [new Map([["y", Float64Array.of(1, 2)]]), new Map([["y", Float64Array.of(3, 4)]])];
  test("are joined along the first dimension", () => {
    const joined = joinResults("y", { dtype: "f32", shape: [1, 2] }, runs, true);
    expect(joined).toEqual({ name: "y", type: { dtype: "f32", shape: [2, 2] }, values: Float64Array.of(1, 2, 3, 4), records: 2 });
    expect(joinResults("y", { dtype: "f32", shape: [1, 2] }, runs.slice(0, 1), false).type.shape).toEqual([1, 2]);
    const numbers = [new Map([["y", Float64Array.of(1)]]), new Map([["y", Float64Array.of(2)]])];
    expect(joinResults("y", { dtype: "f32", shape: [] }, numbers, true).type.shape).toEqual([2]);
  });
  test("are ranked: largest first, equal ones in order, NaN last", () => {
    const result = {
      name: "p",
      type: { dtype: "f32" as const, shape: [1, 5] },
      values: Float64Array.of(0.25, Number.NaN, 0.5, 0.25, -1),
      records: 1,
    };
    const { value } = rank(result, 5, ["a", "b", "c", "d", "e"]);
    expect(value?.records[0]?.map(({ label }) => label)).toEqual(["c", "a", "d", "e", "b"]);
    expect(describeRanking(rank(result, 2, ["a", "b", "cat", "d", "e"]).value as never)).toEqual([
      "p",
      "rank   value  index  label",
      "   1  0.5000      2  cat",
      "   2  0.2500      0  a",
    ]);
  });
  test("that cannot be ranked", () => {
    const result = { name: "p", type: { dtype: "f32" as const, shape: [1, 2, 3] }, values: new Float64Array(6), records: 1 };
    expect(say(rank(result, 1, undefined).diagnostics)).toEqual([
      "--top ranks rows of classes, and the output `p` is f32[1, 2, 3] (write it to a file with --output)",
    ]);
    expect(say(rank({ ...result, type: { dtype: "f32", shape: [2, 3] } }, 1, ["a"]).diagnostics)).toEqual([
      "the labels file has 1 lines, and the output `p` has 3 classes",
    ]);
  });
});
