/**
 * lowerToKernels: scheduled nests become kernels, each different one once, and every buffer gets its place in memory:
 * first the weights that run-time kernels read (the image that ships), then the arena, then tiles, which live within one call
 * and share one place, then what only the build needs.
 */

import { canonicalNest } from "../ir/canonical_nest.ts";
import { dtypes, elementCount } from "../ir/dtype.ts";
import type { Kernel, KernelCall, KernelProgram, Placement, WeightSource } from "../ir/kernel.ts";
import type { LoopProgram, Nest } from "../ir/loop.ts";
import { allocatedShape, type Buffer, extentsInMemory } from "../ir/tensor.ts";
import { exactJson } from "../support/exact_json.ts";
import { storedDType } from "./kernel_builder.ts";
import { type LoweredNest, lowerNest } from "./lower_nest.ts";

export type LowerOptions = {
  /** Floats are float64 in memory and in registers, functions without an instruction are the host's: the reference. */
  readonly float64?: boolean;
};

const alignment = 16;

/** The tiles in memory of one nest. */
type Scratch = Pick<Nest, "phase"> & { readonly tiles: readonly Buffer[] };

export function lowerToKernels(program: LoopProgram, options: LowerOptions = {}): KernelProgram {
  const float64 = options.float64 ?? false;
  const buffers = new Map(program.buffers.map((buffer) => [buffer.name, buffer]));
  const kernels = new Map<string, Kernel>();
  const calls: KernelCall[] = [];
  const scratch: Scratch[] = [];
  const known = new Map<string, { readonly lowered: LoweredNest; readonly names: readonly string[] }>();
  for (const nest of program.nests) {
    const { text, names } = canonicalNest(nest, buffers);
    const equal = known.get(text) ?? { lowered: lowerNest(nest, buffers, float64), names };
    known.set(text, equal);
    const { lowered } = equal;
    const tiles = new Map(lowered.scratch.map((tile) => [tile.name, `${nest.name}.${tile.name}`]));
    const bound = new Map([...equal.names.map((name, i): [string, string] => [name, names[i] ?? name]), ...tiles]);
    const key = exactJson([lowered.kernel.parameters, lowered.kernel.body]);
    const kernel = kernels.get(key) ?? lowered.kernel;
    kernels.set(key, kernel);
    calls.push({
      kernel: kernel.name,
      nest: nest.name,
      phase: nest.phase,
      arguments: lowered.arguments.map((name) => bound.get(name) ?? name),
    });
    scratch.push({ phase: nest.phase, tiles: lowered.scratch.map((tile) => ({ ...tile, name: tiles.get(tile.name) ?? tile.name })) });
  }
  const { name, inputs, outputs } = program;
  return {
    name,
    kernels: [...kernels.values()],
    calls,
    sources: sourcesOf(program),
    inputs,
    outputs,
    ...place(program, scratch, calls, float64),
  };
}

function sourcesOf(program: LoopProgram): KernelProgram["sources"] {
  return program.buffers.flatMap(({ name, role }): { buffer: string; source: WeightSource }[] => {
    if (role.kind === "constant") return [{ buffer: name, source: role }];
    return role.kind === "weight" ? [{ buffer: name, source: role }] : [];
  });
}

function place(
  program: LoopProgram,
  scratch: readonly Scratch[],
  calls: readonly KernelCall[],
  float64: boolean,
): Pick<KernelProgram, "placements" | "weightBytes" | "runBytes" | "buildBytes"> {
  const atRun = new Set([
    ...calls.filter((call) => call.phase === "run").flatMap((call) => call.arguments),
    ...program.outputs.map((output) => output.value),
  ]);
  const isWeight = ({ role }: Buffer) => role.kind === "weight" || role.kind === "constant" || role.kind === "derived";
  const { buffers } = program;
  const roots = buffers.filter((buffer) => !buffer.aliasOf);
  const used = new Set(buffers.filter((buffer) => atRun.has(buffer.name)).map((buffer) => buffer.aliasOf ?? buffer.name));
  const offsets = new Map<string, number>();
  let end = 0;
  const append = (buffer: Buffer) => {
    offsets.set(buffer.name, end);
    end = align(end + bytesOf(buffer, float64));
  };
  for (const buffer of roots) if (isWeight(buffer) && used.has(buffer.name)) append(buffer);
  const weightBytes = end;
  // Offsets of the plan count f32 elements; the reference keeps every buffer apart.
  const planned = (buffer: Buffer) => buffer.offset !== undefined && !float64;
  for (const buffer of roots) if (planned(buffer)) offsets.set(buffer.name, weightBytes + (buffer.offset ?? 0));
  end = align(weightBytes + program.arenaBytes);
  for (const buffer of roots) if (!isWeight(buffer) && !planned(buffer)) append(buffer);
  appendScratch("run");
  const runBytes = end;
  appendScratch("build");
  for (const buffer of roots) if (!offsets.has(buffer.name)) append(buffer);
  const all = [...buffers, ...scratch.flatMap(({ tiles }) => tiles)];
  const placements = all.map((buffer): Placement => {
    const bytes = bytesOf(buffer, float64);
    const offset = offsets.get(buffer.aliasOf ?? buffer.name) ?? 0;
    return { buffer: buffer.name, dtype: storedDType(buffer.dtype, float64), shape: extentsInMemory(buffer), offset, bytes };
  });
  return { placements, weightBytes, runBytes, buildBytes: end };

  function appendScratch(phase: Nest["phase"]): void {
    const begin = end;
    let furthest = end;
    for (const { tiles } of scratch.filter((each) => each.phase === phase)) {
      end = begin;
      tiles.forEach(append);
      furthest = Math.max(furthest, end);
    }
    end = furthest;
  }
}

function bytesOf(buffer: Buffer, float64: boolean): number {
  return elementCount(allocatedShape(buffer)) * dtypes[storedDType(buffer.dtype, float64)].bytes;
}

function align(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}
