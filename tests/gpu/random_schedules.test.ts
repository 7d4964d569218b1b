/** Random schedules as shaders: vectors, tiles in registers and in memory, packed weights, loops bound or distributed. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { printWgsl } from "../../src/codegen/wgsl/print_wgsl.ts";
import { initializeWeights } from "../../src/ir/initialize.ts";
import { printLoop } from "../../src/ir/print_loop.ts";
import { createReference } from "../../src/pipeline/execute.ts";
import { lowerShaders } from "../../src/pipeline/lower.ts";
import { randomInputs } from "../../src/pipeline/verify.ts";
import { createRandom } from "../../src/support/random.ts";
import { scheduledModels } from "../schedule/models.ts";
import { distributed, randomSchedule } from "../schedule/random_schedule.ts";
import { compileText, full } from "../support.ts";
import { type Driver, hasDriver, openDriver } from "./dawn.ts";

const seeds = full ? 24 : 2;
/** Characters of a shader: SwiftShader takes minutes for some in which many guarded reads are written out. */
const longest = 12_000;

/** Not on lavapipe, which takes minutes for what is unrolled: its time grows with the square of the loads. */
const isThere = hasDriver("swiftshader");
let driver: Driver;
beforeAll(() => {
  if (isThere) driver = openDriver("swiftshader");
});
afterAll(() => driver?.close());

test.runIf(isThere).each(Object.keys(scheduledModels))("random schedules of %s", async (name) => {
  const compiled = compileText(scheduledModels[name] as string, "test.qn", { target: "webgpu" });
  const lowered = compiled.levels.loop("lower-to-loop");
  const weights = initializeWeights(compiled.weights, 0);
  const inputs = randomInputs(compiled, 0);
  const expected = createReference(compiled, weights).run(inputs);
  let tooLong = 0;
  for (let seed = 0; seed < seeds; seed++) {
    const random = createRandom(`shaders/${name}/${seed}`);
    const scheduled = randomSchedule(random, lowered, () => undefined);
    const program = seed % 2 === 0 ? distributed(scheduled) : scheduled;
    const { value, diagnostics } = lowerShaders(program, compiled.limits);
    if (!value) {
      expect(diagnostics[0]?.code).toBe("gpu-limit");
      continue;
    }
    if (value.shaders.some((shader) => printWgsl(shader).length > longest)) {
      tooLong++;
      continue;
    }
    const actual = await driver.run(value, weights, inputs);
    for (const [output, values] of expected) {
      const worst = largestError(actual.get(output), values);
      if (!(worst < 1e-4)) expect.fail(`${name}, seed ${seed}: ${output} is off by ${worst}\n${printLoop(program)}`);
    }
  }
  expect(tooLong).toBeLessThanOrEqual(seeds / 2);
});

/** Relative to the expected value where that is above 1. */
function largestError(actual: Float64Array | undefined, expected: Float64Array): number {
  if (actual?.length !== expected.length) return Infinity;
  return expected.reduce((worst, value, i) => {
    const error = Math.abs((actual[i] as number) - value) / Math.max(1, Math.abs(value));
    return Number.isNaN(error) ? Infinity : Math.max(worst, error);
  }, 0);
}
