// Installs the dependencies that package-lock.json names, if they are missing or others. Takes nothing but Node and npm.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = new URL("../", import.meta.url);
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Quern needs Node 20.19 or newer; this is ${process.versions.node}`);
  process.exit(1);
}

// npm writes what it installed beside it; entries of this list that the lock has otherwise, or not at all, are stale.
function isCurrent() {
  const installed = new URL("node_modules/.package-lock.json", root);
  if (!existsSync(installed)) return false;
  const packages = (url) => JSON.parse(readFileSync(url, "utf8")).packages;
  const wanted = Object.entries(packages(new URL("package-lock.json", root))).filter(([path]) => path !== "");
  const found = packages(installed);
  return wanted.every(([path, { version, optional }]) => (found[path] ? found[path].version === version : optional === true));
}

// Not `npm ci`: it refuses a lock without the packages of other platforms, which not every registry has.
if (!isCurrent()) {
  console.error("installing dependencies (npm install)");
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  execFileSync(npm, ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: fileURLToPath(root),
    stdio: ["ignore", "ignore", "inherit"],
    shell: process.platform === "win32",
  });
}
