/** Candidates built, checked and timed per second per core: npm --prefix bench run tuner rate.ts [NETWORK] [TRIALS] */
import { loadNetwork } from "../networks.ts";
import { machineText } from "../report.ts";
import { measurerFor, runTuning } from "./support.ts";

const [name = "resnet18", trials = "400"] = process.argv.slice(2);
const { compiled } = loadNetwork(name);
const measurer = await measurerFor("node");
// One process builds while the other waits, and the other way round: together they keep one core busy.
const start = performance.now();
const { records } = await runTuning(compiled, measurer, { budget: { trials: Number(trials) } });
const seconds = (performance.now() - start) / 1000;
await measurer.close();
const measured = records.filter(({ kind }) => kind === "trial").length;
console.log(machineText());
console.log(
  `${name}: ${measured} candidates in ${seconds.toFixed(1)} s, ${(measured / seconds).toFixed(1)} per second on one core, references and the choice of algorithms included`,
);
