/** The same prediction as the reference runtime on labelled data, sample by sample, on WebAssembly and on each driver for WebGPU. */
import { afterAll, describe, expect, test } from "vitest";
import { createWasm, type Tensors } from "../../src/pipeline/execute.ts";
import { shadersOf } from "../../src/pipeline/gpu.ts";
import { createRandom } from "../../src/support/random.ts";
import { type Driver, drivers, hasDriver, openDriver } from "../gpu/dawn.ts";
import { full } from "../support.ts";
import { isHere, type Labelled, labelled, load } from "./labelled.ts";

/** Without QUERN_TEST=full so many of the samples: the first on WebAssembly, drawn ones on WebGPU. */
const few = { wasm: 100, webgpu: 10 };

/** A short run has the first driver alone: the other compiles for long. */
const opened = drivers
  .slice(0, full ? undefined : 1)
  .filter(hasDriver)
  .map((name) => openDriver(name, 1500));
afterAll(async () => {
  for (const driver of opened) await driver.close();
});

type RunEach = (net: Labelled["net"], inputs: readonly Tensors[]) => Promise<readonly Tensors[]>;

describe.each(Object.entries(labelled))("%s", (name, source) => {
  if (!isHere(source)) {
    test.skip("is not here", () => {});
    return;
  }

  test("predicts what the reference runtime predicts, on WebAssembly", { timeout: 240_000 }, async () => {
    const network = await load(name, source);
    const runner = createWasm(network.net.compiled, network.net.weights);
    const count = full ? network.predictions.length : Math.min(network.predictions.length, few.wasm);
    const places = Array.from({ length: count }, (_, i) => i);
    await expectAlike("wasm", network, places, async (_net, inputs) => inputs.map((given) => runner.run(given)));
  });

  const which = full ? "all samples" : `${few.webgpu} samples, drawn by a seed,`;
  test.each(opened.map((driver) => [driver.name, driver] as const))(`${which} on %s`, { timeout: 1_800_000 }, async (_, driver) => {
    const network = await load(name, source);
    const places = draw(network.predictions.length, full ? undefined : few.webgpu);
    await expectAlike(driver.name, network, places, onDriver(driver));
  });

  async function expectAlike(target: string, { net, predictions, sample }: Labelled, places: readonly number[], run: RunEach) {
    const [input] = net.model.inputs;
    const outputs = await run(
      net,
      places.map((place) => new Map([[input?.name ?? "", sample(place)]])),
    );
    const same = places.filter((place, i) => classOf(outputs[i]) === predictions[place]).length;
    console.log(`${name} on ${target}: ${same} of ${places.length} predictions are the reference's`);
    expect(outputs.length).toBe(places.length);
    expect(same / places.length).toBeGreaterThanOrEqual(source.least);
  }
});

function onDriver(driver: Driver): RunEach {
  return ({ compiledForGpu, weights }, inputs) => driver.runEach(shadersOf(compiledForGpu()), weights, inputs);
}

/** The place of the largest number of the first output. */
function classOf(outputs: Tensors | undefined): number {
  const [values = new Float64Array()] = outputs?.values() ?? [];
  return values.reduce((place, value, i) => (value > (values[place] as number) ? i : place), 0);
}

/** Places of samples, each once; all of them where no number is given. */
function draw(count: number, wanted = count): readonly number[] {
  const places = Array.from({ length: count }, (_, i) => i);
  if (wanted >= count) return places;
  const random = createRandom("predictions");
  for (let i = 0; i < wanted; i++) {
    const other = random.integer(i, count - 1);
    [places[i], places[other]] = [places[other] as number, places[i] as number];
  }
  return places.slice(0, wanted).sort((a, b) => a - b);
}
