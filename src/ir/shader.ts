/**
 * The kernel level for GPUs. Statements and expressions are those of `kernel.ts`, over buffers instead of one memory: an address
 * counts elements from where its buffer begins, and that of a vector access counts vectors, so that vectors are always aligned.
 * There is no `base`, and nothing of the host. A shader runs once for every invocation of its grid; the registers
 * that `gridRegisters` names hold its coordinates.
 */
import type { DType } from "./dtype.ts";
import type { KernelProgram, KernelStatement } from "./kernel.ts";
import type { GridAxis } from "./loop.ts";
import type { NnOutput } from "./nn.ts";

/** Along x, y and z. */
export type Extents = readonly [number, number, number];

/** Memory of one invocation, or of one workgroup, for as long as it runs; it begins with any values. */
export type ShaderArray = {
  readonly name: string;
  readonly dtype: DType;
  readonly elements: number;
  readonly space: "private" | "workgroup";
};

export type Shader = {
  readonly name: string;
  /** What is computed, before any schedule: for readers and headers; codegen does not look. */
  readonly workload: string;
  /** The steps of its schedule, for the same. */
  readonly trace: readonly string[];
  readonly parameters: readonly { readonly name: string; readonly dtype: DType; readonly writes: boolean }[];
  readonly arrays: readonly ShaderArray[];
  /** Invocations of a workgroup. */
  readonly workgroup: Extents;
  /** Workgroups of a dispatch. */
  readonly grid: Extents;
  readonly body: readonly KernelStatement[];
};

/** A buffer's place in one of the arenas, each of which is a buffer of the device. */
export type ShaderPlacement = {
  readonly buffer: string;
  readonly dtype: DType;
  /** Allocated, border included. */
  readonly shape: readonly number[];
  readonly arena: string;
  /** In bytes. */
  readonly offset: number;
  readonly bytes: number;
  /** What lies in it, where it is no buffer but a stretch of an arena that a dispatch binds for several that it reads. */
  readonly packs?: readonly string[];
};

export type Dispatch = {
  readonly shader: string;
  readonly nest: string;
  readonly arguments: readonly string[];
  /** What a device runs instead whose every subgroup has room for a workgroup of it: a shader of the same parameters and grid. */
  readonly subgroups?: string;
};

export type Arena = { readonly name: string; readonly bytes: number };

/** The arena of everything that is known at build time; it is filled once, and no dispatch writes it. */
export const weightsArena = "weights";

export type ShaderProgram = {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly NnOutput[];
  readonly arenas: readonly Arena[];
  readonly placements: readonly ShaderPlacement[];
  /** In order; each sees what the ones before it wrote. */
  readonly dispatches: readonly Dispatch[];
  readonly shaders: readonly Shader[];
  /** What makes the weights' arena: kernels that run at build time, on the machine that builds. */
  readonly build: KernelProgram;
};

/** The shader that a device runs whose subgroups have at least so many invocations; 0 where it has no subgroups. */
export function shaderOn({ shader, subgroups }: Dispatch, shaders: ReadonlyMap<string, Shader>, subgroupSize: number): Shader | undefined {
  const together = subgroups === undefined ? undefined : shaders.get(subgroups);
  return together && workgroupSize(together) <= subgroupSize ? together : shaders.get(shader);
}

export function workgroupSize({ workgroup: [x, y, z] }: Pick<Shader, "workgroup">): number {
  return x * y * z;
}

/** The register that holds a coordinate. */
export const gridRegisters: { readonly [axis in GridAxis]: string } = {
  "workgroup.x": "workgroup_x",
  "workgroup.y": "workgroup_y",
  "workgroup.z": "workgroup_z",
  "invocation.x": "invocation_x",
  "invocation.y": "invocation_y",
  "invocation.z": "invocation_z",
};

/** Every coordinate with its register and how many values it takes. */
export function gridOf({
  workgroup,
  grid,
}: Pick<Shader, "workgroup" | "grid">): readonly { readonly register: string; readonly extent: number }[] {
  const of = (kind: "workgroup" | "invocation", extents: Extents) =>
    (["x", "y", "z"] as const).map((axis, i) => ({ register: gridRegisters[`${kind}.${axis}`], extent: extents[i] ?? 1 }));
  return [...of("workgroup", grid), ...of("invocation", workgroup)];
}
