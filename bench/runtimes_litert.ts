/** Files of TensorFlow Lite, run by LiteRT.js in the machine's Chromium; a page of its own for the whole run, whose address leads nowhere else. */
import { existsSync, readFileSync } from "node:fs";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import type { Given, Ran } from "./runtime_case.ts";
import type { PageInput, PageOutput } from "./runtimes_litert_page.ts";

const origin = "http://runtime.test/";
const packages = new URL("./node_modules/", import.meta.url);

type PageGlobals = { runFile(model: string, inputs: readonly PageInput[]): Promise<readonly PageOutput[]> };

export type LiteRt = { run(given: Given): Promise<Ran>; close(): Promise<void> };

/** Undefined where there is no browser. */
export async function startLiteRt(executablePath: string): Promise<LiteRt | undefined> {
  if (!existsSync(executablePath)) return undefined;
  const bundled = await build({
    entryPoints: [new URL("runtimes_litert_page.ts", import.meta.url).pathname],
    bundle: true,
    format: "esm",
    target: "es2022",
    write: false,
    logLevel: "error",
  });
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  const open = async () => {
    const page = await browser.newPage();
    await page.route(`${origin}**`, async (route) => {
      const path = new URL(route.request().url()).pathname;
      if (path === "/") return route.fulfill({ contentType: "text/html", body: "<!doctype html><title>runtime</title>" });
      if (path === "/page.js") return route.fulfill({ contentType: "text/javascript", body: bundled.outputFiles[0]?.text ?? "" });
      const file = new URL(`@litertjs/core${path}`, packages);
      if (!existsSync(file)) return route.fulfill({ status: 404 });
      return route.fulfill({ contentType: path.endsWith(".wasm") ? "application/wasm" : "text/javascript", body: readFileSync(file) });
    });
    await page.goto(origin);
    await page.addScriptTag({ url: "/page.js", type: "module" });
    await page.waitForFunction(() => "runFile" in globalThis);
    return page;
  };
  let page = await open();
  return {
    async run({ files, inputs }) {
      const [model = new Uint8Array()] = files.values();
      const given = [...inputs.values()].map(({ dtype, shape, data }) => ({ dtype, shape, data }));
      try {
        const asked = { model: Buffer.from(model).toString("base64"), given };
        const outputs = await page.evaluate((sent) => (globalThis as unknown as PageGlobals).runFile(sent.model, sent.given), asked);
        return { outputs };
      } catch (error) {
        // A runtime that has failed once is not asked again.
        await page.close();
        page = await open();
        return { problem: error instanceof Error ? error.message : String(error) };
      }
    },
    close: () => browser.close(),
  };
}
