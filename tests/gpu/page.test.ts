/** A network built for both targets in a real page: on the adapter that Chromium has, beside WebAssembly. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { build, randomInputs } from "../../src/index.ts";
import { initializeWeights } from "../../src/ir/initialize.ts";
import { endToEndTolerance } from "../../src/pipeline/verify.ts";
import { webgpuFlags, withPage } from "../browser.ts";
import { compileExample, hasBrowser } from "../support.ts";

const folder = mkdtempSync(join(tmpdir(), "quern-gpu-page-"));
afterAll(() => rmSync(folder, { recursive: true }));

type Seen = { readonly target: string; readonly reason: string; readonly probabilities: readonly number[] };

/** What the page runs. */
const program = `import { load } from "./model.js";
export async function main(image, options) {
  const seen = [];
  for (const option of options) {
    const net = await load(option);
    // The second run finds everything in place.
    await net.run({ image: new Float32Array(image.length) });
    const { probabilities } = await net.run({ image: Float32Array.from(image) });
    seen.push({ target: net.target, reason: net.reason, probabilities: [...probabilities] });
    net.dispose();
  }
  return seen;
}
`;

test.skipIf(!hasBrowser())("resnet8 on a page's adapter gives what WebAssembly gives", async () => {
  const compiled = compileExample("resnet8");
  const weights = initializeWeights(compiled.weights, 0);
  const files = build(compiled, weights, { gpu: compileExample("resnet8", { target: "webgpu" }) });
  for (const { name, contents } of files) writeFileSync(join(folder, name), contents);
  const image = Array.from(randomInputs(compiled, 3).get("image") ?? []);
  writeFileSync(join(folder, "app.js"), program);
  const given = JSON.stringify([image, [{ target: "webgpu" }, { target: "wasm" }, {}]]);
  // As text: what the tests' own loader makes of an import means nothing to a page.
  const script = `import("/app.js").then(({ main }) => main(...${given}))`;
  const [gpu, wasm, chosen] = await withPage(folder, (page) => page.evaluate<readonly Seen[]>(script), webgpuFlags);
  expect([gpu?.target, gpu?.reason]).toEqual(["webgpu", "asked for"]);
  expect(wasm?.target).toBe("relaxed");
  // On a machine with a GPU it is taken; a software adapter is slower than WebAssembly, and is not.
  expect(`${chosen?.target}: ${chosen?.reason}`).toMatch(
    /^(webgpu: there is a WebGPU adapter|relaxed: the only WebGPU adapter is a software one; .*)$/,
  );
  const largest = Math.max(...(wasm?.probabilities ?? []));
  const differences = gpu?.probabilities.map((value, i) => Math.abs(value - (wasm?.probabilities[i] ?? Number.NaN))) ?? [Infinity];
  expect(gpu?.probabilities.length).toBe(10);
  expect(Math.max(...differences)).toBeLessThan(endToEndTolerance * largest);
  expect(readFileSync(join(folder, "model.d.ts"), "utf8")).toContain('target: "webgpu" | "relaxed" | "simd"');
});
