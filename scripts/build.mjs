// Writes dist/: the package as it is published. `npm pack` calls it.
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
// Each step says itself what is wrong; its exit code is ours.
function node(...args) {
  const { status } = spawnSync(process.execPath, args, { stdio: ["ignore", "inherit", "inherit"], cwd: at("..") });
  if (status !== 0) process.exit(1);
}

if (!existsSync(at("../node_modules"))) {
  console.error("there is no node_modules: run node scripts/setup.mjs first");
  process.exit(1);
}
// What is generated must be what its sources say, or the package would ship something else than the repository.
node(at("library.mjs"), "--check");
node(at("runtime.mjs"), "--check");
node(at("agent.mjs"), "--check");
rmSync(at("../dist"), { recursive: true, force: true });
node(at("../node_modules/typescript/bin/tsc"), "-p", at("tsconfig.build.json"));
// The compiler rewrites `./x.ts` to `./x.js` in code, and leaves declarations as they are.
for (const name of readdirSync(at("../dist"), { recursive: true }).filter((file) => file.endsWith(".d.ts"))) {
  const path = at(`../dist/${name}`);
  writeFileSync(path, readFileSync(path, "utf8").replace(/((?:from|import) ?\(?")(\.\.?\/[^"]+)\.ts"/g, '$1$2.js"'));
}
const { bundleSync, licensesInside } = await import("./bundle.mjs");
bundleSync(at("../dist"));
mkdirSync(at("../dist/licenses"));
for (const { name, file } of licensesInside()) copyFileSync(file, at(`../dist/licenses/${name.replace("/", "-")}.txt`));
chmodSync(at("../dist/cli/main.js"), 0o755);
