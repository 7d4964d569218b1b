/**
 * What measuring needs: a workload's operands with the results that a float64 reference gives for them, and a candidate as a
 * WebAssembly module of its own, which packs its weights itself.
 */
import { lowerToKernels } from "../codegen/lower_to_kernel.ts";
import { emitWasm, pagesFor } from "../codegen/wasm/emit.ts";
import { buildWeights, instantiate } from "../codegen/wasm/instance.ts";
import { type DType, dtypes, elementCount, isFloat } from "../ir/dtype.ts";
import { forEachPoint } from "../ir/evaluate.ts";
import { floatOperations } from "../ir/float_operations.ts";
import type { KernelProgram } from "../ir/kernel.ts";
import type { LoopProgram, Nest } from "../ir/loop.ts";
import { roundToDType, writeElement } from "../ir/memory_element.ts";
import { allocatedShape, type Buffer, type TensorProgram } from "../ir/tensor.ts";
import { type Arithmetic, arithmetics, boundName } from "../passes/error_bound.ts";
import { lowerToLoop } from "../passes/lower_to_loop.ts";
import { tensorsReadBy } from "../passes/tensor_graph.ts";
import { withBounds } from "../pipeline/layer_bounds.ts";
import { randomInputs, randomTensor } from "../pipeline/verify.ts";
import { decompose } from "../schedule/decompose.ts";
import { invariant } from "../support/invariant.ts";
import { createRandom } from "../support/random.ts";
import type { Scheduled } from "./candidate.ts";
import type { TimedNetwork } from "./measurer.ts";
import { referenceNest } from "./reference_nest.ts";
import type { Workload } from "./workload.ts";

/** Values of every tensor that the workload reads, and what must come out. */
export type PreparedWorkload = {
  readonly key: string;
  /** As bytes in memory, border included. */
  readonly operands: readonly { readonly name: string; readonly bytes: Uint8Array }[];
  /** Over all elements of the memory that holds the result; an element that the workload does not write has an infinite bound. */
  readonly expected: Float64Array;
  readonly bound: Float64Array;
};

/** A module that exports `memory`, which it imports, `build` (packs weights) and `run`. */
export type BuiltCandidate = {
  readonly bytes: Uint8Array;
  /** Of memory, 64 KiB each. */
  readonly pages: number;
  /** Where each operand goes, in the order of the workload's. */
  readonly operandsAt: readonly number[];
  readonly own?: readonly { readonly at: number; readonly bytes: Uint8Array }[];
  readonly result: { readonly at: number; readonly dtype: DType; readonly count: number };
  /** Floating-point operations of one run. */
  readonly operations: number;
};

export type ReferenceOptions = {
  /** By whose errors the candidate is judged. */
  readonly arithmetic: Arithmetic;
  /** The order of the loops in which the reference is computed. */
  readonly arrange: (nest: Nest) => Nest;
};

/**
 * Operands are uniform of variance 1, small integers, or the constants of the program; equal for equal seeds. The reference's nests are
 * as they were declared, but for the order that `arrange` gives their loops.
 */
export function prepareWorkload(workload: Workload, seed: number, options: Partial<ReferenceOptions> = {}): PreparedWorkload {
  const { key, group } = workload;
  const buffers = standAlone(workload);
  const reference = referenceOf(workload, buffers, { arithmetic: arithmetics.wasm, arrange: referenceNest, ...options });
  const instance = instantiate(reference, emitWasm(reference, { relaxed: false, calls: "build" }).bytes, "build");
  const random = createRandom(`workload/${key}/${seed}`);
  const operands = operandBuffers(workload, buffers).map((buffer) => {
    const values = valuesOf(buffer, random);
    instance.write(buffer.name, values);
    return { name: buffer.name, bytes: encode(values, buffer.dtype) };
  });
  instance.build();
  instance.run();
  const result = required(buffers, group.name);
  const expected = instance.read(result.name);
  return { key, operands, expected, bound: allocatedBounds(result, instance.read(boundName(group.name))) };
}

export function buildCandidate(workload: Workload, scheduled: Scheduled, { relaxed }: { readonly relaxed: boolean }): BuiltCandidate {
  const buffers = standAlone(workload);
  const { result } = workload.nest;
  const program = programOf(workload, scheduled, buffers);
  const kernel = lowerToKernels(program);
  const places = new Map(kernel.placements.map((placement) => [placement.buffer, placement]));
  const place = places.get(result);
  invariant(place, `the candidate has no place for ${result}`);
  return {
    bytes: emitWasm(kernel, { relaxed, calls: "build", importsMemory: true }).bytes,
    pages: pagesFor(kernel.buildBytes),
    operandsAt: operandBuffers(workload, buffers).map(({ name }) => places.get(name)?.offset ?? 0),
    result: { at: place.offset, dtype: place.dtype, count: place.bytes / dtypes[place.dtype].bytes },
    operations: operationsOf(kernel, scheduled.nest.name),
  };
}

/** A whole network as it ships, with its packed weights and random inputs; its result is not looked at. */
export function buildNetwork({ compiled, weights }: TimedNetwork, { relaxed }: { readonly relaxed: boolean }): BuiltCandidate {
  const kernel = compiled.levels.kernel();
  const places = new Map(kernel.placements.map((placement) => [placement.buffer, placement]));
  const inputs = [...randomInputs(compiled, 0)].flatMap(([name, values]) => {
    const place = places.get(name);
    return place ? [{ at: place.offset, bytes: encode(values, place.dtype) }] : [];
  });
  return {
    bytes: emitWasm(kernel, { relaxed, calls: "run", importsMemory: true }).bytes,
    pages: pagesFor(kernel.runBytes),
    operandsAt: [],
    own: [{ at: 0, bytes: buildWeights(kernel, weights) }, ...inputs],
    result: { at: 0, dtype: "u8", count: 0 },
    operations: kernel.kernels.reduce((sum, { body }) => sum + floatOperations(body), 0),
  };
}

function operationsOf(kernel: KernelProgram, nest: string): number {
  const call = kernel.calls.find((candidate) => candidate.nest === nest);
  return floatOperations(kernel.kernels.find(({ name }) => name === call?.kernel)?.body ?? []);
}

/** The candidate as a program of its own, on the tensors that stand alone. */
export function programOf(
  { nest }: Workload,
  scheduled: Pick<Scheduled, "before" | "nest" | "added">,
  buffers: ReadonlyMap<string, Buffer>,
): LoopProgram {
  return {
    name: nest.name,
    buffers: [...buffers.values(), ...scheduled.added],
    nests: [...scheduled.before, scheduled.nest],
    inputs: [...buffers.values()].filter(({ role }) => role.kind === "input").map(({ name }) => name),
    outputs: [{ name: nest.result, value: nest.result }],
    arenaBytes: 0,
  };
}

/** The tensors of the workload, each in a place of its own; what other layers compute is given. */
export function standAlone({ group, producer, buffers, nest }: Workload): Map<string, Buffer> {
  const read = [...(producer ? tensorsReadBy(producer) : []), ...tensorsReadBy(group)].filter((name) => name !== producer?.name);
  const named = [...new Set([...read, nest.result])].map((name) => required(buffers, name));
  const roots = named.flatMap(({ aliasOf }) => (aliasOf === undefined ? [] : [required(buffers, aliasOf)]));
  const own = required(buffers, nest.result);
  return new Map(
    [...roots, ...named].map(({ offset: _, ...buffer }) => {
      const isOwn = buffer.name === own.name || buffer.name === own.aliasOf;
      return [buffer.name, { ...buffer, role: isOwn ? { kind: "temporary" } : givenRole(buffer) }];
    }),
  );
}

function givenRole({ name, role }: Buffer): Buffer["role"] {
  if (role.kind === "constant" || role.kind === "weight") return role;
  return role.kind === "derived" ? { kind: "weight", path: name } : { kind: "input" };
}

/** Memory that is written before a run: aliases lie in it. */
function operandBuffers({ nest }: Workload, buffers: ReadonlyMap<string, Buffer>): Buffer[] {
  const own = required(buffers, nest.result);
  return [...buffers.values()].filter(({ name, aliasOf }) => aliasOf === undefined && name !== own.name && name !== own.aliasOf);
}

function referenceOf(workload: Workload, alone: ReadonlyMap<string, Buffer>, { arithmetic, arrange }: ReferenceOptions): KernelProgram {
  const { group, producer } = workload;
  // What is computed in between is a whole tensor here.
  const { overwrites: _, ...between } = producer ? required(workload.buffers, producer.name) : { name: "" };
  const buffers = producer ? new Map(alone).set(producer.name, between as Buffer) : alone;
  const inputs = [...buffers.values()].filter(({ role }) => role.kind === "input").map(({ name }) => name);
  const program: TensorProgram = {
    name: group.name,
    buffers: [...buffers.values()],
    groups: [...(producer ? [producer] : []), group],
    inputs,
    outputs: [],
  };
  // Not verified: a tensor with a border that nobody computes is no program, but has a meaning.
  const loops = lowerToLoop(withBounds(program, arithmetic, (_, operand) => operand === producer?.name).program);
  return lowerToKernels({ ...loops, nests: loops.nests.map((nest) => decompose(arrange(nest))) }, { float64: true });
}

type Values = Float32Array | Float64Array;

/** Of the allocated elements; a border holds its fill. */
function valuesOf(buffer: Buffer, random: ReturnType<typeof createRandom>): Values {
  const { role, halo, dtype } = buffer;
  const shape = allocatedShape(buffer);
  if (role.kind === "constant") return Float64Array.from(role.data);
  const values = isFloat(dtype) ? uniformValues(elementCount(shape), dtype, random) : randomTensor({ dtype, shape }, random);
  if (halo)
    forEachElement(shape, (point, at) => {
      if (isBorder(point, buffer)) values[at] = halo.fill;
    });
  return values;
}

/** Uniform, of variance 1: millions of weights by a generator of one multiplication (Numerical Recipes' linear congruential one), of its higher bits. */
function uniformValues(count: number, dtype: DType, random: ReturnType<typeof createRandom>): Values {
  let state = random.integer(0, 2 ** 32 - 1);
  const values = dtype === "f32" ? new Float32Array(count) : new Float64Array(count);
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    values[i] = ((state >> 8) / 2 ** 23) * Math.sqrt(3);
  }
  return dtype === "f16" ? values.map((value) => roundToDType(value, dtype)) : values;
}

function allocatedBounds(buffer: Buffer, inner: Float64Array): Float64Array {
  if (!buffer.halo) return inner;
  const shape = allocatedShape(buffer);
  const bounds = new Float64Array(elementCount(shape)).fill(Infinity);
  let next = 0;
  forEachElement(shape, (point, at) => {
    if (!isBorder(point, buffer)) bounds[at] = inner[next++] ?? Infinity;
  });
  return bounds;
}

function isBorder(point: readonly number[], { halo, shape }: Buffer): boolean {
  for (let d = 0; d < shape.length; d++) {
    const place = (point[d] ?? 0) - (halo?.before[d] ?? 0);
    if (place < 0 || place >= (shape[d] ?? 1)) return true;
  }
  return false;
}

function forEachElement(shape: readonly number[], visit: (point: readonly number[], at: number) => void): void {
  let at = 0;
  forEachPoint(shape, [], 0, (point) => visit(point, at++));
}

function encode(values: Values, dtype: DType): Uint8Array {
  if (dtype === "f32") return new Uint8Array(values instanceof Float32Array ? values.buffer : Float32Array.from(values).buffer);
  const stored = dtype === "i64" ? "i32" : dtype;
  const size = dtypes[stored].bytes;
  const memory = new DataView(new ArrayBuffer(values.length * size));
  values.forEach((value, i) => {
    writeElement(memory, i * size, stored, value);
  });
  return new Uint8Array(memory.buffer);
}

function required(buffers: ReadonlyMap<string, Buffer>, name: string): Buffer {
  const buffer = buffers.get(name);
  invariant(buffer, `no buffer ${name}`);
  return buffer;
}
