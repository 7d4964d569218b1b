/**
 * inlineProducers: a map is computed where it is read, if that costs nothing: its only reader reads every element
 * at most once, or it merely moves elements. fuseEpilogues: a map that reads a reduction element by element joins its group.
 */
import { variablesOf } from "../ir/affine.ts";
import { isByCases } from "../ir/cases.ts";
import { elementCount } from "../ir/dtype.ts";
import { type Axis, type Compute, type Expr, mapExpr, readsOf, substituteVariables, visitExpr } from "../ir/expr.ts";
import { type Group, resultOf, rootReduction, type TensorProgram } from "../ir/tensor.ts";
import { computeRanges, isIdentity, isReadInIndex, isRowMajorCopy, type Read, readersOf, tensorsReadBy } from "./tensor_graph.ts";

/** Guarantees: values and phases unchanged; groups still hold one compute each. */
export function inlineProducers(program: TensorProgram): TensorProgram {
  const outputs = new Set(program.outputs.map((output) => output.value));
  let groups = [...program.groups];
  for (const producer of program.groups) {
    const current = groups.find((group) => group.name === producer.name);
    if (!current || outputs.has(current.name)) continue;
    const compute = resultOf(current);
    if (rootReduction(compute) || containsReduction(compute.value)) continue;
    const readers = readersOf(current.name, groups);
    if (readers.length === 0 || !readers.every((reader) => mayInline(current, reader, readers.length))) continue;
    if (belongsToReduction(compute, groups) && !readers.every((reader) => isEpilogue(resultOf(reader), compute))) continue;
    groups = groups.filter((group) => group !== current).map((group) => (readers.includes(group) ? inlineInto(group, compute) : group));
  }
  return withoutUnusedBuffers({ ...program, groups });
}

/** Guarantees: a group is a map, a reduction, or a reduction followed by a map over the same axes. Maps of `unfused` stay by themselves. */
export function fuseEpilogues(program: TensorProgram, unfused: ReadonlySet<string> = new Set()): TensorProgram {
  const outputs = new Set(program.outputs.map((output) => output.value));
  let groups = [...program.groups];
  // Later reductions first: of two that meet in one sum, the last stays in its kernel and the first is read from memory.
  for (const producer of [...program.groups].reverse()) {
    const current = groups.find((group) => group.name === producer.name);
    if (!current || outputs.has(current.name) || !rootReduction(resultOf(current))) continue;
    const readers = readersOf(current.name, groups);
    const [reader] = readers;
    if (readers.length !== 1 || !reader || reader.computes.length !== 1 || reader.phase !== current.phase) continue;
    if (unfused.has(reader.name)) continue;
    const map = resultOf(reader);
    if (!isEpilogue(map, resultOf(current))) continue;
    groups = groups
      .filter((group) => group !== current)
      .map((group) => (group === reader ? { ...group, computes: [...current.computes, ...group.computes] } : group));
  }
  return withoutUnusedBuffers({ ...program, groups });
}

/** Whether the map will join the reduction that it reads: there it costs nothing, while its reader would run it in a loop. */
function belongsToReduction(map: Compute, groups: readonly Group[]): boolean {
  return groups.some((group) => {
    const reduction = resultOf(group);
    return rootReduction(reduction) !== undefined && isEpilogue(map, reduction) && readersOf(group.name, groups).length === 1;
  });
}

function isEpilogue(map: Compute, reduction: Compute): boolean {
  const sameDomain = map.axes.length === reduction.axes.length && map.axes.every((axis, d) => axis.extent === reduction.axes[d]?.extent);
  const reads = readsOf(map.value, reduction.name);
  return (
    sameDomain &&
    reads.length > 0 &&
    !rootReduction(map) &&
    (!rootReduction(reduction) || !isByCases(map.value, map.axes)) &&
    !isReadInIndex(map.value, reduction.name) &&
    reads.every((read) => !read.otherwise && isIdentity(read.indices, map.axes))
  );
}

function mayInline(producer: Group, reader: Group, readerCount: number): boolean {
  if (producer.phase !== reader.phase || reader.computes.length !== 1) return false;
  const compute = resultOf(producer);
  const consumer = resultOf(reader);
  if (isReadInIndex(consumer.value, compute.name)) return false;
  const reads = readsOf(consumer.value, compute.name);
  if (reads.some((read) => read.otherwise)) return false;
  // A reshape that moves nothing becomes another name for the same memory, which is better than div and mod in every index.
  const moved = compute.value.kind === "read" ? compute.value : undefined;
  if (moved && !moved.otherwise && isReshape(compute, moved)) return false;
  if (isMovement(compute.value)) return true;
  // A value by cases has a schedule of its own, which needs its domain: it joins only another map over the same one.
  if (isByCases(compute.value, compute.axes) && !(isEpilogue(consumer, compute) && readerCount === 1)) return false;
  return readerCount === 1 && reads.length === 1 && readsEachOnce(reads[0] as Read, consumer, compute);
}

function isReshape(compute: Compute, read: Read): boolean {
  return !isIdentity(read.indices, compute.axes) && isRowMajorCopyOf(compute, read);
}

function isRowMajorCopyOf(compute: Compute, read: Read): boolean {
  // The source's shape is what its indices range over when they cover it: known exactly from their bounds.
  const ranges = computeRanges(compute);
  const shape = read.indices.map((index) => {
    const names = [...variablesOf(index)];
    return names.length === 0 ? 1 : Math.max(...names.map((name) => (ranges.variable(name)?.high ?? 0) + 1));
  });
  return isRowMajorCopy(read.indices, shape, compute.axes) && elementCount(shape) === elementCount(compute.axes.map((axis) => axis.extent));
}

/** One read, or a constant: nothing is computed. */
function isMovement(value: Expr): boolean {
  if (value.kind === "constant") return true;
  return value.kind === "read" && (!value.otherwise || value.otherwise.kind === "constant");
}

/** Each element of the producer is read for at most one point of the consumer's domain. */
function readsEachOnce(read: Read, consumer: Compute, producer: Compute): boolean {
  const axes = allAxes(consumer);
  const used = new Set(read.indices.flatMap((index) => [...variablesOf(index)]));
  const points = elementCount(axes.map((axis) => axis.extent));
  return axes.every((axis) => used.has(axis.name) || axis.extent === 1) && points <= elementCount(producer.axes.map((axis) => axis.extent));
}

function allAxes(compute: Compute): Axis[] {
  const axes = [...compute.axes];
  visitExpr(compute.value, (expr) => {
    if (expr.kind === "reduce") axes.push(...expr.axes);
  });
  return axes;
}

function inlineInto(reader: Group, producer: Compute): Group {
  return { ...reader, computes: reader.computes.map((compute) => ({ ...compute, value: inlineRead(compute, producer) })) };
}

/** Replaces every read of the producer by its expression at the read's indices. */
function inlineRead(consumer: Compute, producer: Compute): Expr {
  const ranges = computeRanges(consumer);
  const go = (expr: Expr): Expr => {
    const mapped = mapExpr(expr, go, (index) => index);
    if (mapped.kind !== "read" || mapped.tensor !== producer.name) return mapped;
    const at = new Map(producer.axes.map((axis, d) => [axis.name, mapped.indices[d]]));
    return substituteVariables(producer.value, (name) => at.get(name), ranges);
  };
  return go(consumer.value);
}

function containsReduction(expr: Expr): boolean {
  let found = false;
  visitExpr(expr, (inner) => {
    if (inner.kind === "reduce") found = true;
  });
  return found;
}

/** Drops buffers that no group makes or reads any more; interfaces stay. */
export function withoutUnusedBuffers(program: TensorProgram): TensorProgram {
  const used = new Set([...program.inputs, ...program.outputs.map((output) => output.value)]);
  for (const group of program.groups) {
    used.add(group.name);
    for (const name of tensorsReadBy(group)) used.add(name);
  }
  for (const buffer of program.buffers) if (used.has(buffer.name) && buffer.aliasOf) used.add(buffer.aliasOf);
  return { ...program, buffers: program.buffers.filter((buffer) => used.has(buffer.name)) };
}
