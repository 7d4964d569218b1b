/** Every example agrees with the float64 reference, layer by layer and end to end. */
import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { CompileOptions } from "../../src/compile.ts";
import { elementCount } from "../../src/ir/dtype.ts";
import { initializeWeights } from "../../src/ir/initialize.ts";
import { rootReduction } from "../../src/ir/tensor.ts";
import { createReference } from "../../src/pipeline/execute.ts";
import { randomInputs, verifyModel } from "../../src/pipeline/verify.ts";
import { compileExample, compileText, examples, full, largeExamples, root, smallExamples } from "../support.ts";

const algorithms = ["direct", "winograd_2x2", "winograd_4x4"] as const;

function requireRight(name: string, seed: number, options: CompileOptions = {}): void {
  const compiled = compileExample(name, options);
  const report = verifyModel(compiled, initializeWeights(compiled.weights, seed), { seed });
  expect(report.layers.filter((layer) => !layer.ok)).toEqual([]);
  expect(report.outputs.filter((output) => !output.ok)).toEqual([]);
  expect(report.layers.length).toBeGreaterThan(0);
}

test("every folder of examples/ is tested", () => {
  expect(readdirSync(`${root}examples`).sort()).toEqual([...examples].sort());
});

test.each(smallExamples)("%s", (name) => {
  for (const seed of full ? [0, 1, 2] : [0]) requireRight(name, seed);
});

test.runIf(full).each(largeExamples)("%s", { timeout: 1_800_000 }, (name) => requireRight(name, 0));

test("every algorithm of the library is forced in turn", () => {
  const offered = compileExample("resnet8").module.rules.flatMap((rule) => (rule.when ? [rule.name] : []));
  expect(["direct", ...offered].sort()).toEqual([...algorithms].sort());
});

describe.each(algorithms)("with the algorithm %s", (algorithm) => {
  test.each(full ? examples : ["resnet8"])("%s", { timeout: 900_000 }, (name) => requireRight(name, 0, { algorithm }));
});

test("a wrong weight is found in its layer", () => {
  const compiled = compileExample("custom-op");
  const weights = initializeWeights(compiled.weights, 0);
  const report = verifyModel(compiled, weights);
  expect(report.ok).toBe(true);
  // The judge itself must be able to fail: the target runs on other weights than the reference.
  const other = new Map([...weights].map(([path, values]) => [path, values.map((value) => value * 1.001)]));
  const broken = verifyModel(compiled, weights, { targetWeights: other });
  expect(broken.ok).toBe(false);
  expect(broken.layers.filter((layer) => !layer.ok).length).toBeGreaterThan(0);
});

/** The largest of some elements is one of them: what rounding there is, is that of the layer inside. */
const computed = `model m(x: f32[1, 12, 12, 8]) -> y: f32[1, 12, 12, 8] {
  let a = relu(conv2d(x, @j: [1, 1, 8, 8] = he_normal))
  let b = relu(depthwise_conv2d(a, @k: [3, 3, 8, 1] = he_normal, pad: same))
  max_pool2d(b, window: [3, 3], stride: [1, 1], pad: same)
}
schedule rows on wasm for y { compute b at oh }`;

test("a layer that computes another is judged with the rounding of both, and a wrong weight is found in it", () => {
  const compiled = compileText(computed);
  expect(compiled.levels.loop().nests.map((nest) => nest.name)).not.toContain("b");
  const weights = initializeWeights(compiled.weights, 0);
  const report = verifyModel(compiled, weights);
  expect(report.layers.map((layer) => layer.name)).toEqual(["a", "y"]);
  expect(report.ok).toBe(true);
  const other = new Map([...weights].map(([path, values]) => [path, path === "k" ? values.map((value) => value * 1.001) : values]));
  const broken = verifyModel(compiled, weights, { targetWeights: other });
  expect(broken.layers.filter((layer) => !layer.ok).map((layer) => layer.name)).toEqual(["y"]);
});

test("layers that lie in memory in another order are judged element by element", () => {
  const compiled = compileText(`model m(x: f32[1, 6, 7, 8]) -> y: f32[1, 6, 7, 8] {
  let a = conv2d(x, @j: [1, 1, 8, 8] = he_normal)
  avg_pool2d(a, window: [3, 3], stride: [1, 1], pad: same) + tanh(a)
}
schedule turned on wasm for a { layout a by 0, 3, 1, 2 }`);
  const { buffers } = compiled.levels.loop();
  expect(buffers.find(({ name }) => name === "a")?.layout).toEqual([0, 3, 1, 2]);
  const report = verifyModel(compiled, initializeWeights(compiled.weights, 0));
  expect(report.layers.map((layer) => layer.name)).toContain("a");
  expect(report.ok).toBe(true);
});

test.runIf(full)("the float64 reference makes 100 million multiply-adds a second", () => {
  // Plain convolutions: Winograd's would leave it a third of the products, and the rate to its transforms.
  const compiled = compileExample("vgg-cifar", { algorithm: "direct" });
  const reference = createReference(compiled, initializeWeights(compiled.weights, 0));
  const inputs = randomInputs(compiled, 0);
  // Sums of products over images: every point of the domain and of the reduction is one multiply-add.
  const products = compiled.levels.layers().groups.reduce((sum, group) => {
    const [first] = group.computes;
    const reduction = first && rootReduction(first);
    if (!first || !reduction || reduction.op !== "sum" || group.phase === "build") return sum;
    return sum + elementCount([...first.axes, ...reduction.axes].map((axis) => axis.extent));
  }, 0);
  const times = Array.from({ length: 7 }, () => {
    const start = performance.now();
    reference.run(inputs);
    return performance.now() - start;
  });
  const rate = products / (Math.min(...times) / 1000);
  console.log(`float64 reference: ${(rate / 1e6).toFixed(0)} million multiply-adds a second`);
  expect(products).toBeGreaterThan(20e6);
  expect(rate).toBeGreaterThan(100e6);
});
