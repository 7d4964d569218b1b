/**
 * What a scheduled nest will execute, counted from the nest alone: vector operations, loads, stores, iterations, registers, and bytes that
 * come from beyond the first and the second cache. Counting takes a fraction of a millisecond, far less than lowering the nest.
 */
import { type Index, variablesOf } from "../ir/affine.ts";
import { dtypes, elementCount } from "../ir/dtype.ts";
import { type Expr, visitExpr } from "../ir/expr.ts";
import type { For, Statement } from "../ir/loop.ts";
import { childStatements } from "../ir/loop_accesses.ts";
import { allocatedShape, type Buffer } from "../ir/tensor.ts";
import { type Leaf, leavesOf, valuesOf } from "../schedule/nest.ts";
import type { Scheduled } from "./candidate.ts";
import type { Workload } from "./workload.ts";

/** All are executions or bytes of one run, but for the last four. */
export type Counts = {
  /** Arithmetic instructions on vectors or scalars, a multiply-add counting one. */
  readonly operations: number;
  /** Floating-point operations, a multiply-add counting two in each lane. */
  readonly flops: number;
  readonly vectorLoads: number;
  /** One element, put into every lane where it meets a vector. */
  readonly scalarLoads: number;
  readonly stores: number;
  /** Of loops that stay loops. */
  readonly iterations: number;
  /** Executions of guards. */
  readonly guards: number;
  readonly beyondFirstCache: number;
  readonly beyondSecondCache: number;
  /** Of all memory that is touched, each byte once. */
  readonly bytes: number;
  /** Vectors (or scalars) that are alive at once in the innermost loop. */
  readonly registers: number;
  /** Statements of the innermost loop written out. */
  readonly body: number;
  /** Iterations of the innermost loop that stays one, each time that it is entered. */
  readonly innermost: number;
};

/** Bytes of the caches that panels and tiles are meant for; the schedule's own numbers aim at the same. */
const firstCache = 32 * 1024;
const secondCache = 1024 * 1024;
const lanes = 4;

export function countNest(workload: Workload, { nest, added }: Scheduled): Counts {
  const buffers = new Map([...workload.buffers, ...added.map((buffer) => [buffer.name, buffer] as const)]);
  const tiles = new Map(tilesOf(nest.body).map((tile) => [tile.name, tile]));
  const leaves = leavesOf(nest.body).map((leaf) => countLeaf(leaf, buffers, tiles));
  const sum = (of: (counts: Counts) => number) => leaves.reduce((total, counts) => total + of(counts), 0);
  const largest = (of: (counts: Counts) => number) => Math.max(0, ...leaves.map(of));
  return {
    operations: sum((counts) => counts.operations),
    flops: sum((counts) => counts.flops),
    vectorLoads: sum((counts) => counts.vectorLoads),
    scalarLoads: sum((counts) => counts.scalarLoads),
    stores: sum((counts) => counts.stores),
    iterations: sum((counts) => counts.iterations),
    guards: sum((counts) => counts.guards),
    beyondFirstCache: sum((counts) => counts.beyondFirstCache),
    beyondSecondCache: sum((counts) => counts.beyondSecondCache),
    bytes: largest((counts) => counts.bytes),
    registers: largest((counts) => counts.registers),
    body: largest((counts) => counts.body),
    innermost: Math.max(1, ...leaves.map((counts) => counts.innermost)),
  };
}

/** For the cost model: logarithms, for times are products of them. */
export function featuresOf(counts: Counts): number[] {
  const log = (value: number) => round(Math.log2(1 + value));
  const each = (value: number) => round(value / Math.max(1, counts.operations));
  return [
    log(counts.flops),
    log(counts.operations),
    each(counts.vectorLoads),
    each(counts.scalarLoads),
    each(counts.stores),
    each(counts.iterations),
    each(counts.guards),
    each(counts.beyondFirstCache),
    each(counts.beyondSecondCache),
    log(counts.bytes),
    counts.registers,
    log(counts.body),
    log(counts.innermost),
  ];
}

function round(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}

type Tile = Extract<Statement, { kind: "local" }>;

function tilesOf(statement: Statement): Tile[] {
  const own = statement.kind === "local" ? [statement] : [];
  return [...own, ...childStatements(statement).flatMap(tilesOf)];
}

type Access = {
  readonly tensor: string;
  readonly indices: readonly Index[];
  /** Of an element. */
  readonly bytes: number;
  readonly limit: number;
  readonly isRegister: boolean;
};

function countLeaf({ statement, loops, guards }: Leaf, buffers: ReadonlyMap<string, Buffer>, tiles: ReadonlyMap<string, Tile>): Counts {
  const serial = loops.filter(({ mode }) => mode === "serial" || mode === "parallel" || mode === "cooperative");
  const written = loops.filter((loop) => loop.mode === "unroll");
  const vector = loops.find((loop) => loop.mode === "vectorize");
  const trips = product(serial);
  const copies = product(written);
  const vectors = vector ? vector.extent / lanes : 1;
  const access = (name: string, indices: readonly Index[]): Access => {
    const [buffer, tile] = [buffers.get(name), tiles.get(name)];
    const dtype = buffer?.dtype ?? tile?.dtype ?? "f32";
    const limit = elementCount(buffer ? allocatedShape(buffer) : (tile?.shape ?? []));
    return { tensor: name, indices, bytes: dtypes[dtype].bytes, limit, isRegister: tile?.scope === "register" };
  };
  const reads = readsIn(valuesOf(statement)).map(({ tensor, indices }) => access(tensor, indices));
  const own = access(statement.buffer, statement.indices);
  const inMemory = [...reads, own].filter(({ isRegister }) => !isRegister);
  // What depends on a written-out loop is loaded for each of its copies, anything else once.
  const loadsOf = ({ indices }: Access) => product(written.filter((loop) => uses(indices, loop.name)));
  const isVector = ({ indices }: Access) => vector !== undefined && uses(indices, vector.name);
  const loaded = reads.filter(({ isRegister }) => !isRegister);
  const sumOf = (list: readonly Access[], of: (access: Access) => number) => list.reduce((total, each) => total + of(each), 0);
  const vectorLoads = sumOf(loaded.filter(isVector), (each) => loadsOf(each) * vectors);
  const scalarLoads = sumOf(
    loaded.filter((each) => !isVector(each)),
    loadsOf,
  );
  const width = vector ? lanes : 1;
  const applied = valuesOf(statement).reduce((count, value) => count + operationsIn(value), 0);
  const isAccumulated = statement.kind === "accumulate";
  // A product that is accumulated is one instruction, and two operations.
  const operations = Math.max(1, applied) * copies * vectors * trips;
  const isStored = !own.isRegister;
  const accumulators = isAccumulated && !isStored ? copies * vectors : 0;
  const inner = serial.at(-1);
  const traffic = (cache: number) => bytesBeyond(cache, inMemory, loops);
  return {
    operations,
    flops: (applied + (isAccumulated ? 1 : 0)) * copies * vectors * width * trips,
    vectorLoads: vectorLoads * trips,
    scalarLoads: scalarLoads * trips,
    stores: isStored ? copies * vectors * trips : 0,
    iterations: serial.reduce((total, _, i) => total + product(serial.slice(0, i + 1)), 0),
    guards: guards.length * trips * copies,
    beyondFirstCache: traffic(firstCache),
    beyondSecondCache: traffic(secondCache),
    bytes: touchedBytes(inMemory, loops),
    registers: accumulators + Math.min(vectorLoads, vectors) + 1,
    body: copies * vectors * Math.max(1, applied),
    innermost: inner?.extent ?? 1,
  };
}

function product(loops: readonly For[]): number {
  return loops.reduce((total, loop) => total * loop.extent, 1);
}

function uses(indices: readonly Index[], loop: string): boolean {
  return indices.some((index) => variablesOf(index).has(loop));
}

/** Elements that the loops touch: at most the whole tensor. */
function touched({ indices, limit }: Access, loops: readonly For[]): number {
  return Math.min(limit, product(loops.filter((loop) => uses(indices, loop.name))));
}

/** At least so many bytes, each once: of a tensor that is accessed in several places (each case of a transform is one), what one of them touches. */
function touchedBytes(accesses: readonly Access[], loops: readonly For[]): number {
  const most = new Map<string, number>();
  for (const each of accesses) most.set(each.tensor, Math.max(most.get(each.tensor) ?? 0, touched(each, loops) * each.bytes));
  return [...most.values()].reduce((total, bytes) => total + bytes, 0);
}

/**
 * Bytes that come from beyond a cache: what the outermost loops touch whose whole footprint fits the cache is fetched once each time
 * that they begin.
 */
function bytesBeyond(cache: number, accesses: readonly Access[], loops: readonly For[]): number {
  const footprint = (inside: readonly For[]) => accesses.reduce((total, each) => total + touched(each, inside) * each.bytes, 0);
  let fitting = loops.length;
  while (fitting > 0 && footprint(loops.slice(fitting - 1)) <= cache) fitting--;
  const inside = loops.slice(fitting);
  // A tensor that the loops around do not move through stays, as long as it alone would.
  return accesses.reduce((total, each) => {
    const outer = loops.slice(0, fitting);
    const last = outer.findLastIndex((loop) => uses(each.indices, loop.name));
    return total + touched(each, inside) * each.bytes * product(outer.slice(0, last + 1));
  }, 0);
}

function readsIn(values: readonly Expr[]): Extract<Expr, { kind: "read" }>[] {
  const found: Extract<Expr, { kind: "read" }>[] = [];
  for (const value of values)
    visitExpr(value, (expr) => {
      if (expr.kind === "read") found.push(expr);
    });
  return found;
}

export function operationsIn(value: Expr): number {
  let count = 0;
  visitExpr(value, (expr) => {
    if (expr.kind === "apply") count++;
  });
  return count;
}
