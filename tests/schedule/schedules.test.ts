/** Random schedules of small models, compiled to WebAssembly, agree with the float64 reference. */
import { afterAll, expect, test } from "vitest";
import type { Compiled } from "../../src/compile.ts";
import { initializeWeights } from "../../src/ir/initialize.ts";
import type { LoopProgram, Nest } from "../../src/ir/loop.ts";
import { printLoop } from "../../src/ir/print_loop.ts";
import type { Buffer } from "../../src/ir/tensor.ts";
import { verifyLoop } from "../../src/ir/verify_loop.ts";
import { createReference, createWasm } from "../../src/pipeline/execute.ts";
import { lowerKernel } from "../../src/pipeline/lower.ts";
import { randomInputs } from "../../src/pipeline/verify.ts";
import { decompose } from "../../src/schedule/decompose.ts";
import { findReduce, loopsOf } from "../../src/schedule/nest.ts";
import { type Context, formatStep, type Step } from "../../src/schedule/primitive.ts";
import { applyStep, primitives } from "../../src/schedule/primitives.ts";
import { createRandom, type Random } from "../../src/support/random.ts";
import { compileText, full } from "../support.ts";
import { shuffled } from "./random_nests.ts";

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
    const program = randomSchedule(createRandom(`schedules/${name}/${seed}`), lowered);
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
    expect(counts.get(step)?.accepted ?? 0, step).toBeGreaterThan(step === "rfactor" ? enough / 4 : enough);
});

/** Steps on every nest of the run phase, and after them the tiles that no step has made. */
function randomSchedule(random: Random, program: LoopProgram): LoopProgram {
  const buffers: Buffer[] = [...program.buffers];
  const build: Nest[] = [];
  const nests = program.nests.map((nest) => {
    if (nest.phase === "build" || nest.name.endsWith(".halo")) return nest;
    let context: Context = { nest, buffers: new Map(buffers.map((buffer) => [buffer.name, buffer])) };
    const steps = random.uniform() < 0.7 ? recipe(random, context) : Array.from({ length: 6 }, () => undefined);
    for (const planned of steps) {
      const step = planned ?? anyStep(random, context);
      const { value } = applyStep(step, context);
      countStep(step, value !== undefined, context);
      if (!value) continue;
      context = { nest: value.nest, buffers: new Map([...context.buffers, ...value.buffers.map((added) => [added.name, added] as const)]) };
      buffers.push(...value.buffers);
      build.push(...value.nests);
    }
    return context.nest;
  });
  const inPhase = (phase: Nest["phase"]) => nests.filter((nest) => nest.phase === phase);
  return { ...program, buffers, nests: [...inPhase("build"), ...build, ...inPhase("run")].map(decompose) };
}

/** The steps of a register tile with random choices, some of them left out. */
function recipe(random: Random, { nest, buffers }: Context): Step[] {
  const loops = loopsOf(nest.body);
  const reduce = findReduce(nest.body);
  const over = new Set(reduce?.over ?? []);
  const parallel = loops.filter((loop) => !over.has(loop.name)).map((loop) => loop.name);
  const f = random.uniform() < 0.7 ? parallel.at(-1) : random.pick(parallel);
  const w = random.pick(parallel);
  if (f === undefined) return [];
  const isTiled = w !== f;
  const tail = () => random.pick(["guard", "shift"]);
  const others = parallel.filter((name) => name !== f && name !== w);
  // Two of the other loops are sometimes one; where they stand apart, the step is refused and so is the reordering.
  const isFused = others.length > 1 && random.uniform() < 0.4;
  const rest = isFused ? ["fused", ...others.slice(2)] : others;
  const [outer, inner] = isTiled
    ? [
        [`${f}.o`, `${w}.o`],
        [`${w}.i`, `${f}.i`],
      ]
    : [[`${f}.o`], [`${f}.i`]];
  const at = outer.at(-1) as string;
  const constants =
    loops.length > 0 && reduce
      ? [...buffers.values()].filter((buffer) => buffer.role.kind === "weight" || buffer.role.kind === "derived")
      : [];
  const fused = isFused ? [stepOf(["fuse", ...others.slice(0, 2)], ["into", "fused"])] : [];
  // Tiles before the cut share the loops around it; what is cut off is left as it is, but for its vectors.
  const cut = [
    stepOf(["split", f], ["by", random.pick([4, 4, 8])], ["tail", tail()]),
    ...constants.map((buffer) =>
      stepOf(["stage", buffer.name], ["packed"], ["by", ...shuffled(random, [...rest, `${f}.o`, ...over, `${f}.i`])]),
    ),
    stepOf(["reorder", ...shuffled(random, rest), `${f}.o`, w, ...shuffled(random, [...over]), `${f}.i`]),
    stepOf(["split", w], ["by", random.integer(2, 5)], ["tail", "cut"]),
    stepOf(["reorder", ...shuffled(random, [...over]), `${w}.i`, `${f}.i`]),
    stepOf(["vectorize", `${f}.i`]),
    stepOf(["unroll", `${w}.i`]),
    ...(reduce ? [stepOf(["stage", "result"], ["in", "registers"], ["at", `${w}.o`])] : []),
    stepOf(["vectorize", `${f}.i.t`]),
  ];
  const tiles = [
    stepOf(["split", f], ["by", random.pick([4, 4, 8])], ["tail", tail()]),
    ...(isTiled ? [stepOf(["split", w], ["by", random.integer(2, 4)], ["tail", tail()])] : []),
    stepOf(["reorder", ...shuffled(random, rest), ...outer, ...shuffled(random, [...over]), ...inner]),
    stepOf(["vectorize", `${f}.i`]),
    ...(isTiled ? [stepOf(["unroll", `${w}.i`])] : []),
    ...constants.map((buffer) =>
      stepOf(["stage", buffer.name], ["packed"], ["by", ...shuffled(random, [...rest, ...outer, ...over, ...inner])]),
    ),
    ...(reduce ? [stepOf(["stage", "result"], ["in", "registers"], ["at", at])] : []),
    ...(over.size > 0 && random.uniform() < 0.3 ? [stepOf(["unroll", random.pick([...over])])] : []),
  ];
  const marked = random.uniform() < 0.5 ? [stepOf(["parallel", rest.length > 0 ? random.pick(rest) : at])] : [];
  const factored = [...over].at(-1);
  if (factored !== undefined && random.uniform() < 0.2)
    return [
      stepOf(["split", factored], ["by", random.pick([2, 3, 4])], ["tail", "guard"]),
      stepOf(["rfactor", random.pick([`${factored}.i`, `${factored}.o`, factored])]),
      stepOf(["vectorize", `${factored}.i`]),
    ];
  const steps = [...fused, ...(isTiled && random.uniform() < 0.75 ? cut : tiles), ...marked];
  return steps.filter(() => random.uniform() < 0.93);
}

function anyStep(random: Random, { nest }: Context): Step {
  const loops = loopsOf(nest.body).map((loop) => loop.name);
  const loop = random.pick(loops);
  const kind = random.uniform();
  if (kind < 0.15) return stepOf(["fuse", ...loops.slice(loops.indexOf(loop)).slice(0, 2)], ["into", `${loop}.fused`]);
  if (kind < 0.4) return stepOf(["split", loop], ["by", random.pick([2, 3, 4, 4, 8])], ["tail", random.pick(["guard", "shift", "cut"])]);
  if (kind < 0.6) return stepOf(["reorder", ...shuffled(random, loops).slice(0, 3)]);
  if (kind < 0.75) return stepOf(["vectorize", loop]);
  if (kind < 0.8) return stepOf(["parallel", loop]);
  if (kind < 0.85) return stepOf(["rfactor", loop]);
  return kind < 0.93 ? stepOf(["unroll", loop]) : stepOf(["stage", "result"], ["in", "registers"], ["at", loop]);
}

function stepOf(...clauses: readonly (readonly [string, ...(string | number)[]])[]): Step {
  return { clauses: clauses.map(([keyword, ...rest]) => ({ keyword, arguments: rest })) };
}

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
