/** The compiler core imports nothing of Node: in a browser tab it compiles a whole network to the same bytes. */
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build as bundle } from "esbuild";
import { afterAll, expect, test } from "vitest";
import { build, compile, initialWeights } from "../../src/index.ts";
import { withPage } from "../browser.ts";
import { hasBrowser, root } from "../support.ts";

const folder = mkdtempSync(join(tmpdir(), "quern-page-"));
afterAll(() => rmSync(folder, { recursive: true }));

const hash = (contents: Uint8Array | string) => createHash("sha256").update(contents).digest("hex");
const text = readFileSync(join(root, "examples/resnet8/resnet8.qn"), "utf8");

test.skipIf(!hasBrowser())("resnet8 compiles in Chromium to the bytes that Node gives", async () => {
  await bundle({
    entryPoints: [join(root, "src/index.ts")],
    bundle: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    outfile: join(folder, "quern.js"),
    external: ["module", "node:*"],
    logLevel: "silent",
  });
  writeFileSync(
    join(folder, "page.js"),
    `import { build, compile, createRunner, initialWeights, randomInputs } from "./quern.js";
export async function main(text) {
  const { value: compiled, diagnostics } = compile([{ file: "resnet8.qn", text }]);
  if (!compiled) return { diagnostics };
  const weights = initialWeights(compiled);
  const digest = async (contents) => [...new Uint8Array(await crypto.subtle.digest("SHA-256", typeof contents === "string" ? new TextEncoder().encode(contents) : contents))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const files = await Promise.all(build(compiled, weights).map(async ({ name, contents }) => [name, await digest(contents)]));
  const probabilities = createRunner(compiled, weights).run(randomInputs(compiled, 1)).get("probabilities");
  return { diagnostics, files, sum: probabilities.reduce((a, b) => a + b), broken: compile("model m(").diagnostics.length };
}
`,
  );
  const result = await withPage(folder, (page) =>
    page.evaluate<unknown>(`import("./page.js").then(({ main }) => main(${JSON.stringify(text)}))`),
  );
  const { value: compiled } = compile([{ file: "resnet8.qn", text }]);
  if (!compiled) throw new Error("resnet8 does not compile in Node");
  const files = build(compiled, initialWeights(compiled)).map(({ name, contents }) => [name, hash(contents)]);
  expect(result).toEqual({ diagnostics: [], files, sum: expect.closeTo(1, 5), broken: expect.any(Number) });
  expect((result as { broken: number }).broken).toBeGreaterThan(0);
});
