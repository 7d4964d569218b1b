/**
 * The part of a tensor that the loops inside a place read is copied to memory of its own first (cache read, a row buffer), or to memory
 * that a workgroup shares, for what all of its invocations read (cooperative fetch).
 */
import { add, constantIndex, floordiv, type Index, mod, scale, variableIndex } from "../../ir/affine.ts";
import { elementCount } from "../../ir/dtype.ts";
import type { Expr } from "../../ir/expr.ts";
import { type For, isInvocation, type Statement } from "../../ir/loop.ts";
import { allocatedShape, shareMemory, stridesOf } from "../../ir/tensor.ts";
import type { Checked } from "../../support/diagnostic.ts";
import { type Access, accessesOf, commonLoops, conditionToMeet, type Direction, type Pair } from "../conflict.ts";
import { leavesOf } from "../nest.ts";
import { type Argument, accept, type Change, type Context, changed, refuse, type Step } from "../primitive.ts";
import { inferRegion, type RegionPlan, withTile } from "../region.ts";
import { missedTile } from "../workgroup_tile.ts";

export function checkMemory(
  step: Step,
  tensor: string,
  scope: "memory" | "workgroup",
  at: Argument | undefined,
  context: Context,
): Checked<RegionPlan> {
  const { buffers } = context;
  if (at === undefined)
    return refuse(step, context, {
      code: "bad-step",
      message: `\`in ${scope}\` needs a loop, at whose beginning the copy is made`,
      help: `write \`stage ${tensor} in ${scope} at LOOP\``,
    });
  const loops = copyLoops(tensor, scope, buffers.get(tensor)?.shape.length ?? 0);
  const inferred = inferRegion(step, tensor, at, { what: `the copy of \`${tensor}\``, scope, tile: copyName(tensor), loops }, context);
  if (!inferred.value) return inferred;
  if (scope === "workgroup") {
    const { diagnostics } = checkShared(step, inferred.value, context);
    if (diagnostics.length > 0) return { diagnostics };
  }
  const { at: loop, source, region } = inferred.value;
  const written = writtenWhileCopied(tensor, loop, context);
  if (written !== undefined)
    return refuse(step, context, {
      code: "stage-written",
      message: `\`${written}\` is written inside \`${loop.name}\`, in the memory of \`${tensor}\`: a copy would be stale`,
      help: "copy at a loop further in, or leave this step out",
      loops: [loop.name],
    });
  const allocated = allocatedShape(source);
  const beyond = region.findIndex(({ start, extent }, d) => {
    const border = source.halo?.before[d] ?? 0;
    return start.low < -border || start.high + extent > (allocated[d] ?? 0) - border;
  });
  if (beyond >= 0)
    return refuse(step, context, {
      code: "stage-outside",
      message: `the copy of \`${source.name}\` at \`${loop.name}\` would reach beyond its edge in dimension ${beyond}, which a guard keeps the nest from`,
      help: "split with `tail cut` or `tail shift` instead of a guard",
      loops: [loop.name],
    });
  return accept(inferred.value);
}

/** Whether a workgroup has invocations that share the copy, and all of them come by. */
function checkShared(step: Step, plan: RegionPlan, context: Context): Checked<RegionPlan> {
  const { at, source } = plan;
  const around = leavesOf(context.nest.body).find((leaf) => leaf.loops.includes(at))?.loops ?? [];
  if (!around.slice(0, around.indexOf(at) + 1).some(({ mode }) => isInvocation(mode)))
    return refuse(step, context, {
      code: "stage-alone",
      message: `no loop around the copy of \`${source.name}\` is bound to invocations: there is nobody to share it`,
      help: "first `bind LOOP to invocation.x`, or stage in memory",
      loops: [at.name],
    });
  const missed = missedTile(applyMemory(plan, context).nest.body);
  if (missed)
    return refuse(step, context, {
      code: "stage-missed",
      message: `not every invocation would come by the copy of \`${source.name}\`: ${missed.reason}`,
      help: "bind loops of one extent, that a factor splits without a rest",
      loops: [missed.loop],
    });
  return accept(plan);
}

/** What one iteration of the loop and those around it writes to an element of the tensor's memory that the same iteration reads. */
function writtenWhileCopied(tensor: string, loop: For, { nest, buffers }: Context): string | undefined {
  const inside = leavesOf(nest.body).filter((leaf) => leaf.loops.includes(loop));
  for (const writer of inside.filter(({ statement }) => shareMemory(statement.buffer, tensor, buffers))) {
    const write: Access = { tensor: writer.statement.buffer, indices: writer.statement.indices, writes: true };
    for (const reader of inside) {
      const pair: Pair = { first: reader, second: writer, isSame: false, common: commonLoops(reader, writer) };
      const same = pair.common.slice(0, pair.common.indexOf(loop) + 1).map((): Direction => "=");
      const reads = accessesOf(reader).filter((access) => !access.writes && access.tensor === tensor);
      if (reads.some((read) => conditionToMeet(read, write, pair, buffers).allows(same))) return write.tensor;
    }
  }
  return undefined;
}

export function applyMemory(plan: RegionPlan, { nest }: Context): Change {
  const fill = plan.scope === "workgroup" ? fillTogether(plan) : fillAlone(plan);
  return changed(nest, withTile(plan, copyName(plan.source.name), [fill], nest));
}

function fillAlone(plan: RegionPlan): Statement {
  const { source, region } = plan;
  const loops = copyLoops(source.name, "memory", region.length);
  const places = region.map(({ extent }, d) => (extent === 1 ? constantIndex(0) : variableIndex(loops[d] as string)));
  return region.reduceRight<Statement>(
    (body, { extent }, d) => ({ kind: "for", name: loops[d] as string, extent, mode: "serial", body }),
    copyStatement(plan, places),
  );
}

/** One loop over the whole box, for invocations side by side to read side by side; in vectors, where elements lie so. */
function fillTogether(plan: RegionPlan): Statement {
  const { source, region } = plan;
  const [each, lane] = copyLoops(source.name, "workgroup", region.length) as [string, string];
  const last = region.length - 1;
  const isVector = (region[last]?.extent ?? 1) % 4 === 0 && stridesOf(source)[last] === 1;
  const extents = region.map(({ extent }, d) => (isVector && d === last ? extent / 4 : extent));
  const count = elementCount(extents);
  const ranges = { variable: (name: string) => (name === each ? { low: 0, high: count - 1 } : undefined) };
  const number = count === 1 ? constantIndex(0) : variableIndex(each);
  const places = extents.map((extent, d): Index => {
    const inner = elementCount(extents.slice(d + 1));
    const place = mod(floordiv(number, inner, ranges), extent, ranges);
    return isVector && d === last ? add(scale(place, 4), variableIndex(lane)) : place;
  });
  const store = copyStatement(plan, places);
  const body: Statement = isVector ? { kind: "for", name: lane, extent: 4, mode: "vectorize", body: store } : store;
  return { kind: "for", name: each, extent: count, mode: "cooperative", body };
}

function copyStatement({ source, region }: RegionPlan, places: readonly Index[]): Statement {
  const from = region.map(({ base }, d) => add(base, places[d] ?? constantIndex(0)));
  const value: Expr = { kind: "read", tensor: source.name, indices: from, dtype: source.dtype };
  return { kind: "store", buffer: copyName(source.name), indices: places, value };
}

function copyName(tensor: string): string {
  return `${tensor}.copy`;
}

function copyLoops(tensor: string, scope: "memory" | "workgroup", dimensions: number): string[] {
  const names = scope === "workgroup" ? ["each", "lane"] : Array.from({ length: dimensions }, (_, d) => String(d));
  return names.map((name) => `${copyName(tensor)}.${name}`);
}
