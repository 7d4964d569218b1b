/** A constant tensor is copied at build time into the order in which the nest reads it. */
import { constantIndex, formatIndex, type Index, rangeOf, readsTensor, variableIndex, variablesOf } from "../../ir/affine.ts";
import { constantExpr, type Expr, visitExpr } from "../../ir/expr.ts";
import type { For, Nest, Statement } from "../../ir/loop.ts";
import type { Buffer } from "../../ir/tensor.ts";
import type { Checked } from "../../support/diagnostic.ts";
import { nearest } from "../../support/nearest.ts";
import { leavesOf, mapLeaves, mapReads, rangesOfLoops, valuesOf } from "../nest.ts";
import { type Argument, accept, type Change, type Context, namedLoop, refuse, type Step } from "../primitive.ts";

export type PackedPlan = { readonly source: Buffer; readonly indices: readonly Index[]; readonly loops: readonly For[] };

export function checkPacked(step: Step, tensor: string, by: readonly Argument[], context: Context): Checked<PackedPlan> {
  const { nest, buffers } = context;
  const reads = readsOf(nest.body, tensor);
  const [first] = reads;
  const source = buffers.get(tensor);
  if (!first || !source) {
    const names = [...new Set(allReads(nest.body).map((read) => read.tensor))].filter((name) => buffers.has(name));
    const guess = nearest(tensor, names);
    return refuse(step, context, {
      code: "stage-unknown",
      message: `${nest.name} does not read \`${tensor}\``,
      help: guess ? `did you mean \`${guess}\`?` : `it reads ${names.join(", ")}`,
    });
  }
  if (source.role.kind === "temporary" || source.role.kind === "input")
    return refuse(step, context, {
      code: "stage-not-constant",
      message: `\`${tensor}\` is computed at run time; only weights and constants are packed`,
      help: "leave this step out",
    });
  if (reads.some((read) => read.otherwise || read.indices.map(formatIndex).join() !== first.indices.map(formatIndex).join()))
    return refuse(step, context, {
      code: "stage-several-reads",
      message: `\`${tensor}\` is read at different indices, or beyond its edges`,
      help: "a copy has the order of one read: leave this step out",
      loops: [],
    });
  if (first.indices.some(readsTensor))
    return refuse(step, context, {
      code: "stage-several-reads",
      message: `\`${tensor}\` is read at a place that another tensor names`,
      help: "a copy has the order of the loops alone: leave this step out",
      loops: [],
    });
  if (by.length === 0)
    return refuse(step, context, {
      code: "bad-step",
      message: "`packed` names the loops in whose order the copy lies",
      help: `write \`stage ${tensor} packed by f.o, c, f.i\``,
    });
  const loops: For[] = [];
  for (const name of by) {
    const { value: loop, diagnostics } = namedLoop(step, name, context);
    if (!loop) return { diagnostics };
    if (loops.includes(loop))
      return refuse(step, context, {
        code: "bad-step",
        message: `\`${name}\` is named twice in \`packed by\``,
        help: "name every loop once, outermost first",
      });
    loops.push(loop);
  }
  const used = new Set(first.indices.flatMap((index) => [...variablesOf(index)]));
  const named = new Set(loops.map((loop) => loop.name));
  const missing = [...used].filter((name) => !named.has(name));
  if (missing.length > 0)
    return refuse(step, context, {
      code: "stage-missing-loop",
      message: `\`${tensor}\` is read at a place that depends on \`${missing[0]}\`, which is not among the loops it is packed by`,
      help: `add ${missing.map((name) => `\`${name}\``).join(", ")}`,
      loops: missing,
    });
  // A loop that does not change what is read adds no dimension.
  return accept({ source, indices: first.indices, loops: loops.filter((loop) => used.has(loop.name)) });
}

export function applyPacked({ source, indices, loops }: PackedPlan, { nest }: Context): Change {
  const name = `${nest.name}.${source.name}.packed`;
  const shape = loops.map((loop) => loop.extent);
  const packed: Buffer = { name, dtype: source.dtype, shape, role: { kind: "derived" } };
  const place = loops.map((loop) => (loop.extent === 1 ? constantIndex(0) : variableIndex(loop.name)));
  const body = mapLeaves(
    nest.body,
    (index) => index,
    (expr) => mapReads(expr, (read) => (read.tensor === source.name ? { ...read, tensor: name, indices: place } : read)),
  );
  const pack: Nest = { name, phase: "build", result: name, trace: [], body: packLoops(source, indices, loops, name, place) };
  return { nest: { ...nest, body }, buffers: [packed], nests: [pack] };
}

/** Where a guarded tile reaches beyond the source, the copy holds what nothing uses; a border is copied with its fill. */
function packLoops(source: Buffer, indices: readonly Index[], loops: readonly For[], name: string, place: readonly Index[]): Statement {
  const ranges = rangesOfLoops(loops);
  const inside = indices.every((index, d) => {
    const { low, high } = rangeOf(index, ranges);
    return low >= 0 && high < (source.shape[d] ?? 0);
  });
  const value: Expr = {
    kind: "read",
    tensor: source.name,
    indices,
    dtype: source.dtype,
    ...(inside ? {} : { otherwise: constantExpr(source.dtype, source.halo?.fill ?? 0) }),
  };
  const store: Statement = { kind: "store", buffer: name, indices: place, value };
  return loops.reduceRight<Statement>(
    (inner, loop) => ({ kind: "for", name: loop.name, extent: loop.extent, mode: "serial", body: inner }),
    store,
  );
}

type Read = Extract<Expr, { kind: "read" }>;

function allReads(body: Statement): Read[] {
  const reads: Read[] = [];
  const collect = (expr: Expr) =>
    visitExpr(expr, (inner) => {
      if (inner.kind === "read") reads.push(inner);
    });
  for (const { statement, guards } of leavesOf(body)) for (const expr of [...valuesOf(statement), ...guards]) collect(expr);
  return reads;
}

function readsOf(body: Statement, tensor: string): Read[] {
  return allReads(body).filter((read) => read.tensor === tensor);
}
