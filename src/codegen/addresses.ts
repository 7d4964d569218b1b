/**
 * Addresses of elements: a pointer that advances with the loops, a part that only arithmetic gives (division, modulus,
 * reads of index tensors) and a constant that the instruction carries.
 */
import { type Atom, add, constantIndex, formatIndex, type Index, offset, rangeOf, scale, variablesOf, visitAtoms } from "../ir/affine.ts";
import { dtypes, elementCount } from "../ir/dtype.ts";
import type { KernelExpr } from "../ir/kernel.ts";
import { type Buffer, stridesOf } from "../ir/tensor.ts";
import { invariant } from "../support/invariant.ts";
import { assign, fresh, lanes, type Place, parameterOf, placeOutside, rangesOf, resolve, storedDType } from "./kernel_builder.ts";

export type Address = { readonly address: KernelExpr; readonly offset: number };

export function bufferOf(name: string, place: Place): Buffer {
  const buffer = place.builder.buffers.get(name);
  invariant(buffer, `no buffer ${name}`);
  return buffer;
}

/**
 * Row-major position among the allocated elements, over kernel variables. The sum is taken before constants are put in the place of
 * variables: of a fused row, quotient and rest then add up to the row again, wherever the rows lie one after the other.
 */
export function positionOf(buffer: Buffer, indices: readonly Index[], place: Place): Index {
  return resolve(sumOfStrides(buffer, indices), place);
}

/** The address of an element position: in bytes, or in a shader in elements. */
export function addressOf(buffer: Buffer, position: Index, writes: boolean, place: Place): Address {
  if (place.builder.shader) return elementOf(position, place);
  const bytes = dtypes[storedDType(buffer.dtype, place.builder.float64)].bytes;
  const linear = position.terms.flatMap(({ atom, coefficient }) =>
    atom.kind === "variable" ? [{ variable: atom.name, step: coefficient * bytes }] : [],
  );
  const others = scale({ terms: position.terms.filter((term) => term.atom.kind !== "variable"), constant: 0 }, bytes);
  const parameter = parameterOf(buffer, writes, place.builder);
  const gathered = containsRead(others);
  // The instruction adds its constant without wrapping around: what the rest may lack to 0 goes into the pointer.
  const lacking = -rangeOf({ terms: position.terms, constant: 0 }, rangesOf(place.builder)).low * bytes;
  const shift = Math.max(0, Math.min(lacking, position.constant * bytes));
  const start = pointer(parameter, shift, linear, gathered ? constantIndex(0) : others, place);
  const address = gathered ? sum(start, indexValue(others, place)) : start;
  const constant = position.constant * bytes - shift;
  return constant >= 0 ? { address, offset: constant } : { address: sum(address, i32(constant)), offset: 0 };
}

/**
 * Places that differ in a constant share the rest; every access says its constant itself. One before the first element is behind a
 * condition that is false: what is read instead is any element.
 */
function elementOf(position: Index, place: Place): Address {
  const { constant, terms } = position;
  if (terms.length === 0) return { address: i32(Math.max(0, constant)), offset: 0 };
  const rest = indexValue({ terms, constant: 0 }, place);
  if (constant >= 0) return { address: rest, offset: constant };
  return { address: sum(rest, i32(constant)), offset: 0 };
}

/**
 * base + shift + steps * variables + other, kept in a register that advances with the innermost loop of the variables; `other`
 * is added at the top of the innermost loop that it depends on.
 */
function pointer(
  parameter: string,
  shift: number,
  terms: readonly { variable: string; step: number }[],
  other: Index,
  place: Place,
): KernelExpr {
  if (terms.length === 0 && other.terms.length === 0) {
    const base: KernelExpr = { kind: "base", buffer: parameter };
    return shift === 0 ? base : sum(base, i32(shift));
  }
  const { loops } = place;
  const depth = loops.findLastIndex((loop) => terms.some((term) => term.variable === loop.variable));
  const names = variablesOf(other);
  const otherDepth =
    other.terms.length === 0
      ? -1
      : Math.max(
          0,
          loops.findLastIndex((loop) => names.has(loop.variable)),
        );
  const scope = loops[Math.max(depth, otherDepth)];
  invariant(scope, `an address depends on ${terms.map((term) => term.variable)}, which no loop counts`);
  const key = `${parameter} ${shift} ${terms.map((term) => `${term.variable}*${term.step}`).join(" ")} ${formatIndex(other)}`;
  const known = scope.known.get(key);
  if (known !== undefined) return { kind: "get", name: known, type: "i32" };
  const name = fresh("p", place.builder);
  const register: KernelExpr = { kind: "get", name, type: "i32" };
  scope.known.set(key, name);
  if (otherDepth >= depth) {
    // Within the scope of `other` the rest is already there: its loops are further out, or are this one.
    const inner = { ...place, loops: loops.slice(0, otherDepth + 1) };
    const rest = pointer(parameter, shift, terms, constantIndex(0), inner);
    scope.top.push({ kind: "set", name, type: "i32", value: sum(rest, indexValue(other, inner)) });
    return register;
  }
  const own = terms.find((term) => term.variable === scope.variable);
  const outer = pointer(
    parameter,
    shift,
    terms.filter((term) => term !== own),
    other,
    { ...place, loops: loops.slice(0, depth) },
  );
  scope.before.push({ kind: "set", name, type: "i32", value: outer });
  scope.advance.push({ kind: "set", name, type: "i32", value: sum(register, i32(own?.step ?? 0)) });
  return register;
}

/** The value of an index over kernel variables, computed outside every loop that it does not depend on. */
export function indexValue(index: Index, place: Place): KernelExpr {
  let value: KernelExpr | undefined;
  for (const { coefficient, atom } of index.terms) {
    const part = atomValue(atom, place);
    const term = coefficient === 1 ? part : integer("mul", part, i32(coefficient));
    value = value ? sum(value, term) : term;
  }
  if (!value) return i32(index.constant);
  if (index.constant !== 0) value = sum(value, i32(index.constant));
  return value.kind === "get" || containsRead(index) ? value : placeOutside("i", value, variablesOf(index), place);
}

function atomValue(atom: Atom, place: Place): KernelExpr {
  switch (atom.kind) {
    case "variable":
      return { kind: "get", name: atom.name, type: "i32" };
    case "floordiv":
    case "mod": {
      const value = indexValue(atom.value, place);
      const divided = integer(atom.kind, value, i32(atom.by));
      return containsRead(atom.value) ? assign("i", "i32", divided, place) : placeOutside("i", divided, variablesOf(atom.value), place);
    }
    case "min":
    case "max":
      return integer(atom.kind, indexValue(atom.left, place), indexValue(atom.right, place));
    case "read": {
      const buffer = bufferOf(atom.tensor, place);
      const position = sumOfStrides(buffer, atom.indices);
      const { address, offset: bytes } = addressOf(buffer, position, false, place);
      const dtype = storedDType(buffer.dtype, place.builder.float64);
      const parameter = parameterOf(buffer, false, place.builder);
      return assign("i", "i32", { kind: "load", type: "i32", dtype, buffer: parameter, address, offset: bytes }, place);
    }
  }
}

/** As `positionOf`, for indices that are already over kernel variables. */
function sumOfStrides(buffer: Buffer, indices: readonly Index[]): Index {
  const strides = stridesOf(buffer);
  return indices.reduce(
    (position, index, d) => add(position, scale(offset(index, buffer.halo?.before[d] ?? 0), strides[d] ?? 1)),
    constantIndex(0),
  );
}

function containsRead(index: Index): boolean {
  let found = false;
  visitAtoms(index, (atom) => {
    if (atom.kind === "read") found = true;
  });
  return found;
}

/** Whether every index is known to lie in the shape, or with `halo` in the allocated elements. */
export function isInside(buffer: Buffer, indices: readonly Index[], halo: boolean, place: Place): boolean {
  if (elementCount(buffer.shape) === 0) return false;
  return indices.every((index, d) => outsideTests(buffer, index, d, halo, place).length === 0);
}

/** 1 where every index lies in the shape; undefined where that is known. */
export function insideCondition(buffer: Buffer, indices: readonly Index[], place: Place): KernelExpr | undefined {
  let condition: KernelExpr | undefined;
  indices.forEach((index, d) => {
    const resolved = resolve(index, place);
    for (const test of outsideTests(buffer, index, d, false, place)) {
      const value = indexValue(resolved, place);
      const compared: KernelExpr = test === "low" ? integer("ge", value, i32(0)) : integer("lt", value, i32(buffer.shape[d] ?? 0));
      const placed = containsRead(resolved) ? compared : placeOutside("inside", compared, variablesOf(resolved), place);
      condition = condition ? integer("bit_and", condition, placed) : placed;
    }
  });
  return condition;
}

/** Which sides of dimension `d` an index may leave by. */
function outsideTests(buffer: Buffer, index: Index, d: number, halo: boolean, place: Place): ("low" | "high")[] {
  const { low, high } = rangeOf(resolve(index, place), rangesOf(place.builder));
  const before = halo ? (buffer.halo?.before[d] ?? 0) : 0;
  const after = halo ? (buffer.halo?.after[d] ?? 0) : 0;
  const tests: ("low" | "high")[] = [];
  if (low < -before) tests.push("low");
  if (high >= (buffer.shape[d] ?? 0) + after) tests.push("high");
  return tests;
}

/** The position counted in vectors, where it is known to be that of a vector. */
export function vectorPosition(position: Index): Index | undefined {
  const isAligned = position.constant % lanes === 0 && position.terms.every(({ coefficient }) => coefficient % lanes === 0);
  if (!isAligned) return undefined;
  const terms = position.terms.map(({ atom, coefficient }) => ({ atom, coefficient: coefficient / lanes }));
  return { terms, constant: position.constant / lanes };
}

export function i32(value: number): KernelExpr {
  return { kind: "constant", type: "i32", value };
}

export function integer(
  name: "add" | "mul" | "floordiv" | "mod" | "min" | "max" | "ge" | "lt" | "bit_and",
  a: KernelExpr,
  b: KernelExpr,
): KernelExpr {
  return { kind: "apply", function: name, on: "i32", args: [a, b] };
}

function sum(a: KernelExpr, b: KernelExpr): KernelExpr {
  return integer("add", a, b);
}

/** Whether an index into dimension `d` is known to lie in the shape. */
export function isInsideDimension(buffer: Buffer, d: number, index: Index, place: Place): boolean {
  return outsideTests(buffer, index, d, false, place).length === 0;
}
