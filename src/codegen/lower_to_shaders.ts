/**
 * lowerToShaders: nests that run become shaders, each different one once; what is known at build time is made by kernels for the machine
 * that builds, and lies in an arena of its own. A nest that fills a border goes along with the one that computes what is inside.
 */
import { canonicalNest } from "../ir/canonical_nest.ts";
import { formatType } from "../ir/dtype.ts";
import { defaultGpuLimits, type GpuLimits } from "../ir/gpu_limits.ts";
import type { GridAxis, LoopProgram, Nest, Statement } from "../ir/loop.ts";
import { childStatements, readsOf } from "../ir/loop_accesses.ts";
import type { Dispatch, Extents, Shader, ShaderProgram } from "../ir/shader.ts";
import { type Buffer, extentsInMemory } from "../ir/tensor.ts";
import { exactJson } from "../support/exact_json.ts";
import { invariant } from "../support/invariant.ts";
import { gridExtents } from "./grid.ts";
import { createBuilder } from "./kernel_builder.ts";
import { lowerBody } from "./lower_nest.ts";
import { lowerToKernels } from "./lower_to_kernel.ts";
import { packBindings } from "./pack_bindings.ts";
import { hasZeroBorder, planArenas } from "./plan_arenas.ts";
import { type SubgroupTile, subgroupTile } from "./subgroup_tile.ts";

/** A shader with the buffers of its parameters, in their order, and the one for a device whose subgroups have room for a workgroup. */
type LoweredShader = { readonly shader: Shader; readonly arguments: readonly string[]; readonly together: Shader | undefined };

export function lowerToShaders(planned: LoopProgram, limits: GpuLimits = defaultGpuLimits): ShaderProgram {
  const program = withoutPlan(planned);
  const buffers = new Map(program.buffers.map((buffer) => [buffer.name, buffer]));
  const shaders = new Map<string, Shader>();
  const dispatches: Dispatch[] = [];
  const known = new Map<string, { readonly lowered: LoweredShader; readonly names: readonly string[] }>();
  const running = program.nests.filter((nest) => nest.phase === "run" && !fillsZeroBorder(nest, buffers));
  for (const nest of withBorders(running)) {
    const { text, names } = canonicalNest(nest, buffers);
    const equal = known.get(text) ?? { lowered: lowerShader(nest, buffers), names };
    known.set(text, equal);
    const { lowered } = equal;
    // A nest of no iterations has nothing to dispatch.
    if (lowered.shader.body.length === 0) continue;
    const bound = new Map(equal.names.map((name, i): [string, string] => [name, names[i] ?? name]));
    dispatches.push({
      shader: once(lowered.shader),
      nest: nest.name,
      arguments: lowered.arguments.map((name) => bound.get(name) ?? name),
      ...(lowered.together ? { subgroups: once(lowered.together) } : {}),
    });
  }
  /** The name of the shader that does the same. */
  function once(lowered: Shader): string {
    const { name: _, workload: __, trace: ___, ...compared } = lowered;
    const key = exactJson(compared);
    const shader = shaders.get(key) ?? lowered;
    shaders.set(key, shader);
    return shader.name;
  }
  const { name, inputs, outputs } = program;
  const list = [...shaders.values()];
  const isKnown = ({ role }: Buffer) => role.kind === "weight" || role.kind === "constant" || role.kind === "derived";
  const used = [...dispatches.flatMap((dispatch) => dispatch.arguments), ...outputs.map((output) => output.value)];
  const weights = [...new Set(used)].filter((buffer) => isKnown(buffers.get(buffer) as Buffer));
  const build = lowerToKernels({
    ...program,
    inputs: [],
    outputs: weights.map((buffer) => ({ name: buffer, value: buffer })),
    buffers: program.buffers.filter(isKnown),
    nests: program.nests.filter((nest) => nest.phase === "build"),
  });
  const arenas = planArenas(program, list, dispatches, weights, limits);
  return packBindings({ name, inputs, outputs, ...arenas, dispatches, shaders: list, build }, limits);
}

/** Places are decided anew: arenas are coloured, and a result lies apart from all that its dispatch reads. */
function withoutPlan(program: LoopProgram): LoopProgram {
  const buffers = program.buffers.map(({ offset: _, overwrites: __, ...buffer }) => buffer);
  return { ...program, buffers, arenaBytes: 0 };
}

/** Arenas begin as zeros, and where a border of zeros lies nothing else is ever put (planArenas): nobody needs to write it. */
function fillsZeroBorder({ result, body }: Nest, buffers: ReadonlyMap<string, Buffer>): boolean {
  const buffer = buffers.get(result);
  return buffer !== undefined && hasZeroBorder(buffer) && readsOf(body).size === 0 && storesZeros(body);
}

function storesZeros(statement: Statement): boolean {
  if (statement.kind === "store") return statement.value.kind === "constant" && Object.is(statement.value.value, 0);
  const children = childStatements(statement);
  return children.length > 0 && children.every(storesZeros);
}

/** Nests that write one buffer one after the other and do not read it: as one, where the second needs no more invocations. */
function withBorders(nests: readonly Nest[]): Nest[] {
  const merged: Nest[] = [];
  for (const nest of nests) {
    const last = merged.at(-1);
    if (last?.result === nest.result && readsOf(nest.body).size === 0 && fitsInto(nest, last))
      merged[merged.length - 1] = { ...last, body: { kind: "sequence", statements: [last.body, nest.body] } };
    else merged.push(nest);
  }
  return merged;
}

function fitsInto(nest: Nest, other: Nest): boolean {
  const own = gridExtents(nest.body);
  const room = gridExtents(other.body);
  return [...own].every(([axis, extent]) => extent <= (room.get(axis) ?? 1));
}

function lowerShader(nest: Nest, buffers: ReadonlyMap<string, Buffer>): LoweredShader {
  const extents = gridExtents(nest.body);
  const portable = lowerFor(nest, buffers, extents, undefined);
  const subgroup = subgroupTile(nest.body, extents);
  const together = subgroup && lowerFor(nest, buffers, extents, subgroup);
  invariant(!together || exactJson(together.arguments) === exactJson(portable.arguments), `${nest.name} takes buffers in two orders`);
  return { ...portable, together: together && { ...together.shader, name: `${nest.name}.subgroups` } };
}

function lowerFor(
  nest: Nest,
  buffers: ReadonlyMap<string, Buffer>,
  extents: ReadonlyMap<GridAxis, number>,
  subgroup: SubgroupTile | undefined,
): Pick<LoweredShader, "shader" | "arguments"> {
  const builder = createBuilder(buffers, false, {
    extents,
    arrays: new Map(),
    pending: { reads: new Set(), writes: new Set() },
    result: nest.result,
    subgroup,
  });
  const body = lowerBody(nest, builder);
  const shader: Shader = {
    name: nest.name,
    workload: workloadOf([...builder.parameters.keys()], nest, buffers),
    trace: nest.trace,
    parameters: [...builder.parameters.values()],
    arrays: [...(builder.shader?.arrays.values() ?? [])],
    workgroup: extentsOf("invocation", extents),
    grid: extentsOf("workgroup", extents),
    body,
  };
  return { shader, arguments: [...builder.parameters.keys()] };
}

function extentsOf(kind: "workgroup" | "invocation", extents: ReadonlyMap<GridAxis, number>): Extents {
  const at = (axis: "x" | "y" | "z") => extents.get(`${kind}.${axis}`) ?? 1;
  return [at("x"), at("y"), at("z")];
}

/** `f32[1, 8, 8, 16] from f32[1, 10, 10, 4], f32[3, 3, 4, 16]`: borders included. */
function workloadOf(names: readonly string[], { result }: Nest, buffers: ReadonlyMap<string, Buffer>): string {
  const typeOf = (name: string) => {
    const buffer = buffers.get(name);
    return buffer ? formatType({ dtype: buffer.dtype, shape: extentsInMemory(buffer) }) : name;
  };
  const operands = names.filter((name) => name !== result).map(typeOf);
  return operands.length === 0 ? typeOf(result) : `${typeOf(result)} from ${operands.join(", ")}`;
}
