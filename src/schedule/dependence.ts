/**
 * Which iterations of a nest must keep their order. Two instances of statements depend on each other when they touch the
 * same element of memory and one writes it; except that accumulations by one operation may change places, and so may
 * stores of the same value.
 */
import { type For, isInvocation, type Nest } from "../ir/loop.ts";
import { printIndex } from "../ir/print_expr.ts";
import { printName } from "../ir/print_literal.ts";
import { type Buffers, shareMemory } from "../ir/tensor.ts";
import { type Access, accessesOf, commonLoops, conditionsToMeet, conditionToMeet, type Direction, type Pair } from "./conflict.ts";
import { findReduce, leavesOf } from "./nest.ts";

export type Dependence = {
  /** Loops around both instances, outermost first. */
  readonly loops: readonly string[];
  /** Every combination that occurs between a first and a second instance that execute in this order. */
  readonly directions: readonly (readonly Direction[])[];
  /** Whether one of the two instances reads what the other writes; otherwise both write. */
  readonly reads: boolean;
  /** `y[i + 1]` is written where `y[i]` is read in another iteration */
  readonly reason: string;
};

/**
 * `order`: iterations run one after the other, in some order. `at once`: they run at the same time, so that
 * accumulations of one element, and iterations that share a tile, meet. `apart`: so, too, but by workers that each have tiles of
 * their own.
 */
export type Execution = "order" | "at once" | "apart";

export function dependencesOf(nest: Nest, buffers: Buffers, execution: Execution = "order"): readonly Dependence[] {
  const known = found.get(nest);
  const kept = known?.buffers === buffers ? known : { buffers, of: new Map<Execution, readonly Dependence[]>() };
  found.set(nest, kept);
  const dependences =
    kept.of.get(execution) ?? meetingAccesses(nest, buffers).flatMap((meeting) => dependenceOf(meeting, buffers, execution));
  kept.of.set(execution, dependences);
  return dependences;
}

/** Nests never change, and several steps are asked of one. */
const found = new WeakMap<Nest, { readonly buffers: Buffers; readonly of: Map<Execution, readonly Dependence[]> }>();

/** The dependence that has its first difference at this loop, if there is one: iterations of the loop are not independent. */
export function carriedBy(loop: string, dependences: readonly Dependence[]): Dependence | undefined {
  return dependences.find(({ loops, directions }) => {
    const depth = loops.indexOf(loop);
    return depth >= 0 && directions.some((direction) => direction[depth] !== "=" && direction.slice(0, depth).every((d) => d === "="));
  });
}

/** A dependence that turns around when the loops of a band take each other's places, all other loops keeping theirs. */
export function reversedBy(
  band: readonly string[],
  order: readonly string[],
  dependences: readonly Dependence[],
): { readonly dependence: Dependence; readonly directions: readonly Direction[] } | undefined {
  const replacing = new Map(band.map((name, depth) => [name, order[depth] as string]));
  for (const dependence of dependences) {
    const permuted = dependence.loops.map((name) => dependence.loops.indexOf(replacing.get(name) ?? name));
    const turned = (vector: readonly Direction[]) => permuted.map((depth) => vector[depth]).find((d) => d !== "=") === ">";
    const directions = dependence.directions.find(turned);
    if (directions) return { dependence, directions };
  }
  return undefined;
}

/**
 * Where an open reduction reads what it overwrites, its meaning hangs on where the tile of its sums begins, and no step
 * may move that. Lowering makes no such nest.
 */
export function readsItsResult(nest: Nest, buffers: Buffers): Dependence | undefined {
  if (!findReduce(nest.body)) return undefined;
  const reading = meetingAccesses(nest, buffers).filter(({ a, b }) => !(a.writes && b.writes));
  return reading.flatMap((meeting) => dependenceOf(meeting, buffers, "order"))[0];
}

/**
 * Why a statement inside the loop and one outside it must keep their order: both touch one element of memory, and one writes it. For
 * `shared` tiles a workgroup keeps it: its invocations wait for each other between statements, if none of the loops around both is
 * bound inside the tile, where not all of them would come by.
 */
export function meetsOutside(loop: For, nest: Nest, buffers: Buffers, shared: ReadonlySet<string>): string | undefined {
  const meeting = meetingAccesses(nest, buffers).find(({ pair, a, b }) => {
    const { first, second, common } = pair;
    if (first.loops.includes(loop) === second.loops.includes(loop)) return false;
    const inTile = common.slice(first.locals.get(a.tensor) ?? 0);
    const isKept =
      a.tensor === b.tensor && shared.has(a.tensor) && !inTile.some(({ mode }) => isInvocation(mode) || mode === "cooperative");
    if (isKept) return false;
    return conditionsToMeet(a, b, pair, buffers).some((system) => system.allows([]));
  });
  return meeting && reasonOf(meeting.a, meeting.b);
}

/**
 * What iterations of the loop from `first` on read and the same or a later iteration overwrites: run again after all
 * others, they would not find it. What they read from earlier iterations is still there, or written anew.
 */
export function overwrittenBy(loop: For, first: number, nest: Nest, buffers: Buffers): string | undefined {
  const inside = leavesOf(nest.body).filter((leaf) => leaf.loops.includes(loop));
  for (const reader of inside) {
    for (const writer of inside) {
      const pair: Pair = { first: reader, second: writer, isSame: false, common: commonLoops(reader, writer) };
      const depth = pair.common.indexOf(loop);
      for (const read of accessesOf(reader).filter((access) => !access.writes)) {
        const write: Access = { tensor: writer.statement.buffer, indices: writer.statement.indices, writes: true };
        // A tile that the loop's body declares begins anew each time.
        const isOwn = (reader.locals.get(read.tensor) ?? -1) > depth;
        if (isOwn || !shareMemory(read.tensor, write.tensor, buffers)) continue;
        const { allows } = conditionToMeet(read, write, pair, buffers, { from: new Map([[loop.name, first]]) });
        const outer = pair.common.slice(0, depth).map((): Direction => "=");
        if (allows([...outer, "="]) || allows([...outer, "<"])) return read.tensor;
      }
    }
  }
  return undefined;
}

/** In what the second instance's iteration differs: `later in \`i\`, earlier in \`j\``. */
export function describeDirections(loops: readonly string[], directions: readonly Direction[]): string {
  const words = { "<": "later", ">": "earlier", "=": "" } as const;
  return loops
    .flatMap((name, depth) => (directions[depth] === "=" ? [] : [`${words[directions[depth] as Direction]} in \`${name}\``]))
    .join(", ");
}

function reasonOf(a: Access, b: Access): string {
  const [written, other] = a.writes ? [a, b] : [b, a];
  const [one, another] = [textOf(written), textOf(other)];
  if (other.writes && one === another) return `\`${one}\` is written in several iterations`;
  const verb = other.writes ? "written, too," : "read";
  return a.tensor === b.tensor
    ? `\`${one}\` is written where \`${another}\` is ${verb} in another iteration`
    : `\`${one}\` is written to the memory from which \`${another}\` is ${verb} in another iteration`;
}

function textOf({ tensor, indices }: Access): string {
  return `${printName(tensor)}[${indices.map(printIndex).join(", ")}]`;
}

/** Accesses of two statements to memory that they share, one of them at least a write. */
type MeetingAccesses = { readonly pair: Pair; readonly a: Access; readonly b: Access };

function meetingAccesses(nest: Nest, buffers: Buffers): MeetingAccesses[] {
  const leaves = leavesOf(nest.body);
  const pairs = leaves.flatMap((first, i) =>
    leaves.slice(i).map((second, offset): Pair => ({ first, second, isSame: offset === 0, common: commonLoops(first, second) })),
  );
  return pairs.flatMap((pair) => {
    const [ofFirst, ofSecond] = [accessesOf(pair.first), accessesOf(pair.second)];
    return ofFirst.flatMap((a) =>
      ofSecond.filter((b) => (a.writes || b.writes) && shareMemory(a.tensor, b.tensor, buffers)).map((b) => ({ pair, a, b })),
    );
  });
}

function dependenceOf({ pair, a, b }: MeetingAccesses, buffers: Buffers, execution: Execution): Dependence[] {
  const directions = directionsOf(a, b, pair, buffers, execution);
  if (directions.length === 0) return [];
  return [{ loops: pair.common.map((loop) => loop.name), directions, reads: !(a.writes && b.writes), reason: reasonOf(a, b) }];
}

/** All direction vectors for which both touch one element and may not change places, in the order of execution. */
function directionsOf(a: Access, b: Access, pair: Pair, buffers: Buffers, execution: Execution): Direction[][] {
  const { first, isSame, common } = pair;
  if (a.writes && b.writes && execution === "order" && accumulateAlike(pair)) return [];
  const systems = conditionsToMeet(a, b, pair, buffers);
  // Every iteration of the loops around a tile has its own; lanes share its registers.
  const apart = execution !== "at once" && a.tensor === b.tensor ? (first.locals.get(a.tensor) ?? 0) : 0;
  // The iterations of a reduction are one statement, which reads everything before it writes.
  const over = new Set(isSame && first.statement.kind === "reduce" ? first.statement.over : []);
  const found: Direction[][] = [];
  const go = (prefix: readonly Direction[]): void => {
    if (!systems.some((system) => system.allows(prefix))) return;
    if (prefix.length < common.length) {
      const directions: readonly Direction[] = prefix.length < apart ? ["="] : ["<", "=", ">"];
      for (const direction of directions) go([...prefix, direction]);
      return;
    }
    // Within one iteration the order of statements is kept by every transformation.
    if (prefix.some((direction, depth) => direction !== "=" && !over.has(common[depth]?.name ?? ""))) found.push(orient(prefix));
  };
  go([]);
  return unique(found);
}

function accumulateAlike({ first: { statement: a }, second: { statement: b } }: Pair): boolean {
  return a.kind === "accumulate" && b.kind === "accumulate" && a.op === b.op && a.buffer === b.buffer;
}

/** Instances in execution order: the first difference is `<`. */
function orient(directions: readonly Direction[]): Direction[] {
  if (directions.find((d) => d !== "=") !== ">") return [...directions];
  const flipped = { "<": ">", "=": "=", ">": "<" } as const;
  return directions.map((d) => flipped[d]);
}

function unique(list: readonly Direction[][]): Direction[][] {
  return [...new Map(list.map((directions) => [directions.join(""), directions])).values()];
}
