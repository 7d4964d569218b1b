/**
 * planArenas: every buffer's place on a GPU. A dispatch cannot read and write one buffer of the device, so that buffers are coloured:
 * what a dispatch writes lies in another arena than whatever it reads. Inside an arena, places are shared by buffers whose lives do
 * not meet. Weights have an arena of their own, which is filled once. Borders of zeros are never written: arenas begin as zeros.
 */
import { dtypes, elementCount } from "../ir/dtype.ts";
import type { GpuLimits } from "../ir/gpu_limits.ts";
import type { LoopProgram } from "../ir/loop.ts";
import { type Arena, type Dispatch, type Shader, type ShaderPlacement, weightsArena } from "../ir/shader.ts";
import { allocatedShape, type Buffer, extentsInMemory, memoryOf } from "../ir/tensor.ts";
import { exactJson } from "../support/exact_json.ts";
import { lowestGap } from "../support/lowest_gap.ts";
import { storedDType } from "./kernel_builder.ts";

/** What lies in one place: a buffer with its aliases and parts; first and last dispatch that use it, -1 being the caller's. */
type Life = {
  readonly name: string;
  readonly bytes: number;
  first: number;
  last: number;
  readonly apart: Set<string>;
  /** Of a buffer with a border of zeros: where it lies. Two of one border may take turns in one place, and nothing else comes there. */
  readonly border: string | undefined;
};
type Place = { readonly life: Life; readonly arena: number; readonly offset: number };

export function planArenas(
  program: LoopProgram,
  shaders: readonly Shader[],
  dispatches: readonly Dispatch[],
  weights: readonly string[],
  limits: GpuLimits,
): { readonly arenas: readonly Arena[]; readonly placements: readonly ShaderPlacement[] } {
  const buffers = new Map(program.buffers.map((buffer) => [buffer.name, buffer]));
  const align = (bytes: number) => {
    const unit = limits.minStorageBufferOffsetAlignment;
    // A binding of no bytes is none.
    return Math.max(1, Math.ceil(bytes / unit)) * unit;
  };
  const lives = livesOf(program, buffers, shaders, dispatches, align);
  const placed = colour([...lives.values()], limits.maxBufferSize);
  const names = placed.reduce((count, { arena }) => Math.max(count, arena + 1), 0);
  const arenas: Arena[] = Array.from({ length: names }, (_, arena) => ({
    name: `arena${arena}`,
    bytes: placed.filter((place) => place.arena === arena).reduce((end, { life, offset }) => Math.max(end, offset + life.bytes), 0),
  }));
  const places = new Map(placed.map(({ life, arena, offset }) => [life.name, { arena: `arena${arena}`, offset }]));
  let end = 0;
  for (const name of weights) {
    places.set(name, { arena: weightsArena, offset: end });
    end += align(bytesOf(buffers.get(name) as Buffer));
  }
  if (weights.length > 0) arenas.unshift({ name: weightsArena, bytes: end });
  const placements = program.buffers.flatMap((buffer): ShaderPlacement[] => {
    const place = places.get(memoryOf(buffer.name, buffers));
    const dtype = storedDType(buffer.dtype, false);
    return place ? [{ buffer: buffer.name, dtype, shape: extentsInMemory(buffer), ...place, bytes: bytesOf(buffer) }] : [];
  });
  return { arenas, placements };
}

function livesOf(
  program: LoopProgram,
  buffers: ReadonlyMap<string, Buffer>,
  shaders: readonly Shader[],
  dispatches: readonly Dispatch[],
  align: (bytes: number) => number,
): Map<string, Life> {
  const lives = new Map<string, Life>();
  const byName = new Map(shaders.map((shader) => [shader.name, shader]));
  const touch = (name: string, step: number): Life | undefined => {
    const given = buffers.get(name);
    const buffer = given && buffers.get(memoryOf(name, buffers));
    if (!buffer || (buffer.role.kind !== "input" && buffer.role.kind !== "temporary")) return undefined;
    const border = hasZeroBorder(buffer) ? exactJson([extentsInMemory(buffer), buffer.halo, buffer.dtype]) : undefined;
    const unknown = { name: buffer.name, bytes: align(bytesOf(buffer)), first: step, last: step, apart: new Set<string>(), border };
    const life = lives.get(buffer.name) ?? unknown;
    lives.set(buffer.name, life);
    life.last = Math.max(life.last, step);
    return life;
  };
  for (const name of program.inputs) touch(name, -1);
  dispatches.forEach(({ shader, arguments: given }, step) => {
    const { parameters = [] } = byName.get(shader) ?? {};
    const used = given.map((name, i) => ({ life: touch(name, step), writes: parameters[i]?.writes ?? false }));
    for (const { life: written, writes } of used)
      for (const { life: other } of used)
        if (writes && written && other && written !== other) {
          written.apart.add(other.name);
          other.apart.add(written.name);
        }
  });
  for (const output of program.outputs) touch(output.value, dispatches.length);
  return lives;
}

/** The largest first, each where its arena ends the soonest. */
function colour(lives: readonly Life[], largest: number): Place[] {
  const placed: Place[] = [];
  const ends: number[] = [];
  for (const life of [...lives].sort((a, b) => b.bytes - a.bytes || a.first - b.first)) {
    const barred = new Set(placed.filter((place) => life.apart.has(place.life.name)).map((place) => place.arena));
    const options = [...ends.keys()]
      .filter((arena) => !barred.has(arena))
      .map((arena) => {
        const offset = lowestFree(
          life,
          placed.filter((place) => place.arena === arena),
        );
        return { arena, offset, growth: Math.max(0, offset + life.bytes - (ends[arena] ?? 0)) };
      })
      .filter(({ offset }) => offset + life.bytes <= largest)
      .sort((a, b) => a.growth - b.growth || a.arena - b.arena);
    const { arena, offset } = options[0] ?? { arena: ends.length, offset: 0 };
    ends[arena] = Math.max(ends[arena] ?? 0, offset + life.bytes);
    placed.push({ life, arena, offset });
  }
  return placed;
}

function lowestFree(life: Life, placed: readonly Place[]): number {
  const isMet = ({ life: other }: Place) => other.first <= life.last && life.first <= other.last;
  const { border } = life;
  const taken = border === undefined ? undefined : placed.find((place) => place.life.border === border && isFreeFor(place.offset));
  if (taken) return taken.offset;
  const rivals = placed.filter((place) => border !== undefined || place.life.border !== undefined || isMet(place));
  return lowestGap(
    life.bytes,
    rivals.map(({ life: other, offset }) => ({ offset, bytes: other.bytes })),
  );

  function isFreeFor(start: number): boolean {
    const there = placed.filter(({ life: other, offset }) => offset < start + life.bytes && start < offset + other.bytes);
    return there.every((place) => place.life.border === border && place.offset === start && !isMet(place));
  }
}

/** A buffer of which what lies around its tensor is zero, and stays so: arenas begin as zeros. */
export function hasZeroBorder({ role, aliasOf, halo }: Buffer): boolean {
  return role.kind === "temporary" && aliasOf === undefined && halo !== undefined && Object.is(halo.fill, 0);
}

function bytesOf(buffer: Buffer): number {
  return elementCount(allocatedShape(buffer)) * dtypes[storedDType(buffer.dtype, false)].bytes;
}
