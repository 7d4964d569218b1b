/**
 * State of lowering one nest: registers, straight-line blocks with the values already loaded in them, and the loops
 * around the current place. A value that depends on outer loops only is computed at the top of the innermost loop
 * it depends on; an address advances with its loop by an addition.
 */
import { type Index, type Ranges, substitute } from "../ir/affine.ts";
import { type DType, isFloat } from "../ir/dtype.ts";
import type { KernelExpr, KernelStatement, KernelType } from "../ir/kernel.ts";
import type { GridAxis } from "../ir/loop.ts";
import { gridRegisters, type ShaderArray } from "../ir/shader.ts";
import type { Buffer } from "../ir/tensor.ts";
import { exactJson } from "../support/exact_json.ts";
import type { SubgroupTile } from "./subgroup_tile.ts";

/** The kernel variable that stands for the lane (0..3) inside a vectorised loop. */
export const lane = "lane";
export const lanes = 4;

export type Block = { readonly statements: KernelStatement[]; readonly loaded: Map<string, Loaded> };
type Loaded = { readonly register: string; readonly buffer: string };

/** One loop of the kernel being made; the outermost scope is the kernel itself and has no variable. */
export type LoopScope = {
  readonly variable: string;
  /** Set before the loop begins. */
  readonly before: KernelStatement[];
  /** At the beginning of the body. */
  readonly top: KernelStatement[];
  /** At the end of the body. */
  readonly advance: KernelStatement[];
  /** Registers that hold a pointer or a value in this scope, by what they hold. */
  readonly known: Map<string, string>;
};

/** Elements of a local tile kept in registers, `registers[p]` for row-major position p, or p / 4 where they are vectors. */
export type Tile = {
  readonly name: string;
  readonly type: KernelType;
  readonly shape: readonly number[];
  readonly vector: boolean;
  /** The dimension along which every invocation of a subgroup has one place, in registers of its own. */
  readonly spread?: number;
};

/** What a shader has beside registers and buffers; tiles in memory become arrays. */
export type ShaderState = {
  readonly extents: ReadonlyMap<GridAxis, number>;
  readonly arrays: Map<string, ShaderArray>;
  readonly pending: Pending;
  /** The buffer that the nest writes. */
  readonly result: string;
  /** Where a workgroup is made to be one subgroup: what it reduces so. */
  readonly subgroup: SubgroupTile | undefined;
};

/** Tiles of a workgroup that were touched since its invocations last waited for each other. */
export type Pending = { readonly reads: Set<string>; readonly writes: Set<string> };

/** The invocations that are at a place together: tiles that they share, whether all of them come by, and loops whose iterations they have. */
export type Company = { readonly tiles: ReadonlySet<string>; readonly isWhole: boolean; readonly own: ReadonlySet<string> };

export type Builder = {
  /** Of the program, and the memory tiles of this nest. */
  readonly buffers: Map<string, Buffer>;
  readonly float64: boolean;
  /** Where a shader is being made: addresses count elements, and loops may be bound to its grid. */
  readonly shader: ShaderState | undefined;
  readonly parameters: Map<string, { readonly name: string; readonly dtype: DType; writes: boolean }>;
  readonly scratch: Buffer[];
  readonly names: Map<string, number>;
  readonly extents: Map<string, number>;
};

/** Where code is being put, and what the loop level's names mean there. */
export type Place = {
  readonly builder: Builder;
  readonly block: Block;
  /** Outermost first; the first is the kernel. */
  readonly loops: readonly LoopScope[];
  /** Loop variables as indices over kernel variables. */
  readonly variables: ReadonlyMap<string, Index>;
  readonly tiles: ReadonlyMap<string, Tile>;
  /** Coordinates that loops around are bound to. */
  readonly axes: ReadonlySet<GridAxis>;
  readonly company: Company;
  /** Values that stand for arguments while a function's expansion is lowered. */
  readonly bound: ReadonlyMap<string, KernelExpr>;
  /** What is being lowered is known to do no harm where its value is not needed. */
  readonly harmless?: true;
};

export function createBuilder(buffers: ReadonlyMap<string, Buffer>, float64: boolean, shader?: ShaderState): Builder {
  return {
    buffers: new Map(buffers),
    float64,
    shader,
    parameters: new Map(),
    scratch: [],
    names: new Map([lane, ...(shader ? Object.values(gridRegisters) : [])].map((name) => [name, 1])),
    extents: new Map([[lane, lanes]]),
  };
}

export function createBlock(): Block {
  return { statements: [], loaded: new Map() };
}

export function createLoopScope(variable: string): LoopScope {
  return { variable, before: [], top: [], advance: [], known: new Map() };
}

/** A name no register of the kernel has. */
export function fresh(stem: string, builder: Builder): string {
  const count = builder.names.get(stem) ?? 0;
  builder.names.set(stem, count + 1);
  if (count === 0) return stem;
  const name = `${stem}_${count}`;
  if (builder.names.has(name)) return fresh(stem, builder);
  builder.names.set(name, 1);
  return name;
}

/** A place in another block under the same loops. */
export function inBlock(place: Place, block: Block): Place {
  return { ...place, block };
}

/** Puts a value in a register of the current block. */
export function assign(stem: string, type: KernelType, value: KernelExpr, place: Place): KernelExpr {
  const name = fresh(stem, place.builder);
  place.block.statements.push({ kind: "set", name, type, value });
  return { kind: "get", name, type };
}

/** Computes an i32 at the top of the innermost loop that it depends on; the same value twice is computed once. */
export function placeOutside(stem: string, value: KernelExpr, dependsOn: ReadonlySet<string>, place: Place): KernelExpr {
  const scope = place.loops.findLast((loop) => dependsOn.has(loop.variable)) ?? place.loops[0];
  if (!scope) return value;
  const key = exactJson(value);
  let name = scope.known.get(key);
  if (name === undefined) {
    name = fresh(stem, place.builder);
    scope.known.set(key, name);
    scope.top.push({ kind: "set", name, type: "i32", value });
  }
  return { kind: "get", name, type: "i32" };
}

/** The kernel's name for a buffer; asking makes it a parameter, unless it is a shader's array. */
export function parameterOf({ name, dtype }: Buffer, writes: boolean, builder: Builder): string {
  const array = builder.shader?.arrays.get(name);
  if (array) return array.name;
  let parameter = builder.parameters.get(name);
  if (!parameter) {
    parameter = { name: `b${builder.parameters.size}`, dtype: storedDType(dtype, builder.float64), writes };
    builder.parameters.set(name, parameter);
  }
  if (writes) parameter.writes = true;
  return parameter.name;
}

export function rangesOf(builder: Builder): Ranges {
  return {
    variable: (name) => {
      const extent = builder.extents.get(name);
      return extent === undefined ? undefined : { low: 0, high: extent - 1 };
    },
  };
}

/** The index over kernel variables. */
export function resolve(index: Index, place: Place): Index {
  return substitute(index, (name) => place.variables.get(name), rangesOf(place.builder));
}

/** How elements lie in memory: the reference keeps floats in float64; an i64 is narrowed at the interface. */
export function storedDType(dtype: DType, float64: boolean): DType {
  if (float64 && isFloat(dtype)) return "f64";
  return dtype === "i64" ? "i32" : dtype;
}

export function scalarType(dtype: DType, builder: Pick<Builder, "float64">): KernelType {
  if (!isFloat(dtype)) return "i32";
  return builder.float64 || dtype === "f64" ? "f64" : "f32";
}

export function vectorOf(type: KernelType): KernelType {
  return type === "f32" || type === "f32x4" ? "f32x4" : "i32x4";
}
