// Installs what the compiler and the benchmark need, then runs one of the scripts here: node setup.mjs bench.ts ARGUMENTS
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const [script, ...args] = process.argv.slice(2);

await import("../scripts/setup.mjs");
if (!isCurrent()) {
  console.error("installing what the benchmark compares with (npm ci)");
  const npm = spawnSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: at("."),
    stdio: ["ignore", "ignore", "inherit"],
    shell: process.platform === "win32",
  });
  if (npm.status !== 0) process.exit(1);
}
const tsx = new URL("../node_modules/tsx/dist/esm/index.mjs", import.meta.url).href;
process.exit(spawnSync(process.execPath, ["--import", tsx, at(script), ...args], { stdio: "inherit" }).status ?? 1);

// npm writes what it installed beside it.
function isCurrent() {
  if (!existsSync(at("node_modules/.package-lock.json"))) return false;
  const packages = (path) => JSON.parse(readFileSync(at(path), "utf8")).packages;
  const found = packages("node_modules/.package-lock.json");
  const wanted = Object.entries(packages("package-lock.json")).filter(([path]) => path !== "");
  return wanted.every(([path, { version }]) => found[path]?.version === version);
}
