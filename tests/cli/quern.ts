/** Starting the command line as a child process, for the tests of this folder. */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { dirname } from "node:path";
import { buildSync } from "esbuild";
import { afterAll } from "vitest";
import { root } from "../support.ts";

export type Outcome = { readonly code: number | null; readonly out: string; readonly err: string };

export function quern(
  args: readonly string[],
  options: { readonly cwd?: string; readonly input?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Outcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bundledMain(), ...args], {
    encoding: "utf8",
    cwd: options.cwd ?? root,
    input: options.input ?? "",
    env: { ...process.env, ...options.env },
  });
  return { code: status, out: stdout, err: stderr };
}

/** Bundled once for each test process: a child that strips types by itself takes seconds to start. */
export function bundledMain(): string {
  if (bundle) return bundle;
  const outdir = `${root}.cache/cli-${process.pid}`;
  const entryPoints = [`${root}src/cli/main.ts`];
  buildSync({
    entryPoints,
    outdir,
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    packages: "external",
    logLevel: "error",
  });
  bundle = `${outdir}/main.js`;
  return bundle;
}

let bundle: string | undefined;

afterAll(() => {
  if (bundle) rmSync(dirname(bundle), { recursive: true, force: true });
});
