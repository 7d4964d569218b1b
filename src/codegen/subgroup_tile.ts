/**
 * Partial results that a workgroup need not share. Where it is one subgroup, each invocation fills a slice of a tile that is its own, and
 * the slices are then reduced into one, each invocation keeps its slice in registers, and a reduction over the subgroup takes the place of
 * memory, barrier and loop.
 */
import { type Index, variablesOf } from "../ir/affine.ts";
import { tensorsRead } from "../ir/expr.ts";
import { largestSubgroup } from "../ir/gpu_limits.ts";
import { type For, type GridAxis, isInvocation, type Statement } from "../ir/loop.ts";
import { childStatements, valuesOf } from "../ir/loop_accesses.ts";

type Local = Extract<Statement, { kind: "local" }>;

export type SubgroupTile = {
  readonly tile: Local;
  /** Along which each invocation has one place. */
  readonly dimension: number;
  /** The loop over all places, which the subgroup's reduction does at once. */
  readonly reduction: For;
};

/** A statement, and what encloses it, outermost first. */
type Inside = { readonly statement: Statement; readonly around: readonly Statement[] };

/** `extents` are those of the grid. Undefined where invocations need memory or each other for anything else. */
export function subgroupTile(body: Statement, extents: ReadonlyMap<GridAxis, number>): SubgroupTile | undefined {
  const count = extents.get("invocation.x") ?? 1;
  const isLine = (extents.get("invocation.y") ?? 1) * (extents.get("invocation.z") ?? 1) === 1;
  if (!isLine || count < 2 || count > largestSubgroup) return undefined;
  const [shared, ...others] = all(body).filter(({ statement }) => statement.kind === "local" && statement.scope === "workgroup");
  if (shared?.statement.kind !== "local" || others.length > 0 || !shared.around.every(takesAll)) return undefined;
  if (shared.around.some((outer) => outer.kind === "for" && outer.mode === "vectorize")) return undefined;
  const tile = shared.statement;
  const [fill, reduce, ...more] = tile.body.kind === "sequence" ? tile.body.statements : [];
  if (!fill || !reduce || more.length > 0 || (tile.dtype !== "f32" && tile.dtype !== "i32")) return undefined;
  const dimension = filledDimension(fill, tile, count);
  const reduction = dimension === undefined ? undefined : reducingLoop(reduce, tile, dimension);
  return dimension === undefined || !reduction ? undefined : { tile, dimension, reduction };
}

/** The dimension in which every place is written by the invocation of that number, and by no other. */
function filledDimension(fill: Statement, tile: Local, count: number): number | undefined {
  const leaves = all(fill).filter(({ statement }) => isLeaf(statement));
  if (leaves.some(({ statement }) => reads(statement, tile))) return undefined;
  const writes = leaves.filter(({ statement }) => "buffer" in statement && statement.buffer === tile.name);
  const dimensions = writes.map(({ statement, around }) => {
    const loop = around.find((outer): outer is For => outer.kind === "for" && isInvocation(outer.mode) && outer.extent === count);
    if (!loop || around.some(({ kind }) => kind === "if") || !("indices" in statement)) return undefined;
    return placeOf(loop, statement.indices, tile, around);
  });
  const [first] = dimensions;
  return dimensions.every((dimension) => dimension === first) ? first : undefined;
}

/** The loop that reduces all places of the dimension, and does nothing else. */
function reducingLoop(reduce: Statement, tile: Local, dimension: number): For | undefined {
  const inside = all(reduce);
  if (inside.some(({ statement }) => "buffer" in statement && statement.buffer === tile.name)) return undefined;
  const [leaf, ...others] = inside.filter(({ statement }) => reads(statement, tile));
  if (leaf?.statement.kind !== "accumulate" || others.length > 0 || !leaf.around.every(takesAll)) return undefined;
  const { value, where, indices } = leaf.statement;
  if (value.kind !== "read" || value.tensor !== tile.name || value.otherwise || where) return undefined;
  const depth = leaf.around.findIndex(({ kind }, at) => kind === "for" && isVariable(value.indices[dimension], nameOf(leaf.around[at])));
  const loop = leaf.around[depth];
  if (loop?.kind !== "for" || (loop.mode !== "serial" && loop.mode !== "unroll")) return undefined;
  const isAlone = leaf.around.slice(depth).every(({ kind }) => kind === "for");
  const isOne = !indices.some((index) => variablesOf(index).has(loop.name));
  return isAlone && isOne && placeOf(loop, value.indices, tile, leaf.around) !== undefined ? loop : undefined;
}

/** The dimension that the loop's variable is the index of, where all other indices are constant once loops are written out. */
function placeOf(loop: For, indices: readonly Index[], { shape }: Local, around: readonly Statement[]): number | undefined {
  const dimension = indices.findIndex((index) => isVariable(index, loop.name));
  if (dimension < 0 || shape[dimension] !== loop.extent) return undefined;
  const written = new Set(around.flatMap((outer) => (outer.kind === "for" && outer !== loop && isWrittenOut(outer) ? [outer.name] : [])));
  const areConstant = indices.every((index, d) => d === dimension || [...variablesOf(index)].every((name) => written.has(name)));
  return areConstant ? dimension : undefined;
}

function isWrittenOut({ mode, extent }: For): boolean {
  return extent === 1 || mode === "unroll" || mode === "vectorize";
}

/** Whether all invocations of the workgroup come by what is inside, each iteration together. */
function takesAll(outer: Statement): boolean {
  if (outer.kind === "if") return tensorsRead(outer.condition).size === 0;
  if (outer.kind !== "for" || outer.extent === 1) return true;
  return !isInvocation(outer.mode) && outer.mode !== "cooperative";
}

function reads(statement: Statement, { name }: Local): boolean {
  return valuesOf(statement).some((value) => tensorsRead(value).has(name));
}

function isLeaf({ kind }: Statement): boolean {
  return kind === "store" || kind === "accumulate" || kind === "reduce";
}

function isVariable(index: Index | undefined, name: string | undefined): boolean {
  const [term, ...others] = index?.terms ?? [];
  if (name === undefined || !term || others.length > 0 || index?.constant !== 0 || term.coefficient !== 1) return false;
  return term.atom.kind === "variable" && term.atom.name === name;
}

function nameOf(statement: Statement | undefined): string | undefined {
  return statement?.kind === "for" ? statement.name : undefined;
}

/** Itself, and every statement inside. */
function all(statement: Statement, around: readonly Statement[] = []): Inside[] {
  return [{ statement, around }, ...childStatements(statement).flatMap((child) => all(child, [...around, statement]))];
}
