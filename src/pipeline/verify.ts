/**
 * verifyModel: random inputs through the target and the float64 reference. Each layer is judged on the inputs that the
 * target itself gave it, element by element against the bound of docs/numbers.md; then the whole network end to end.
 */

import { emitWasm } from "../codegen/wasm/emit.ts";
import { instantiate } from "../codegen/wasm/instance.ts";
import { dtypes, elementCount, type TensorType } from "../ir/dtype.ts";
import { forEachPoint } from "../ir/evaluate.ts";
import type { KernelProgram } from "../ir/kernel.ts";
import type { LoopProgram } from "../ir/loop.ts";
import { readsOf } from "../ir/loop_accesses.ts";
import { roundToDType } from "../ir/memory_element.ts";
import { type Buffer, stridesOf, type TensorProgram } from "../ir/tensor.ts";
import { arithmetics, boundName } from "../passes/error_bound.ts";
import { bufferMap, tensorsReadBy } from "../passes/tensor_graph.ts";
import { invariant } from "../support/invariant.ts";
import { createRandom } from "../support/random.ts";
import type { Compiled } from "./compiled.ts";
import { createReference, createWasm, type Tensors, type Weights, writeSources } from "./execute.ts";
import { withBounds } from "./layer_bounds.ts";
import { lowerKernel, lowerLoop, scheduleLoop } from "./lower.ts";

export type LayerReport = {
  readonly name: string;
  /** Largest absolute difference from the reference. */
  readonly error: number;
  /** Largest difference as a fraction of the element's bound: at most 1 in a correct layer. */
  readonly ratio: number;
  readonly ok: boolean;
};

export type VerifyReport = {
  readonly layers: readonly LayerReport[];
  /** Per output: largest difference over the largest magnitude, at most `endToEndTolerance`. */
  readonly outputs: readonly { readonly name: string; readonly error: number; readonly ok: boolean }[];
  readonly ok: boolean;
};

/** Largest error of an output relative to its largest magnitude, for float networks. */
export const endToEndTolerance = 1e-4;

/** The same where tensors are stored in f16, whose every rounding is 5e-4. */
export const halfTolerance = 5e-3;

export type VerifyOptions = {
  readonly seed?: number;
  readonly inputs?: Tensors;
  /** Weights for the target alone: a test of the judge, which must then find the difference. */
  readonly targetWeights?: Weights;
};

export function verifyModel(compiled: Compiled, weights: Weights, options: VerifyOptions = {}): VerifyReport {
  const inputs = options.inputs ?? randomInputs(compiled, options.seed ?? 0);
  const targetWeights = options.targetWeights ?? weights;
  const outputs = createWasm(compiled, targetWeights).run(inputs);
  return judgeModel(compiled, weights, inputs, { outputs, ...runUnshared(compiled, targetWeights, inputs) });
}

/** What a target computed on these inputs, against the reference and the bound of its arithmetic. */
export function judgeModel(compiled: Compiled, weights: Weights, inputs: Tensors, observed: Observed): VerifyReport {
  const layers = verifyLayers(compiled, weights, observed);
  const target = observed.outputs;
  const reference = createReference(compiled, weights).run(inputs);
  const tolerance = usesHalf(compiled) ? halfTolerance : endToEndTolerance;
  const outputs = compiled.outputs.map(({ name, type }) => {
    const expected = required(reference, name);
    const actual = promised(compiled, required(target, name), expected);
    const error = relativeError(actual, expected);
    const isSteps = type.dtype === "i8" || type.dtype === "u8";
    return { name, error, ok: error <= tolerance || (isSteps && isFewSteps(actual, expected)) };
  });
  return { layers, outputs, ok: layers.every((layer) => layer.ok) && outputs.every((output) => output.ok) };
}

/** Where an integer network rounds to its steps, f32 and f64 may fall on both sides of a half: one step on 99 of 100, and two at most. */
function isFewSteps(actual: Float64Array, expected: Float64Array): boolean {
  const differences = actual.map((value, i) => Math.abs(value - (expected[i] as number)));
  const beyondOne = differences.filter((difference) => difference > 1).length;
  return differences.every((difference) => difference <= 2) && beyondOne * 100 <= actual.length;
}

function usesHalf(compiled: Compiled): boolean {
  return compiled.levels.layers().buffers.some((buffer) => buffer.dtype === "f16");
}

/** Standard normal floats, small integers, coin tosses for bool. */
export function randomInputs(compiled: Pick<Compiled, "inputs">, seed: number): Map<string, Float64Array> {
  const random = createRandom(`inputs/${seed}`);
  return new Map(compiled.inputs.map(({ name, type }) => [name, randomTensor(type, random)]));
}

export function randomTensor(type: TensorType, random: ReturnType<typeof createRandom>): Float64Array {
  const { kind, low, high } = dtypes[type.dtype];
  const draw = () => {
    if (kind === "float") return roundToDType(random.normal(), type.dtype);
    return kind === "bool" ? random.integer(0, 1) : random.integer(Math.max(low, -128), Math.min(high, 127));
  };
  return Float64Array.from({ length: elementCount(type.shape) }, draw);
}

function verifyLayers(compiled: Compiled, weights: Weights, { valueOf: actual, recomputes }: Unshared): LayerReport[] {
  const { program: judged, partsOf } = withBounds(compiled.levels.layers(), arithmetics[compiled.target], recomputes);
  const { value: loops } = scheduleLoop(lowerLoop(judged), { sketches: [], schedules: [] }, "none", { target: "wasm" });
  invariant(loops, "the layers do not lower");
  const kernel = lowerKernel(loops, { float64: true });
  const instance = instantiate(kernel, emitWasm(kernel, { relaxed: false, calls: "steps" }).bytes, "steps");
  writeSources(instance, kernel, weights);
  const steps = stepsByNest(kernel);
  // Weights are the reference's own: a target that reads others is wrong.
  const given = new Set(kernel.sources.map((source) => source.buffer));
  const reports: LayerReport[] = [];
  for (const group of compiled.levels.layers().groups) {
    const result = actual(group.name);
    for (const name of tensorsReadBy(group)) {
      const operand = given.has(name) ? undefined : actual(name);
      if (operand) instance.write(name, operand);
    }
    for (const part of partsOf.get(group.name) ?? []) for (const step of steps.get(part) ?? []) instance.step(step);
    if (!result) continue;
    const expected = instance.read(group.name);
    reports.push(judge(group.name, promised(compiled, result, expected), expected, instance.read(boundName(group.name))));
  }
  return reports;
}

/** Shaders promise finite results alone: WGSL lets a device take NaN and infinities for anything. */
function promised({ target }: Compiled, actual: Float64Array, expected: Float64Array): Float64Array {
  if (target === "wasm") return actual;
  return actual.map((value, i) => (Number.isFinite(expected[i]) ? value : (expected[i] as number)));
}

function judge(name: string, actual: Float64Array, expected: Float64Array, bound: Float64Array): LayerReport {
  let error = 0;
  let ratio = 0;
  actual.forEach((value, i) => {
    const wanted = expected[i] as number;
    if (Object.is(value, wanted) || value === wanted || (Number.isNaN(value) && Number.isNaN(wanted))) return;
    const difference = Math.abs(value - wanted);
    error = Math.max(error, Number.isNaN(difference) ? Infinity : difference);
    const allowed = (bound[i] as number) || 0;
    ratio = Math.max(ratio, Number.isNaN(difference) ? Infinity : difference / allowed);
  });
  return { name, error, ratio, ok: ratio <= 1 };
}

/** What a target computed: its outputs by name, and every layer. */
export type Observed = Unshared & { readonly outputs: Tensors };

export type Unshared = {
  /** Undefined where the target keeps no such tensor, for schedules compute it where it is read. */
  valueOf(name: string): Float64Array | undefined;
  /** Whether the layer computes the operand for itself, so that the target's own is not what it reads. */
  recomputes(layer: string, operand: string): boolean;
};

/** The target's program with a place of its own for every tensor, so that each can be read after the run. */
function runUnshared(compiled: Compiled, weights: Weights, inputs: Tensors): Unshared {
  const planned = compiled.levels.tensor();
  const unshared: TensorProgram = { ...planned, buffers: planned.buffers.map(({ overwrites: _, ...buffer }) => buffer) };
  const { value: loops } = scheduleLoop(lowerLoop(unshared), compiled.module, compiled.schedule, compiled);
  invariant(loops, "the program does not lower without shared memory");
  const kernel = lowerKernel(loops);
  const instance = instantiate(kernel, emitWasm(kernel, { relaxed: false, calls: "build" }).bytes, "build");
  writeSources(instance, kernel, weights);
  instance.build();
  for (const [name, values] of inputs) instance.write(name, values);
  instance.run();
  return unsharedOf(compiled, loops, (name) => instance.read(name));
}

/** `read` gives all that a buffer holds, its border included. */
export function unsharedOf(compiled: Compiled, loops: LoopProgram, read: (name: string) => Float64Array): Unshared {
  const buffers = bufferMap(loops);
  const layers = new Set(compiled.levels.tensor().groups.map((group) => group.name));
  const reads = new Map(loops.nests.map((nest) => [nest.name, readsOf(nest.body)]));
  // Steps add nests that belong to a layer: what those read, it reads.
  const readsWith = (layer: string) =>
    [...(reads.get(layer) ?? [])].flatMap((name) => [name, ...(layers.has(name) ? [] : (reads.get(name) ?? []))]);
  return {
    valueOf: (name) => {
      const buffer = buffers.get(name);
      return buffer && withoutHalo(read(name), buffer);
    },
    recomputes: (layer, operand) => !readsWith(layer).includes(operand),
  };
}

/** Row-major over the shape alone. */
function withoutHalo(allocated: Float64Array, buffer: Buffer): Float64Array {
  const { halo, shape, layout } = buffer;
  if (!halo && !layout) return allocated;
  const strides = stridesOf(buffer);
  const values = new Float64Array(elementCount(shape));
  let position = 0;
  forEachPoint(shape, [], 0, (point) => {
    const at = strides.reduce((sum, stride, d) => sum + stride * ((point[d] as number) + (halo?.before[d] ?? 0)), 0);
    values[position++] = allocated[at] as number;
  });
  return values;
}

function stepsByNest(kernel: KernelProgram): Map<string, number[]> {
  const steps = new Map<string, number[]>();
  kernel.calls.forEach((call, i) => {
    steps.set(call.nest, [...(steps.get(call.nest) ?? []), i]);
  });
  return steps;
}

function relativeError(actual: Float64Array, expected: Float64Array): number {
  let largest = 0;
  let error = 0;
  expected.forEach((wanted, i) => {
    const value = actual[i] as number;
    if (Number.isFinite(wanted)) largest = Math.max(largest, Math.abs(wanted));
    if (value === wanted || (Number.isNaN(value) && Number.isNaN(wanted))) return;
    const difference = Math.abs(value - wanted);
    error = Math.max(error, Number.isNaN(difference) ? Infinity : difference);
  });
  return error === 0 ? 0 : error / Math.max(largest, Number.MIN_VALUE);
}

function required(tensors: ReadonlyMap<string, Float64Array>, name: string): Float64Array {
  const values = tensors.get(name);
  invariant(values, `no output ${name}`);
  return values;
}
