/** Quern against its peers on the example networks: npm run bench -- [--networks A,B] [--engine chromium|node] [--json FILE] ... */
import { existsSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { earlierIn } from "./earlier.ts";
import { browserEngine, type Engine, nodeEngine } from "./engines.ts";
import { type Budget, type Measurement, measure } from "./measure.ts";
import { loadNetwork, networkNames } from "./networks.ts";
import { bundleShells, prepare } from "./prepare.ts";
import { engineText, machineText, records, summaryText } from "./report.ts";
import { writePart } from "./results.ts";
import { type Beside, contendersIn, families, type System, systems } from "./systems.ts";

const usage = `npm run bench -- [OPTIONS]

  --networks A,B   of ${networkNames.join(", ")} (default: all)
  --systems A,B    of ${systems.join(", ")} (default: all; Quern always runs)
  --engine NAME    chromium or node (default: chromium; litert runs only there)
  --target NAME    wasm or webgpu: what all systems run on (default: wasm; webgpu in chromium only)
  --tuned          takes the engine's section of examples/NAME/NAME.schedule, and measures the default schedules beside it
  --earlier FOLDER measures beside it the default schedules of another checkout, compiled by it (git worktree add FOLDER COMMIT, and there npm ci)
  --seconds N      of measured rounds per network (default: 12)
  --warmup N       seconds of untimed runs before, per contender (default: 1.5)
  --loads N        fresh processes whose first result is timed, per contender (default: 5)
  --node PATH      measures another Node than this one
  --chromium PATH  where the browser is (default: /usr/bin/chromium)
  --write          puts the results into their part of RESULTS.md
  --json FILE      writes one record for each network and system`;

const { values: options } = parseArgs({
  options: {
    networks: { type: "string", default: networkNames.join(",") },
    systems: { type: "string", default: systems.join(",") },
    engine: { type: "string", default: "chromium" },
    target: { type: "string", default: "wasm" },
    tuned: { type: "boolean", default: false },
    earlier: { type: "string" },
    seconds: { type: "string", default: "12" },
    warmup: { type: "string", default: "1.5" },
    loads: { type: "string", default: "5" },
    node: { type: "string", default: process.execPath },
    chromium: { type: "string", default: "/usr/bin/chromium" },
    write: { type: "boolean", default: false },
    json: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

if (options.help) console.log(usage);
else await bench();

async function bench(): Promise<void> {
  const names = chosen(options.networks, networkNames, "network");
  const wanted: readonly System[] = ["quern", ...chosen(options.systems, systems, "system")];
  if (options.engine !== "chromium" && options.engine !== "node") fail(`there is no engine ${options.engine}: choose chromium or node`);
  if (options.engine === "chromium" && !existsSync(options.chromium))
    fail(`there is no browser at ${options.chromium}: name one with --chromium, or measure --engine node`);
  const [family] = chosen(options.target, families, "target");
  const onGpu = family === "webgpu";
  if (family === undefined) fail("--target takes one name");
  if (onGpu && options.engine === "node") fail("WebGPU is compared in chromium: its peers run in a page only");
  const budget: Budget = { seconds: Number(options.seconds), warmupSeconds: Number(options.warmup), loads: Number(options.loads) };
  if (!Object.values(budget).every((value) => value > 0)) fail("--seconds, --warmup and --loads are numbers above 0");

  if (options.earlier !== undefined && onGpu) fail("--earlier compares WebAssembly alone");
  const earlier = options.earlier === undefined ? undefined : await earlierIn(options.earlier).catch((error) => fail(error.message));
  await bundleShells();
  const engine: Engine = options.engine === "node" ? await nodeEngine(options.node) : await browserEngine(options.chromium, onGpu);
  const measurements: Measurement[] = [];
  try {
    const { host, relaxed } = engine;
    const beside: Beside[] = [...(options.tuned ? (["default"] as const) : []), ...(earlier ? (["earlier"] as const) : [])];
    const contenders = contendersIn({ family, host, relaxed, systems: wanted, beside });
    for (const name of names) {
      console.error(`measuring ${name} in ${engine.name}`);
      const prepared = prepare(
        loadNetwork(name, { gpu: onGpu, ...(options.tuned ? { tuned: onGpu ? "dawn" : options.engine } : {}) }),
        options.tuned ? "tuned" : "default",
        earlier,
      );
      measurements.push(await measure(engine, prepared, contenders, budget));
      // After every network: a run that is broken off has not been for nothing.
      if (options.json) writeFileSync(options.json, `${JSON.stringify(records(measurements), null, 2)}\n`);
    }
  } finally {
    await engine.close();
  }
  const part = `${onGpu ? "webgpu" : options.engine === "node" ? "node" : "chromium"}${options.tuned ? " tuned" : ""}` as const;
  // Where the results went changes nothing of them.
  const words = process.argv.slice(2);
  const given = words.filter((word, i) => word !== "--write" && !word.startsWith("--json") && words[i - 1] !== "--json");
  const command = `\`${["npm run bench", ...(given.length > 0 ? ["--", ...given] : [])].join(" ")}\``;
  const report = [`## ${engine.name}`, command, machineText(), summaryText(measurements, earlier?.commit), engineText(measurements)].join(
    "\n\n",
  );
  console.log(report);
  if (options.write) writePart(new URL("RESULTS.md", import.meta.url), part, report);
}

function chosen<T extends string>(list: string, known: readonly T[], what: string): T[] {
  return list.split(",").map((name) => known.find((each) => each === name) ?? fail(`there is no ${what} ${name}`));
}

function fail(message: string): never {
  console.error(`${message}\n\n${usage}`);
  process.exit(2);
}
