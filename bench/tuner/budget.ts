/** How near a short run comes to a long one: npm --prefix bench run tuner budget.ts [NETWORK] [SHORT SECONDS] [LONG SECONDS] [ENGINE] */
import { totalsOf } from "../../src/tuner/tune.ts";
import { loadNetwork } from "../networks.ts";
import { machineText } from "../report.ts";
import { measurerFor, runTuning } from "./support.ts";

const [name = "resnet18", short = "180", long = "1200", engine = "node"] = process.argv.slice(2);
const { compiled } = loadNetwork(name);
console.log(machineText());
const found: number[] = [];
for (const seconds of [short, long]) {
  const measurer = await measurerFor(engine);
  const { tuned } = await runTuning(compiled, measurer, { budget: { seconds: Number(seconds) } });
  await measurer.close();
  const { defaultMs, tunedMs } = totalsOf(tuned);
  found.push(tunedMs);
  console.log(`${name}, ${seconds} s from nothing: ${defaultMs.toFixed(3)} -> ${tunedMs.toFixed(3)} ms, ${tuned.trials} trials`);
}
const [first = 0, second = 0] = found;
console.log(`the short run's is ${((100 * first) / second - 100).toFixed(1)}% above the long run's`);
