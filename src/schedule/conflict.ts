/**
 * Where two accesses of memory meet: for instances of two statements, the system of equations that says they touch the same
 * element in a given direction. Exact for quasi-affine indices and guards over static extents; an index that reads a
 * tensor, and a buffer that lies across another's memory in another layout, are taken to meet anything.
 */
import { type Atom, formatIndex, type Index, type Term, variableIndex, variablesOf, visitAtoms } from "../ir/affine.ts";
import { type Expr, indicesOf, variablesOfExpr, visitExpr } from "../ir/expr.ts";
import type { For } from "../ir/loop.ts";
import type { Buffer, Buffers } from "../ir/tensor.ts";
import { exactJson } from "../support/exact_json.ts";
import { unreachable } from "../support/invariant.ts";
import { addConditions, addDifferent, addEqualIndices, addInstance, createSystem, distance, solverOf, withLoops } from "./equations.ts";
import { type Leaf, valuesOf } from "./nest.ts";
import { isDeterminedBy } from "./row_space.ts";

/** Of the second instance's iteration against the first's, per common loop: `<` is later, `=` the same, `>` earlier. */
export type Direction = "<" | "=" | ">";

export type Access = { readonly tensor: string; readonly indices: readonly Index[]; readonly writes: boolean };
/** Two statements of a nest, or one twice, and the loops around both. */
export type Pair = { readonly first: Leaf; readonly second: Leaf; readonly isSame: boolean; readonly common: readonly For[] };

/** Whether the accesses meet in instances in these directions, of the outer loops at least. */
export type Meeting = { allows(directions: readonly Direction[]): boolean };

/** Everything a statement touches, each once: what it writes, what its expressions and guards read, and index tensors. */
export function accessesOf(leaf: Leaf): readonly Access[] {
  const known = accessesKnown.get(leaf.statement);
  if (known && isSame(known.guards, leaf.guards)) return known.accesses;
  const distinct = new Map(collectAccesses(leaf).map((access) => [keyOf(access), access]));
  const accesses = [...distinct.values()];
  accessesKnown.set(leaf.statement, { guards: leaf.guards, accesses });
  return accesses;
}

/** Statements do not change: a step that leaves one alone leaves its accesses. */
const accessesKnown = new WeakMap<Leaf["statement"], { readonly guards: readonly Expr[]; readonly accesses: readonly Access[] }>();

function keyOf({ tensor, indices, writes }: Access): string {
  return `${writes} ${tensor} ${indices.map(formatIndex).join(", ")}`;
}

function collectAccesses({ statement, guards }: Leaf): Access[] {
  const accesses: Access[] = [{ tensor: statement.buffer, indices: statement.indices, writes: true }];
  const readIn = (index: Index) =>
    visitAtoms(index, (atom) => {
      if (atom.kind === "read") accesses.push({ tensor: atom.tensor, indices: atom.indices, writes: false });
    });
  statement.indices.forEach(readIn);
  const accumulator = statement.kind === "reduce" ? statement.accumulator : undefined;
  for (const expr of [...valuesOf(statement), ...guards])
    visitExpr(expr, (inner) => {
      indicesOf(inner).forEach(readIn);
      if (inner.kind === "read" && inner.tensor !== accumulator)
        accesses.push({ tensor: inner.tensor, indices: inner.indices, writes: false });
    });
  return accesses;
}

export function commonLoops(first: Leaf, second: Leaf): For[] {
  const differ = first.loops.findIndex((loop, depth) => loop !== second.loops[depth]);
  return first.loops.slice(0, differ < 0 ? first.loops.length : differ);
}

/** One of these allows directions exactly where the two accesses meet and must keep their order. */
export function conditionsToMeet(a: Access, b: Access, pair: Pair, buffers: Buffers): Meeting[] {
  if (!(a.writes && b.writes && pair.isSame && pair.first.statement.kind !== "accumulate")) return [conditionToMeet(a, b, pair, buffers)];
  // Stores of one statement may change places unless something they are computed from differs.
  const undetermined = operandsOf(pair.first).filter((operand) => !isDeterminedBy(operand, a.indices));
  return undetermined.flatMap((operand) =>
    ([1, -1] as const).map((sign) => conditionToMeet(a, b, pair, buffers, { different: { operand, sign } })),
  );
}

/** `from`: where loops of the first instance begin. `different`: an index that has another value in the second instance. */
export type Narrowing = {
  readonly from?: ReadonlyMap<string, number>;
  readonly different?: { readonly operand: Index; readonly sign: 1 | -1 };
};

export function conditionToMeet(
  a: Access,
  b: Access,
  { first, second, common }: Pair,
  buffers: Buffers,
  { from, different }: Narrowing = {},
): Meeting {
  const system = createSystem();
  const [one, other] = [addInstance(system, first.loops, from), addInstance(system, second.loops)];
  addConditions(system, conditionsOf(first), one);
  addConditions(system, conditionsOf(second), other);
  // Buffers that only overlap are compared where their layouts agree; otherwise they are taken to meet.
  if (a.tensor === b.tensor || sameLayout(buffers.get(a.tensor), buffers.get(b.tensor)))
    a.indices.forEach((index, d) => {
      const opposite = b.indices[d];
      if (opposite) addEqualIndices(system, index, one, opposite, other);
    });
  if (different) {
    // The operands of a reduction are those of all its iterations: both instances meet the same ones.
    const over = first.statement.kind === "reduce" ? first.statement.over : [];
    const reduced = first.loops.filter((loop) => over.includes(loop.name));
    const shared = addInstance(system, reduced).slots;
    addDifferent(system, different.operand, withLoops(one, shared), withLoops(other, shared), different.sign);
  }
  const solver = solverOf(system);
  const stated = new Set(system.equations.flatMap(({ terms }) => terms.map(({ variable }) => variable)));
  const isStated = common.map(({ name }) => [one, other].some((instance) => stated.has(instance.slots.get(name) ?? -1)));
  const known = new Map<string, boolean>();
  return {
    allows: (directions) => {
      let key = "";
      for (const [depth, direction] of directions.entries()) {
        // A loop that no equation mentions goes in any direction that its extent has room for.
        if (direction !== "=" && (common[depth] as For).extent <= 1) return false;
        key += isStated[depth] ? direction : " ";
      }
      const allowed = known.get(key) ?? isAllowed(directions);
      known.set(key, allowed);
      return allowed;
    },
  };

  function isAllowed(directions: readonly Direction[]): boolean {
    const distances = directions.flatMap((direction, depth) => {
      const { name, extent } = common[depth] as For;
      if (!isStated[depth]) return [];
      const reach = extent - 1;
      const low = direction === "<" ? 1 : direction === "=" ? 0 : -reach;
      const high = direction === "<" ? reach : direction === "=" ? 0 : -1;
      return [distance(name, one, other, { low, high })];
    });
    return solver.hasSolution(distances);
  }
}

/** What holds where an instance does anything. A guard that some iterations of a reduction pass does not keep it from its store. */
function conditionsOf({ statement, guards }: Leaf): readonly Expr[] {
  switch (statement.kind) {
    case "store":
      return guards;
    case "accumulate":
      return statement.where ? [...guards, statement.where] : guards;
    case "reduce":
      return guards.filter((guard) => !statement.over.some((loop) => variablesOfExpr(guard).has(loop)));
    default:
      return unreachable(statement);
  }
}

function sameLayout(a: Buffer | undefined, b: Buffer | undefined): boolean {
  if (!a || !b) return false;
  const layout = (buffer: Buffer) => exactJson([buffer.offset, buffer.dtype, buffer.shape, buffer.halo ?? null, buffer.layout ?? null]);
  return layout(a) === layout(b);
}

/** Indices that the value depends on; one that reads a tensor depends on what the read does. */
function operandsOf(leaf: Leaf): readonly Index[] {
  const known = operandsKnown.get(leaf.statement);
  if (known && isSame(known.leaf.guards, leaf.guards) && isSame(known.leaf.loops, leaf.loops)) return known.operands;
  const operands = collectOperands(leaf);
  operandsKnown.set(leaf.statement, { leaf, operands });
  return operands;
}

/** Asked for every pair of accesses, and by every step that leaves the statement where it is. */
const operandsKnown = new WeakMap<Leaf["statement"], { readonly leaf: Leaf; readonly operands: readonly Index[] }>();

function isSame<T>(list: readonly T[], other: readonly T[]): boolean {
  return list.length === other.length && list.every((item, i) => item === other[i]);
}

function collectOperands({ statement, guards, loops, locals }: Leaf): Index[] {
  const operands = new Map<string, Index>();
  const over = new Set(statement.kind === "reduce" ? statement.over : []);
  // What only the reduction's own loops change is the same for all of its elements.
  const isCommon = ({ atom }: Term) => [...variablesOf(ofAtom(atom))].every((name) => over.has(name));
  const add = (index: Index): void => {
    const isRead = ({ atom }: Term) => readsTensor(atom);
    // Two that differ in a constant differ from iteration to iteration alike.
    const known: Index = { terms: index.terms.filter((term) => !isRead(term) && !isCommon(term)), constant: 0 };
    if (known.terms.length > 0) operands.set(formatIndex(known), known);
    for (const { atom } of index.terms.filter(isRead)) argumentsOf(atom).forEach(add);
  };
  // A guard decides whether an element of a reduction counts; of a store, only whether there is one.
  const values: Expr[] = [...valuesOf(statement), ...(statement.kind === "reduce" ? guards : [])];
  for (const value of values)
    visitExpr(value, (inner) => {
      indicesOf(inner).forEach(add);
      // What is in a tile depends on every loop around it.
      const around = inner.kind === "read" ? (locals.get(inner.tensor) ?? 0) : 0;
      for (const loop of loops.slice(0, around)) add(variableIndex(loop.name));
    });
  return [...operands.values()];
}

function ofAtom(atom: Atom): Index {
  return { terms: [{ coefficient: 1, atom }], constant: 0 };
}

function argumentsOf(atom: Atom): readonly Index[] {
  switch (atom.kind) {
    case "variable":
      return [];
    case "floordiv":
    case "mod":
      return [atom.value];
    case "min":
    case "max":
      return [atom.left, atom.right];
    case "read":
      return atom.indices;
  }
}

function readsTensor(atom: Atom): boolean {
  let found = false;
  visitAtoms(ofAtom(atom), (inner) => {
    if (inner.kind === "read") found = true;
  });
  return found;
}
