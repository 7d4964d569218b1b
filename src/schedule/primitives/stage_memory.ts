/**
 * The part of a tensor that the loops inside a place read is copied to memory of its own first (cache read, a row buffer). The
 * region is inferred: per dimension, from the lowest to the highest index that the inner loops reach.
 */
import {
  add,
  constantIndex,
  formatIndex,
  type Index,
  offset,
  rangeOf,
  readsTensor,
  subtract,
  variableIndex,
  variablesOf,
  visitAtoms,
} from "../../ir/affine.ts";
import { type Expr, indicesOf, readsOf, tensorsRead, visitExpr } from "../../ir/expr.ts";
import type { For, Statement } from "../../ir/loop.ts";
import { allocatedShape, type Buffer, shareMemory } from "../../ir/tensor.ts";
import type { Checked } from "../../support/diagnostic.ts";
import { type Leaf, leavesOf, loopsOf, mapLeaves, mapReads, rangesOfLoops, replaceLoop, valuesOf } from "../nest.ts";
import { type Argument, accept, type Change, type Context, changed, namedLoop, refuse, type Step } from "../primitive.ts";

type Read = Extract<Expr, { kind: "read" }>;

/** Per dimension, `base` over loops outside the place, and how many elements from there on. */
type Region = readonly { readonly base: Index; readonly extent: number }[];
export type MemoryPlan = { readonly at: For; readonly source: Buffer; readonly region: Region };

export function checkMemory(step: Step, tensor: string, at: Argument | undefined, context: Context): Checked<MemoryPlan> {
  const { nest, buffers } = context;
  if (at === undefined)
    return refuse(step, context, {
      code: "bad-step",
      message: "`in memory` needs a loop, at whose beginning the copy is made",
      help: `write \`stage ${tensor} in memory at LOOP\``,
    });
  const { value: loop, diagnostics } = namedLoop(step, at, context);
  if (!loop) return { diagnostics };
  const source = buffers.get(tensor);
  const inside = leavesOf(nest.body).filter((leaf) => leaf.loops.includes(loop));
  const reads = inside.flatMap(({ statement }) => valuesOf(statement).flatMap((value) => readsOf(value, tensor)));
  if (!source || reads.length === 0)
    return refuse(step, context, {
      code: "stage-unknown",
      message: `nothing inside \`${loop.name}\` reads \`${tensor}\``,
      help: "name a tensor that the nest reads there",
      loops: [loop.name],
    });
  const around = inside[0]?.loops.slice(0, inside[0].loops.indexOf(loop) + 1) ?? [];
  const shared = around.find((outer) => outer.mode === "vectorize");
  if (shared)
    return refuse(step, context, {
      code: "stage-in-vector",
      message: `the copy at \`${loop.name}\` would be shared by the lanes of \`${shared.name}\`, which is vectorised around it`,
      help: "copy at a loop further out",
      loops: [shared.name],
    });
  const torn = inside.find(({ statement }) => statement.kind === "reduce" && around.some((outer) => statement.over.includes(outer.name)));
  if (torn)
    return refuse(step, context, {
      code: "stage-imperfect",
      message: `the copy at \`${loop.name}\` would stand between the loops of a reduction whose order is open`,
      help: "first stage the result in registers, or copy at a loop outside the reduction",
      loops: [loop.name],
    });
  const written = inside.find(({ statement }) => shareMemory(statement.buffer, tensor, buffers));
  if (written)
    return refuse(step, context, {
      code: "stage-written",
      message: `\`${written.statement.buffer}\` is written inside \`${loop.name}\`, in the memory of \`${tensor}\`: a copy would be stale`,
      help: "copy at a loop further in, or leave this step out",
      loops: [loop.name],
    });
  const obstacle = inside.flatMap((leaf) => obstaclesOf(leaf, tensor))[0];
  if (obstacle) return refuse(step, context, { code: "stage-region", message: obstacle, help: "leave this step out", loops: [loop.name] });
  const taken = [copyName(tensor), ...source.shape.map((_, d) => copyLoop(tensor, d))];
  const other = [...loopsOf(nest.body).map((each) => each.name), ...inside.flatMap((leaf) => [...leaf.locals.keys()])].find((name) =>
    taken.includes(name),
  );
  if (other !== undefined || buffers.has(copyName(tensor)))
    return refuse(step, context, {
      code: "name-taken",
      message: `the nest already has \`${other ?? copyName(tensor)}\`, as the copy would be called`,
      help: "copy a tensor once",
      loops: [loop.name],
    });
  return regionOf(step, loop, around, reads, source, context);
}

function regionOf(
  step: Step,
  loop: For,
  around: readonly For[],
  reads: readonly Read[],
  source: Buffer,
  context: Context,
): Checked<MemoryPlan> {
  const inner = loopsOf(loop.body);
  const names = new Set(inner.map((each) => each.name));
  const [innerRanges, outerRanges] = [rangesOfLoops(inner), rangesOfLoops(around)];
  const allocated = allocatedShape(source);
  const region: { base: Index; extent: number }[] = [];
  for (const [d] of source.shape.entries()) {
    const parts = reads.map((read) => parted(read.indices[d] ?? constantIndex(0), names));
    const [first] = parts;
    const isOne = first && parts.every((part) => part && formatIndex(part.outer) === formatIndex(first.outer));
    if (!isOne)
      return refuse(step, context, {
        code: "stage-region",
        message: `what is read of \`${source.name}\` inside \`${loop.name}\` is no box at a place that the loops around it say`,
        help: "copy at another loop, or leave this step out",
        loops: [loop.name],
      });
    const spans = parts.map((part) => rangeOf((part as Parted).inner, innerRanges));
    const low = Math.min(...spans.map((span) => span.low));
    const high = Math.max(...spans.map((span) => span.high));
    const base = offset(first.outer, low);
    const border = source.halo?.before[d] ?? 0;
    const start = rangeOf(base, outerRanges);
    if (!Number.isFinite(low + high) || start.low < -border || start.high + high - low >= (allocated[d] ?? 0) - border)
      return refuse(step, context, {
        code: "stage-outside",
        message: `the copy of \`${source.name}\` at \`${loop.name}\` would reach beyond its edge in dimension ${d}, which a guard keeps the nest from`,
        help: "split with `tail cut` or `tail shift` instead of a guard",
        loops: [loop.name],
      });
    region.push({ base, extent: high - low + 1 });
  }
  return accept({ at: loop, source, region });
}

export function applyMemory({ at, source, region }: MemoryPlan, { nest }: Context): Change {
  const name = copyName(source.name);
  const place = (d: number) => (region[d]?.extent === 1 ? constantIndex(0) : variableIndex(copyLoop(source.name, d)));
  const from = region.map(({ base }, d) => add(base, place(d)));
  const value: Expr = { kind: "read", tensor: source.name, indices: from, dtype: source.dtype };
  const store: Statement = { kind: "store", buffer: name, indices: region.map((_, d) => place(d)), value };
  const copy = region.reduceRight<Statement>(
    (body, { extent }, d) => ({ kind: "for", name: copyLoop(source.name, d), extent, mode: "serial", body }),
    store,
  );
  const fromCopy = (read: Read): Read =>
    read.tensor === source.name
      ? { ...read, tensor: name, indices: read.indices.map((index, d) => subtract(index, region[d]?.base ?? constantIndex(0))) }
      : read;
  const reading = mapLeaves(
    at.body,
    (index) => index,
    (expr) => mapReads(expr, fromCopy),
  );
  const body: Statement = {
    kind: "local",
    name,
    dtype: source.dtype,
    shape: region.map(({ extent }) => extent),
    scope: "memory",
    body: { kind: "sequence", statements: [copy, reading] },
  };
  return changed(
    nest,
    replaceLoop(nest.body, at.name, (loop) => ({ ...loop, body })),
  );
}

function copyName(tensor: string): string {
  return `${tensor}.copy`;
}

function copyLoop(tensor: string, dimension: number): string {
  return `${tensor}.copy.${dimension}`;
}

/** What keeps reads of a statement from being those of a copy. */
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
