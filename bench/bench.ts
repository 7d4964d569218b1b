/** Quern against onnxruntime-web on the example networks: npm run compare -- [--networks A,B] [--browser] [--write] ... */
import { existsSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { browserEngine, type Engine, nodeEngine } from "./engines.ts";
import { type Budget, type Measurement, measure } from "./measure.ts";
import { loadNetwork, networkNames } from "./networks.ts";
import { bundleShells, prepare } from "./prepare.ts";
import { engineText, machineText, sizesText, summaryText } from "./report.ts";

const usage = `npm run compare -- [OPTIONS]

  --networks A,B   of ${networkNames.join(", ")} (default: all)
  --seconds N      of measured rounds per network and engine (default: 12)
  --warmup N       seconds of untimed runs before, per contender (default: 1.5)
  --loads N        fresh processes whose load is timed, per contender (default: 5)
  --node PATH      measures another Node than this one; may be given several times
  --browser        also measures in Chromium
  --chromium PATH  where it is (default: /usr/bin/chromium)
  --write          writes RESULTS.md
  --json FILE      writes every number`;

const { values: options } = parseArgs({
  options: {
    networks: { type: "string", default: networkNames.join(",") },
    seconds: { type: "string", default: "12" },
    warmup: { type: "string", default: "1.5" },
    loads: { type: "string", default: "5" },
    node: { type: "string", multiple: true, default: [process.execPath] },
    browser: { type: "boolean", default: false },
    chromium: { type: "string", default: "/usr/bin/chromium" },
    write: { type: "boolean", default: false },
    json: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

if (options.help) console.log(usage);
else await compare();

async function compare(): Promise<void> {
  const names = options.networks.split(",");
  const stranger = names.find((name) => !(networkNames as readonly string[]).includes(name));
  if (stranger !== undefined) fail(`there is no network ${stranger}`);
  if (options.browser && !existsSync(options.chromium)) fail(`there is no browser at ${options.chromium}: name one with --chromium`);
  const budget: Budget = { seconds: Number(options.seconds), warmupSeconds: Number(options.warmup), loads: Number(options.loads) };
  if (!Object.values(budget).every((value) => value > 0)) fail("--seconds, --warmup and --loads are numbers above 0");

  const prepared = names.map((name) => prepare(loadNetwork(name)));
  await bundleShells();
  const starts: (() => Promise<Engine>)[] = options.node.map((path) => () => nodeEngine(path));
  if (options.browser) starts.push(() => browserEngine(options.chromium));
  const measurements: Measurement[] = [];
  const sections: string[] = [];
  for (const start of starts) {
    const engine = await start();
    try {
      const own: Measurement[] = [];
      for (const each of prepared) {
        console.error(`measuring ${each.network.name} in ${engine.name}`);
        own.push(await measure(engine, each, budget));
      }
      measurements.push(...own);
      sections.push(engineText(engine.name, own));
    } finally {
      await engine.close();
    }
  }
  const text = ["# Results", "Written by `npm run compare -- --write`; README.md says what is measured and how.", machineText()];
  const report = [...text, summaryText(measurements), ...sections, sizesText(prepared)].join("\n\n");
  console.log(report);
  if (options.write) writeFileSync(new URL("RESULTS.md", import.meta.url), `${report}\n`);
  if (options.json) writeFileSync(options.json, `${JSON.stringify(measurements, null, 2)}\n`);
}

function fail(message: string): never {
  console.error(`${message}\n\n${usage}`);
  process.exit(2);
}
