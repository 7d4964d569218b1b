/** Scalar expressions at one point: values of registers, loads that are made once per block, conditions only where an index may leave. */
import { add, constantIndex, constantValue, formatIndex, type Index, offset, scale, visitAtoms } from "../ir/affine.ts";
import { type DType, dtypes, isFloat, rowMajorStrides } from "../ir/dtype.ts";
import { dtypeOf, type Expr } from "../ir/expr.ts";
import type { KernelExpr, KernelType } from "../ir/kernel.ts";
import { kernelTypes, typeOfKernel } from "../ir/kernel_type.ts";
import { scalarFunctions } from "../ir/scalar_functions.ts";
import { invariant, unreachable } from "../support/invariant.ts";
import { addressOf, bufferOf, i32, indexValue, insideCondition, integer, isInside, positionOf, vectorPosition } from "./addresses.ts";
import { assign, createBlock, inBlock, type Place, parameterOf, resolve, scalarType, storedDType, type Tile } from "./kernel_builder.ts";

export type ReadExpr = Extract<Expr, { kind: "read" }>;
type Apply = Extract<Expr, { kind: "apply" }>;

/** The value at the current point. A bool is an i32, 0 or 1. */
export function lowerScalar(expr: Expr, place: Place): KernelExpr {
  switch (expr.kind) {
    case "constant":
      return { kind: "constant", type: scalarType(expr.dtype, place.builder), value: expr.value };
    case "index":
      return indexValue(resolve(expr.index, place), place);
    case "read":
      return lowerRead(expr, place);
    case "apply":
      return lowerApply(expr, place);
    case "cast":
      return convertScalar(lowerScalar(expr.value, place), dtypeOf(expr.value), expr.dtype, place);
    case "select":
      return lowerSelect(expr, place);
    case "reduce":
      throw new Error("internal error: a reduction is inside an expression after lowering to loops");
    default:
      return unreachable(expr);
  }
}

/** Whether evaluating the expression where its value is not needed does no harm. */
export function isSafe(expr: Expr, place: Place): boolean {
  switch (expr.kind) {
    case "constant":
      return true;
    case "index":
      return isSafeIndex(expr.index, place);
    case "read":
      if (!expr.indices.every((index) => isSafeIndex(index, place))) return false;
      if (place.bound.has(expr.tensor) || place.tiles.has(expr.tensor)) return true;
      return expr.otherwise === undefined && isInside(bufferOf(expr.tensor, place), expr.indices, true, place);
    case "apply":
      return expr.args.every((arg) => isSafe(arg, place));
    case "cast":
      return isSafe(expr.value, place);
    case "select":
      return isSafe(expr.condition, place) && isSafe(expr.whenTrue, place) && isSafe(expr.whenFalse, place);
    case "reduce":
      return false;
    default:
      return unreachable(expr);
  }
}

/** Tensors that are read inside an index are read where the value is not needed, too. */
function isSafeIndex(index: Index, place: Place): boolean {
  let isInMemory = true;
  visitAtoms(index, (atom) => {
    if (atom.kind === "read" && !place.tiles.has(atom.tensor))
      isInMemory &&= isInside(bufferOf(atom.tensor, place), atom.indices, true, place);
  });
  return isInMemory;
}

function lowerRead(expr: ReadExpr, place: Place): KernelExpr {
  const bound = place.bound.get(expr.tensor);
  if (bound) return bound;
  const tile = place.tiles.get(expr.tensor);
  if (tile) return readTile(tile, expr.indices, place);
  const buffer = bufferOf(expr.tensor, place);
  const { otherwise } = expr;
  const condition = otherwise && insideCondition(buffer, expr.indices, place);
  if (!otherwise || !condition) return loadScalar(expr, place);
  return chooseLazily(
    condition,
    scalarType(expr.dtype, place.builder),
    (inner) => loadScalar(expr, inner),
    (inner) => lowerScalar(otherwise, inner),
    place,
  );
}

/** A register given by one of two blocks. */
export function chooseLazily(
  condition: KernelExpr,
  type: KernelType,
  whenTrue: (place: Place) => KernelExpr,
  otherwise: (place: Place) => KernelExpr,
  place: Place,
): KernelExpr {
  const [yes, no] = [branchOf(place), branchOf(place)];
  const yesValue = whenTrue(yes);
  const noValue = otherwise(no);
  const zero: KernelExpr = { kind: "constant", type: type === "f32x4" ? "f32" : type === "i32x4" ? "i32" : type, value: 0 };
  const result = assign("r", type, type === "f32x4" || type === "i32x4" ? { kind: "splat", type, value: zero } : zero, place);
  invariant(result.kind === "get", "a register is a get");
  const set = (value: KernelExpr) => ({ kind: "set", name: result.name, type, value }) as const;
  place.block.statements.push({
    kind: "if",
    condition,
    whenTrue: [...yes.block.statements, set(yesValue)],
    otherwise: [...no.block.statements, set(noValue)],
  });
  return result;
}

/** A block of its own that knows what has been loaded so far. */
export function branchOf(place: Place): Place {
  return inBlock(place, { ...createBlock(), loaded: new Map(place.block.loaded) });
}

function loadScalar(expr: ReadExpr, place: Place): KernelExpr {
  const buffer = bufferOf(expr.tensor, place);
  return loadAt(expr, positionOf(buffer, expr.indices, place), scalarType(buffer.dtype, place.builder), false, place);
}

/** A load into a register; the same element is loaded once per block. */
export function loadAt(expr: ReadExpr, position: Index, type: KernelType, splat: boolean, place: Place): KernelExpr {
  const key = `${expr.tensor} ${type} ${splat} ${formatIndex(position)}`;
  const known = place.block.loaded.get(key);
  if (known) return { kind: "get", name: known.register, type };
  const buffer = bufferOf(expr.tensor, place);
  if (splat || kernelTypes[type].lanes === 1) {
    const part = partOfVector(expr, position, type, splat, place);
    if (part) return part;
  }
  const isVector = place.builder.shader !== undefined && !splat && kernelTypes[type].lanes > 1;
  const counted = isVector ? vectorPosition(position) : position;
  if (!counted) return loadLanes(expr, position, type, place);
  const { address, offset: bytes } = addressOf(buffer, counted, false, place);
  const load: KernelExpr = {
    kind: "load",
    type,
    dtype: storedDType(buffer.dtype, place.builder.float64),
    buffer: parameterOf(buffer, false, place.builder),
    address,
    offset: bytes,
    ...(splat ? { splat } : {}),
  };
  const register = assign(splat ? "s" : "r", type, load, place);
  if (register.kind === "get") place.block.loaded.set(key, { register: register.name, buffer: buffer.name });
  return register;
}

/**
 * In a shader, an element whose lane in a vector of memory is known is read with its neighbours, which are most often read too: one
 * load instead of four. Not where the nest writes the buffer, by elements perhaps.
 */
function partOfVector(expr: ReadExpr, position: Index, type: KernelType, splat: boolean, place: Place): KernelExpr | undefined {
  const { shader } = place.builder;
  const { element } = kernelTypes[type];
  if (!shader || expr.tensor === shader.result || shader.arrays.get(expr.tensor)?.space === "private") return undefined;
  if (element === "f64" || position.terms.length === 0 || !hasVectorMemory(expr.dtype)) return undefined;
  const lane = ((position.constant % 4) + 4) % 4;
  const first = offset(position, -lane);
  if (!vectorPosition(first)) return undefined;
  const vector = loadAt(expr, first, `${element}x4`, false, place);
  const value: KernelExpr = { kind: "extract", type: element, value: vector, lane };
  return splat ? assign("s", type, { kind: "splat", type, value }, place) : value;
}

/** Element types whose four consecutive elements are one vector in memory. */
export function hasVectorMemory(dtype: DType): boolean {
  return dtype === "f32" || dtype === "i32" || dtype === "i64";
}

/** Four elements that no vector of memory holds together. */
function loadLanes(expr: ReadExpr, position: Index, type: KernelType, place: Place): KernelExpr {
  const { element, lanes: count } = kernelTypes[type];
  const elements = Array.from({ length: count }, (_, i) => loadAt(expr, offset(position, i), element, false, place));
  const [first, ...rest] = elements;
  invariant(first, "a vector has lanes");
  return rest.reduce<KernelExpr>((vector, value, i) => ({ kind: "replace", type, vector, lane: i + 1, value }), {
    kind: "splat",
    type,
    value: first,
  });
}

/** The register of a tile's element and its lane: the position is known once loops are unrolled. */
export function tileRegister(tile: Tile, indices: readonly Index[], place: Place): { register: string; lane: number } {
  const position = tilePosition(tile, indices, place);
  const value = constantValue(position);
  invariant(value !== undefined, `${tile.name} is in registers and indexed by ${formatIndex(position)}`);
  return tile.vector
    ? { register: `${tile.name}_${Math.floor(value / 4)}`, lane: value % 4 }
    : { register: `${tile.name}_${value}`, lane: 0 };
}

export function tilePosition(tile: Pick<Tile, "shape" | "spread">, indices: readonly Index[], place: Place): Index {
  const strides = rowMajorStrides(tile.shape);
  let position = constantIndex(0);
  indices.forEach((index, d) => {
    if (d !== tile.spread) position = add(position, scale(resolve(index, place), strides[d] ?? 1));
  });
  return position;
}

function readTile(tile: Tile, indices: readonly Index[], place: Place): KernelExpr {
  const { register, lane } = tileRegister(tile, indices, place);
  if (!tile.vector) return { kind: "get", name: register, type: tile.type };
  const vector = tile.type === "f32" ? "f32x4" : "i32x4";
  return { kind: "extract", type: tile.type, value: { kind: "get", name: register, type: vector }, lane };
}

function lowerSelect(expr: Extract<Expr, { kind: "select" }>, place: Place): KernelExpr {
  const condition = lowerScalar(expr.condition, place);
  const type = scalarType(dtypeOf(expr), place.builder);
  const [yes, no] = [expr.whenTrue, expr.whenFalse];
  // Of many cases within each other, only the outermost is looked through.
  if (place.harmless || (isSafe(yes, place) && isSafe(no, place))) {
    const inner: Place = { ...place, harmless: true };
    return { kind: "select", type, condition, whenTrue: lowerScalar(yes, inner), otherwise: lowerScalar(no, inner) };
  }
  return chooseLazily(
    condition,
    type,
    (inner) => lowerScalar(yes, inner),
    (inner) => lowerScalar(no, inner),
    place,
  );
}

function lowerApply(expr: Apply, place: Place): KernelExpr {
  const record = scalarFunctions[expr.function];
  const [first] = expr.args;
  invariant(first, `${expr.function} has no arguments`);
  const on = scalarType(dtypeOf(first), place.builder);
  const args = expr.args.map((arg) => lowerScalar(arg, place));
  if (record.wasm !== "instruction") {
    if (on === "f64") return { kind: "host", function: expr.function, args };
    return lowerExpansion(expr, args, place, lowerScalar);
  }
  const [a, b, c] = multiplyAdd(expr, on, args);
  if (a && b && c) return { kind: "multiply_add", on, args: [a, b, c] };
  if (place.builder.float64 && (expr.function === "float_bits" || expr.function === "bits_float")) return bitsInFloat64(expr, args);
  const value: KernelExpr = { kind: "apply", function: expr.function, on, args: args.map((arg) => simple(arg, on, place)) };
  return wrapTo(value, expr.dtype);
}

/** The bits are those of an f32 whatever the float type around. */
function bitsInFloat64(expr: Apply, [arg]: readonly KernelExpr[]): KernelExpr {
  invariant(arg, `${expr.function} has no arguments`);
  if (expr.function === "float_bits")
    return { kind: "apply", function: expr.function, on: "f32", args: [{ kind: "convert", from: "f64", type: "f32", value: arg }] };
  const float: KernelExpr = { kind: "apply", function: expr.function, on: "i32", args: [arg] };
  return { kind: "convert", from: "f32", type: "f64", value: float };
}

/** Operands of a * b + c, where the expression is one. */
export function multiplyAdd(expr: Apply, on: KernelType, args: readonly KernelExpr[]): readonly KernelExpr[] {
  if (expr.function !== "add" || !on.startsWith("f")) return [];
  for (const [product, other] of [args, [...args].reverse()]) {
    if (product?.kind === "apply" && product.function === "mul" && product.on === on && other) return [...product.args, other];
  }
  return [];
}

/** Division and modulus of integers use their operands several times. */
function simple(arg: KernelExpr, on: KernelType, place: Place): KernelExpr {
  return on === "i32" && arg.kind !== "constant" && arg.kind !== "get" ? assign("t", on, arg, place) : arg;
}

export function wrapTo(value: KernelExpr, dtype: DType): KernelExpr {
  return dtype === "i8" || dtype === "u8" ? { kind: "wrap", dtype, value } : value;
}

/** A function without an instruction: its arguments are bound once, and its shared subexpressions are computed once. */
export function lowerExpansion(
  expr: Apply,
  args: readonly KernelExpr[],
  place: Place,
  lower: (expr: Expr, place: Place) => KernelExpr,
): KernelExpr {
  const record = scalarFunctions[expr.function];
  invariant(record.wasm !== "instruction", `${expr.function} has an instruction`);
  const bound = new Map(place.bound);
  const parameters = args.map((arg, i): Expr => {
    const name = `$${bound.size}.${i}`;
    bound.set(name, arg.kind === "get" ? arg : assign("t", typeOfKernel(arg), arg, place));
    return { kind: "read", tensor: name, indices: [], dtype: "f32" };
  });
  const body = record.wasm(...parameters);
  return shareSubexpressions(body, { ...place, bound }, lower);
}

/** Subexpressions that occur twice (as the same object) are put in registers first. */
function shareSubexpressions(body: Expr, place: Place, lower: (expr: Expr, place: Place) => KernelExpr): KernelExpr {
  const bound = new Map(place.bound);
  const inner: Place = { ...place, bound };
  const uses = new Map<Expr, number>();
  const count = (expr: Expr): void => {
    const known = uses.get(expr) ?? 0;
    uses.set(expr, known + 1);
    if (known === 0) for (const child of partsOf(expr)) count(child);
  };
  count(body);
  const replaced = new Map<Expr, Expr>();
  const share = (expr: Expr): Expr => {
    const known = replaced.get(expr);
    if (known) return known;
    const rebuilt = rebuild(expr, share);
    if ((uses.get(expr) ?? 0) < 2 || expr.kind === "constant" || expr.kind === "read") {
      replaced.set(expr, rebuilt);
      return rebuilt;
    }
    const value = lower(rebuilt, inner);
    const name = `$${bound.size}`;
    bound.set(name, assign("t", typeOfKernel(value), value, place));
    const read: Expr = { kind: "read", tensor: name, indices: [], dtype: dtypeOf(expr) };
    replaced.set(expr, read);
    return read;
  };
  return lower(share(body), inner);
}

function partsOf(expr: Expr): readonly Expr[] {
  if (expr.kind === "apply") return expr.args;
  if (expr.kind === "cast") return [expr.value];
  return expr.kind === "select" ? [expr.condition, expr.whenTrue, expr.whenFalse] : [];
}

function rebuild(expr: Expr, go: (expr: Expr) => Expr): Expr {
  if (expr.kind === "apply") return { ...expr, args: expr.args.map(go) };
  if (expr.kind === "cast") return { ...expr, value: go(expr.value) };
  if (expr.kind === "select")
    return { kind: "select", condition: go(expr.condition), whenTrue: go(expr.whenTrue), whenFalse: go(expr.whenFalse) };
  return expr;
}

/** Float to integer truncates and saturates, integer to integer wraps, to bool is `!= 0`. */
export function convertScalar(value: KernelExpr, from: DType, to: DType, place: Place): KernelExpr {
  const [source, target] = [scalarType(from, place.builder), scalarType(to, place.builder)];
  if (to === "bool") {
    if (from === "bool") return value;
    return { kind: "apply", function: "ne", on: source, args: [value, { kind: "constant", type: source, value: 0 }] };
  }
  if (isFloat(to)) return source === target ? value : { kind: "convert", from: source, type: target, value };
  if (!isFloat(from)) return wrapTo(value, to);
  const whole: KernelExpr = { kind: "convert", from: source, type: "i32", value };
  return to === "i8" || to === "u8" ? integer("max", integer("min", whole, i32(dtypes[to].high)), i32(dtypes[to].low)) : whole;
}
