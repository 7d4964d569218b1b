/**
 * The engines that can be measured. Each contender has a process (in a browser, a page of its own context) to itself:
 * neither sees the other's heap, compiled code or garbage collector, and one that waits takes no time from the other.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import type { Assignment, Contender, Kind, Loaded, Mode, Sample } from "./contender.ts";
import type { Request } from "./node_shell.ts";
import { assign, cache, type Prepared, runtimeFolder } from "./prepare.ts";

/** A contender elsewhere. */
export type Remote = Contender & { close(): Promise<void> };

export type Engine = {
  /** With its version. */
  readonly name: string;
  readonly relaxed: boolean;
  start(kind: Kind, prepared: Prepared): Promise<Remote>;
  close(): Promise<void>;
};

/** `execPath` is the node to measure, which need not be the one that drives. */
export async function nodeEngine(execPath: string): Promise<Engine> {
  const probe = startNode(execPath);
  const described = (await probe.ask({ kind: "describe" })) as { name: string; relaxed: boolean };
  await probe.close();
  const runtime = { module: new URL("ort.node.min.mjs", runtimeFolder).href };
  return {
    ...described,
    async start(kind, prepared) {
      const { ask, close } = startNode(execPath);
      await ask({ kind: "create", assignment: assign(kind, prepared, cache.href, runtime) });
      return {
        load: async () => (await ask({ kind: "load" })) as Loaded,
        batch: async (mode, runs) => (await ask({ kind: "batch", mode, runs })) as Sample,
        close,
      };
    },
    close: async () => {},
  };
}

function startNode(execPath: string) {
  const child: ChildProcess = fork(fileURLToPath(new URL("node_shell.mjs", cache)), { execPath, execArgv: [] });
  const exited = once(child, "exit");
  return {
    async ask(request: Request): Promise<unknown> {
      child.send(request);
      const [answer] = (await Promise.race([
        once(child, "message"),
        exited.then(([code, signal]) => [{ error: `the measured process ended (${signal ?? code})` }]),
      ])) as [{ value?: unknown; error?: string }];
      if (answer.error !== undefined) throw new Error(answer.error);
      return answer.value;
    },
    async close() {
      child.kill();
      await exited;
    },
  };
}

export async function browserEngine(executablePath: string): Promise<Engine> {
  const server = await serveFiles();
  const origin = `http://localhost:${(server.address() as AddressInfo).port}/`;
  // Loaded here, for only this engine needs it.
  const { chromium } = await import("playwright-core");
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  const runtime = { module: `${origin}runtime/ort.wasm.min.mjs`, wasm: `${origin}runtime/` };
  const open = async () => await openPage(browser, origin);
  const probe = await open();
  const relaxed = await probe.evaluate(() => (globalThis as unknown as PageGlobals).bench.hasRelaxedSimd());
  await probe.context().close();
  return {
    name: `Chromium ${browser.version()}`,
    relaxed,
    async start(kind, prepared) {
      const page = await open();
      await page.evaluate(
        (assignment) => void (globalThis as unknown as PageGlobals).bench.create(assignment),
        assign(kind, prepared, `${origin}cache/`, runtime),
      );
      return {
        load: () => page.evaluate(() => (globalThis as unknown as PageGlobals).contender.load()),
        batch: (mode, runs) =>
          page.evaluate((args) => (globalThis as unknown as PageGlobals).contender.batch(args.mode, args.runs), { mode, runs }),
        close: () => page.context().close(),
      };
    },
    async close() {
      await browser.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

/** What page_shell.ts leaves in the page. */
type PageGlobals = {
  readonly bench: { create(assignment: Assignment): Contender; hasRelaxedSimd(): boolean };
  readonly contender: { load(): Promise<Loaded>; batch(mode: Mode, runs: number): Promise<Sample> };
};

/** A context of its own puts each page into a process of its own. */
async function openPage(browser: Browser, origin: string) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(origin);
  await page.addScriptTag({ url: `${origin}cache/page_shell.js`, type: "module" });
  await page.waitForFunction(() => "bench" in globalThis);
  return page;
}

const types: { readonly [extension: string]: string } = {
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
  ".html": "text/html",
};

/** `/cache/` and `/runtime/` on the loopback address. Isolated pages get a clock of 5 microseconds instead of 100. */
async function serveFiles(): Promise<Server> {
  const roots = new Map([
    ["cache", cache],
    ["runtime", runtimeFolder],
  ]);
  const server = createServer((request, response) => {
    const isolation = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };
    const send = (status: number, type: string, body: Uint8Array | string) => {
      response.writeHead(status, { "content-type": type, ...isolation }).end(body);
    };
    const { pathname } = new URL(request.url ?? "/", "http://localhost/");
    const [, folder = "", ...rest] = pathname.split("/");
    const root = roots.get(folder);
    if (!root) {
      send(folder === "" ? 200 : 404, "text/html", "<!doctype html><title>Quern bench</title>");
      return;
    }
    readFile(new URL(rest.join("/"), root)).then(
      (body) => send(200, types[extname(pathname)] ?? "application/octet-stream", body),
      () => send(404, "text/plain", "not found"),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}
