/** lowerNest: one scheduled nest becomes one kernel. Unrolled loops are written out, vectorised ones go four lanes at a time. */
import { add, coefficientOf, constantIndex, constantValue, type Index, variableIndex } from "../ir/affine.ts";
import { elementCount } from "../ir/dtype.ts";
import { dtypeOf, type Expr, tensorsRead, variablesOfExpr, visitExpr } from "../ir/expr.ts";
import type { Kernel, KernelExpr, KernelStatement, KernelType } from "../ir/kernel.ts";
import { typeOfKernel } from "../ir/kernel_type.ts";
import { accumulateFunctions, type For, isGridAxis, type Nest, type Statement } from "../ir/loop.ts";
import { writesOf } from "../ir/loop_accesses.ts";
import { type Buffer, shareMemory } from "../ir/tensor.ts";
import { unreachable } from "../support/invariant.ts";
import { addressOf, bufferOf, positionOf, vectorPosition } from "./addresses.ts";
import { awaitTiles, besideBranch, carryTiles, everyone } from "./barriers.ts";
import { decided } from "./decide.ts";
import { addArray, byOneInvocation, lowerBound, lowerCooperative } from "./grid.ts";
import {
  assign,
  type Builder,
  createBlock,
  createBuilder,
  createLoopScope,
  fresh,
  inBlock,
  lane,
  lanes,
  type Place,
  parameterOf,
  scalarType,
  storedDType,
  type Tile,
  vectorOf,
} from "./kernel_builder.ts";
import { branchOf, hasVectorMemory, isSafe, lowerScalar, tilePosition, tileRegister, wrapTo } from "./lower_expr.ts";
import { atLane, lowerVector, varies } from "./lower_vector.ts";
import { shareValues } from "./value_numbering.ts";

export type LoweredNest = {
  readonly kernel: Kernel;
  /** The buffers, and tiles in memory, of the kernel's parameters, in their order. */
  readonly arguments: readonly string[];
  /** Tiles that live in memory, under the names that they have in the nest. */
  readonly scratch: readonly Buffer[];
};

type Store = Extract<Statement, { kind: "store" }>;
type Accumulate = Extract<Statement, { kind: "accumulate" }>;

export function lowerNest(nest: Nest, buffers: ReadonlyMap<string, Buffer>, float64: boolean): LoweredNest {
  const builder = createBuilder(buffers, float64);
  const body = lowerBody(nest, builder);
  const kernel: Kernel = { name: nest.name, trace: nest.trace, parameters: [...builder.parameters.values()], body };
  return { kernel, arguments: [...builder.parameters.keys()], scratch: builder.scratch };
}

/** The statements of a kernel, for whichever target the builder is. */
export function lowerBody(nest: Nest, builder: Builder): readonly KernelStatement[] {
  const root = createLoopScope("");
  const block = createBlock();
  const nothing = { variables: new Map(), tiles: new Map(), bound: new Map(), axes: new Set<never>(), company: everyone };
  lowerStatement(nest.body, { builder, block, loops: [root], ...nothing });
  return shareValues([...root.before, ...root.top, ...block.statements], (stem) => fresh(stem, builder));
}

function lowerStatement(statement: Statement, place: Place): void {
  switch (statement.kind) {
    case "sequence":
      for (const inner of statement.statements) {
        awaitTiles(inner, place);
        lowerStatement(inner, place);
      }
      break;
    case "for":
      lowerLoop(statement, place);
      break;
    case "store":
      lowerStore({ ...statement, value: decided(statement.value, place) }, place);
      break;
    case "accumulate":
      lowerAccumulate({ ...statement, value: decided(statement.value, place) }, place);
      break;
    case "if":
      lowerGuard(statement, place);
      break;
    case "local":
      lowerLocal(statement, place);
      break;
    case "reduce":
      throw new Error(`internal error: the reduction of ${statement.buffer} is not decomposed`);
    default:
      unreachable(statement);
  }
}

function lowerLoop(loop: For, place: Place): void {
  if (loop.extent === 0) return;
  // All of its iterations are one reduction over the subgroup.
  if (loop === place.builder.shader?.subgroup?.reduction) {
    lowerStatement(loop.body, bind(loop, constantIndex(0), place));
    return;
  }
  if (place.builder.shader && loop.mode === "cooperative") {
    lowerCooperative(loop, place, lowerStatement);
    return;
  }
  const copies = writtenOut(loop, place);
  if (copies) {
    for (const copy of copies) lowerStatement(loop.body, copy);
    return;
  }
  if (place.builder.shader && isGridAxis(loop.mode)) {
    lowerBound(loop, loop.mode, place, lowerStatement);
    return;
  }
  carryTiles(loop, place);
  const name = fresh(loop.name, place.builder);
  place.builder.extents.set(name, loop.extent);
  const scope = createLoopScope(name);
  const block = createBlock();
  lowerStatement(loop.body, { ...bind(loop, variableIndex(name), place), block, loops: [...place.loops, scope] });
  place.block.statements.push(...scope.before, {
    kind: "for",
    name,
    extent: loop.extent,
    body: [...scope.top, ...block.statements, ...scope.advance],
  });
  // What the loop wrote is no longer what had been loaded.
  place.block.loaded.clear();
}

function bind({ name }: For, value: Index, place: Place): Place {
  return { ...place, variables: new Map(place.variables).set(name, value) };
}

/** One place for each copy of the body, where the loop is written out: for each iteration, or each four lanes. */
function writtenOut(loop: For, place: Place): Place[] | undefined {
  const { extent, mode } = loop;
  if (extent === 1) return [bind(loop, constantIndex(0), place)];
  if (mode === "vectorize" && place.builder.float64) return undefined;
  if (mode === "vectorize")
    return Array.from({ length: extent / lanes }, (_, i) => bind(loop, add(variableIndex(lane), constantIndex(i * lanes)), place));
  return mode === "unroll" ? Array.from({ length: extent }, (_, i) => bind(loop, constantIndex(i), place)) : undefined;
}

/** A guard that differs between lanes is tested for the whole vector first, then lane by lane. */
function lowerGuard(guard: Extract<Statement, { kind: "if" }>, place: Place): void {
  if (!varies(guard.condition, place)) {
    if (isCopied(guard, place)) loadAhead(guard.body, place);
    const inner = behind(guard, branchOf(place));
    const condition = lowerScalar(guard.condition, place);
    besideBranch(place, () => lowerStatement(guard.body, inner));
    place.block.statements.push({ kind: "if", condition, whenTrue: inner.block.statements, otherwise: [] });
  } else {
    const places = Array.from({ length: lanes }, (_, i) => atLane(place, i));
    const conditions = places.map((at) => assign("inside", "i32", lowerScalar(guard.condition, at), place));
    const all = conditions.reduce((a, b): KernelExpr => ({ kind: "apply", function: "bit_and", on: "i32", args: [a, b] }));
    const whole = branchOf(place);
    lowerStatement(guard.body, whole);
    const single = branchOf(place);
    places.forEach((at, i) => {
      const one = branchOf(single);
      lowerStatement(guard.body, inBlock(at, one.block));
      single.block.statements.push({ kind: "if", condition: conditions[i] as KernelExpr, whenTrue: one.block.statements, otherwise: [] });
    });
    place.block.statements.push({ kind: "if", condition: all, whenTrue: whole.block.statements, otherwise: single.block.statements });
  }
  for (const name of writesOf(guard.body)) {
    const written = place.builder.buffers.get(name);
    if (written) forget(written, place);
  }
}

/** Whether all invocations take a branch together is known where none of them decides by itself. */
function behind({ condition }: Extract<Statement, { kind: "if" }>, place: Place): Place {
  const { company } = place;
  const decides = tensorsRead(condition).size > 0 || [...variablesOfExpr(condition)].some((name) => company.own.has(name));
  return decides ? { ...place, company: { ...company, isWhole: false } } : place;
}

/** Whether a loop that is written out decides the guard, so that there are others like it. Of one that is alone nothing is shared. */
function isCopied({ condition }: Extract<Statement, { kind: "if" }>, place: Place): boolean {
  return [...variablesOfExpr(condition)].some((name) => {
    const index = place.variables.get(name);
    return index !== undefined && constantValue(index) !== undefined;
  });
}

/**
 * What guarded stores read in any case inside memory is loaded before the guard, so that guarded copies of a statement share
 * their loads, and with them all that is computed from them.
 */
function loadAhead(body: Statement, place: Place): void {
  if (body.kind === "for") for (const copy of writtenOut(body, place) ?? []) loadAhead(body.body, copy);
  if (body.kind === "if") loadAhead(body.body, place);
  if (body.kind !== "store") return;
  visitExpr(decided(body.value, place), (expr) => {
    if (expr.kind !== "read" || place.tiles.has(expr.tensor) || place.bound.has(expr.tensor) || !isSafe(expr, place)) return;
    if (isVector(place)) lowerVector(expr, place);
    else lowerScalar(expr, place);
  });
}

function lowerLocal(local: Extract<Statement, { kind: "local" }>, place: Place): void {
  const subgroup = place.builder.shader?.subgroup;
  const spread = local === subgroup?.tile ? { spread: subgroup.dimension } : {};
  if (local.scope !== "register" && spread.spread === undefined) {
    const buffer: Buffer = { name: local.name, dtype: local.dtype, shape: local.shape, role: { kind: "temporary" } };
    const isShared = local.scope === "workgroup";
    if (place.builder.shader) addArray(buffer, isShared ? "workgroup" : "private", place.builder);
    // A tile inside an unrolled loop is met once per copy, and is one place in memory.
    else if (!place.builder.buffers.has(local.name)) place.builder.scratch.push(buffer);
    place.builder.buffers.set(local.name, buffer);
    const { company } = place;
    const inside: Place = isShared ? { ...place, company: { ...company, tiles: new Set([...company.tiles, local.name]) } } : place;
    awaitTiles(local.body, inside);
    lowerStatement(local.body, inside);
    return;
  }
  const type = scalarType(local.dtype, place.builder);
  const shape = local.shape.map((extent, d) => (d === spread.spread ? 1 : extent));
  const vector = !place.builder.float64 && elementCount(shape) % lanes === 0 && isIndexedByVector(local.body, local.name, new Set());
  const tile: Tile = { name: fresh("acc", place.builder), type, shape, vector, ...spread };
  lowerStatement(local.body, { ...place, tiles: new Map(place.tiles).set(local.name, tile) });
}

/** Whether a vectorised loop's variable indexes the tile anywhere. */
function isIndexedByVector(statement: Statement, tile: string, vectorized: ReadonlySet<string>): boolean {
  switch (statement.kind) {
    case "for": {
      const inner = statement.mode === "vectorize" ? new Set([...vectorized, statement.name]) : vectorized;
      return isIndexedByVector(statement.body, tile, inner);
    }
    case "sequence":
      return statement.statements.some((inner) => isIndexedByVector(inner, tile, vectorized));
    case "if":
    case "local":
      return isIndexedByVector(statement.body, tile, vectorized);
    case "store":
    case "accumulate":
    case "reduce":
      return (
        statement.buffer === tile &&
        statement.indices.some((index) => [...vectorized].some((name) => (coefficientOf(index, name) ?? 1) !== 0))
      );
    default:
      return unreachable(statement);
  }
}

/** Whether code is being made for four lanes at once. */
function isVector(place: Place): boolean {
  return [...place.variables.values()].some((index) => (coefficientOf(index, lane) ?? 1) !== 0);
}

function lowerStore(statement: Store, place: Place): void {
  if (!isVector(place)) {
    storeScalar(statement.buffer, statement.indices, lowerScalar(statement.value, place), place);
    return;
  }
  const value = lowerVector(statement.value, place);
  if (storeVector(statement.buffer, statement.indices, value, place)) return;
  const register = value.kind === "get" ? value : assign("v", typeOfKernel(value), value, place);
  const type = scalarType(dtypeOf(statement.value), place.builder);
  const isBool = dtypeOf(statement.value) === "bool";
  for (let i = 0; i < lanes; i++) {
    const element: KernelExpr = { kind: "extract", type, value: register, lane: i };
    const stored: KernelExpr = isBool ? { kind: "apply", function: "neg", on: "i32", args: [element] } : element;
    storeScalar(statement.buffer, statement.indices, stored, atLane(place, i));
  }
}

function storeScalar(target: string, indices: readonly Index[], value: KernelExpr, place: Place): void {
  const tile = place.tiles.get(target);
  if (tile) {
    const { register, lane: position } = tileRegister(tile, indices, place);
    if (!tile.vector) place.block.statements.push({ kind: "set", name: register, type: tile.type, value });
    else {
      const type = vectorOf(tile.type);
      const vector: KernelExpr = { kind: "get", name: register, type };
      place.block.statements.push({ kind: "set", name: register, type, value: { kind: "replace", type, vector, lane: position, value } });
    }
    return;
  }
  const buffer = bufferOf(target, place);
  push(buffer, positionOf(buffer, indices, place), scalarType(buffer.dtype, place.builder), value, place);
}

/** Whether the four elements lie side by side and were stored. */
function storeVector(target: string, indices: readonly Index[], value: KernelExpr, place: Place): boolean {
  const tile = place.tiles.get(target);
  if (tile) {
    const register = vectorRegister(tile, indices, place);
    if (register) place.block.statements.push({ kind: "set", name: register, type: vectorOf(tile.type), value });
    return register !== undefined;
  }
  const buffer = bufferOf(target, place);
  if (!hasVectorMemory(buffer.dtype) || coefficientOf(positionOf(buffer, indices, place), lane) !== 1) return false;
  const position = positionOf(buffer, indices, atLane(place, 0));
  const counted = place.builder.shader ? vectorPosition(position) : position;
  if (counted) push(buffer, counted, vectorOf(scalarType(buffer.dtype, place.builder)), value, place);
  return counted !== undefined;
}

function push(buffer: Buffer, position: Index, type: KernelType, value: KernelExpr, place: Place): void {
  const { address, offset } = addressOf(buffer, position, true, place);
  const dtype = storedDType(buffer.dtype, place.builder.float64);
  const statement: KernelStatement = {
    kind: "store",
    dtype,
    type,
    buffer: parameterOf(buffer, true, place.builder),
    address,
    offset,
    value,
  };
  place.block.statements.push(byOneInvocation(statement, place));
  forget(buffer, place);
}

/** What lies in memory that was written is no longer what had been loaded, under whichever name. */
function forget(written: Buffer, { block, builder }: Place): void {
  for (const [key, loaded] of block.loaded) {
    if (shareMemory(written.name, loaded.buffer, builder.buffers)) block.loaded.delete(key);
  }
}

/** The register that holds the four lanes' elements of a tile, if one does. */
function vectorRegister(tile: Tile, indices: readonly Index[], place: Place): string | undefined {
  if (!tile.vector || coefficientOf(tilePosition(tile, indices, place), lane) !== 1) return undefined;
  const { register, lane: first } = tileRegister(tile, indices, atLane(place, 0));
  return first === 0 ? register : undefined;
}

function lowerAccumulate(statement: Accumulate, place: Place): void {
  const { where } = statement;
  if (where && !(isVector(place) && varies(where, place))) {
    const inner = branchOf(place);
    const condition = lowerScalar(where, place);
    const { where: _, ...plain } = statement;
    lowerAccumulate(plain, inner);
    place.block.statements.push({ kind: "if", condition, whenTrue: inner.block.statements, otherwise: [] });
    place.block.loaded.clear();
    return;
  }
  if (!isVector(place)) {
    const current = readTarget(statement, place);
    storeScalar(
      statement.buffer,
      statement.indices,
      combined(statement, current, overSubgroup(statement, lowerScalar(statement.value, place), place)),
      place,
    );
    return;
  }
  const current = readTargetVector(statement, place);
  if (!current || (where && !isSafe(statement.value, place))) {
    for (let i = 0; i < lanes; i++) lowerAccumulate(statement, atLane(place, i));
    return;
  }
  const value = combined(statement, current, overSubgroup(statement, lowerVector(statement.value, place), place));
  const type = typeOfKernel(current);
  const chosen: KernelExpr = where
    ? { kind: "select", type, condition: lowerVector(where, place), whenTrue: value, otherwise: current }
    : value;
  storeVector(statement.buffer, statement.indices, chosen, place);
}

/** What each invocation of a subgroup has in registers of its own, reduced. */
function overSubgroup({ op, value: read }: Accumulate, value: KernelExpr, place: Place): KernelExpr {
  if (read.kind !== "read" || place.tiles.get(read.tensor)?.spread === undefined) return value;
  const [name, type] = [fresh("total", place.builder), typeOfKernel(value)];
  place.block.statements.push({ kind: "subgroup", op, name, type, value });
  return { kind: "get", name, type };
}

/** The target as an expression: a tile or a buffer, read where it is written. */
function targetRead(statement: Accumulate): Expr {
  return { kind: "read", tensor: statement.buffer, indices: statement.indices, dtype: dtypeOf(statement.value) };
}

function readTarget(statement: Accumulate, place: Place): KernelExpr {
  return lowerScalar(targetRead(statement), place);
}

function readTargetVector(statement: Accumulate, place: Place): KernelExpr | undefined {
  const tile = place.tiles.get(statement.buffer);
  if (tile) {
    const register = vectorRegister(tile, statement.indices, place);
    return register === undefined ? undefined : { kind: "get", name: register, type: vectorOf(tile.type) };
  }
  const buffer = bufferOf(statement.buffer, place);
  const contiguous = hasVectorMemory(buffer.dtype) && coefficientOf(positionOf(buffer, statement.indices, place), lane) === 1;
  return contiguous ? lowerVector(targetRead(statement), place) : undefined;
}

function combined(statement: Accumulate, current: KernelExpr, value: KernelExpr): KernelExpr {
  const on = typeOfKernel(current);
  if (statement.op === "sum" && on.startsWith("f") && value.kind === "apply" && value.function === "mul") {
    const [a, b] = value.args;
    if (a && b) return { kind: "multiply_add", on, args: [a, b, current] };
  }
  return wrapTo({ kind: "apply", function: accumulateFunctions[statement.op], on, args: [current, value] }, dtypeOf(statement.value));
}
