// The compiler and the command line as few files: a command loads what it needs and no more, and the parser's package is inside,
// whose several hundred files would take longer to find than the compiler takes to run. Other packages stay what they are.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

const root = fileURLToPath(new URL("../", import.meta.url));
const { dependencies, optionalDependencies } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));

/** What the package brings along instead of depending on it. */
const inside = ["chevrotain"];

const bundleOptions = (outdir) => ({
  entryPoints: { index: `${root}src/index.ts`, "cli/main": `${root}src/cli/main.ts` },
  outdir,
  bundle: true,
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
  platform: "neutral",
  mainFields: ["module", "main"],
  format: "esm",
  target: "es2023",
  external: ["node:*", ...Object.keys({ ...dependencies, ...optionalDependencies })],
  logLevel: "error",
});

export const bundleSync = (outdir) => buildSync(bundleOptions(outdir));

/** The licence of every package whose code is in the bundle: those named above, and what they depend on. */
export function licensesInside() {
  const waiting = [...inside];
  const found = new Map();
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (found.has(name)) continue;
    const folder = `${root}node_modules/${name}/`;
    const license = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
    const { dependencies: own = {} } = JSON.parse(readFileSync(`${folder}package.json`, "utf8"));
    found.set(name, { name, file: license ? folder + license : `${folder}package.json` });
    waiting.push(...Object.keys(own).filter((other) => existsSync(`${root}node_modules/${other}/package.json`)));
  }
  return [...found.values()];
}
