/**
 * How many bytes a second this engine reads with 128-bit loads, from a buffer that stays in a cache and from one that is larger than
 * them all: the slanted roofs of a roofline.
 */
import { type EmitOptions, emitWasm } from "../codegen/wasm/emit.ts";
import { instantiate } from "../codegen/wasm/instance.ts";
import type { KernelExpr, KernelProgram, KernelStatement } from "../ir/kernel.ts";
import { address, base, get, integer, splat, type, vectorBytes, whole } from "./probe_kernel.ts";

export type Bandwidth = {
  /** Of the buffer that is read again and again. */
  readonly bufferBytes: number;
  readonly bytesPerSecond: number;
};

/** In the first cache of any processor of today, in the second, and in none. */
const sizes = [16 * 1024, 256 * 1024, 64 * 1024 * 1024] as const;
/** Bytes that one run reads: a millisecond or several. */
const bytesInRun = 64 * 1024 * 1024;
/** Sums side by side, enough for one to wait for its addition while the others load; their bytes divide every size. */
const chains = 8;
const stride = chains * vectorBytes;

/** The smallest buffer first; of each, the fastest of `samples` runs. `now` is in milliseconds. */
export function measureBandwidths(options: Pick<EmitOptions, "relaxed">, now: () => number, samples = 7): Bandwidth[] {
  return sizes.map((bufferBytes) => {
    const program = programOf(bufferBytes);
    const instance = instantiate(program, emitWasm(program, { ...options, calls: "run" }).bytes, "run");
    // Pages that nothing has written may all be the same page of zeros.
    instance.write("data", new Float32Array(bufferBytes / 4).fill(1));
    const time = () => {
      const start = now();
      instance.run();
      return now() - start;
    };
    const best = Math.min(...Array.from({ length: samples + warmUps }, time).slice(warmUps));
    return { bufferBytes, bytesPerSecond: (bufferBytes * repeatsOf(bufferBytes)) / (best / 1000) };
  });
}

/** Runs before the optimising tier's code can be expected. */
const warmUps = 5;

function repeatsOf(bufferBytes: number): number {
  return Math.max(1, Math.round(bytesInRun / bufferBytes));
}

const sums = Array.from({ length: chains }, (_, i) => `sum${i}`);

function programOf(bufferBytes: number): KernelProgram {
  const loads = sums.map((name, i): KernelStatement => {
    const value: KernelExpr = { kind: "load", type, dtype: "f32", buffer: "b1", address: address("address"), offset: i * vectorBytes };
    return { kind: "set", name, type, value: { kind: "apply", function: "add", on: type, args: [get(name), value] } };
  });
  const step: KernelExpr = integer("mul", address("i"), whole(stride));
  const pass: KernelStatement = {
    kind: "for",
    name: "i",
    extent: bufferBytes / stride,
    body: [{ kind: "set", name: "address", type: "i32", value: integer("add", base("b1"), step) }, ...loads],
  };
  return {
    name: "bandwidth",
    kernels: [
      {
        name: "bandwidth",
        trace: [],
        parameters: [
          { name: "b0", dtype: "f32", writes: true },
          { name: "b1", dtype: "f32", writes: false },
        ],
        body: [
          ...sums.map((name): KernelStatement => ({ kind: "set", name, type, value: splat(0) })),
          { kind: "for", name: "again", extent: repeatsOf(bufferBytes), body: [pass] },
          ...sums.map(
            (name, i): KernelStatement => ({
              kind: "store",
              dtype: "f32",
              type,
              buffer: "b0",
              address: base("b0"),
              offset: i * vectorBytes,
              value: get(name),
            }),
          ),
        ],
      },
    ],
    calls: [{ kernel: "bandwidth", nest: "bandwidth", phase: "run", arguments: ["sums", "data"] }],
    placements: [
      { buffer: "sums", dtype: "f32", shape: [4 * chains], offset: 0, bytes: stride },
      { buffer: "data", dtype: "f32", shape: [bufferBytes / 4], offset: stride, bytes: bufferBytes },
    ],
    sources: [],
    weightBytes: 0,
    runBytes: stride + bufferBytes,
    buildBytes: stride + bufferBytes,
    inputs: [],
    outputs: [],
  };
}
