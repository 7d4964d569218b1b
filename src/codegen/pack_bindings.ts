/**
 * packBindings: where a dispatch would bind more buffers than a device can, those that it reads in one arena become one binding, which
 * begins where the first of them does and ends where the last one ends. Accesses say how far into it their buffer lies.
 */
import { dtypes } from "../ir/dtype.ts";
import type { GpuLimits } from "../ir/gpu_limits.ts";
import type { KernelExpr, KernelStatement } from "../ir/kernel.ts";
import { mapKernelExpr } from "../ir/kernel_parts.ts";
import { kernelTypes } from "../ir/kernel_type.ts";
import type { Dispatch, Shader, ShaderPlacement, ShaderProgram } from "../ir/shader.ts";
import { exactJson } from "../support/exact_json.ts";
import { invariant, unreachable } from "../support/invariant.ts";

/** A parameter, and the place that the dispatch gives it. */
type Binding = { readonly parameter: Shader["parameters"][number]; readonly place: ShaderPlacement };
type Pack = { readonly members: readonly Binding[]; readonly place: ShaderPlacement };
/** The binding that a parameter becomes part of, and how many elements into it. */
type Part = { readonly name: string; readonly elements: number };

export function packBindings(program: ShaderProgram, limits: GpuLimits): ShaderProgram {
  const most = limits.maxStorageBuffersPerShaderStage;
  const shaders = new Map(program.shaders.map((shader) => [shader.name, shader]));
  if ([...shaders.values()].every(({ parameters }) => parameters.length <= most)) return program;
  const places = new Map(program.placements.map((placement) => [placement.buffer, placement]));
  const made = new Map<string, Shader>();
  const added: ShaderPlacement[] = [];
  const dispatches = program.dispatches.map((dispatch): Dispatch => {
    const [shader, together] = [dispatch.shader, dispatch.subgroups].map((name) => (name === undefined ? undefined : shaders.get(name)));
    invariant(shader, `no shader ${dispatch.shader}`);
    const packs =
      shader.parameters.length <= most
        ? []
        : packsOf(bindingsOf(shader, dispatch, places), dispatch.nest, most, limits.maxStorageBufferBindingSize);
    added.push(...packs.map(({ place }) => place));
    return {
      ...dispatch,
      shader: packedOnce(shader, packs, made),
      arguments: argumentsOf(shader, dispatch, packs),
      // Its parameters are the same, under the same names.
      ...(together ? { subgroups: packedOnce(together, packs, made) } : {}),
    };
  });
  return { ...program, placements: [...program.placements, ...added], dispatches, shaders: [...made.values()] };
}

/** The name of the packed shader. */
function packedOnce(shader: Shader, packs: readonly Pack[], made: Map<string, Shader>): string {
  const packed = packs.length === 0 ? shader : packShader(shader, packs);
  const key = exactJson([shader.name, packed.parameters, packed.body]);
  const known = made.get(key) ?? { ...packed, name: nameFor(shader.name, made) };
  made.set(key, known);
  return known.name;
}

/** Dispatches of one shader may have their buffers lie differently. */
function nameFor(name: string, made: ReadonlyMap<string, Shader>): string {
  const taken = new Set([...made.values()].map((shader) => shader.name));
  let free = name;
  for (let i = 2; taken.has(free); i++) free = `${name}_${i}`;
  return free;
}

function bindingsOf(shader: Shader, dispatch: Dispatch, places: ReadonlyMap<string, ShaderPlacement>): Binding[] {
  return shader.parameters.map((parameter, i) => {
    const place = places.get(dispatch.arguments[i] ?? "");
    invariant(place, `no place for ${dispatch.arguments[i]}`);
    return { parameter, place };
  });
}

/** The largest groups first, until few enough bindings are left; what is written keeps a binding of its own. */
function packsOf(bindings: readonly Binding[], nest: string, most: number, largest: number): Pack[] {
  const groups = new Map<string, Binding[]>();
  for (const binding of bindings) {
    if (binding.parameter.writes) continue;
    const key = exactJson([binding.place.arena, binding.place.dtype]);
    groups.set(key, [...(groups.get(key) ?? []), binding]);
  }
  const packs: Pack[] = [];
  let count = bindings.length;
  for (const members of [...groups.values()].sort((a, b) => b.length - a.length)) {
    if (count <= most || members.length < 2) break;
    const place = windowOf(members, `${nest}.pack${packs.length}`);
    if (place.bytes > largest) continue;
    packs.push({ members, place });
    count -= members.length - 1;
  }
  return packs;
}

function windowOf(members: readonly Binding[], name: string): ShaderPlacement {
  const [first] = members;
  invariant(first, "a pack has members");
  const { dtype, arena } = first.place;
  const offset = Math.min(...members.map(({ place }) => place.offset));
  const bytes = Math.max(...members.map(({ place }) => place.offset + place.bytes)) - offset;
  const packs = [...new Set(members.map(({ place }) => place.buffer))];
  return { buffer: name, dtype, shape: [bytes / dtypes[dtype].bytes], arena, offset, bytes, packs };
}

function packShader(shader: Shader, packs: readonly Pack[]): Shader {
  const parts = new Map<string, Part>();
  for (const { members, place } of packs) {
    for (const { parameter, place: own } of members)
      parts.set(parameter.name, {
        name: members[0]?.parameter.name ?? parameter.name,
        elements: (own.offset - place.offset) / dtypes[own.dtype].bytes,
      });
  }
  const parameters = shader.parameters.filter(({ name }) => (parts.get(name)?.name ?? name) === name);
  return { ...shader, parameters, body: moveAll(shader.body, parts) };
}

function argumentsOf(shader: Shader, dispatch: Dispatch, packs: readonly Pack[]): string[] {
  return shader.parameters.flatMap(({ name }, i) => {
    const pack = packs.find(({ members }) => members.some(({ parameter }) => parameter.name === name));
    if (!pack) return [dispatch.arguments[i] ?? ""];
    return pack.members[0]?.parameter.name === name ? [pack.place.buffer] : [];
  });
}

function moveAll(statements: readonly KernelStatement[], parts: ReadonlyMap<string, Part>): KernelStatement[] {
  const go = (expr: KernelExpr): KernelExpr => {
    const inner = mapKernelExpr(expr, go);
    const part = inner.kind === "load" ? parts.get(inner.buffer) : undefined;
    if (inner.kind !== "load" || !part) return inner;
    // Vectors are counted in vectors; every buffer begins at a multiple of many.
    const unit = inner.splat ? 1 : kernelTypes[inner.type].lanes;
    return { ...inner, buffer: part.name, offset: inner.offset + part.elements / unit };
  };
  return statements.map((statement): KernelStatement => {
    switch (statement.kind) {
      case "set":
      case "subgroup":
        return { ...statement, value: go(statement.value) };
      case "store":
        return { ...statement, address: go(statement.address), value: go(statement.value) };
      case "for":
        return { ...statement, body: moveAll(statement.body, parts) };
      case "if":
        return {
          ...statement,
          condition: go(statement.condition),
          whenTrue: moveAll(statement.whenTrue, parts),
          otherwise: moveAll(statement.otherwise, parts),
        };
      case "barrier":
        return statement;
      default:
        return unreachable(statement);
    }
  });
}
