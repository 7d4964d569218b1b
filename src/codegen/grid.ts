/** Loops on a GPU's grid: bound loops have no counter but a coordinate, and what no loop along a coordinate repeats is done once. */
import { variableIndex } from "../ir/affine.ts";
import { elementCount } from "../ir/dtype.ts";
import type { KernelExpr, KernelStatement } from "../ir/kernel.ts";
import { type For, type GridAxis, gridAxes, isGridAxis, isInvocation, type Statement } from "../ir/loop.ts";
import { childStatements } from "../ir/loop_accesses.ts";
import { gridRegisters, type ShaderArray } from "../ir/shader.ts";
import type { Buffer } from "../ir/tensor.ts";
import { i32, integer } from "./addresses.ts";
import { type Builder, type Company, createBlock, createLoopScope, fresh, type Place } from "./kernel_builder.ts";

/** How far each coordinate goes: as far as the longest loop bound to it. */
export function gridExtents(statement: Statement, extents: Map<GridAxis, number> = new Map()): Map<GridAxis, number> {
  if (statement.kind === "for" && isGridAxis(statement.mode))
    extents.set(statement.mode, Math.max(statement.extent, extents.get(statement.mode) ?? 1));
  for (const child of childStatements(statement)) gridExtents(child, extents);
  return extents;
}

/** The body once, for the iteration that the coordinate says; where the coordinate goes further than the loop, behind a test. */
export function lowerBound(loop: For, axis: GridAxis, place: Place, lower: (statement: Statement, place: Place) => void): void {
  const { builder } = place;
  const name = fresh(loop.name, builder);
  builder.extents.set(name, loop.extent);
  const scope = createLoopScope(name);
  const block = createBlock();
  const inner: Place = {
    ...place,
    block,
    loops: [...place.loops, scope],
    variables: new Map(place.variables).set(loop.name, variableIndex(name)),
    axes: new Set([...place.axes, axis]),
    company: isInvocation(axis) ? companyOf(loop, place) : place.company,
  };
  lower(loop.body, inner);
  const coordinate = coordinateOf(axis);
  const body: KernelStatement[] = [{ kind: "set", name, type: "i32", value: coordinate }, ...scope.top, ...block.statements];
  const isLonger = (builder.shader?.extents.get(axis) ?? 1) > loop.extent;
  place.block.statements.push(
    ...scope.before,
    ...(isLonger ? [{ kind: "if", condition: integer("lt", coordinate, i32(loop.extent)), whenTrue: body, otherwise: [] } as const] : body),
  );
  place.block.loaded.clear();
}

/** Around a tile that they share, invocations go on together; inside it each is by itself. */
function companyOf(loop: For, { company }: Place): Company {
  return { ...company, isWhole: company.isWhole && company.tiles.size === 0, own: new Set([...company.own, loop.name]) };
}

/** Iterations dealt out to the invocations of the workgroup, one to each in turn. */
export function lowerCooperative(loop: For, place: Place, lower: (statement: Statement, place: Place) => void): void {
  const { builder } = place;
  const axes = gridAxes.filter(isInvocation).map((axis) => ({ axis, extent: builder.shader?.extents.get(axis) ?? 1 }));
  const size = axes.reduce((product, { extent }) => product * extent, 1);
  const invocation = axes.reduceRight<KernelExpr | undefined>((outer, { axis, extent }) => {
    if (extent === 1) return outer;
    const own = coordinateOf(axis);
    return outer ? integer("add", integer("mul", outer, i32(extent)), own) : own;
  }, undefined);
  const turn = fresh(`${loop.name}.turn`, builder);
  const name = fresh(loop.name, builder);
  builder.extents.set(name, loop.extent);
  const scope = createLoopScope(name);
  const block = createBlock();
  lower(loop.body, {
    ...place,
    block,
    loops: [...place.loops, scope],
    variables: new Map(place.variables).set(loop.name, variableIndex(name)),
    axes: new Set([...place.axes, ...gridAxes.filter(isInvocation)]),
    company: { ...place.company, isWhole: false },
  });
  const first = integer("mul", { kind: "get", name: turn, type: "i32" }, i32(size));
  const number: KernelStatement = { kind: "set", name, type: "i32", value: invocation ? integer("add", first, invocation) : first };
  const body = [...scope.top, ...block.statements];
  const counter: KernelExpr = { kind: "get", name, type: "i32" };
  const within: KernelStatement[] =
    loop.extent % size === 0 ? body : [{ kind: "if", condition: integer("lt", counter, i32(loop.extent)), whenTrue: body, otherwise: [] }];
  place.block.statements.push(...scope.before, {
    kind: "for",
    name: turn,
    extent: Math.ceil(loop.extent / size),
    body: [number, ...within],
  });
  place.block.loaded.clear();
}

/** A store that several invocations would make alike is made by the first of them; a workgroup's own tile, by the first in each. */
export function byOneInvocation(store: Extract<KernelStatement, { kind: "store" }>, place: Place): KernelStatement {
  const { shader } = place.builder;
  const array = [...(shader?.arrays.values() ?? [])].find(({ name }) => name === store.buffer);
  if (!shader || array?.space === "private") return store;
  const repeated = [...shader.extents].filter(
    ([axis, extent]) => extent > 1 && !place.axes.has(axis) && (array === undefined || isInvocation(axis)),
  );
  return repeated.reduce<KernelStatement>(
    (inner, [axis]) => ({ kind: "if", condition: integer("lt", coordinateOf(axis), i32(1)), whenTrue: [inner], otherwise: [] }),
    store,
  );
}

export function addArray({ name, dtype, shape }: Buffer, space: ShaderArray["space"], builder: Builder): void {
  if (builder.shader?.arrays.has(name)) return;
  builder.shader?.arrays.set(name, { name: fresh("array", builder), dtype, elements: elementCount(shape), space });
}

function coordinateOf(axis: GridAxis): KernelExpr {
  return { kind: "get", name: gridRegisters[axis], type: "i32" };
}
