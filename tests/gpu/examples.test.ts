/** Every example as shaders, layer by layer and end to end. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { initializeWeights } from "../../src/ir/initialize.ts";
import { randomInputs } from "../../src/pipeline/verify.ts";
import { compileExample, examples, full } from "../support.ts";
import type { Driver } from "./dawn.ts";
import { closeAll, failureOn, openDrivers } from "./support.ts";

let opened: Driver[] = [];
beforeAll(() => {
  opened = openDrivers();
});
afterAll(() => closeAll(opened));

test.each(full ? examples : ["resnet8", "vww", "custom-op"])("%s", { timeout: 1_800_000 }, async (name) => {
  const compiled = compileExample(name, { target: "webgpu" });
  const weights = initializeWeights(compiled.weights, 0);
  for (const driver of opened) expect(await failureOn(driver, compiled, weights, randomInputs(compiled, 0))).toBeUndefined();
});
