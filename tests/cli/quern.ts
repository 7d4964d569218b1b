/** Starting the command line as a child process, for the tests of this folder. */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { dirname } from "node:path";
import { afterAll } from "vitest";
import { bundleSync } from "../../scripts/bundle.mjs";
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
  // As deep below the package as dist/ is, for the version is read from beside it.
  const outdir = `${root}.bundle-${process.pid}`;
  bundleSync(outdir);
  bundle = `${outdir}/cli/main.js`;
  return bundle;
}

let bundle: string | undefined;

afterAll(() => {
  if (bundle) rmSync(dirname(dirname(bundle)), { recursive: true, force: true });
});
