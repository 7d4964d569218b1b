/**
 * ONNX's networks of integers that say so around operators of floats: products become those of the integers, where that means the same.
 * Scales are powers of two, so that what the real numbers give is exact, and every target must give just that.
 */
import { expect, test } from "vitest";
import { attributeTypes, type Message } from "../../src/formats/onnx.ts";
import { onnx } from "../../src/importers/onnx/importer.ts";
import { type File, fileBytes, floats, info, int, ints, type Node } from "./onnx_files.ts";
import {
  bias,
  convolution,
  convolved,
  dequantise,
  drawn,
  filters,
  height,
  image,
  integers,
  kernelScales,
  meaning,
  type Narrow,
  nearest,
  quantise,
  width,
  xScale,
} from "./onnx_integer_files.ts";
import { compileImported, importBytes, runImported } from "./support.ts";

async function run(file: File, x: readonly number[], dtype: Narrow | "f32" = "i8") {
  const { value: model, diagnostics } = await importBytes(onnx, "net.onnx", fileBytes(file));
  if (!model) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  const shape = model.inputs[0]?.type.shape ?? [];
  const given = new Map([["x", { type: { dtype, shape }, values: Float64Array.from(x) }]]);
  const results = await runImported(compileImported(model), given);
  return { text: model.text, results: results.map(({ target, outputs }) => ({ target, y: [...(outputs.get("y") ?? [])] })) };
}

function expectAll({ results }: Awaited<ReturnType<typeof run>>, wanted: readonly number[]): void {
  expect(results.length).toBeGreaterThan(1);
  for (const { target, y } of results) expect({ target, y }).toEqual({ target, y: wanted });
}

const relu: Node = { operator: "Relu", inputs: ["sum"], outputs: ["a"] };
const clip: Node = { operator: "Clip", inputs: ["sum", "low", "high"], outputs: ["a"] };
const bounds = [floats("low", [], [-100]), floats("high", [], [150])];

test.each([
  ["alone", [], { scale: 8, zero: -3, dtype: "i8" }, (v: number) => v, 0],
  ["relu, which the type's range is", [relu], { scale: 4, zero: 0, dtype: "u8" }, (v: number) => Math.max(0, v), 0],
  ["relu", [relu], { scale: 8, zero: -3, dtype: "i8" }, (v: number) => Math.max(0, v), 1],
  ["limits", [clip], { scale: 8, zero: 100, dtype: "u8" }, (v: number) => Math.max(-100, Math.min(150, v)), 2],
] as const)("a convolution, %s", async (_, activation, y, limited, steps) => {
  const found = await run(convolution(activation, y, { initializers: bounds }), image);
  expect(found.text).toContain("conv_integer(x");
  expect(found.text).not.toMatch(/conv2d|relu/);
  expect([...found.text.matchAll(/maximum|minimum/g)].length).toBe(steps);
  expectAll(
    found,
    convolved().map((v) => nearest(limited(v), y.scale, y.zero, y.dtype)),
  );
});

test("a convolution whose floats are read elsewhere is computed twice, and one with a bias of another scale in floats", async () => {
  const y = { scale: 8, zero: -3, dtype: "i8" } as const;
  const both = await run(convolution([], y, { outputs: [info("sum", [1, filters, height, width])] }), image);
  expect(both.text).toContain("conv_integer(x");
  expect(both.text).toContain("conv2d");
  expectAll(
    both,
    convolved().map((v) => nearest(v, y.scale, y.zero, y.dtype)),
  );
  const other = await run(convolution([], y, { biasScale: 2 }), image);
  expect(other.text).not.toContain("conv_integer");
  expectAll(
    other,
    convolved().map((v, i) => {
      const f = Math.floor(i / (height * width));
      return nearest(v + (bias[f] ?? 0) * xScale * (kernelScales[f] ?? 0), y.scale, y.zero, y.dtype);
    }),
  );
});

/** [rows, inner] times [inner, columns], of u8 with zero points. */
function matrices(
  rows: number,
  inner: number,
  columns: number,
  isGeneral: boolean,
): { readonly file: File; readonly wanted: number[]; readonly a: number[] } {
  const [a, b] = [drawn("a", rows * inner, "u8"), drawn("b", inner * columns, "u8")];
  const scales = Array.from({ length: columns }, (_, j) => 2 ** -(j % 3));
  const added = Array.from({ length: columns }, (_, j) => (isGeneral ? 100 * j - 150 : 0));
  const scale = inner;
  const wanted = Array.from({ length: rows * columns }, (_, place) => {
    const [i, j] = [Math.floor(place / columns), place % columns];
    let sum = added[j] ?? 0;
    for (let k = 0; k < inner; k++) sum += ((a[i * inner + k] ?? 0) - 130) * ((b[k * columns + j] ?? 0) - 120);
    return nearest(sum * (scales[j] ?? 0) * 0.5, scale, 128, "u8");
  });
  const turned = Array.from({ length: inner * columns }, (_, place) => b[(place % inner) * columns + Math.floor(place / inner)] ?? 0);
  const product: Node = isGeneral
    ? { operator: "Gemm", inputs: ["xf", "kf", "bf"], outputs: ["sum"], attributes: [int("transB", 1)] }
    : { operator: "MatMul", inputs: ["xf", "kf"], outputs: ["sum"] };
  const file: File = {
    nodes: [dequantise("x", "xf"), dequantise("k", "kf", isGeneral ? 0 : -1), dequantise("b", "bf", 0), product, quantise("sum", "y")],
    inputs: [info("x", [rows, inner], "u8")],
    outputs: [info("y", [rows, columns], "u8")],
    initializers: [
      isGeneral ? integers("k", [columns, inner], turned, "u8") : integers("k", [inner, columns], b, "u8"),
      integers("b", [columns], added, "i32"),
      ...meaning("x", [0.5], 130, "u8"),
      ...meaning("k", scales, 120, "u8"),
      ...meaning(
        "b",
        scales.map((each) => each * 0.5),
        0,
        "i32",
      ),
      ...meaning("y", [scale], 128, "u8"),
    ],
  };
  return { file, wanted, a };
}

test.each([
  ["MatMul", false],
  ["Gemm", true],
] as const)("%s of integers, and of floats where the sum may leave 32 bits", async (_, isGeneral) => {
  const small = matrices(2, 8, 4, isGeneral);
  const found = await run(small.file, small.a, "u8");
  expect(found.text).toContain("matmul_integer(x");
  expect(found.text).not.toContain("matmul(");
  expectAll(found, small.wanted);
  const { file } = matrices(1, 1 << 17, 1, isGeneral);
  const { value: large } = await importBytes(onnx, "net.onnx", fileBytes(file));
  expect(large?.text).toContain("matmul(");
});

test("what only moves elements moves the integers, unless their meaning changes", async () => {
  const pool: Node = {
    operator: "MaxPool",
    inputs: ["xf"],
    outputs: ["p"],
    attributes: [ints("kernel_shape", [2, 2]), ints("strides", [2, 2])],
  };
  const turn: Node = { operator: "Transpose", inputs: ["xf"], outputs: ["p"], attributes: [ints("perm", [0, 1, 3, 2])] };
  const q = drawn("moved", 16, "i8");
  const file = (node: Node | undefined, extent: number, scale: number): File => ({
    nodes: [dequantise("x", "xf"), ...(node ? [node] : []), quantise(node ? "p" : "xf", "y")],
    inputs: [info("x", [1, 1, 4, 4], "i8")],
    outputs: [info("y", [1, 1, extent, extent], "i8")],
    initializers: [...meaning("x", [0.5], 3, "i8"), ...meaning("y", [scale], 3, "i8")],
  });
  const pooled = await run(file(pool, 2, 0.5), q);
  const largest = [0, 2, 8, 10].map((at) => Math.max(...[0, 1, 4, 5].map((d) => q[at + d] ?? 0)));
  expectAll(pooled, largest);
  const turned = await run(file(turn, 4, 0.5), q);
  expectAll(
    turned,
    q.map((_, i) => q[(i % 4) * 4 + Math.floor(i / 4)] ?? 0),
  );
  const same = await run(file(undefined, 4, 0.5), q);
  expectAll(same, q);
  for (const { text } of [pooled, turned, same]) expect(text).not.toMatch(/cast|round/);
  const coarser = await run(file(pool, 2, 1), q);
  expect(coarser.text).toContain("round");
  expectAll(
    coarser,
    largest.map((value) => nearest((value - 3) * 0.5, 1, 3, "i8")),
  );
});

test("a slope between product and quantisation stays as it is", async () => {
  const alpha: Message = { name: "alpha", type: attributeTypes.float, f: 0.5 };
  const leaky: Node = { operator: "LeakyRelu", inputs: ["sum"], outputs: ["a"], attributes: [alpha] };
  const y = { scale: 8, zero: -3, dtype: "i8" } as const;
  const found = await run(convolution([leaky], y), image);
  expect(found.text).not.toContain("conv_integer");
  expectAll(
    found,
    convolved().map((v) => nearest(v < 0 ? v / 2 : v, y.scale, y.zero, y.dtype)),
  );
});
