/**
 * One program at every level: as elaborated (the oracle), after each nn and tensor pass, as loops before and after
 * scheduling, as float64 reference and as the target's module. Says the first level that differs and where.
 */
import { type Compiled, compile } from "../../src/compile.ts";
import { dtypes, isFloat } from "../../src/ir/dtype.ts";
import { initializeWeights } from "../../src/ir/initialize.ts";
import { interpretKernel } from "../../src/ir/interpret_kernel.ts";
import { interpretLoop } from "../../src/ir/interpret_loop.ts";
import { interpretTensor } from "../../src/ir/interpret_tensor.ts";
import type { NnOutput } from "../../src/ir/nn.ts";
import { createReference, createWasm, type Tensors, type Weights } from "../../src/pipeline/execute.ts";
import { fusionPasses, memoryPasses, nnPasses } from "../../src/pipeline/passes.ts";
import { verifyModel } from "../../src/pipeline/verify.ts";
import { interpretNn } from "../../src/semantics/interpret_nn.ts";
import { createRandom } from "../../src/support/random.ts";
import type { RandomProgram } from "./program.ts";

/** What is wrong with the program, or undefined. */
export function firstDifference(program: RandomProgram): string | undefined {
  const { value: compiled, diagnostics } = compile(program.source);
  if (!compiled || diagnostics.length > 0)
    return `does not compile: ${diagnostics.map(({ code, message }) => `[${code}] ${message}`).join("; ")}`;
  const difference = differenceOn(compiled, program, 0);
  if (!difference || !program.discontinuous || program.exact) return difference;
  // A float that lies within its rounding of a step is no mistake of the compiler's; such inputs are rare.
  return differenceOn(compiled, program, 1) && differenceOn(compiled, program, 2) ? difference : undefined;
}

function differenceOn(compiled: Compiled, program: RandomProgram, draw: number): string | undefined {
  const weights = drawWeights(compiled, program, draw);
  const inputs = drawInputs(compiled, program, draw);
  const given = new Map([...inputs, ...weights]);
  const oracle = interpretNn(compiled.source, given);
  const expected = named(compiled.source.outputs, oracle);
  const exact = program.exact && [...oracle.values()].every((values) => values.every(isShort));
  const at = (level: string, actual: Tensors, tolerance: number) => compare(level, compiled, expected, actual, exact ? 0 : tolerance);

  for (const name of ["elaborate", ...nnPasses.map((pass) => pass.name)]) {
    const level = compiled.levels.nn(name);
    const found = at(name, named(level.outputs, interpretNn(level, given)), 1e-6);
    if (found) return found;
  }
  for (const name of ["lower-to-tensor", ...[...fusionPasses, ...memoryPasses].map((pass) => pass.name)]) {
    const level = compiled.levels.tensor(name);
    const found = at(name, named(level.outputs, interpretTensor(level, given)), 1e-6);
    if (found) return found;
  }
  for (const name of ["lower-to-loop", "schedule", "plan-buffers"]) {
    const level = compiled.levels.loop(name);
    const found = at(name, named(level.outputs, interpretLoop(level, given)), 1e-6);
    if (found) return found;
  }
  const wasm = createWasm(compiled, weights).run(inputs);
  const kernels = compiled.levels.kernel();
  const interpreted = named(kernels.outputs, interpretKernel(kernels, given));
  const kernelDifference = compare("wasm against the kernel level", compiled, interpreted, wasm, 0);
  if (kernelDifference) return kernelDifference;
  const reference = createReference(compiled, weights).run(inputs);
  const found = at("reference", reference, 1e-9);
  if (found) return found;
  if (exact) return at("wasm", wasm, 0);
  const report = verifyModel(compiled, weights, { inputs });
  const layer = report.layers.find((candidate) => !candidate.ok);
  if (layer) return `wasm: layer ${layer.name} is ${layer.ratio} times its bound away (${layer.error})`;
  // Steps turn small errors into whole ones, which only the layer knows to be right.
  if (program.discontinuous) return undefined;
  const output = report.outputs.find((candidate) => !candidate.ok);
  return output && !isSensitive(compiled, weights, inputs, output.name, output.error)
    ? `wasm: output ${output.name} is ${output.error} away, end to end`
    : undefined;
}

/** Whether the reference itself moves as much when inputs and weights move by a few units in the last place. */
function isSensitive(compiled: Compiled, weights: Weights, inputs: Tensors, output: string, error: number): boolean {
  const random = createRandom("nudge");
  const nudge = (tensors: Tensors) =>
    new Map(
      [...tensors].map(([name, values]) => [name, values.map((value) => value * (1 + (random.uniform() - 0.5) * 2 ** -21))] as const),
    );
  const floats = new Map(compiled.inputs.map(({ name, type }) => [name, isFloat(type.dtype)]));
  const expected = createReference(compiled, weights).run(inputs).get(output) ?? new Float64Array();
  const largest = expected.reduce((most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most), 0);
  for (let i = 0; i < 4; i++) {
    const moved = new Map(
      [...inputs].map(([name, values]) => [name, floats.get(name) ? (nudge(new Map([[name, values]])).get(name) as Float64Array) : values]),
    );
    const actual = createReference(compiled, nudge(weights)).run(moved).get(output) ?? new Float64Array();
    const change = actual.reduce((most, value, k) => Math.max(most, Math.abs(value - (expected[k] as number)) || 0), 0);
    if (change * 64 >= error * largest) return true;
  }
  return false;
}

/** Few binary digits: sums and products of such values are exact in f32. */
function isShort(value: number): boolean {
  return !Number.isFinite(value) || (Math.abs(value) < 2 ** 17 && Number.isInteger(value * 32));
}

export function drawInputs(compiled: Compiled, program: RandomProgram, draw: number): Map<string, Float64Array> {
  const random = createRandom(`inputs/${program.seed}/${draw}`);
  return new Map(
    compiled.inputs.map(({ name, type }) => {
      const { low, high, kind } = dtypes[type.dtype];
      const one = () => {
        if (kind === "bool") return random.integer(0, 1);
        if (kind === "integer")
          return random.uniform() < 0.05 ? random.pick([Math.max(low, -(2 ** 31)), high]) : random.integer(Math.max(low, -5), 9);
        if (program.exact) return random.integer(-3, 3);
        return Math.fround(Math.max(-4, Math.min(4, random.normal())));
      };
      return [name, Float64Array.from({ length: type.shape.reduce((a, b) => a * b, 1) }, one)];
    }),
  );
}

export function drawWeights(compiled: Compiled, program: RandomProgram, draw: number): Map<string, Float64Array> {
  // All that the source declares: the oracle computes what later turns out to be dead, too.
  const weights = initializeWeights(compiled.source.weights, program.seed + draw);
  if (!program.exact) return weights;
  return new Map([...weights].map(([path, values]) => [path, values.map((value) => Math.round(value))] as const));
}

function named(outputs: readonly NnOutput[], values: Tensors): Map<string, Float64Array> {
  return new Map(outputs.map(({ name, value }) => [name, values.get(value) ?? new Float64Array()]));
}

/** Integers and conditions must be equal; floats within the tolerance of the largest magnitude. */
function compare(level: string, compiled: Compiled, expected: Tensors, actual: Tensors, tolerance: number): string | undefined {
  for (const { name, type } of compiled.outputs) {
    const [wanted, found] = [expected.get(name) as Float64Array, actual.get(name)];
    if (wanted.length !== found?.length) return `${level}: output ${name} has ${found?.length} elements instead of ${wanted.length}`;
    const largest = wanted.reduce((most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most), 1);
    const allowed = isFloat(type.dtype) ? tolerance * largest : 0;
    const position = wanted.findIndex((value, i) => !agrees(value, found[i] as number, allowed));
    if (position >= 0)
      return `${level}: output ${name} differs at ${position} of ${wanted.length}: ${found[position]} instead of ${wanted[position]}`;
  }
  return undefined;
}

export function agrees(wanted: number, found: number, allowed: number): boolean {
  return wanted === found || (Number.isNaN(wanted) && Number.isNaN(found)) || Math.abs(wanted - found) <= allowed;
}
