// The compiler and the command line as few files: a command loads what it needs and no more, and the parser's package is inside,
// whose several hundred files would take longer to find than the compiler takes to run. Other packages stay what they are.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
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

export function bundleSync(outdir) {
  buildSync(bundleOptions(outdir));
  mkdirSync(`${outdir}/report`, { recursive: true });
  writeFileSync(`${outdir}/report/page.js`, pageScript());
}

/** What a report's page runs, with the licences of what is in it: who sends a report on sends them along. */
export function pageScript() {
  const { code, packages } = bundlePage();
  const texts = new Map();
  for (const name of packages) {
    const text = readFileSync(licenseOf(name), "utf8").trim().replaceAll("*/", "* /");
    texts.set(text, [...(texts.get(text) ?? []), name]);
  }
  const notices = [...texts].map(([text, names]) => `${names.join(", ")}:\n\n${text}`);
  return `/*\n${notices.join("\n\n----\n\n")}\n*/\n${code}`;
}

/** The page's code, and the packages of which something is in it. */
function bundlePage() {
  const { outputFiles, metafile } = buildSync({
    entryPoints: [`${root}src/report/page/main.ts`],
    absWorkingDir: root,
    outdir: "page",
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    legalComments: "none",
    format: "iife",
    target: "es2022",
    logLevel: "error",
  });
  const [{ inputs }] = Object.values(metafile.outputs);
  const used = Object.entries(inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
  const names = used.flatMap(([path]) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []);
  return { code: outputFiles[0].text, packages: [...new Set(names)].sort() };
}

/** The file with a package's licence, or else the one that names it. */
function licenseOf(name) {
  const folder = `${root}node_modules/${name}/`;
  const license = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
  return folder + (license ?? "package.json");
}

/** The licence of every package whose code is in the bundle: those named above with what they depend on, and the page's. */
export function licensesInside() {
  const waiting = [...inside];
  const found = new Map();
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (found.has(name)) continue;
    const { dependencies: own = {} } = JSON.parse(readFileSync(`${root}node_modules/${name}/package.json`, "utf8"));
    found.set(name, { name, file: licenseOf(name) });
    waiting.push(...Object.keys(own).filter((other) => existsSync(`${root}node_modules/${other}/package.json`)));
  }
  for (const name of bundlePage().packages) found.set(name, { name, file: licenseOf(name) });
  return [...found.values()];
}
