/** Random schedules as shaders, interpreted: they mean what the model means, and no two invocations race for what a workgroup shares. */
import { expect, test } from "vitest";
import { largestSubgroup } from "../../src/ir/gpu_limits.ts";
import { initializeWeights } from "../../src/ir/initialize.ts";
import { interpretShader } from "../../src/ir/interpret_shader.ts";
import { printLoop } from "../../src/ir/print_loop.ts";
import { createReference } from "../../src/pipeline/execute.ts";
import { lowerShaders } from "../../src/pipeline/lower.ts";
import { randomInputs } from "../../src/pipeline/verify.ts";
import { createRandom } from "../../src/support/random.ts";
import { compileText, full } from "../support.ts";
import { scheduledModels } from "./models.ts";
import { distributed, randomSchedule } from "./random_schedule.ts";

const seeds = full ? 60 : 6;
let shared = 0;
let together = 0;

test.each(Object.keys(scheduledModels))("random schedules of %s as shaders", (name) => {
  const compiled = compileText(scheduledModels[name] as string, "test.qn", { target: "webgpu" });
  const lowered = compiled.levels.loop("lower-to-loop");
  const weights = initializeWeights(compiled.weights, 0);
  const inputs = randomInputs(compiled, 0);
  const expected = createReference(compiled, weights).run(inputs);
  const given = new Map([...inputs, ...weights].map(([key, values]) => [key, Float64Array.from(values)]));
  for (let seed = 0; seed < seeds; seed++) {
    const scheduled = randomSchedule(createRandom(`interpreted/${name}/${seed}`), lowered, () => undefined);
    const program = seed % 3 === 0 ? scheduled : distributed(scheduled);
    const { value, diagnostics } = lowerShaders(program, compiled.limits);
    if (!value) {
      expect(diagnostics[0]?.code, printLoop(program)).toBe("gpu-limit");
      continue;
    }
    if (value.shaders.some(({ arrays }) => arrays.some(({ space }) => space === "workgroup"))) shared++;
    const mayChoose = value.dispatches.some(({ subgroups }) => subgroups !== undefined);
    if (mayChoose) together++;
    for (const subgroups of mayChoose ? [0, largestSubgroup] : [0]) {
      const actual = interpretShader(value, given, subgroups);
      for (const { name: output, value: buffer } of value.outputs)
        expected.get(output)?.forEach((wanted, i) => {
          const error = Math.abs((actual.get(buffer)?.[i] ?? Number.NaN) - wanted) / Math.max(1, Math.abs(wanted));
          const on = `${name}, seed ${seed}, subgroups of ${subgroups}`;
          if (!(error < 1e-4)) expect.fail(`${on}: ${output}[${i}] is off by ${error}\n${printLoop(program)}`);
        });
    }
  }
});

test("some of them shared tiles, and some reduced over a subgroup", () => {
  expect(shared).toBeGreaterThan(seeds / 2);
  expect(together).toBeGreaterThan(seeds / 6);
});
