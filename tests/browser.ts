/** Headless Chromium, and a server for a folder that keeps a policy and a record of what was asked for. */
import { readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { type Browser, type Page, chromium as playwright } from "playwright-core";
import { chromium } from "./support.ts";

/** Milliseconds: a busy machine starts a browser slowly. */
export const patience = 300_000;

export function launch(flags: readonly string[] = []): Promise<Browser> {
  return playwright.launch({ executablePath: chromium, args: ["--no-sandbox", ...flags], timeout: patience });
}

/** WebGPU on the processor, where the browser finds no GPU. */
export const webgpuFlags = ["--enable-unsafe-webgpu", "--disable-quic", "--disable-background-networking", "--disable-component-update"];

const types: { readonly [extension: string]: string } = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".wasm": "application/wasm",
  ".bin": "application/octet-stream",
};

export type Site = { readonly url: string; readonly asked: string[]; close(): void };

/** Serves a folder, and an empty page at its root; `policy` is the content security policy of every answer. */
export async function serve(folder: string, policy?: string): Promise<Site> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const name = normalize(decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname)).slice(1);
    const path = join(folder, name);
    asked.push(name);
    const headers = { "content-type": types[extname(name)] ?? "text/plain", ...(policy ? { "content-security-policy": policy } : {}) };
    if (name === "") response.writeHead(200, { ...headers, "content-type": "text/html" }).end("<!doctype html><title>test</title>");
    else if (!statSync(path, { throwIfNoEntry: false })?.isFile()) response.writeHead(404, headers).end();
    else response.writeHead(200, headers).end(readFileSync(path));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return {
    url: `http://127.0.0.1:${port}/`,
    asked,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Opens an empty page on a folder's server, runs `use`, and closes everything. An error on the page is the test's. */
export async function withPage<T>(folder: string, use: (page: Page) => Promise<T>, flags: readonly string[] = []): Promise<T> {
  const site = await serve(folder);
  const browser = await launch(flags);
  try {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    await page.goto(site.url, { timeout: patience });
    const result = await use(page);
    if (errors.length > 0) throw new Error(errors.join("\n"));
    return result;
  } finally {
    await browser.close();
    site.close();
  }
}
