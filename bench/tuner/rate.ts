/** Candidates built, checked and timed per second. */
import { networkOf } from "../../src/tuner/plans.ts";
import { loadNetwork } from "../networks.ts";
import { formatTable } from "../table.ts";
import type { Options } from "./main.ts";
import { measurerFor, runTuning } from "./support.ts";

export async function rateText({ seconds: [limit = 60], networks, engine }: Options): Promise<string> {
  const rows: string[][] = [];
  for (const name of networks) {
    const { compiled } = loadNetwork(name);
    const measurer = await measurerFor(engine);
    const moment = () => ({ ms: performance.now(), core: process.cpuUsage(), engine: measurer.busy() });
    const start = moment();
    // What is compiled and the references count: a run begins with them.
    const network = networkOf(compiled);
    let [afterStart, atEnd] = [start, start];
    let [first, all] = [0, 0];
    await runTuning(
      compiled,
      measurer,
      {
        budget: { seconds: limit / networks.length - (performance.now() - start.ms) / 1000 },
        append: (record) => {
          if (record.kind !== "trial") return;
          all++;
          atEnd = moment();
          if (record.origin === "default") [afterStart, first] = [atEnd, all];
        },
      },
      network,
    );
    await measurer.close();
    rows.push([name, "with start-up", ...figuresOf(start, atEnd, all)]);
    rows.push(["", "without", ...figuresOf(afterStart, atEnd, all - first)]);
  }
  const heads = ["network", "of the run", "candidates", "seconds", "per second", "seconds of a core", "per second per core"];
  const what =
    "Start-up is all until every workload's default is measured. One core draws and builds while another measures: the seconds of a core are the tuner's processor time and the time for which the engine had work, together.";
  return [formatTable(heads, rows, { left: [0, 1] }), what].join("\n\n");
}

type Moment = { readonly ms: number; readonly core: NodeJS.CpuUsage; readonly engine: number };

function figuresOf(from: Moment, to: Moment, count: number): string[] {
  const seconds = (to.ms - from.ms) / 1000;
  const own = (to.core.user + to.core.system - from.core.user - from.core.system) / 1e6;
  const cores = own + to.engine - from.engine;
  return [String(count), seconds.toFixed(1), (count / seconds).toFixed(1), cores.toFixed(1), (count / cores).toFixed(1)];
}
