/** Every example as shaders, layer by layer and end to end. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { initializeWeights } from "../../src/ir/initialize.ts";
import { createReference } from "../../src/pipeline/execute.ts";
import { shadersOf } from "../../src/pipeline/gpu.ts";
import { randomInputs } from "../../src/pipeline/verify.ts";
import { compileExample, examples, full } from "../support.ts";
import type { Driver } from "./dawn.ts";
import { closeAll, failureOn, openDrivers } from "./support.ts";

let opened: Driver[] = [];
beforeAll(() => {
  opened = openDrivers(full ? 900 : 120);
});
afterAll(() => closeAll(opened));

/** Lavapipe compiles half a minute and more for the others, which a full run has. */
const quick = ["resnet8", "vww", "custom-op"];

test.each(full ? examples : quick)("%s", { timeout: 1_800_000 }, async (name) => {
  const compiled = compileExample(name, { target: "webgpu" });
  const weights = initializeWeights(compiled.weights, 0);
  const inputs = randomInputs(compiled, 0);
  for (const driver of opened) {
    const failure = await failureOn(driver, compiled, weights, inputs);
    if (failure === undefined || !/^the arena `\w+` has \d+ bytes, and the device's limit is/.test(failure))
      expect(failure).toBeUndefined();
    else {
      console.log(`${name} end to end only: with every layer kept, ${failure}`);
      const outputs = await driver.run(shadersOf(compiled), weights, inputs);
      for (const [output, expected] of createReference(compiled, weights).run(inputs)) {
        const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        const error = expected.reduce((worst, value, i) => Math.max(worst, Math.abs(value - (outputs.get(output)?.[i] ?? Number.NaN))), 0);
        expect(error / largest).toBeLessThan(1e-4);
      }
    }
  }
});
