/**
 * Whether a system of linear equations has a solution in integers within given bounds. Exact: elimination, propagation of
 * bounds and the divisibility test (Banerjee, Dependence Analysis, 1997) prune a search that in the end tries values.
 */

/** sum of coefficient * variable = constant */
export type Equation = {
  readonly terms: readonly { readonly variable: number; readonly coefficient: number }[];
  readonly constant: number;
};
export type Bounds = { readonly low: number; readonly high: number };

export function hasSolution(equations: readonly Equation[], limits: readonly Bounds[]): boolean {
  const key = textOf(equations, limits);
  const known = solvable.get(key) ?? isSolvable(equations, limits);
  if (solvable.size >= mostKnown) solvable.clear();
  solvable.set(key, known);
  return known;
}

/** Systems recur: in layers of one shape, from step to step of a schedule, in the candidates of a search. */
const solvable = new Map<string, boolean>();
/** About 20 MB of text. */
const mostKnown = 50_000;

function textOf(equations: readonly Equation[], limits: readonly Bounds[]): string {
  let text = "";
  for (const { terms, constant } of equations) {
    for (const { variable, coefficient } of terms) text += `${coefficient}*${variable} `;
    text += `${constant};`;
  }
  for (const { low, high } of limits) text += ` ${low} ${high}`;
  return text;
}

function isSolvable(given: readonly Equation[], limits: readonly Bounds[]): boolean {
  const unified = unify(given, limits);
  if (!unified) return false;
  const { equations } = unified;
  // Most systems that have no solution contradict their bounds at once.
  const bounds = narrow(equations, unified.bounds);
  if (!bounds) return false;
  const derived = equations.length > 1 ? eliminated(equations) : equations;
  // What follows from the equations together is seen by propagation only where it stands as an equation of its own.
  return search(derived === equations ? equations : [...equations, ...derived], bounds);
}

/**
 * Variables of one value become constants, and x - y = k makes x another name for y + k: what is left is smaller, and combinations
 * of equations hold fewer variables that bounds say little of. Undefined where that already contradicts itself.
 */
function unify(
  given: readonly Equation[],
  limits: readonly Bounds[],
): { readonly equations: readonly Equation[]; readonly bounds: readonly Bounds[] } | undefined {
  const bounds = [...limits];
  let equations = given.map((equation) => withoutConstants(equation, bounds));
  for (;;) {
    if (bounds.some(({ low, high }) => low > high)) return undefined;
    const pair = equations.find(({ terms: [x, y, more] }) => x && y && !more && x.coefficient === -y.coefficient);
    const [x, y] = pair?.terms ?? [];
    if (!pair || !x || !y) return { equations, bounds };
    const shift = pair.constant / x.coefficient;
    if (!Number.isInteger(shift)) return undefined;
    const [own, other] = [bounds[x.variable] as Bounds, bounds[y.variable] as Bounds];
    bounds[y.variable] = { low: Math.max(other.low, own.low - shift), high: Math.min(other.high, own.high - shift) };
    equations = equations
      .filter((equation) => equation !== pair)
      .map((equation) => withoutConstants(replaced(equation, x.variable, y.variable, shift), bounds));
  }
}

/** With y + shift in the place of x. */
function replaced({ terms, constant }: Equation, x: number, y: number, shift: number): Equation {
  const coefficient = terms.find(({ variable }) => variable === x)?.coefficient ?? 0;
  const moved = terms.map((term) => (term.variable === x ? { ...term, variable: y } : term));
  return { terms: moved, constant: constant - coefficient * shift };
}

/** Each variable once, those of one value in the constant. */
function withoutConstants({ terms, constant }: Equation, bounds: readonly Bounds[]): Equation {
  const sums = new Map<number, number>();
  for (const { variable, coefficient } of terms) sums.set(variable, (sums.get(variable) ?? 0) + coefficient);
  let rest = constant;
  const open: Equation["terms"][number][] = [];
  for (const [variable, coefficient] of sums) {
    const { low, high } = bounds[variable] as Bounds;
    if (coefficient !== 0 && low === high) rest -= coefficient * low;
    else if (coefficient !== 0) open.push({ variable, coefficient });
  }
  return { terms: open, constant: rest };
}

function search(equations: readonly Equation[], bounds: readonly Bounds[]): boolean {
  const narrowed = narrow(equations, bounds);
  if (!narrowed) return false;
  // Only variables in equations can still contradict each other.
  let chosen = -1;
  let width = Infinity;
  for (const { terms } of equations) {
    const open = terms.filter(({ variable }) => widthOf(narrowed[variable] as Bounds) > 0);
    // One open variable left: propagation has already decided it.
    if (open.length < 2) continue;
    for (const { variable } of open) {
      const size = widthOf(narrowed[variable] as Bounds);
      if (size < width) [chosen, width] = [variable, size];
    }
  }
  if (chosen < 0) return true;
  const { low, high } = narrowed[chosen] as Bounds;
  for (let value = low; value <= high; value++) {
    if (search(equations, narrowed.with(chosen, { low: value, high: value }))) return true;
  }
  return false;
}

function widthOf({ low, high }: Bounds): number {
  return high - low;
}

/** The equations in reduced echelon form, in whole numbers: each pivot's variable, earlier ones first, is in its own row alone. */
function eliminated(equations: readonly Equation[]): Equation[] {
  const variables = [...new Set(equations.flatMap(({ terms }) => terms.map(({ variable }) => variable)))].sort((a, b) => a - b);
  const columns = new Map(variables.map((variable, column) => [variable, column]));
  let remaining = equations.map((equation) => rowOf(equation, columns));
  let echelon: number[][] = [];
  for (let column = 0; column < variables.length && remaining.length > 0; column++) {
    const pivot = remaining.find((row) => row[column] !== 0);
    if (!pivot) continue;
    const without = (row: number[]) => (row[column] === 0 ? row : cancel(row, pivot, column));
    echelon = [...echelon.map(without), pivot];
    remaining = remaining.filter((row) => row !== pivot).map(without);
  }
  return [...echelon, ...remaining].map((row) => ({
    terms: variables.flatMap((variable, column) => (row[column] === 0 ? [] : [{ variable, coefficient: row[column] as number }])),
    constant: row[variables.length] as number,
  }));
}

/** Coefficients by column, the constant last. */
function rowOf({ terms, constant }: Equation, columns: ReadonlyMap<number, number>): number[] {
  const row = new Array<number>(columns.size + 1).fill(0);
  for (const { variable, coefficient } of terms) {
    const column = columns.get(variable) as number;
    row[column] = (row[column] as number) + coefficient;
  }
  row[columns.size] = constant;
  return row;
}

/** The combination of both rows that lacks the column. */
function cancel(row: readonly number[], pivot: readonly number[], column: number): number[] {
  const [own, other] = [row[column] as number, pivot[column] as number];
  const combined = row.map((value, i) => value * other - (pivot[i] as number) * own);
  const divisor = combined.reduce((common, value) => gcd(common, Math.abs(value)), 0);
  return divisor > 1 ? combined.map((value) => value / divisor) : combined;
}

/** Tightens bounds until nothing changes; undefined where an equation cannot hold. */
function narrow(equations: readonly Equation[], bounds: readonly Bounds[]): Bounds[] | undefined {
  const current = [...bounds];
  if (current.some(({ low, high }) => low > high)) return undefined;
  for (let changed = true; changed; ) {
    changed = false;
    for (const equation of equations) {
      const result = narrowBy(equation, current);
      if (result === "impossible") return undefined;
      if (result === "narrowed") changed = true;
    }
  }
  return current;
}

function narrowBy({ terms, constant }: Equation, bounds: Bounds[]): "impossible" | "narrowed" | "same" {
  let divisor = 0;
  let fixed = 0;
  let [low, high] = [0, 0];
  for (const { variable, coefficient } of terms) {
    const bound = bounds[variable] as Bounds;
    if (bound.low === bound.high) fixed += coefficient * bound.low;
    else divisor = gcd(divisor, Math.abs(coefficient));
    low += Math.min(coefficient * bound.low, coefficient * bound.high);
    high += Math.max(coefficient * bound.low, coefficient * bound.high);
  }
  if (constant < low || constant > high) return "impossible";
  if (divisor === 0 ? fixed !== constant : (constant - fixed) % divisor !== 0) return "impossible";
  let narrowed = false;
  for (const { variable, coefficient } of terms) {
    const bound = bounds[variable] as Bounds;
    if (coefficient === 0 || bound.low === bound.high) continue;
    const [own, ownHigh] = [
      Math.min(coefficient * bound.low, coefficient * bound.high),
      Math.max(coefficient * bound.low, coefficient * bound.high),
    ];
    // coefficient * variable = constant - (the others)
    const from = (constant - (high - ownHigh)) / coefficient;
    const to = (constant - (low - own)) / coefficient;
    const newLow = Math.max(bound.low, Math.ceil(Math.min(from, to)));
    const newHigh = Math.min(bound.high, Math.floor(Math.max(from, to)));
    if (newLow > newHigh) return "impossible";
    if (newLow === bound.low && newHigh === bound.high) continue;
    bounds[variable] = { low: newLow, high: newHigh };
    low += Math.min(coefficient * newLow, coefficient * newHigh) - own;
    high += Math.max(coefficient * newLow, coefficient * newHigh) - ownHigh;
    narrowed = true;
  }
  return narrowed ? "narrowed" : "same";
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
