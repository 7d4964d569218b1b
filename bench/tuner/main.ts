/** The tuner's figures: npm --prefix bench run tuner -- all|rate|exhaustive|curves|engines|budget [OPTIONS] */
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { networkNames } from "../networks.ts";
import { machineText } from "../report.ts";
import { writePart } from "../results.ts";
import { budgetText } from "./budget.ts";
import { curvesText } from "./curves.ts";
import { enginesText } from "./engines.ts";
import { exhaustiveText } from "./exhaustive.ts";
import { rateText } from "./rate.ts";
import { recordText } from "./record.ts";
import { replayText } from "./replay.ts";
import { schedulesText } from "./schedules.ts";

/** Seconds that each takes, nearly: searching takes most of them, and what is measured at the end the rest. */
const figures = {
  rate: { seconds: "60", networks: "resnet18", text: rateText },
  exhaustive: { seconds: "300", networks: "vgg-cifar,mobilenet-v2", text: exhaustiveText },
  curves: { seconds: "600", networks: "vgg-cifar,mobilenet-v2", text: curvesText },
  engines: { seconds: "480", networks: "vgg-cifar", text: enginesText },
  budget: { seconds: "180,1200", networks: "resnet18", text: budgetText },
  replay: { seconds: "60", networks: "vgg-cifar", text: replayText },
} as const;

/** Not figures: what `replay` reads, and what `bench -- --tuned` does, is made anew. */
const tools = {
  record: { seconds: "600", networks: "vgg-cifar,mobilenet-v2", text: recordText },
  schedules: { seconds: "180", networks: "vgg-cifar,resnet8,vww,squeezenet,mobilenet-v2,resnet18,resnet50", text: schedulesText },
} as const;

export type Options = {
  /** Of the whole figure; of `budget`, of each run. */
  readonly seconds: readonly number[];
  readonly networks: readonly string[];
  readonly trials: number | undefined;
  readonly engine: string;
  readonly node: string | undefined;
};

const known = { ...figures, ...tools };
const names = Object.keys(figures) as (keyof typeof figures)[];
const words = Object.keys(known) as (keyof typeof known)[];
const usage = `npm --prefix bench run tuner -- FIGURE... [OPTIONS]

  FIGURE           of all, ${names.join(", ")};
                   or record, which measures what replay reads; or schedules, which tunes examples/NAME for --engine
  --seconds N      of each figure (default: ${words.map((name) => `${name} ${known[name].seconds}`).join(", ")};
                   budget takes one for each of its runs, schedules for each network)
  --networks A,B   of ${networkNames.join(", ")} (default: ${names.map((name) => `${name} ${figures[name].networks}`).join(", ")})
  --trials N       of each run of curves (default: 500), of each search of exhaustive (default: 48)
  --engine NAME    node or chromium, for all but engines (default: node)
  --node PATH      a current Node, for engines, which is left out of its table otherwise; for schedules, the Node to measure in
  --write          puts each figure into its part of RESULTS.md`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string" },
    networks: { type: "string" },
    trials: { type: "string" },
    engine: { type: "string", default: "node" },
    node: { type: "string" },
    write: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (values.help) console.log(usage);
else await run();

async function run(): Promise<void> {
  const wanted = positionals.includes("all")
    ? names
    : positionals.map((word) => words.find((name) => name === word) ?? fail(`there is no figure ${word}`));
  if (wanted.length === 0) fail("name a figure, or all");
  if (values.node !== undefined && !existsSync(values.node)) fail(`there is no Node at ${values.node}`);
  for (const name of wanted) {
    const figure = known[name];
    const seconds = (values.seconds ?? figure.seconds).split(",").map(Number);
    const networks = (values.networks ?? figure.networks).split(",");
    const trials = values.trials === undefined ? undefined : Number(values.trials);
    if (!seconds.every((each) => each > 0) || (trials !== undefined && !(trials > 0))) fail("--seconds and --trials are numbers above 0");
    for (const each of networks) if (!networkNames.some((known) => known === each)) fail(`there is no network ${each}`);
    const began = performance.now();
    const body = await figure.text({ seconds, networks, trials, engine: values.engine, node: values.node });
    const took = `It took ${((performance.now() - began) / 1000).toFixed(0)} s.`;
    const text = [
      `## Tuner: ${name}`,
      `\`npm --prefix bench run tuner -- ${[name, ...givenOptions()].join(" ")}\``,
      machineText(),
      body,
      took,
    ].join("\n\n");
    console.log(`${text}\n`);
    if (values.write && name !== "record" && name !== "schedules")
      writePart(new URL("../RESULTS.md", import.meta.url), `tuner ${name}`, text);
  }
}

/** What was said beside the figures: where a Node stands is the reader's affair. */
function givenOptions(): string[] {
  const words = process.argv.slice(2).filter((word) => word !== "--write" && !positionals.includes(word));
  return words.map((word, i) => (words[i - 1] === "--node" ? "PATH" : word.replace(/^--node=.*/, "--node=PATH")));
}

function fail(message: string): never {
  console.error(`${message}\n\n${usage}`);
  process.exit(2);
}
