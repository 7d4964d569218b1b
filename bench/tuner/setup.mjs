// Runs one of the scripts here: npm --prefix bench run tuner rate.ts ARGUMENTS. They need the compiler's packages, and none of the peers'.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

await import("../../scripts/setup.mjs");
const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const [script = "", ...args] = process.argv.slice(2);
const tsx = new URL("../../node_modules/tsx/dist/esm/index.mjs", import.meta.url).href;
process.exit(spawnSync(process.execPath, ["--import", tsx, at(script), ...args], { stdio: "inherit" }).status ?? 1);
