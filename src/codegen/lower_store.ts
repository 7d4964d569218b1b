/** Stores and accumulations: scalars, or four lanes at once where they lie side by side; to registers, or to memory. */
import { coefficientOf, type Index } from "../ir/affine.ts";
import { dtypeOf, type Expr } from "../ir/expr.ts";
import type { KernelExpr, KernelStatement, KernelType } from "../ir/kernel.ts";
import { typeOfKernel } from "../ir/kernel_type.ts";
import { accumulateFunctions, type Statement } from "../ir/loop.ts";
import { type Buffer, shareMemory } from "../ir/tensor.ts";
import { addressOf, bufferOf, positionOf, vectorPosition } from "./addresses.ts";
import { byOneInvocation } from "./grid.ts";
import { assign, fresh, lane, lanes, type Place, parameterOf, scalarType, storedDType, type Tile, vectorOf } from "./kernel_builder.ts";
import { branchOf, hasVectorMemory, isSafe, lowerScalar, tilePosition, tileRegister, wrapTo } from "./lower_expr.ts";
import { atLane, lowerVector, varies } from "./lower_vector.ts";

type Store = Extract<Statement, { kind: "store" }>;
type Accumulate = Extract<Statement, { kind: "accumulate" }>;

/** Whether code is being made for four lanes at once. */
export function isVector(place: Place): boolean {
  return [...place.variables.values()].some((index) => (coefficientOf(index, lane) ?? 1) !== 0);
}

export function lowerStore(statement: Store, place: Place): void {
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
export function forget(written: Buffer, { block, builder }: Place): void {
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

export function lowerAccumulate(statement: Accumulate, place: Place): void {
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
