import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { formatSource } from "../../src/frontend/format.ts";
import type { ImportedModel, ImportOptions } from "../../src/importers/importer.ts";
import { importerFor } from "../../src/importers/importers.ts";
import { createModelBuilder } from "../../src/importers/model_builder.ts";
import type { Value } from "../../src/importers/written_model.ts";
import { renderDiagnostic } from "../../src/support/diagnostic.ts";
import { full, sharedFile } from "../support.ts";
import { exactLines } from "./exact_lines.ts";
import { foreignFile } from "./imported.ts";
import { largeNetworks, networkOf, smallNetworks } from "./networks.ts";
import { randomModels } from "./random_blocks.ts";
import { referenceVectors } from "./reference_vectors.ts";
import { library } from "./support.ts";

const onnxNetworks = [
  "mnist-8.onnx",
  "version-slim-320.onnx",
  "version-slim-320_simplified.onnx",
  "blazeface_front_128.onnx",
  "ch_ppocr_mobile_v2.0_cls_infer.onnx",
  "resnet20.onnx",
  "FastestDet.onnx",
  "mlsd_320x320_tiny.onnx",
];

/** Whose layers say nothing twice: each has zero points and scales of its own, or there are few. */
const withoutFunctions: readonly string[] = [
  "mnist-8.onnx",
  "pretrainedResnet_quant.tflite",
  "kws_ref_model.tflite",
  "mobilenet_v1_0.25_224_quant.tflite",
  "mobilenet_v2_1.0_224_quant.tflite",
];

async function read(path: string, options: Omit<ImportOptions, "library">): Promise<ImportedModel> {
  const { value, diagnostics } = (await importerFor(path)?.read(foreignFile(path), { library, ...options })) ?? { diagnostics: [] };
  if (!value) throw new Error(diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, new Map())).join("\n"));
  return value;
}

/** Where the file is and the shapes that it leaves open. */
function locate(name: string): { readonly path: string; readonly shapes: ReadonlyMap<string, readonly number[]> } | undefined {
  if (!name.endsWith(".onnx")) return networkOf(name);
  const recorded = referenceVectors(name);
  const path = recorded && sharedFile(recorded.model);
  return path === undefined ? undefined : { path, shapes: new Map(recorded?.runs.map(({ input }) => [input.name, input.shape])) };
}

function expectSame(blocks: ImportedModel, flat: ImportedModel): void {
  expect(exactLines(blocks)).toEqual(exactLines(flat));
  expect([blocks.inputs, blocks.outputs]).toEqual([flat.inputs, flat.outputs]);
  expect(blocks.weights.size).toBe(flat.weights.size);
}

function functionsIn({ text }: ImportedModel): number {
  return text.match(/^fn /gm)?.length ?? 0;
}

/** As `quern import` writes it. */
function formatted({ text }: ImportedModel): string {
  return formatSource(text, "model.qn").value ?? text;
}

test.each([...onnxNetworks, ...smallNetworks, ...largeNetworks])("%s", { timeout: 240_000 }, async (name) => {
  const located = locate(name);
  if (!located) return;
  const { path, shapes } = located;
  const [flat, blocks] = [await read(path, { shapes }), await read(path, { shapes, blocks: true })];
  expectSame(blocks, flat);
  expect(functionsIn(flat)).toBe(0);
  const [before, after] = [flat, blocks].map((model) => formatted(model).split("\n").length);
  console.log(`${name}: ${before} lines, ${after} with ${functionsIn(blocks)} functions`);
  if (withoutFunctions.includes(name)) expect(blocks.text).toBe(flat.text);
  else expect(after).toBeLessThan(before ?? 0);
});

type Names = (block: number, layer: number, kind: string) => string;

/** A small residual network: the same block three times, once of another width and stride, which needs a block of its own beside it. */
function residual(name: Names, blocks: boolean): ImportedModel {
  const builder = createModelBuilder({ name: "net", origin: "Made for a test.", library, blocks });
  const weight = (source: string, shape: readonly number[]) =>
    builder.weight(source, { type: { dtype: "f32", shape }, values: new Float32Array(shape.reduce((a, b) => a * b, 1)) });
  const conv = (x: Value, block: number, layer: number, filters: number, stride = 1) => {
    builder.enter({ operator: "Conv", name: name(block, layer, "node") });
    const kernel = weight(name(block, layer, "kernel"), [3, 3, x.type.shape[3] ?? 0, filters]);
    const y = builder.call("conv2d", [x, kernel], { pad: "same", stride: [stride, stride] });
    return builder.call("bias_add", [y, weight(name(block, layer, "bias"), [filters])], {}, name(block, layer, "sum"));
  };
  let x = builder.input("image", { dtype: "f32", shape: [1, 8, 8, 4] });
  for (const [block, filters] of [4, 4, 8, 8].entries()) {
    const stride = filters === x.type.shape[3] ? 1 : 2;
    const inner = builder.call("relu", [conv(x, block, 1, filters, stride)]);
    const y = conv(inner, block, 2, filters);
    builder.enter({ operator: "Add", name: `sum_${block}` });
    x = builder.call("relu", [stride === 1 ? builder.call("add", [x, y]) : y], {}, `out_${block}`);
  }
  builder.output("y", x);
  const { value } = builder.finish();
  if (!value) throw new Error("a small network is refused");
  return value;
}

test.each([
  ["blocks_in_folders", (block, layer, kind) => `stages/${block}/conv${layer}/${kind}`],
  ["blocks_in_words", (block, layer, kind) => `unit_${block}_conv${layer}/${kind}`],
  ["blocks_without_names", (block, layer, kind) => `conv_${block * 2 + layer}.${kind}`],
] as const satisfies readonly (readonly [string, Names])[])("%s", (golden, name) => {
  const blocks = residual(name, true);
  expectSame(blocks, residual(name, false));
  expectGolden(golden, `${formatted(blocks)}\n# The weights:\n${[...blocks.weights.keys()].map((path) => `# ${path}\n`).join("")}`);
});

/** UPDATE=1 writes it. */
function expectGolden(name: string, text: string): void {
  const file = new URL(`goldens/${name}.qn`, import.meta.url);
  if (process.env.UPDATE) writeFileSync(file, text);
  expect(text).toBe(readFileSync(file, "utf8"));
}

test("what is seen from outside, or shares a weight, is no part of a function", () => {
  const build = (blocks: boolean) => {
    const builder = createModelBuilder({ name: "net", origin: "Made for a test.", library, blocks });
    const weight = (source: string) => builder.weight(source, { type: { dtype: "f32", shape: [4] }, values: new Float32Array(4) });
    const shared = weight("shared");
    let x = builder.input("x", { dtype: "f32", shape: [2, 4] });
    const seen: Value[] = [];
    for (let block = 0; block < 7; block++) {
      const first = builder.call("relu", [builder.call("bias_add", [x, weight(`first${block}`)])]);
      const isShared = block === 1 || block === 2;
      const second = builder.call("tanh", [builder.call("bias_add", [first, isShared ? shared : weight(`second${block}`)])]);
      if (block === 4) seen.push(second);
      x = builder.call("sigmoid", [second]);
    }
    for (const [i, value] of [x, ...seen].entries()) builder.output(`y${i}`, value);
    return builder.finish().value as ImportedModel;
  };
  const blocks = build(true);
  expectSame(blocks, build(false));
  expectGolden("blocks_refused", formatted(blocks));
});

test.each([
  ["one operator", 100_000, () => "relu"],
  [
    "a word that never repeats in squares",
    4000,
    (i: number) => (Math.floor((i + 1) * 0.618034) > Math.floor(i * 0.618034) ? "relu" : "tanh"),
  ],
  ["a period", 4000, (i: number) => ["relu", "tanh", "abs", "relu", "neg", "tanh", "tanh"][i % 7] ?? "relu"],
] as const)("%s, said so often that looking at every pair would not end", { timeout: 240_000 }, (_, count, operatorAt) => {
  const builder = createModelBuilder({ name: "net", origin: "Made for a test.", library, blocks: true });
  let x = builder.input("x", { dtype: "f32", shape: [4] });
  for (let i = 0; i < count; i++) x = builder.call(operatorAt(i), [x]);
  builder.output("y", x);
  const start = performance.now();
  expect(builder.finish().value?.text).toBeDefined();
  // A machine with much else to do takes many times as long; what grows with the square takes hours.
  expect(performance.now() - start).toBeLessThan(120_000);
});

test("random models", { timeout: 240_000 }, () => {
  let functions = 0;
  for (let seed = 0; seed < (full ? 1000 : 100); seed++) {
    const { flat, blocks } = randomModels(seed);
    expect(exactLines(blocks), `seed ${seed}:\n${blocks.text}`).toEqual(exactLines(flat));
    functions += functionsIn(blocks);
  }
  // Otherwise nothing was compared.
  expect(functions).toBeGreaterThan(full ? 500 : 50);
});
