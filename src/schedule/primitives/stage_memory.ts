/** The part of a tensor that the loops inside a place read is copied to memory of its own first (cache read, a row buffer). */
import { add, constantIndex, variableIndex } from "../../ir/affine.ts";
import type { Expr } from "../../ir/expr.ts";
import type { For, Statement } from "../../ir/loop.ts";
import { allocatedShape, shareMemory } from "../../ir/tensor.ts";
import type { Checked } from "../../support/diagnostic.ts";
import { type Access, accessesOf, commonLoops, conditionToMeet, type Direction, type Pair } from "../conflict.ts";
import { leavesOf } from "../nest.ts";
import { type Argument, accept, type Change, type Context, changed, refuse, type Step } from "../primitive.ts";
import { inferRegion, type RegionPlan, withTile } from "../region.ts";

export function checkMemory(step: Step, tensor: string, at: Argument | undefined, context: Context): Checked<RegionPlan> {
  const { buffers } = context;
  if (at === undefined)
    return refuse(step, context, {
      code: "bad-step",
      message: "`in memory` needs a loop, at whose beginning the copy is made",
      help: `write \`stage ${tensor} in memory at LOOP\``,
    });
  const loops = (buffers.get(tensor)?.shape ?? []).map((_, d) => copyLoop(tensor, d));
  const inferred = inferRegion(step, tensor, at, { what: `the copy of \`${tensor}\``, tile: copyName(tensor), loops }, context);
  if (!inferred.value) return inferred;
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
  const { source, region } = plan;
  const name = copyName(source.name);
  const place = (d: number) => (region[d]?.extent === 1 ? constantIndex(0) : variableIndex(copyLoop(source.name, d)));
  const from = region.map(({ base }, d) => add(base, place(d)));
  const value: Expr = { kind: "read", tensor: source.name, indices: from, dtype: source.dtype };
  const store: Statement = { kind: "store", buffer: name, indices: region.map((_, d) => place(d)), value };
  const copy = region.reduceRight<Statement>(
    (body, { extent }, d) => ({ kind: "for", name: copyLoop(source.name, d), extent, mode: "serial", body }),
    store,
  );
  return changed(nest, withTile(plan, name, [copy], nest));
}

function copyName(tensor: string): string {
  return `${tensor}.copy`;
}

function copyLoop(tensor: string, dimension: number): string {
  return `${tensor}.copy.${dimension}`;
}
