/** The pretrained ResNet-8 on a thousand CIFAR-10 images: the reference, the built module in Node, the built module in Chromium. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { parseNpy } from "../../src/cli/io/npy.ts";
import { readWeights } from "../../src/cli/io/weights.ts";
import { moduleFiles } from "../../src/pipeline/build_module.ts";
import { buildModule, createReference } from "../../src/pipeline/execute.ts";
import { withPage } from "../browser.ts";
import { compileExample, full, hasBrowser, sharedFile } from "../support.ts";

const paths = {
  weights: sharedFile("models/mlperf-tiny/resnet8.safetensors"),
  images: sharedFile("data/cifar10-jpeg/test_1000.bin"),
  expected: sharedFile("vectors/resnet8-cifar10-test_1000.npy"),
};
const [count, classes, pixels] = [1000, 10, 32 * 32];
const recordBytes = 1 + 3 * pixels;
/** Of the 1000 images, classified right by the reference runtime. */
const rightAnswers = 735;
const tolerance = 1e-4;

describe.runIf(paths.weights && paths.images && paths.expected)("ResNet-8 on CIFAR-10", () => {
  const data = paths.images ? readFileSync(paths.images) : Buffer.alloc(0);
  const expected = expectedProbabilities();
  const compiled = compileExample("resnet8");
  const weights = paths.weights ? readWeights(paths.weights, compiled.weights).value : undefined;
  const folder = mkdtempSync(join(tmpdir(), "quern-resnet8-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  function expectedProbabilities(): Float64Array {
    if (!paths.expected) return new Float64Array();
    const { value } = parseNpy(readFileSync(paths.expected), paths.expected);
    return Float64Array.from(value?.values ?? []);
  }

  /** Planes R, G, B after the label byte, as 32x32x3 floats of 0..255. */
  function imageOf(record: number): Float32Array {
    const start = record * recordBytes + 1;
    return Float32Array.from({ length: 3 * pixels }, (_, i) => data[start + (i % 3) * pixels + Math.floor(i / 3)] as number);
  }

  function build(): void {
    if (!weights) throw new Error("the weights file does not fit");
    for (const { name, contents } of moduleFiles(buildModule(compiled, weights), compiled)) writeFileSync(join(folder, name), contents);
  }

  /** Compares with the published runtime, image by image; returns how many are classified right. */
  function judge(probabilities: ArrayLike<number>, images: number): number {
    let right = 0;
    for (let record = 0; record < images; record++) {
      const own = Array.from({ length: classes }, (_, k) => probabilities[record * classes + k] as number);
      const wanted = Array.from({ length: classes }, (_, k) => expected[record * classes + k] as number);
      own.forEach((value, k) => {
        if (!(Math.abs(value - (wanted[k] as number)) <= tolerance)) throw new Error(`image ${record}: ${own} instead of ${wanted}`);
      });
      expect(own.indexOf(Math.max(...own)), `class of image ${record}`).toBe(wanted.indexOf(Math.max(...wanted)));
      if (own.indexOf(Math.max(...own)) === data[record * recordBytes]) right++;
    }
    return right;
  }

  test(`float64 reference, ${full ? count : 50} images`, () => {
    if (!weights) throw new Error("the weights file does not fit");
    const images = full ? count : 50;
    const reference = createReference(compiled, weights);
    const probabilities: number[] = [];
    for (let record = 0; record < images; record++) {
      const result = reference.run(new Map([["image", Float64Array.from(imageOf(record))]]));
      probabilities.push(...(result.get("probabilities") ?? []));
    }
    const right = judge(probabilities, images);
    if (images === count) expect(right).toBe(rightAnswers);
  });

  test("built module in Node, both variants", async () => {
    build();
    const { load } = (await import(pathToFileURL(join(folder, "model.js")).href)) as typeof import("./built_module.ts");
    for (const target of [
      "simd",
      ...(WebAssembly.validate(readFileSync(join(folder, "model.relaxed.wasm"))) ? ["relaxed" as const] : []),
    ] as const) {
      const net = await load({ target });
      expect(net.target).toBe(target);
      const probabilities: number[] = [];
      for (let record = 0; record < count; record++) probabilities.push(...(await net.run({ image: imageOf(record) })).probabilities);
      expect(judge(probabilities, count)).toBe(rightAnswers);
      net.dispose();
    }
  });

  test.runIf(hasBrowser())("built module in Chromium", async () => {
    build();
    const images = new Float32Array(count * 3 * pixels);
    for (let record = 0; record < count; record++) images.set(imageOf(record), record * 3 * pixels);
    writeFileSync(join(folder, "images.bin"), new Uint8Array(images.buffer));
    // As text: the test runner would otherwise rewrite the import.
    const script = `(async () => {
      const { load } = await import("/model.js");
      const net = await load();
      const images = new Float32Array(await (await fetch("/images.bin")).arrayBuffer());
      const probabilities = [];
      for (let start = 0; start < images.length; start += ${3 * pixels}) {
        probabilities.push(...(await net.run({ image: images.slice(start, start + ${3 * pixels}) })).probabilities);
      }
      return { probabilities, target: net.target };
    })()`;
    const result = await withPage(folder, (page) => page.evaluate<{ probabilities: number[]; target: string }>(script));
    expect(judge(result.probabilities, count)).toBe(rightAnswers);
    // A browser of this year has relaxed SIMD.
    expect(result.target).toBe("relaxed");
  });
});
