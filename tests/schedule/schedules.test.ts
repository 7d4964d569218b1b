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
import { randomSchedule } from "./random_schedule.ts";

const sequences = full ? 600 : 60;

const models: { readonly [name: string]: string } = {
  convolution:
    "model m(x: f32[1, 9, 11, 3]) -> y: f32[1, 9, 11, 10] { relu(conv2d(x, @k: [3, 3, 3, 10] = he_normal, pad: same) + @b: [10] = uniform(-1, 1)) }",
  strided: "model m(x: f32[2, 10, 10, 4]) -> y: f32[2, 5, 5, 8] { conv2d(x, @k: [3, 3, 4, 8] = he_normal, stride: [2, 2], pad: same) }",
  valid: "model m(x: f32[1, 8, 8, 5]) -> y: f32[1, 6, 6, 7] { conv2d(x, @k: [3, 3, 5, 7] = he_normal) }",
  pointwise: "model m(x: f32[1, 6, 7, 8]) -> y: f32[1, 6, 7, 12] { conv2d(x, @k: [1, 1, 8, 12] = he_normal) }",
  residual:
    "model m(x: f32[1, 6, 6, 8]) -> y: f32[1, 6, 6, 8] { let a = relu(conv2d(x, @k: [3, 3, 8, 8] = he_normal, pad: same))\n relu(conv2d(a, @l: [3, 3, 8, 8] = he_normal, pad: same) + a) }",
  depthwise: "model m(x: f32[1, 9, 9, 6]) -> y: f32[1, 9, 9, 6] { relu6(depthwise_conv2d(x, @k: [3, 3, 6, 1] = he_normal, pad: same)) }",
  matmul: "model m(x: f32[9, 13]) -> y: f32[9, 10] { matmul(x, @w: [13, 10] = he_normal) }",
  batched: "model m(x: f32[2, 5, 6], z: f32[2, 6, 8]) -> y: f32[2, 5, 8] { matmul(x, z) }",
  dense: "model m(x: f32[1, 40]) -> y: f32[1, 19] { dense(x, @w: [40, 19] = glorot_uniform, @b: [19] = uniform(-1, 1)) |> softmax }",
  max_pool: "model m(x: f32[1, 9, 9, 6]) -> y: f32[1, 4, 4, 6] { max_pool2d(x, window: [3, 3], stride: [2, 2]) }",
  average_pool: "model m(x: f32[1, 8, 8, 5]) -> y: f32[1, 8, 8, 5] { avg_pool2d(x, window: [3, 3], stride: [1, 1], pad: same) }",
  elementwise: "model m(x: f32[3, 7, 10], z: f32[7, 10]) -> y: f32[3, 7, 10] { tanh(x * z) + sigmoid(x) }",
  separable:
    "model m(x: f32[1, 9, 9, 6]) -> y: f32[1, 9, 9, 10] { let a = relu(depthwise_conv2d(x, @k: [3, 3, 6, 1] = he_normal, pad: same))\n relu(conv2d(a, @w: [1, 1, 6, 10] = he_normal)) + 1 }",
  bordered:
    "model m(x: f32[1, 7, 9, 4]) -> y: f32[1, 4, 5, 8] { let a = relu(conv2d(x, @k: [1, 1, 4, 6] = he_normal) - 1)\n let b = max_pool2d(a, window: [3, 3], stride: [1, 1], pad: same)\n conv2d(b, @l: [3, 3, 6, 8] = he_normal, stride: [2, 2], pad: same) }",
  chained:
    "model m(x: f32[24]) -> y: f32[24] { let a = tanh(x)\n let b = shifted_sum(a) * a\n let c = shifted_sum(b)\n c + b * 2 }\nop shifted_sum(x: [n]) -> y: [n] { y[i] = (x[i - 1] else 1) + (x[i + 1] else 1) * x[n - 1 - i] }",
  replaced:
    "model m(x: f32[6, 8]) -> (y: f32[6, 8], z: f32[6]) { let a = exp(x)\n let s = reduce_sum(a, axes: [1], keep: true)\n let b = a / s\n let c = b * reduce_max(b, axes: [0], keep: true)\n (c, reduce_sum(c * a, axes: [1])) }",
  shuffle: "model m(x: f32[4, 6, 5]) -> y: f32[5, 24] { transpose(x, order: [2, 0, 1]) |> reshape(to: [5, 24]) |> exp }",
  reduction: "model m(x: f32[6, 11, 9]) -> y: f32[6, 9] { reduce_mean(x, axes: [1]) - reduce_min(x * 2, axes: [1]) }",
};

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
  for (const step of [...primitives.keys(), "tail guard", "tail shift", "tail cut", "guarded vectors", "in registers", "packed"])
    expect(counts.get(step)?.accepted ?? 0, step).toBeGreaterThan(
      ["rfactor", "inline", "compute", "layout"].includes(step) ? enough / 8 : enough,
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
  if (name === "stage") names.push(text.includes(" packed") ? "packed" : "in registers");
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
