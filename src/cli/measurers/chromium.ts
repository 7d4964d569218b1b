/** The page in headless Chromium, which is started for it and ended with it. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Channel } from "../../tuner/engine_measurer.ts";
import { servePage } from "./page.ts";

/** As for Node: the optimising compiler at once. A page in the background would be slowed down. */
const flags = [
  "--headless=new",
  "--disable-gpu",
  "--disable-extensions",
  "--no-first-run",
  "--disable-background-timer-throttling",
  "--disable-renderer-backgrounding",
  "--js-flags=--no-liftoff --no-wasm-lazy-compilation",
];

export async function startChromium(path: string): Promise<Channel> {
  const profile = mkdtempSync(join(tmpdir(), "quern-chromium-"));
  let browser: ChildProcess | undefined;
  const page = await servePage(0, "localhost", () => {
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
    browser = spawn(path, [...flags, ...sandbox, `--user-data-dir=${profile}`, page.url], { stdio: "ignore", detached: true });
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
