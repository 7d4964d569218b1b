/**
 * What the loops inside a place read of a tensor: a box, per dimension from the lowest to the highest index that the inner loops
 * reach, at a place that the loops outside say. And the tile that holds it while those loops run.
 */
import {
  constantIndex,
  formatIndex,
  type Index,
  offset,
  type Range,
  rangeOf,
  readsTensor,
  subtract,
  variablesOf,
  visitAtoms,
} from "../ir/affine.ts";
import { type Expr, indicesOf, readsOf, tensorsRead, visitExpr } from "../ir/expr.ts";
import { type For, isInvocation, type Nest, type Statement, type TileScope } from "../ir/loop.ts";
import type { Buffer } from "../ir/tensor.ts";
import type { Checked } from "../support/diagnostic.ts";
import { type Leaf, leavesOf, loopsOf, mapLeaves, mapReads, rangesOfLoops, replaceLoop, valuesOf } from "./nest.ts";
import { type Argument, accept, type Context, namedLoop, refuse, type Step } from "./primitive.ts";

type Read = Extract<Expr, { kind: "read" }>;

/** Per dimension, `base` over loops outside the place, which lies in `start`, and how many elements from there on. */
export type Region = readonly { readonly base: Index; readonly start: Range; readonly extent: number }[];
export type RegionPlan = { readonly at: For; readonly source: Buffer; readonly region: Region; readonly scope: TileScope };

/** What the step adds to the nest: `a copy` or the like, where its tile lies, and the names of the tile and its loops. */
export type Addition = { readonly what: string; readonly scope: TileScope; readonly tile: string; readonly loops: readonly string[] };

/** The tile in which a nest computes a part of another's tensor: later steps call it by the tensor's name. */
export function tileName(tensor: string): string {
  return `${tensor}.local`;
}

/** The tile of partial results of a tensor, where a loop of its reduction has been factored out. */
export function partialName(tensor: string): string {
  return `${tensor}.partial`;
}

/** Refusals of a step that infers a region. */
export const regionRefusals = {
  "region-unread": "nothing inside the loop reads the tensor",
  "region-in-vector": "the lanes of a vectorised loop would share the tile",
  "region-imperfect": "the tile would stand inside a reduction whose order is open",
  "region-shape": "what is read of the tensor is no box: a tile cannot be said",
  "name-taken": "the nest already has something with a name that the step gives",
} as const;

export function inferRegion(
  step: Step,
  tensor: string,
  at: Argument,
  { what, scope, tile, loops }: Addition,
  context: Context,
): Checked<RegionPlan> {
  const { nest, buffers } = context;
  const { value: loop, diagnostics } = namedLoop(step, at, context);
  if (!loop) return { diagnostics };
  const source = buffers.get(tensor);
  const inside = leavesOf(nest.body).filter((leaf) => leaf.loops.includes(loop));
  const reads = inside.flatMap(({ statement }) => valuesOf(statement).flatMap((value) => readsOf(value, tensor)));
  if (!source || reads.length === 0)
    return refuse(step, context, {
      code: "region-unread",
      message: `nothing inside \`${loop.name}\` reads \`${tensor}\``,
      help: "name a tensor that the nest reads there",
      loops: [loop.name],
    });
  const around = inside[0]?.loops.slice(0, inside[0].loops.indexOf(loop) + 1) ?? [];
  const shared = around.find((outer) => outer.mode === "vectorize");
  if (shared)
    return refuse(step, context, {
      code: "region-in-vector",
      message: `${what} at \`${loop.name}\` would be shared by the lanes of \`${shared.name}\`, which is vectorised around it`,
      help: "name a loop further out",
      loops: [shared.name],
    });
  const torn = inside.find(({ statement }) => statement.kind === "reduce" && around.some((outer) => statement.over.includes(outer.name)));
  if (torn)
    return refuse(step, context, {
      code: "region-imperfect",
      message: `${what} at \`${loop.name}\` would stand between the loops of a reduction whose order is open`,
      help: "first stage the result in registers, or name a loop outside the reduction",
      loops: [loop.name],
    });
  const obstacle = inside.flatMap((leaf) => obstaclesOf(leaf, tensor))[0];
  if (obstacle) return refuse(step, context, { code: "region-shape", message: obstacle, help: "leave this step out", loops: [loop.name] });
  const taken = [tile, ...loops];
  const other = [...loopsOf(nest.body).map((each) => each.name), ...inside.flatMap((leaf) => [...leaf.locals.keys()])].find((name) =>
    taken.includes(name),
  );
  if (other !== undefined || buffers.has(tile))
    return refuse(step, context, {
      code: "name-taken",
      message: `the nest already has \`${other ?? tile}\`, as a part of ${what} would be called`,
      help: "take this step once for a tensor",
      loops: [loop.name],
    });
  // A tile of a workgroup holds what all its invocations read.
  const together = scope === "workgroup" ? around.filter(({ mode }) => isInvocation(mode)) : [];
  const region = regionOf([...together, ...loopsOf(loop.body)], around, reads, source);
  if (!region)
    return refuse(step, context, {
      code: "region-shape",
      message: `what is read of \`${source.name}\` inside \`${loop.name}\` is no box at a place that the loops around it say`,
      help: "name another loop, or leave this step out",
      loops: [loop.name],
    });
  return accept({ at: loop, source, region, scope });
}

function regionOf(inner: readonly For[], around: readonly For[], reads: readonly Read[], source: Buffer): Region | undefined {
  const names = new Set(inner.map((each) => each.name));
  const [innerRanges, outerRanges] = [rangesOfLoops(inner), rangesOfLoops(around)];
  const region: { base: Index; start: Range; extent: number }[] = [];
  for (const [d] of source.shape.entries()) {
    const parts = reads.map((read) => parted(read.indices[d] ?? constantIndex(0), names));
    const [first] = parts;
    const isOne = first && parts.every((part) => part && formatIndex(part.outer) === formatIndex(first.outer));
    if (!isOne) return undefined;
    const spans = parts.map((part) => rangeOf((part as Parted).inner, innerRanges));
    const low = Math.min(...spans.map((span) => span.low));
    const high = Math.max(...spans.map((span) => span.high));
    if (!Number.isFinite(low + high)) return undefined;
    const base = offset(first.outer, low);
    region.push({ base, start: rangeOf(base, outerRanges), extent: high - low + 1 });
  }
  return region;
}

/** The nest with a tile around what stands inside the place: filled by the statements given, and read instead of the tensor. */
export function withTile({ at, source, region, scope }: RegionPlan, tile: string, fill: readonly Statement[], { body }: Nest): Statement {
  const fromTile = (read: Read): Read =>
    read.tensor === source.name
      ? { ...read, tensor: tile, indices: read.indices.map((index, d) => subtract(index, region[d]?.base ?? constantIndex(0))) }
      : read;
  const reading = mapLeaves(
    at.body,
    (index) => index,
    (expr) => mapReads(expr, fromTile),
  );
  const local: Statement = {
    kind: "local",
    name: tile,
    dtype: source.dtype,
    shape: region.map(({ extent }) => extent),
    scope,
    body: { kind: "sequence", statements: [...fill, reading] },
  };
  return replaceLoop(body, at.name, (loop) => ({ ...loop, body: local }));
}

/** What keeps reads of a statement from being those of a tile. */
function obstaclesOf({ statement, guards }: Leaf, tensor: string): string[] {
  if (guards.some((guard) => tensorsRead(guard).has(tensor))) return [`a guard reads \`${tensor}\``];
  const found: string[] = [];
  const visitIndex = (index: Index) =>
    visitAtoms(index, (atom) => {
      if (atom.kind === "read" && atom.tensor === tensor) found.push(`\`${tensor}\` is read inside an index`);
    });
  for (const index of statement.indices) visitIndex(index);
  for (const value of valuesOf(statement))
    visitExpr(value, (expr) => {
      for (const index of indicesOf(expr)) visitIndex(index);
      if (expr.kind !== "read" || expr.tensor !== tensor) return;
      if (expr.otherwise) found.push(`\`${tensor}\` is read beyond its edges`);
      if (expr.indices.some(readsTensor)) found.push(`\`${tensor}\` is read at a place that another tensor names`);
    });
  return found;
}

type Parted = { readonly outer: Index; readonly inner: Index };

/** The terms over loops outside, and those over loops inside with the constant; nothing where one term has both. */
function parted({ terms, constant }: Index, inside: ReadonlySet<string>): Parted | undefined {
  const own = terms.map((term) => {
    const names = [...variablesOf({ terms: [term], constant: 0 })];
    const within = names.filter((name) => inside.has(name)).length;
    return within === 0 ? "outer" : within === names.length ? "inner" : "both";
  });
  if (own.includes("both")) return undefined;
  const of = (side: string) => terms.filter((_, i) => own[i] === side);
  return { outer: { terms: of("outer"), constant: 0 }, inner: { terms: of("inner"), constant } };
}
