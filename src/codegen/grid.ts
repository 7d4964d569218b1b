/** Loops on a GPU's grid: bound loops have no counter but a coordinate, and what no loop along a coordinate repeats is done once. */
import { variableIndex } from "../ir/affine.ts";
import { elementCount } from "../ir/dtype.ts";
import type { KernelExpr, KernelStatement } from "../ir/kernel.ts";
import { type For, type GridAxis, isGridAxis, type Statement } from "../ir/loop.ts";
import { childStatements } from "../ir/loop_accesses.ts";
import { gridRegisters, type ShaderArray } from "../ir/shader.ts";
import type { Buffer } from "../ir/tensor.ts";
import { i32, integer } from "./addresses.ts";
import { type Builder, createBlock, createLoopScope, fresh, type Place } from "./kernel_builder.ts";

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

/** A store that several invocations would make alike is made by the first of them. */
export function byOneInvocation(store: Extract<KernelStatement, { kind: "store" }>, place: Place): KernelStatement {
  const { shader } = place.builder;
  if (!shader || [...shader.arrays.values()].some((array) => array.name === store.buffer)) return store;
  const repeated = [...shader.extents].filter(([axis, extent]) => extent > 1 && !place.axes.has(axis));
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
