/** What `quern build` writes, used as its users do: Node, a worker, a bundler, a page, a page's worker. */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { build as bundle } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseTuned } from "../../src/frontend/parse_tuned.ts";
import { compile, createRunner, initialWeights, randomInputs } from "../../src/index.ts";
import { launch, patience, serve } from "../browser.ts";
import { hasBrowser, root } from "../support.ts";
import { quern } from "./quern.ts";

const folder = mkdtempSync(join(tmpdir(), "quern-build-"));
afterAll(() => rmSync(folder, { recursive: true }));

const file = "examples/custom-op/custom-op.qn";
const { value: compiled } = compile([{ file, text: readFileSync(join(root, file), "utf8") }]);
if (!compiled) throw new Error(`${file} does not compile`);
const inputs = randomInputs(compiled, 5);
const reference = createRunner(compiled, initialWeights(compiled), "reference").run(inputs).get("features") ?? new Float64Array();
const image = [...(inputs.get("image") ?? [])];

/** Every element within what float32 explains for sums this short. */
function expectFeatures(features: readonly number[]): void {
  expect(features.length).toBe(reference.length);
  const worst = features.reduce((error, value, i) => Math.max(error, Math.abs(value - (reference[i] as number))), 0);
  expect(worst).toBeLessThan(1e-5);
}

/** The program that every place runs: two overlapping runs, and what the net says of itself. */
const program = `import { load } from "./model.js";
export async function main() {
  const net = await load();
  const image = Float32Array.from(${JSON.stringify(image)});
  const [first, second] = await Promise.all([net.run({ image }), net.run({ image: new Float32Array(image.length) })]);
  return { target: net.target, inputs: net.inputs, outputs: net.outputs, features: [...first.features], zeros: second.features.every((value) => value === 0) };
}
`;

type Result = { target: string; inputs: unknown; outputs: unknown; features: number[]; zeros: boolean };

function expectResult(result: Result, target: "relaxed" | "simd"): void {
  expect(result.target).toBe(target);
  expect(result.zeros).toBe(true);
  expect(result.inputs).toEqual([{ name: "image", shape: [1, 16, 16, 8], dtype: "f32" }]);
  expect(result.outputs).toEqual([{ name: "features", shape: [1, 16, 16, 8], dtype: "f32" }]);
  expectFeatures(result.features);
}

const relaxedHere = Number(process.versions.node.split(".")[0]) >= 22;
const here = relaxedHere ? "relaxed" : "simd";

beforeAll(() => {
  const { code, err } = quern(["build", file, "--out", folder]);
  if (code !== 0) throw new Error(err);
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(join(folder, "app.js"), program);
});

describe("a built module", () => {
  test("in Node", async () => {
    const { main } = await import(pathToFileURL(join(folder, "app.js")).href);
    expectResult(await main(), here);
  });

  test("in Node, relaxed where a flag is needed for it", () => {
    const script = `import { main } from ${JSON.stringify(pathToFileURL(join(folder, "app.js")).href)}; console.log(JSON.stringify(await main()));`;
    const flags = relaxedHere ? [] : ["--experimental-wasm-relaxed-simd"];
    const out = execFileSync(process.execPath, [...flags, "--input-type=module", "-e", script], { encoding: "utf8" });
    expectResult(JSON.parse(out), "relaxed");
  });

  test("in a worker thread", async () => {
    writeFileSync(
      join(folder, "thread.js"),
      'import { parentPort } from "node:worker_threads";\nimport { main } from "./app.js";\nparentPort.postMessage(await main());\n',
    );
    const worker = new Worker(join(folder, "thread.js"));
    const result = await new Promise<Result>((resolve, reject) => {
      worker.once("message", resolve).once("error", reject);
    });
    await worker.terminate();
    expectResult(result, here);
  });

  test("through a bundler, for Node", async () => {
    const { main } = await import(pathToFileURL(await bundled("node")).href);
    expectResult(await main(), here);
  });

  describe.skipIf(!hasBrowser())("in Chromium", () => {
    // Nothing but its own files, no eval; a page without this policy is only freer.
    const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; worker-src 'self'";
    const inPage = async (home: string, script: string) => {
      writeFileSync(join(home, "page.js"), script);
      writeFileSync(join(home, "page.html"), '<!doctype html><script type="module" src="page.js"></script>');
      const site = await serve(home, policy);
      const browser = await launch();
      try {
        const page = await browser.newPage();
        // The page prints its result: asking it from outside would need the eval that the policy forbids.
        const printed = new Promise<Result>((resolve, reject) => {
          page.on("console", (message) => message.type() === "log" && resolve(JSON.parse(message.text())));
          page.on("pageerror", reject);
          setTimeout(() => reject(new Error("the page printed nothing")), patience).unref();
        });
        const [result] = await Promise.all([printed, page.goto(`${site.url}page.html`, { timeout: patience })]);
        return { result, asked: site.asked };
      } finally {
        await browser.close();
        site.close();
      }
    };

    test("in a plain page, which fetches one wasm and the weights", async () => {
      const { result, asked } = await inPage(folder, 'import { main } from "./app.js";\nconsole.log(JSON.stringify(await main()));\n');
      expectResult(result, "relaxed");
      expect(asked.filter((name) => /\.(wasm|bin)$/.test(name)).sort()).toEqual(["model.relaxed.wasm", "model.weights.bin"]);
    });

    test("in a page's worker", async () => {
      writeFileSync(join(folder, "worker.js"), 'import { main } from "./app.js";\npostMessage(await main());\n');
      const { result } = await inPage(
        folder,
        'new Worker("worker.js", { type: "module" }).onmessage = ({ data }) => { console.log(JSON.stringify(data)); };\n',
      );
      expectResult(result, "relaxed");
    });

    test("through a bundler", async () => {
      const home = join(await bundled("browser"), "..");
      const { result } = await inPage(home, 'import { main } from "./app.js";\nconsole.log(JSON.stringify(await main()));\n');
      expectResult(result, "relaxed");
    });
  });
});

describe("with tuned schedules", () => {
  const resnet8 = join(root, "examples/resnet8/resnet8.qn");
  const tuned = readFileSync(join(root, "examples/resnet8/resnet8.schedule"), "utf8");
  const { value } = parseTuned(tuned, "resnet8.schedule");
  const sectionOf = (relaxed: boolean) => {
    const { span } = value?.sections.find((section) => section.relaxed === relaxed && section.target === "wasm") ?? {};
    if (!span) throw new Error(`examples/resnet8/resnet8.schedule has no section ${relaxed ? "with" : "without"} relaxed SIMD`);
    return tuned.slice(span.start, span.end);
  };
  const [withRelaxed, withoutRelaxed] = [sectionOf(true), sectionOf(false)];
  const filesBuilt = (name: string, schedule: string) => {
    const [home, path] = [join(folder, name), join(folder, `${name}.schedule`)];
    if (schedule !== "default") writeFileSync(path, schedule);
    const { code, err } = quern(["build", resnet8, "--schedule", schedule === "default" ? schedule : path, "--out", home]);
    expect(code, err).toBe(0);
    const read = (file: string) => readFileSync(join(home, file)).toString("latin1");
    const [shared, own] = ["model.weights.bin", "model.simd.weights.bin"];
    const simd = [read("model.simd.wasm"), read(existsSync(join(home, own)) ? own : shared)];
    return { home, err, simd, relaxed: [read("model.relaxed.wasm"), read(shared)] };
  };

  test("each variant takes the section that fits it: none that was measured with relaxed SIMD for engines without", () => {
    const byDefault = filesBuilt("by-default", "default");
    const both = filesBuilt("both", `${withRelaxed}\n${withoutRelaxed}`);
    const relaxed = filesBuilt("relaxed-alone", withRelaxed);
    const simd = filesBuilt("simd-alone", withoutRelaxed);
    expect(both.relaxed).not.toEqual(byDefault.relaxed);
    expect(both.simd).not.toEqual(byDefault.simd);
    expect([relaxed.relaxed, relaxed.simd]).toEqual([both.relaxed, byDefault.simd]);
    expect(relaxed.err).toContain("has no section for resnet8 in chromium or node without relaxed SIMD: its layers take their defaults");
    expect(simd.simd).toEqual(both.simd);
    // Of another engine, but of this program.
    expect(simd.relaxed).not.toEqual(byDefault.relaxed);

    // Both compute the same.
    const script = `import { load } from ${JSON.stringify(pathToFileURL(join(both.home, "model.js")).href)};
const outputs = [];
for (const target of ["simd", "relaxed"]) {
  const net = await load({ target });
  const { shape, name } = net.inputs[0];
  const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (i % 97) / 97);
  outputs.push(...Object.values(await net.run({ [name]: values })).map((result) => [...result]));
}
console.log(JSON.stringify(outputs));`;
    const flags = relaxedHere ? [] : ["--experimental-wasm-relaxed-simd"];
    const [first = [], second = []]: number[][] = JSON.parse(
      execFileSync(process.execPath, [...flags, "--input-type=module", "-e", script], { encoding: "utf8" }),
    );
    expect(first.length).toBe(10);
    for (const [i, result] of first.entries()) expect(result).toBeCloseTo(second[i] ?? Number.NaN, 5);
  });
});

/** One file, with the module's own files beside it. */
async function bundled(platform: "node" | "browser"): Promise<string> {
  const outdir = join(folder, `bundled-${platform}`);
  mkdirSync(outdir, { recursive: true });
  const { warnings } = await bundle({
    entryPoints: [join(folder, "app.js")],
    bundle: true,
    minify: true,
    format: "esm",
    platform,
    outdir,
    logLevel: "silent",
  });
  expect(warnings).toEqual([]);
  writeFileSync(join(outdir, "package.json"), '{ "type": "module" }');
  for (const name of ["model.simd.wasm", "model.relaxed.wasm", "model.weights.bin"]) cpSync(join(folder, name), join(outdir, name));
  return join(outdir, "app.js");
}
