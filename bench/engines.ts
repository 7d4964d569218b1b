/**
 * The engines that can be measured. Each contender has a process (in a browser, a page of its own context) to itself:
 * neither sees the other's heap, compiled code or garbage collector, and one that waits takes no time from the other.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import type { Assignment, Loaded, Remote, Sample } from "./contender.ts";
import type { Request } from "./node_shell.ts";
import { assign, cache, type Prepared } from "./prepare.ts";
import type { Contender } from "./systems.ts";

/** A contender elsewhere. */
export type RemoteProcess = Remote & {
  /** The most that its process has held, in bytes; undefined where the engine does not tell. */
  peakMemory(): Promise<number | undefined>;
  close(): Promise<void>;
};

export type Engine = {
  /** With its version. */
  readonly name: string;
  readonly host: "page" | "node";
  readonly relaxed: boolean;
  start(contender: Contender, prepared: Prepared): Promise<RemoteProcess>;
  close(): Promise<void>;
};

const folder = new URL("./", import.meta.url);

/** `execPath` is the node to measure, which need not be the one that drives. */
export async function nodeEngine(execPath: string): Promise<Engine> {
  const probe = startNode(execPath);
  const described = (await probe.ask({ kind: "describe" })) as { name: string; relaxed: boolean };
  await probe.close();
  return {
    ...described,
    host: "node",
    start: (contender, prepared) => startInNode(execPath, assign(contender, prepared, "node", folder.href)),
    close: async () => {},
  };
}

async function startInNode(execPath: string, assignment: Assignment): Promise<RemoteProcess> {
  const { ask, close } = startNode(execPath);
  await ask({ kind: "create", assignment });
  return {
    load: async () => (await ask({ kind: "load" })) as Loaded,
    batch: async (runs, settled = false) => (await ask({ kind: "batch", runs, settled })) as Sample,
    peakMemory: async () => (await ask({ kind: "memory" })) as number,
    close,
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

/** What headless Chromium wants before it gives its software adapter. */
const gpuFlags = ["--enable-unsafe-webgpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"];

/** With `gpu`, its name says which adapter it has. */
export async function browserEngine(executablePath: string, gpu: boolean): Promise<Engine> {
  const server = await serveFiles();
  const origin = `http://localhost:${(server.address() as AddressInfo).port}/`;
  // Loaded here, for only this engine needs it.
  const { chromium } = await import("playwright-core");
  // Without a spare process in waiting, a new page's process is the one that was not there before.
  const args = ["--no-sandbox", "--disable-features=SpareRendererForSitePerProcess", ...(gpu ? gpuFlags : [])];
  const browser = await chromium.launch({ executablePath, args });
  const open = async () => await openPage(browser, origin);
  const probe = await open();
  const relaxed = await probe.evaluate(() => (globalThis as unknown as PageGlobals).bench.hasRelaxedSimd());
  const adapter = gpu ? await probe.evaluate(() => (globalThis as unknown as PageGlobals).bench.adapterName()) : undefined;
  await probe.context().close();
  if (gpu && adapter === undefined) throw new Error(`${executablePath} has no WebGPU adapter`);
  const renderers = await rendererProcesses(browser);
  return {
    name: `Chromium ${browser.version()}${adapter === undefined ? "" : `, WebGPU on ${adapter}`}`,
    host: "page",
    relaxed,
    async start(contender, prepared) {
      // What has no page runs in a Node process beside: the native anchor.
      if (contender.runsIn === "native") return await startInNode(process.execPath, assign(contender, prepared, "node", folder.href));
      const before = await renderers();
      const page = await open();
      const own = [...(await renderers())].filter((pid) => !before.has(pid));
      await page.evaluate(
        (assignment) => (globalThis as unknown as PageGlobals).bench.create(assignment),
        assign(contender, prepared, "page", origin),
      );
      return {
        load: () => page.evaluate(() => (globalThis as unknown as PageGlobals).contender.load()),
        batch: (runs, settled = false) =>
          page.evaluate(([count, skip]) => (globalThis as unknown as PageGlobals).contender.batch(count, skip), [runs, settled] as const),
        peakMemory: async () => largestPeak(own),
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
  readonly bench: { create(assignment: Assignment): void; hasRelaxedSimd(): boolean; adapterName(): Promise<string | undefined> };
  readonly contender: Remote;
};

/** A context of its own puts each page into a process of its own. */
async function openPage(browser: Browser, origin: string) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(origin);
  await page.addScriptTag({ url: `${origin}.cache/page_shell.js`, type: "module" });
  await page.waitForFunction(() => "bench" in globalThis);
  return page;
}

async function rendererProcesses(browser: Browser): Promise<() => Promise<ReadonlySet<number>>> {
  const session = await browser.newBrowserCDPSession();
  return async () => {
    const { processInfo } = await session.send("SystemInfo.getProcessInfo");
    return new Set(processInfo.filter(({ type }) => type === "renderer").map(({ id }) => id));
  };
}

/** A page may be opened in one process and moved to another when it is isolated: the larger is the one that works. */
function largestPeak(pids: readonly number[]): number | undefined {
  const peaks = pids.flatMap((pid) => peakOfProcess(pid) ?? []);
  return peaks.length > 0 ? Math.max(...peaks) : undefined;
}

/** Linux keeps the most memory that a process has had in its status. */
function peakOfProcess(pid: number): number | undefined {
  try {
    const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}

const types: { readonly [extension: string]: string } = {
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
  ".html": "text/html",
};

/** `.cache/` and `node_modules/` of this folder on the loopback address. Isolated pages get a clock of 5 microseconds instead of 100. */
async function serveFiles(): Promise<Server> {
  const server = createServer((request, response) => {
    const isolation = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };
    const send = (status: number, type: string, body: Uint8Array | string) => {
      response.writeHead(status, { "content-type": type, ...isolation }).end(body);
    };
    const { pathname } = new URL(request.url ?? "/", "http://localhost/");
    if (!/^\/(\.cache|node_modules)\//.test(pathname)) {
      send(pathname === "/" ? 200 : 404, "text/html", "<!doctype html><title>Quern bench</title><body></body>");
      return;
    }
    readFile(new URL(pathname.slice(1), folder)).then(
      (body) => send(200, types[extname(pathname)] ?? "application/octet-stream", body),
      () => send(404, "text/plain", "not found"),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}
