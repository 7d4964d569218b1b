/** Random schedules that reduce by parts: whatever of them may go over a subgroup gives what the model means, and so does what shares memory. */
import { expect, test } from "vitest";
import { largestSubgroup } from "../../src/ir/gpu_limits.ts";
import { initializeWeights } from "../../src/ir/initialize.ts";
import { interpretShader } from "../../src/ir/interpret_shader.ts";
import { createReference } from "../../src/pipeline/execute.ts";
import { randomInputs } from "../../src/pipeline/verify.ts";
import { createRandom, type Random } from "../../src/support/random.ts";
import { compileText, full } from "../support.ts";

const seeds = full ? 400 : 60;

test("parts in subgroups of any size that has room", () => {
  let together = 0;
  for (let seed = 0; seed < seeds; seed++) {
    const source = randomSource(createRandom(`subgroups/${seed}`));
    const compiled = compileText(source, "test.qn", { target: "webgpu" });
    const { value: program } = compiled.levels.shader();
    if (!program) throw new Error(`seed ${seed} has no shaders`);
    const weights = initializeWeights(compiled.weights, seed);
    const inputs = randomInputs(compiled, seed);
    const expected = createReference(compiled, weights).run(inputs);
    if (program.dispatches.some(({ subgroups }) => subgroups !== undefined)) together++;
    for (const size of [0, largestSubgroup]) {
      const actual = interpretShader(program, new Map([...inputs, ...weights] as [string, Float64Array][]), size);
      for (const { name, value } of program.outputs)
        expected.get(name)?.forEach((wanted, i) => {
          const error = Math.abs((actual.get(value)?.[i] ?? Number.NaN) - wanted) / Math.max(1, Math.abs(wanted));
          if (!(error < 1e-4)) expect.fail(`seed ${seed}, subgroups of ${size}: ${name}[${i}] is off by ${error}\n${source}`);
        });
    }
  }
  expect(together).toBeGreaterThan(seeds / 3);
  expect(together).toBeLessThan(seeds);
});

/** A reduction of several loops, some of which its parts are made of, with loops of the result around it or inside. */
function randomSource(random: Random): string {
  const chance = (probability: number) => random.uniform() < probability;
  const [n, k, c, f] = [random.integer(1, 3), random.integer(1, 3), random.pick([4, 8, 12]), random.pick([4, 8])];
  const op = random.pick(["sum", "sum", "prod", "max", "min"]);
  const dtype = random.pick(["f32", "f32", "i32"]);
  const parts = random.pick([2, 4, c]);
  const isInside = chance(0.4);
  const steps = [
    `split c by ${c / parts}`,
    isInside ? `reorder n, c.o, f, ${chance(0.5) ? "k, c.i" : "c.i, k"}` : `reorder n, f, c.o, ${chance(0.5) ? "k, c.i" : "c.i, k"}`,
    ...(chance(0.3) ? ["unroll c.i"] : []),
    "rfactor c.o in workgroup",
    ...(isInside ? [random.pick(["vectorize f", "unroll f", "unroll f"]), random.pick(["vectorize f.final", "unroll f.final"])] : []),
    ...(isInside && chance(0.2) ? ["reorder c.o.final, f.final"] : []),
    ...(chance(0.2) ? ["unroll c.o.final"] : []),
    ...(chance(0.9) ? ["bind c.o to invocation.x"] : []),
    ...(chance(0.3) ? ["bind n to workgroup.y"] : []),
  ];
  const hasMap = chance(0.5);
  return `
op reduced(x: [n, k, c], z: [c, f]) -> y: [n, f] { y[n, f] = ${op}(k, c) x[n, k, c] * z[c, f] }
model m(x: ${dtype}[${n}, ${k}, ${c}], z: ${dtype}[${c}, ${f}]) -> y: ${dtype}[${n}, ${f}] {
  ${hasMap ? "relu(reduced(x, z))" : "reduced(x, z)"}
}
schedule by_parts on webgpu for y {
  ${steps.join("\n  ")}
}`;
}
