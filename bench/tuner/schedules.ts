/** Tunes the examples as anyone would, by the command: examples/NAME/NAME.schedule gets the engine's section, which `bench -- --tuned` measures. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { formatTable } from "../table.ts";
import type { Options } from "./main.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** The command as it ships, which setup.mjs has made. */
const main = process.env.QUERN_BENCH_COMMAND;

export async function schedulesText({ seconds: [limit = 180], networks, engine, node }: Options): Promise<string> {
  if (main === undefined) throw new Error("run it as `npm --prefix bench run tuner -- schedules`, which makes the command first");
  const rows: string[][] = [];
  for (const name of networks) {
    const words = ["tune", `examples/${name}/${name}.qn`, "--engine", engine, "--seconds", String(limit), "--json"];
    const command = [main, ...words, ...(node === undefined ? [] : ["--node", node])];
    const { status, stdout } = spawnSync(process.execPath, command, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
    if (status !== 0) throw new Error(`quern ${words.join(" ")} ended with ${status}`);
    const { trials, seconds, defaultMs, tunedMs } = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
    if (defaultMs === null) throw new Error(`in ${limit} s not all workloads of ${name} were timed: give it more`);
    rows.push([name, String(trials), seconds.toFixed(0), defaultMs.toFixed(3), tunedMs.toFixed(3), (defaultMs / tunedMs).toFixed(2)]);
    console.error(rows.at(-1)?.join("  "));
  }
  return formatTable(["network", "trials", "seconds", "default ms", "tuned ms", "default / tuned"], rows, { left: [0] });
}
