// Runs main.ts here: npm --prefix bench run tuner -- FIGURE. It needs the compiler's packages, and none of the peers'.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

await import("../../scripts/setup.mjs");
const main = fileURLToPath(new URL("main.ts", import.meta.url));
const tsx = new URL("../../node_modules/tsx/dist/esm/index.mjs", import.meta.url).href;
process.exit(spawnSync(process.execPath, ["--import", tsx, main, ...process.argv.slice(2)], { stdio: "inherit" }).status ?? 1);
