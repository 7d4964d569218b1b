// Runs main.ts here: npm --prefix bench run tuner -- FIGURE. It needs the compiler's packages, and none of the peers'. The tuner runs as one
// file without types, as it ships: what a loader of TypeScript wraps around every function would be timed with it.
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";

await import("../../scripts/setup.mjs");
const { build } = await import("esbuild");
const { bundleSync } = await import("../../scripts/bundle.mjs");
const folder = fileURLToPath(new URL(`../../.bundle-tuner-${process.pid}/`, import.meta.url));

/** Files beside a source are named by where the source stands. */
const places = {
  name: "places",
  setup: (options) =>
    options.onLoad({ filter: /\/(bench|src)\/.*\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, "utf8").replaceAll("import.meta.url", JSON.stringify(pathToFileURL(path).href)),
      loader: "ts",
    })),
};

try {
  bundleSync(folder);
  await build({
    entryPoints: [fileURLToPath(new URL("main.ts", import.meta.url))],
    outfile: `${folder}main.mjs`,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "es2023",
    packages: "external",
    plugins: [places],
    logLevel: "error",
  });
  const env = { ...process.env, QUERN_BENCH_COMMAND: `${folder}cli/main.js` };
  process.exitCode = spawnSync(process.execPath, [`${folder}main.mjs`, ...process.argv.slice(2)], { stdio: "inherit", env }).status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
