/**
 * Whether a system of linear equations has a solution in integers within given bounds. Exact: elimination, propagation of
 * bounds and the divisibility test (Banerjee, Dependence Analysis, 1997) prune a search that in the end tries values.
 */

import { once } from "../support/once.ts";

/** sum of coefficient * variable = constant */
export type Equation = {
  readonly terms: readonly { readonly variable: number; readonly coefficient: number }[];
  readonly constant: number;
};
export type Bounds = { readonly low: number; readonly high: number };

/** The difference of two variables, `to` less `from`, lies within the bounds. */
export type Difference = { readonly from: number; readonly to: number } & Bounds;

/** Asked often of one system, with differences of its variables bounded in turn: what follows from the system alone is worked out once. */
export type Solver = { hasSolution(differences?: readonly Difference[]): boolean };

export function createSolver(equations: readonly Equation[], limits: readonly Bounds[]): Solver {
  const box: Box = { low: Float64Array.from(limits, ({ low }) => low), high: Float64Array.from(limits, ({ high }) => high) };
  const aliases = limits.map((_, variable): Alias => ({ variable, shift: 0 }));
  const rows = unify(
    equations.map((equation) => rowOf(equation, limits.length)),
    box,
    aliases,
  );
  const text = once(() => `${rows?.join("; ")} ${box.low} ${box.high}`);
  const alone = once(() => rows !== undefined && remembered(text(), () => isSolvable(rows, box)));
  return {
    hasSolution(differences = []) {
      if (!rows) return false;
      const open: Difference[] = [];
      for (const { from, to, low, high } of differences) {
        const [first, second] = [resolve(from, aliases), resolve(to, aliases)];
        const shift = second.shift - first.shift;
        const isKnown = first.variable === second.variable;
        if (isKnown && (shift < low || shift > high)) return false;
        if (!isKnown) open.push({ from: first.variable, to: second.variable, low: low - shift, high: high - shift });
      }
      if (open.length === 0) return alone();
      const key = `${text()} ${open.map(({ from, to, low, high }) => `${from} ${to} ${low} ${high}`)}`;
      return remembered(key, () => isSolvableWith(open, rows, box));
    },
  };
}

/** Systems recur: in layers of one shape, from step to step of a schedule, in the candidates of a search. */
const solvable = new Map<string, boolean>();
/** About 20 MB of text. */
const mostKnown = 50_000;

function remembered(system: string, find: () => boolean): boolean {
  const known = solvable.get(system) ?? find();
  if (solvable.size >= mostKnown) solvable.clear();
  solvable.set(system, known);
  return known;
}

/** Each difference that is not one number is a variable more. */
function isSolvableWith(differences: readonly Difference[], rows: readonly Row[], box: Box): boolean {
  const variables = box.low.length;
  const ranges = differences.filter(({ low, high }) => low !== high);
  const wide: Box = {
    low: Float64Array.from([...box.low, ...ranges.map(({ low }) => low)]),
    high: Float64Array.from([...box.high, ...ranges.map(({ high }) => high)]),
  };
  const none = new Array<number>(ranges.length).fill(0);
  const given = rows.map((row): Row => [...row.slice(0, variables), ...none, row[variables] as number]);
  const added = differences.map((difference): Row => {
    const row = new Array<number>(variables + ranges.length + 1).fill(0);
    row[difference.to] = 1;
    row[difference.from] = -1;
    const place = ranges.indexOf(difference);
    if (place < 0) row[row.length - 1] = difference.low;
    else row[variables + place] = -1;
    return row;
  });
  const unified = unify([...given, ...added], wide);
  return unified !== undefined && isSolvable(unified, wide);
}

/** What is left once no equation is a difference of two variables. The bounds are left as they are. */
function isSolvable(unified: readonly Row[], box: Box): boolean {
  const rows = unified.map(sparse);
  const bounds: Box = { low: box.low.slice(), high: box.high.slice() };
  // Most systems that have no solution contradict their bounds at once.
  if (!narrow(rows, bounds)) return false;
  // What follows from the equations together is seen by propagation only where it stands as an equation of its own.
  return search(rows.length > 1 ? [...rows, ...eliminated(unified).map(sparse)] : rows, bounds);
}

/** Bounds of every variable, which propagation tightens in place. */
type Box = { readonly low: Float64Array; readonly high: Float64Array };

/** A variable is another one and a number. */
type Alias = { readonly variable: number; readonly shift: number };

function resolve(variable: number, aliases: readonly Alias[]): Alias {
  const alias = aliases[variable] as Alias;
  if (alias.variable === variable) return alias;
  const root = resolve(alias.variable, aliases);
  return { variable: root.variable, shift: root.shift + alias.shift };
}

/** An equation with a place for every variable: the coefficients, and the constant last. */
type Row = number[];

function rowOf({ terms, constant }: Equation, variables: number): Row {
  const row = new Array<number>(variables + 1).fill(0);
  for (const { variable, coefficient } of terms) row[variable] = (row[variable] as number) + coefficient;
  row[variables] = constant;
  return row;
}

/** An equation as it is gone through: its variables, and the coefficient of each. */
type Sparse = { readonly variables: readonly number[]; readonly coefficients: readonly number[]; readonly constant: number };

function sparse(row: Row): Sparse {
  const variables: number[] = [];
  const coefficients: number[] = [];
  for (let variable = 0; variable < row.length - 1; variable++) {
    const coefficient = row[variable] as number;
    if (coefficient === 0) continue;
    variables.push(variable);
    coefficients.push(coefficient);
  }
  return { variables, coefficients, constant: row[row.length - 1] as number };
}

/**
 * Variables of one value become constants, and x - y = k makes x another name for y + k: what is left is smaller, and combinations
 * of equations hold fewer variables that bounds say little of. Undefined where that already contradicts itself. Rows, bounds and
 * aliases change in place.
 */
function unify(given: readonly Row[], { low, high }: Box, aliases?: Alias[]): Row[] | undefined {
  const variables = low.length;
  const rows = [...given];
  for (;;) {
    for (let variable = 0; variable < variables; variable++) {
      const [least, most] = [low[variable] as number, high[variable] as number];
      if (least > most) return undefined;
      if (least === most) for (const row of rows) substituteConstant(row, variable, least);
    }
    const pair = rows.find(isDifference);
    if (!pair) return rows;
    const x = pair.findIndex((coefficient) => coefficient !== 0);
    const y = pair.findIndex((coefficient, variable) => variable > x && coefficient !== 0);
    const shift = (pair[variables] as number) / (pair[x] as number);
    if (!Number.isInteger(shift)) return undefined;
    low[y] = Math.max(low[y] as number, (low[x] as number) - shift);
    high[y] = Math.min(high[y] as number, (high[x] as number) - shift);
    if (aliases) aliases[x] = { variable: y, shift };
    rows.splice(rows.indexOf(pair), 1);
    for (const row of rows) {
      const coefficient = row[x] as number;
      row[x] = 0;
      row[y] = (row[y] as number) + coefficient;
      row[variables] = (row[variables] as number) - coefficient * shift;
    }
  }
}

function substituteConstant(row: Row, variable: number, value: number): void {
  const coefficient = row[variable] as number;
  if (coefficient === 0) return;
  row[variable] = 0;
  row[row.length - 1] = (row[row.length - 1] as number) - coefficient * value;
}

/** Two variables, one less the other. */
function isDifference(row: Row): boolean {
  let count = 0;
  let sum = 0;
  for (let variable = 0; variable < row.length - 1; variable++) {
    const coefficient = row[variable] as number;
    if (coefficient !== 0) count++;
    sum += coefficient;
  }
  return count === 2 && sum === 0;
}

function search(equations: readonly Sparse[], bounds: Box): boolean {
  if (!narrow(equations, bounds)) return false;
  const { low, high } = bounds;
  // Only variables in equations can still contradict each other.
  let chosen = -1;
  let width = Infinity;
  for (const { variables } of equations) {
    const open = variables.filter((variable) => low[variable] !== high[variable]);
    // One open variable left: propagation has already decided it.
    if (open.length < 2) continue;
    for (const variable of open) {
      const size = (high[variable] as number) - (low[variable] as number);
      if (size < width) [chosen, width] = [variable, size];
    }
  }
  if (chosen < 0) return true;
  for (let value = low[chosen] as number; value <= (high[chosen] as number); value++) {
    if (search(equations, { low: low.with(chosen, value), high: high.with(chosen, value) })) return true;
  }
  return false;
}

/** The equations in reduced echelon form, in whole numbers: each pivot's variable, earlier ones first, is in its own row alone. */
function eliminated(rows: readonly Row[]): Row[] {
  let remaining = [...rows];
  let echelon: Row[] = [];
  const variables = (rows[0]?.length ?? 1) - 1;
  for (let variable = 0; variable < variables && remaining.length > 0; variable++) {
    const pivot = remaining.find((row) => row[variable] !== 0);
    if (!pivot) continue;
    const without = (row: Row) => (row[variable] === 0 ? row : cancel(row, pivot, variable));
    echelon = [...echelon.map(without), pivot];
    remaining = remaining.filter((row) => row !== pivot).map(without);
  }
  return [...echelon, ...remaining];
}

/** The combination of both rows that lacks the variable. */
function cancel(row: Row, pivot: Row, variable: number): Row {
  const [own, other] = [row[variable] as number, pivot[variable] as number];
  const combined = new Array<number>(row.length);
  let divisor = 0;
  for (let i = 0; i < row.length; i++) {
    const value = (row[i] as number) * other - (pivot[i] as number) * own;
    combined[i] = value;
    divisor = gcd(divisor, Math.abs(value));
  }
  return divisor > 1 ? combined.map((value) => value / divisor) : combined;
}

/** Tightens bounds until nothing changes; false where an equation cannot hold. */
function narrow(equations: readonly Sparse[], bounds: Box): boolean {
  for (let changed = true; changed; ) {
    changed = false;
    for (const equation of equations) {
      const result = narrowBy(equation, bounds);
      if (result === "impossible") return false;
      if (result === "narrowed") changed = true;
    }
  }
  return true;
}

function narrowBy({ variables, coefficients, constant }: Sparse, { low, high }: Box): "impossible" | "narrowed" | "same" {
  let divisor = 0;
  let fixed = 0;
  let least = 0;
  let most = 0;
  for (let i = 0; i < variables.length; i++) {
    const variable = variables[i] as number;
    const coefficient = coefficients[i] as number;
    const from = coefficient * (low[variable] as number);
    const to = coefficient * (high[variable] as number);
    if (from === to) fixed += from;
    else divisor = gcd(divisor, Math.abs(coefficient));
    least += Math.min(from, to);
    most += Math.max(from, to);
  }
  if (constant < least || constant > most) return "impossible";
  if (divisor === 0 ? fixed !== constant : (constant - fixed) % divisor !== 0) return "impossible";
  let narrowed = false;
  for (let i = 0; i < variables.length; i++) {
    const variable = variables[i] as number;
    const coefficient = coefficients[i] as number;
    const oldLow = low[variable] as number;
    const oldHigh = high[variable] as number;
    if (oldLow === oldHigh) continue;
    const own = Math.min(coefficient * oldLow, coefficient * oldHigh);
    const ownMost = Math.max(coefficient * oldLow, coefficient * oldHigh);
    // coefficient * variable = constant - (the others)
    const from = (constant - (most - ownMost)) / coefficient;
    const to = (constant - (least - own)) / coefficient;
    const newLow = Math.max(oldLow, Math.ceil(Math.min(from, to)));
    const newHigh = Math.min(oldHigh, Math.floor(Math.max(from, to)));
    if (newLow > newHigh) return "impossible";
    if (newLow === oldLow && newHigh === oldHigh) continue;
    low[variable] = newLow;
    high[variable] = newHigh;
    least += Math.min(coefficient * newLow, coefficient * newHigh) - own;
    most += Math.max(coefficient * newLow, coefficient * newHigh) - ownMost;
    narrowed = true;
  }
  return narrowed ? "narrowed" : "same";
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
