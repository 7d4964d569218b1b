/**
 * Indices and guards as linear equations over two instances of statements. Floor division, modulus, minimum and maximum
 * become equations with further variables; only a read of an index tensor says nothing about its value.
 */
import { type Atom, constantIndex, type Index, rangeOf, subtract } from "../ir/affine.ts";
import type { Expr } from "../ir/expr.ts";
import type { For } from "../ir/loop.ts";
import { rangesOfLoops } from "./nest.ts";
import { type Bounds, createSolver, type Difference, type Equation, type Solver } from "./solve.ts";

/** sum of coefficient * variable + constant */
type Linear = { readonly terms: Equation["terms"]; readonly constant: number };

/** Equations and bounded variables. */
export type System = { readonly bounds: Bounds[]; readonly equations: Equation[] };

/** What names stand for in one instance: a variable of the system per loop, and atoms already stated. */
export type Instance = { readonly slots: ReadonlyMap<string, number>; readonly loops: readonly For[]; readonly known: Map<string, Linear> };

export function createSystem(): System {
  return { bounds: [], equations: [] };
}

export function solverOf({ equations, bounds }: System): Solver {
  return createSolver(equations, bounds);
}

export function addVariable(system: System, bounds: Bounds): number {
  return system.bounds.push(bounds) - 1;
}

/** An instance of a statement under these loops; `from` says where a loop begins if not at 0. */
export function addInstance(system: System, loops: readonly For[], from: ReadonlyMap<string, number> = new Map()): Instance {
  const variable = (loop: For) => addVariable(system, { low: from.get(loop.name) ?? 0, high: loop.extent - 1 });
  return { slots: new Map(loops.map((loop) => [loop.name, variable(loop)])), loops, known: new Map() };
}

/** The instance with other variables for some loops, of which it has stated no atom yet. */
export function withLoops(instance: Instance, slots: ReadonlyMap<string, number>): Instance {
  return { ...instance, slots: new Map([...instance.slots, ...slots]), known: new Map(instance.known) };
}

/** The conditions hold of an instance, as far as they compare indices. */
export function addConditions(system: System, conditions: readonly Expr[], instance: Instance): void {
  for (const condition of conditions) addCondition(system, condition, instance);
}

function addCondition(system: System, condition: Expr, instance: Instance): void {
  if (condition.kind !== "apply") return;
  const [left, right] = condition.args;
  if (condition.function === "and") addConditions(system, condition.args, instance);
  const [a, b] = [indexOf(left), indexOf(right)];
  if (!a || !b) return;
  // low <= a - b <= high
  const limits: { readonly [name: string]: readonly [number, number] } = {
    lt: [-Infinity, -1],
    le: [-Infinity, 0],
    eq: [0, 0],
    ge: [0, Infinity],
    gt: [1, Infinity],
  };
  const limit = limits[condition.function];
  const difference = subtract(a, b);
  const linear = limit && linearize(system, difference, instance);
  if (!limit || !linear) return;
  const range = rangeOf(difference, rangesOfLoops(instance.loops));
  addEqual(system, linear, ofVariable(addVariable(system, { low: Math.max(limit[0], range.low), high: Math.min(limit[1], range.high) })));
}

function indexOf(expr: Expr | undefined): Index | undefined {
  if (expr?.kind === "index") return expr.index;
  return expr?.kind === "constant" && expr.dtype === "i32" ? constantIndex(expr.value) : undefined;
}

/** Both indices have one value, each in its instance; nothing is stated where one of them reads a tensor. */
export function addEqualIndices(system: System, a: Index, first: Instance, b: Index, second: Instance): void {
  const left = linearize(system, a, first);
  const right = left && linearize(system, b, second);
  if (left && right) addEqual(system, left, right);
}

/** The index has different values in the two instances: `sign` says whether the second is greater (1) or less (-1). */
export function addDifferent(system: System, index: Index, first: Instance, second: Instance, sign: 1 | -1): void {
  const left = linearize(system, index, first);
  const right = left && linearize(system, index, second);
  if (!left || !right) return;
  const { low, high } = rangeOf(index, rangesOfLoops(first.loops));
  const more = addVariable(system, { low: 1, high: high - low });
  addEqual(system, right, plus(left, ofVariable(more), sign));
}

/** The second instance's value of a loop minus the first's lies within the bounds. */
export function distance(loop: string, first: Instance, second: Instance, bounds: Bounds): Difference {
  return { from: first.slots.get(loop) ?? -1, to: second.slots.get(loop) ?? -1, ...bounds };
}

/** Undefined where the index reads a tensor. */
function linearize(system: System, index: Index, instance: Instance): Linear | undefined {
  let sum: Linear = { terms: [], constant: index.constant };
  for (const { atom, coefficient } of index.terms) {
    const value = linearizeAtom(system, atom, instance);
    if (!value) return undefined;
    sum = plus(sum, value, coefficient);
  }
  return sum;
}

function linearizeAtom(system: System, atom: Atom, instance: Instance): Linear | undefined {
  if (atom.kind === "variable") {
    const slot = instance.slots.get(atom.name);
    return slot === undefined ? undefined : ofVariable(slot);
  }
  const key = JSON.stringify(atom);
  const known = instance.known.get(key);
  const made = known ?? stateAtom(system, atom, instance);
  if (made) instance.known.set(key, made);
  return made;
}

function stateAtom(system: System, atom: Exclude<Atom, { kind: "variable" }>, instance: Instance): Linear | undefined {
  const ranges = rangesOfLoops(instance.loops);
  switch (atom.kind) {
    case "read":
      return undefined;
    case "floordiv":
    case "mod": {
      // value = by * quotient + rest: one statement for both, for only together do they say which value it is.
      const value = linearize(system, atom.value, instance);
      if (!value) return undefined;
      const { low, high } = rangeOf(atom.value, ranges);
      const quotient = ofVariable(addVariable(system, { low: Math.floor(low / atom.by), high: Math.floor(high / atom.by) }));
      const rest = ofVariable(addVariable(system, { low: 0, high: atom.by - 1 }));
      addEqual(system, value, plus(rest, quotient, atom.by));
      instance.known.set(JSON.stringify({ ...atom, kind: "floordiv" }), quotient);
      instance.known.set(JSON.stringify({ ...atom, kind: "mod" }), rest);
      return atom.kind === "mod" ? rest : quotient;
    }
    case "min":
    case "max": {
      // result = left - sign * overLeft = right - sign * overRight, where a switch lets only one of both be above 0.
      const sign = atom.kind === "min" ? 1 : -1;
      const [left, right] = [linearize(system, atom.left, instance), linearize(system, atom.right, instance)];
      if (!left || !right) return undefined;
      const { low, high } = rangeOf(subtract(atom.left, atom.right), ranges);
      const [mostLeft, mostRight] = [Math.max(0, sign * (sign === 1 ? high : low)), Math.max(0, -sign * (sign === 1 ? low : high))];
      const overLeft = ofVariable(addVariable(system, { low: 0, high: mostLeft }));
      const overRight = ofVariable(addVariable(system, { low: 0, high: mostRight }));
      const leftIsOver = ofVariable(addVariable(system, { low: 0, high: 1 }));
      const result = plus(left, overLeft, -sign);
      addEqual(system, result, plus(right, overRight, -sign));
      // overLeft <= mostLeft * leftIsOver and overRight <= mostRight * (1 - leftIsOver)
      const slackLeft = ofVariable(addVariable(system, { low: 0, high: mostLeft }));
      const slackRight = ofVariable(addVariable(system, { low: 0, high: mostRight }));
      addEqual(system, plus(overLeft, slackLeft, 1), plus(constant(0), leftIsOver, mostLeft));
      addEqual(system, plus(overRight, slackRight, 1), plus(constant(mostRight), leftIsOver, -mostRight));
      return result;
    }
  }
}

function addEqual(system: System, a: Linear, b: Linear): void {
  const difference = plus(a, b, -1);
  system.equations.push({ terms: difference.terms, constant: -difference.constant });
}

function ofVariable(variable: number): Linear {
  return { terms: [{ variable, coefficient: 1 }], constant: 0 };
}

function constant(value: number): Linear {
  return { terms: [], constant: value };
}

/** a + factor * b */
function plus(a: Linear, b: Linear, factor: number): Linear {
  const terms = b.terms.map(({ variable, coefficient }) => ({ variable, coefficient: coefficient * factor }));
  return { terms: [...a.terms, ...terms], constant: a.constant + factor * b.constant };
}
