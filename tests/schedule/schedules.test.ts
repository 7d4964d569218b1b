/** Random schedules of small models, compiled to WebAssembly, agree with the float64 reference. */
import { afterAll, expect, test } from "vitest";
import type { Compiled } from "../../src/compile.ts";
import { initializeWeights } from "../../src/ir/initialize.ts";
import { printLoop } from "../../src/ir/print_loop.ts";
import { verifyLoop } from "../../src/ir/verify_loop.ts";
import { createReference, createWasm } from "../../src/pipeline/execute.ts";
import { lowerKernel } from "../../src/pipeline/lower.ts";
import { randomInputs } from "../../src/pipeline/verify.ts";
import { loopsOf } from "../../src/schedule/nest.ts";
import { type Context, formatStep, type Step } from "../../src/schedule/primitive.ts";
import { primitives } from "../../src/schedule/primitives.ts";
import { createRandom } from "../../src/support/random.ts";
import { compileText, full } from "../support.ts";
import { scheduledModels as models } from "./models.ts";
import { randomSchedule } from "./random_schedule.ts";

const sequences = full ? 600 : 60;

const counts = new Map<string, { accepted: number; refused: number }>();

afterAll(() => {
  console.log([...counts].map(([step, { accepted, refused }]) => `${step}: ${accepted} accepted, ${refused} refused`).join("\n"));
});

test.each(Object.keys(models))("random schedules of %s mean what the model means", (name) => {
  const compiled = compileText(models[name] as string);
  const lowered = compiled.levels.loop("lower-to-loop");
  const weights = initializeWeights(compiled.weights, 0);
  const inputs = randomInputs(compiled, 0);
  const expected = createReference(compiled, weights).run(inputs);
  for (let seed = 0; seed < Math.ceil(sequences / Object.keys(models).length); seed++) {
    const program = randomSchedule(createRandom(`schedules/${name}/${seed}`), lowered, countStep);
    expect(verifyLoop(program), printLoop(program)).toEqual([]);
    const scheduled: Compiled = { ...compiled, levels: { ...compiled.levels, loop: () => program, kernel: () => lowerKernel(program) } };
    const actual = createWasm(scheduled, weights).run(inputs);
    for (const [output, values] of expected) {
      const worst = largestError(actual.get(output), values);
      if (!(worst < 1e-4)) expect.fail(`${name}, seed ${seed}: ${output} is off by ${worst}\n${printLoop(program)}`);
    }
  }
});

test("every primitive was accepted often", () => {
  const enough = sequences / 5;
  for (const step of [
    ...primitives.keys(),
    "tail guard",
    "tail shift",
    "tail cut",
    "guarded vectors",
    "in registers",
    "packed",
    "in workgroup",
  ])
    expect(counts.get(step)?.accepted ?? 0, step).toBeGreaterThan(
      ["rfactor", "inline", "compute", "layout", "packed", "in workgroup"].includes(step) ? enough / 8 : enough,
    );
});

function countStep(step: Step, isAccepted: boolean, before: Context): void {
  const text = formatStep(step);
  const [name = "", loop = ""] = text.split(/[ ,]+/);
  const isTailed =
    name === "split" && (loopsOf(before.nest.body).find((other) => other.name === loop)?.extent ?? 0) % Number(text.split(" ")[3]) !== 0;
  const isGuarded =
    name === "vectorize" &&
    before.nest.trace.some((done) => done.startsWith(`split ${loop.replace(/\.i$/, "")} `) && done.endsWith("guard"));
  const names = [name, ...(isTailed ? [`tail ${text.split(" ").at(-1)}`] : []), ...(isGuarded ? ["guarded vectors"] : [])];
  if (name === "stage") names.push(["packed", "in workgroup"].find((place) => text.includes(` ${place}`)) ?? "in registers");
  for (const key of names) {
    const known = counts.get(key) ?? { accepted: 0, refused: 0 };
    counts.set(key, isAccepted ? { ...known, accepted: known.accepted + 1 } : { ...known, refused: known.refused + 1 });
  }
}

/** Relative to the expected value where that is above 1. */
function largestError(actual: Float64Array | undefined, expected: Float64Array): number {
  if (actual?.length !== expected.length) return Infinity;
  return expected.reduce((worst, value, i) => {
    const error = Math.abs((actual[i] as number) - value) / Math.max(1, Math.abs(value));
    return Number.isNaN(error) ? Infinity : Math.max(worst, error);
  }, 0);
}
