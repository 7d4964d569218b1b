/**
 * lowerToLoop: every group becomes a nest of one loop per axis around one statement, all orders still open.
 * A buffer with a halo gets a nest that fills its border, just after the nest that computes it, or the last part of it: what that nest computes
 * in place is then no longer read.
 */

import { add, constantIndex, type Index, offset, scale, variableIndex } from "../ir/affine.ts";
import { type Axis, type Compute, constantExpr, type Expr, mapExpr, substituteVariables } from "../ir/expr.ts";
import type { LoopProgram, Nest, Statement } from "../ir/loop.ts";
import { type Buffer, type Group, resultOf, rootReduction, type TensorProgram } from "../ir/tensor.ts";
import { invariant } from "../support/invariant.ts";
import { bufferMap } from "./tensor_graph.ts";

export function lowerToLoop(program: TensorProgram): LoopProgram {
  const buffers = bufferMap(program);
  const rootOf = (group: Group) => buffers.get(group.name)?.aliasOf ?? group.name;
  const lastWriters = new Map(program.groups.map((group) => [rootOf(group), group]));
  const nests = program.groups.flatMap((group) => {
    const whole = buffers.get(rootOf(group));
    invariant(whole, `no buffer ${group.name}`);
    const fill = whole.halo && lastWriters.get(whole.name) === group ? [fillNest(whole, group.phase)] : [];
    return [{ name: group.name, phase: group.phase, result: group.name, trace: [], body: lowerGroup(group) }, ...fill];
  });
  const { name, inputs, outputs } = program;
  return { name, buffers: program.buffers, nests, inputs, outputs, arenaBytes: 0 };
}

function lowerGroup(group: Group): Statement {
  const [first, second, third] = group.computes;
  invariant(first && !third, `group ${group.name} has ${group.computes.length} computes; fusion makes at most two`);
  const result = resultOf(group);
  const reduction = rootReduction(first);
  if (!reduction) {
    invariant(!second, `group ${group.name} begins with a map`);
    return loops(first.axes, { kind: "store", buffer: result.name, indices: axisIndices(first.axes), value: first.value });
  }
  invariant(reduction.op !== "argmax" && reduction.op !== "argmin", "argmax is lowered before");
  const accumulator = second ? first.name : `${first.name}.accumulator`;
  const raw: Expr = { kind: "read", tensor: accumulator, indices: [], dtype: reduction.dtype };
  const body: Statement = {
    kind: "reduce",
    buffer: result.name,
    indices: axisIndices(first.axes),
    dtype: reduction.dtype,
    op: reduction.op,
    over: reduction.axes.map((axis) => axis.name),
    value: reduction.body,
    ...(reduction.where ? { where: reduction.where } : {}),
    accumulator,
    finish: second ? finishOf(first, second) : raw,
  };
  return loops([...first.axes, ...reduction.axes], body);
}

/** The epilogue over the reduction's axes, its reads of the reduction standing for the accumulator. */
function finishOf(reduction: Compute, map: Compute): Expr {
  const names = new Map(map.axes.map((axis, d) => [axis.name, reduction.axes[d]?.name ?? axis.name]));
  const renamed = substituteVariables(map.value, (name) => variableIndex(names.get(name) ?? name));
  const go = (expr: Expr): Expr => {
    const mapped = mapExpr(expr, go, (index) => index);
    return mapped.kind === "read" && mapped.tensor === reduction.name ? { ...mapped, indices: [] } : mapped;
  };
  return go(renamed);
}

function loops(axes: readonly Axis[], body: Statement): Statement {
  return axes.reduceRight<Statement>(
    (inner, axis) => ({ kind: "for", name: axis.name, extent: axis.extent, mode: "serial", body: inner }),
    body,
  );
}

function axisIndices(axes: readonly Axis[]): Index[] {
  return axes.map((axis) => (axis.extent === 1 ? constantIndex(0) : variableIndex(axis.name)));
}

/** One slab before and one after in every dimension that has a border; together they cover it once. */
function fillNest(buffer: Buffer, phase: Nest["phase"]): Nest {
  const { halo } = buffer;
  invariant(halo, `${buffer.name} has no halo`);
  const slabs: Statement[] = [];
  buffer.shape.forEach((extent, d) => {
    const [before, after] = [halo.before[d] ?? 0, halo.after[d] ?? 0];
    if (before > 0) slabs.push(slab(buffer, d, -before, before, slabs.length));
    if (after > 0) slabs.push(slab(buffer, d, extent, after, slabs.length));
  });
  const name = `${buffer.name}.halo`;
  return { name, phase, result: buffer.name, trace: [], body: { kind: "sequence", statements: slabs } };
}

/** `count` positions from `start` in dimension `d`: earlier dimensions within the shape, later ones with their border. */
function slab(buffer: Buffer, d: number, start: number, count: number, position: number): Statement {
  const { halo, shape } = buffer;
  const spans = shape.map((extent, e) => {
    if (e === d) return { start, extent: count };
    if (e < d) return { start: 0, extent };
    return { start: -(halo?.before[e] ?? 0), extent: extent + (halo?.before[e] ?? 0) + (halo?.after[e] ?? 0) };
  });
  const names = spans.map((_, e) => `h${position}_${e}`);
  const last = spans.length - 1;
  const width = [16, 8, 4].find((candidate) => (spans[last]?.extent ?? 0) % candidate === 0);
  const fill = constantExpr(buffer.dtype, halo?.fill ?? 0);
  const store = (indices: readonly Index[]): Statement => ({ kind: "store", buffer: buffer.name, indices, value: fill });
  const axes = spans.map(({ extent }, e) => ({ name: names[e] ?? "", extent }));
  const places = spans.map(({ start }, e) => offset(axisIndices(axes)[e] ?? constantIndex(0), start));
  if (width === undefined) return loops(axes, store(places));
  // A fill has no order to keep: its last loop goes by vectors, a few of them at a time.
  const outer = { name: `${names[last]}.o`, extent: (spans[last]?.extent ?? 0) / width };
  const inner = `${names[last]}.i`;
  const across = add(scale(axisIndices([outer])[0] ?? constantIndex(0), width), offset(variableIndex(inner), spans[last]?.start ?? 0));
  const body = store([...places.slice(0, -1), across]);
  return loops([...axes.slice(0, -1), outer], { kind: "for", name: inner, extent: width, mode: "vectorize", body });
}
