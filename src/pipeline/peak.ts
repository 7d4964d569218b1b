/**
 * The most multiply-adds that this engine makes in a second with 128-bit vectors: a kernel that works in registers alone,
 * emitted as every other kernel is.
 */
import { type EmitOptions, emitWasm } from "../codegen/wasm/emit.ts";
import { instantiate } from "../codegen/wasm/instance.ts";
import { floatOperations } from "../ir/float_operations.ts";
import type { Kernel, KernelProgram, KernelStatement } from "../ir/kernel.ts";
import { get, splat, type } from "./probe_kernel.ts";

/**
 * Enough for the latency of one to hide behind the others (where a multiplication and an addition follow each other, 12 only just do, and now and
 * then do not), few enough for sixteen registers beside the constant and the product.
 */
const chains = 14;
const iterations = 100_000;

/**
 * A run of the loop at a time, in floating-point operations per second, two for each multiply-add. `now` is in milliseconds. The optimising
 * tier has replaced the baseline tier's code before the first.
 */
export function createPeakMeter(options: Pick<EmitOptions, "relaxed">, now: () => number): () => number {
  const instance = instantiate(program, emitWasm(program, { ...options, calls: "run" }).bytes, "run");
  const operations = floatOperations(kernel.body);
  const run = () => {
    const start = now();
    instance.run();
    return operations / ((now() - start) / 1000);
  };
  for (let i = 0; i < 100; i++) run();
  return run;
}

/** The kernel as a module with `run`, and what a run executes: a measurer's control. */
export function peakModule(options: Pick<EmitOptions, "relaxed">): { readonly bytes: Uint8Array; readonly operations: number } {
  return { bytes: emitWasm(program, { ...options, calls: "run" }).bytes, operations: floatOperations(kernel.body) };
}

/** Whether this engine has the relaxed instructions. */
export function hasRelaxedSimd(): boolean {
  return WebAssembly.validate(emitWasm(program, { relaxed: true, calls: "run" }).bytes as Uint8Array<ArrayBuffer>);
}

const names = Array.from({ length: chains }, (_, i) => `sum${i}`);
const half = splat(0.5);

/** `sum = sum * half + half`, which stays near 1: no overflow and no denormal number slows it. */
const step = (name: string): KernelStatement => ({
  kind: "set",
  name,
  type,
  value: { kind: "multiply_add", on: type, args: [get(name), get("half"), get("half")] },
});

const kernel: Kernel = {
  name: "peak",
  trace: [],
  parameters: [{ name: "b0", dtype: "f32", writes: true }],
  body: [
    { kind: "set", name: "half", type, value: half },
    ...names.map((name): KernelStatement => ({ kind: "set", name, type, value: get("half") })),
    { kind: "for", name: "i", extent: iterations, body: names.map(step) },
    ...names.map(
      (name, i): KernelStatement => ({
        kind: "store",
        dtype: "f32",
        type,
        buffer: "b0",
        address: { kind: "base", buffer: "b0" },
        offset: 16 * i,
        value: get(name),
      }),
    ),
  ],
};

const program: KernelProgram = {
  name: "peak",
  kernels: [kernel],
  calls: [{ kernel: "peak", nest: "peak", phase: "run", arguments: ["sums"] }],
  placements: [{ buffer: "sums", dtype: "f32", shape: [4 * chains], offset: 0, bytes: 16 * chains }],
  sources: [],
  weightBytes: 0,
  runBytes: 16 * chains,
  buildBytes: 16 * chains,
  inputs: [],
  outputs: [],
};
