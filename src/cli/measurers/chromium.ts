/** The page in headless Chromium, which is started for it and ended with it. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type PageServer, servePage } from "./page.ts";

/** A page in the background would be slowed down. */
const flags = [
  "--headless=new",
  "--disable-extensions",
  "--no-first-run",
  "--disable-background-timer-throttling",
  "--disable-renderer-backgrounding",
];
/** Milliseconds of a sample, and of runs before it: as in Node, by a coarser clock. */
export const chromiumEffort = { sample: 2, warm: 5 };
/** As for Node: the optimising compiler at once. */
export const wasmFlags = ["--disable-gpu", "--js-flags=--no-liftoff --no-wasm-lazy-compilation"];
/** Whatever adapter there is, and its timestamps as they are: without the second browsers round them. */
export const gpuFlags = [
  "--enable-unsafe-webgpu",
  "--enable-webgpu-developer-features",
  "--disable-quic",
  "--disable-background-networking",
];

export async function startChromium<Request, Answer>(
  path: string,
  worker: string,
  more: readonly string[],
): Promise<Omit<PageServer<Request, Answer>, "url">> {
  const profile = mkdtempSync(join(tmpdir(), "quern-chromium-"));
  let browser: ChildProcess | undefined;
  const page = await servePage<Request, Answer>(worker, 0, "localhost", () => {
    kill();
    open();
  });
  open();
  return {
    request: page.request,
    async close() {
      await page.close();
      await kill();
      rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };

  function open(): void {
    // The sandbox needs rights that root's processes do not have.
    const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
    browser = spawn(path, [...flags, ...more, ...sandbox, `--user-data-dir=${profile}`, page.url], { stdio: "ignore", detached: true });
  }

  /** With all of its processes, which share its group. */
  async function kill(): Promise<void> {
    const old = browser;
    browser = undefined;
    if (old?.pid === undefined || old.exitCode !== null) return;
    const ended = new Promise((resolve) => old.once("exit", resolve));
    process.kill(-old.pid, "SIGKILL");
    await ended;
  }
}
