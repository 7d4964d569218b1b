/**
 * Index expressions: integer linear combinations of atoms, kept in one canonical form so that equal
 * expressions print equally. Atoms are loop variables and the quasi-affine operations on them:
 * floor division and modulus by a positive constant, minimum, maximum, and reads of integer tensors.
 */

export type Index = { readonly terms: readonly Term[]; readonly constant: number };
export type Term = { readonly coefficient: number; readonly atom: Atom };
export type Atom =
  | { readonly kind: "variable"; readonly name: string }
  | { readonly kind: "floordiv"; readonly value: Index; readonly by: number }
  | { readonly kind: "mod"; readonly value: Index; readonly by: number }
  | { readonly kind: "min"; readonly left: Index; readonly right: Index }
  | { readonly kind: "max"; readonly left: Index; readonly right: Index }
  | { readonly kind: "read"; readonly tensor: string; readonly indices: readonly Index[] };

/** Inclusive bounds of an integer. */
export type Range = { readonly low: number; readonly high: number };
/** What is known of each variable and integer tensor; an unknown name is unbounded. */
export type Ranges = { variable(name: string): Range | undefined; tensor?(name: string): Range | undefined };

export const noRanges: Ranges = { variable: () => undefined };
const unbounded: Range = { low: -Infinity, high: Infinity };

export function constantIndex(constant: number): Index {
  return { terms: [], constant };
}

export function variableIndex(name: string): Index {
  return { terms: [{ coefficient: 1, atom: { kind: "variable", name } }], constant: 0 };
}

export function readIndex(tensor: string, indices: readonly Index[]): Index {
  return ofAtom({ kind: "read", tensor, indices });
}

export function constantValue(index: Index): number | undefined {
  return index.terms.length === 0 ? index.constant : undefined;
}

export function add(left: Index, right: Index): Index {
  if (right.terms.length === 0) return offset(left, right.constant);
  if (left.terms.length === 0) return offset(right, left.constant);
  return fromTerms([...left.terms, ...right.terms], left.constant + right.constant);
}

export function scale(index: Index, factor: number): Index {
  if (factor === 0) return constantIndex(0);
  if (factor === 1) return index;
  return {
    terms: index.terms.map((term) => ({ coefficient: term.coefficient * factor, atom: term.atom })),
    // No minus zero, which would be another constant.
    constant: index.constant * factor + 0,
  };
}

export function subtract(left: Index, right: Index): Index {
  return add(left, scale(right, -1));
}

export function offset(index: Index, constant: number): Index {
  return constant === 0 ? index : { terms: index.terms, constant: index.constant + constant };
}

/** floor(index / by): multiples of `by` leave the division, and a remainder known to lie in [0, by) vanishes. */
export function floordiv(index: Index, by: number, ranges: Ranges = noRanges): Index {
  if (by === 1) return index;
  const { multiple, rest } = splitMultiple(index, by);
  const range = rangeOf(rest, ranges);
  const low = Math.floor(range.low / by);
  if (low === Math.floor(range.high / by)) return offset(multiple, low);
  return add(multiple, divideRest(rest, by));
}

/** index - by * floor(index / by): lies in [0, by). */
export function mod(index: Index, by: number, ranges: Ranges = noRanges): Index {
  if (by === 1) return constantIndex(0);
  const { rest } = splitMultiple(index, by);
  const range = rangeOf(rest, ranges);
  const low = Math.floor(range.low / by);
  if (low === Math.floor(range.high / by)) return offset(rest, -low * by);
  return ofAtom({ kind: "mod", value: rest, by });
}

export function smaller(left: Index, right: Index, ranges: Ranges = noRanges): Index {
  const difference = rangeOf(subtract(left, right), ranges);
  if (difference.high <= 0) return left;
  if (difference.low >= 0) return right;
  return ofAtom({ kind: "min", ...ordered(left, right) });
}

export function larger(left: Index, right: Index, ranges: Ranges = noRanges): Index {
  const difference = rangeOf(subtract(left, right), ranges);
  if (difference.low >= 0) return left;
  if (difference.high <= 0) return right;
  return ofAtom({ kind: "max", ...ordered(left, right) });
}

/** Sound inclusive bounds by interval arithmetic over the canonical form. */
export function rangeOf(index: Index, ranges: Ranges): Range {
  let low = index.constant;
  let high = index.constant;
  for (const { coefficient, atom } of index.terms) {
    const range = rangeOfAtom(atom, ranges);
    low += coefficient > 0 ? coefficient * range.low : coefficient * range.high;
    high += coefficient > 0 ? coefficient * range.high : coefficient * range.low;
  }
  return { low, high };
}

function rangeOfAtom(atom: Atom, ranges: Ranges): Range {
  switch (atom.kind) {
    case "variable":
      return ranges.variable(atom.name) ?? unbounded;
    case "floordiv": {
      const { low, high } = rangeOf(atom.value, ranges);
      return { low: Math.floor(low / atom.by), high: Math.floor(high / atom.by) };
    }
    case "mod": {
      return { low: 0, high: atom.by - 1 };
    }
    case "min": {
      const [left, right] = [rangeOf(atom.left, ranges), rangeOf(atom.right, ranges)];
      return { low: Math.min(left.low, right.low), high: Math.min(left.high, right.high) };
    }
    case "max": {
      const [left, right] = [rangeOf(atom.left, ranges), rangeOf(atom.right, ranges)];
      return { low: Math.max(left.low, right.low), high: Math.max(left.high, right.high) };
    }
    case "read":
      return ranges.tensor?.(atom.tensor) ?? unbounded;
  }
}

/** Replaces variables; names the map lacks stay. Simplifies again under `ranges` of the new variables. */
export function substitute(index: Index, replace: (name: string) => Index | undefined, ranges: Ranges = noRanges): Index {
  const isUntouched = ({ atom }: Term) => atom.kind === "variable" && replace(atom.name) === undefined;
  if (index.terms.every(isUntouched)) return index;
  const go = (inner: Index) => substitute(inner, replace, ranges);
  let result = constantIndex(index.constant);
  for (const { coefficient, atom } of index.terms) {
    result = add(result, scale(substituteAtom(atom), coefficient));
  }
  return result;

  function substituteAtom(atom: Atom): Index {
    switch (atom.kind) {
      case "variable":
        return replace(atom.name) ?? ofAtom(atom);
      case "floordiv":
        return floordiv(go(atom.value), atom.by, ranges);
      case "mod":
        return mod(go(atom.value), atom.by, ranges);
      case "min":
        return smaller(go(atom.left), go(atom.right), ranges);
      case "max":
        return larger(go(atom.left), go(atom.right), ranges);
      case "read":
        return readIndex(atom.tensor, atom.indices.map(go));
    }
  }
}

/** Renames the tensors that are read inside the index. */
export function renameIndexReads(index: Index, rename: (tensor: string) => string): Index {
  if (!readsTensor(index)) return index;
  const go = (inner: Index) => renameIndexReads(inner, rename);
  return fromTerms(
    index.terms.map(({ coefficient, atom }) => ({ coefficient, atom: renameAtom(atom) })),
    index.constant,
  );

  function renameAtom(atom: Atom): Atom {
    switch (atom.kind) {
      case "variable":
        return atom;
      case "floordiv":
      case "mod":
        return { ...atom, value: go(atom.value) };
      case "min":
      case "max":
        return { ...atom, ...ordered(go(atom.left), go(atom.right)) };
      case "read":
        return { ...atom, tensor: rename(atom.tensor), indices: atom.indices.map(go) };
    }
  }
}

/** Calls `visit` on every atom, inner ones included. */
export function visitAtoms(index: Index, visit: (atom: Atom) => void): void {
  for (const { atom } of index.terms) {
    visit(atom);
    switch (atom.kind) {
      case "variable":
        break;
      case "floordiv":
      case "mod":
        visitAtoms(atom.value, visit);
        break;
      case "min":
      case "max":
        visitAtoms(atom.left, visit);
        visitAtoms(atom.right, visit);
        break;
      case "read":
        for (const inner of atom.indices) visitAtoms(inner, visit);
        break;
    }
  }
}

/** Whether an element of a tensor stands in the index. */
export function readsTensor(index: Index): boolean {
  let found = false;
  visitAtoms(index, (atom) => {
    if (atom.kind === "read") found = true;
  });
  return found;
}

/** Names of the variables anywhere inside. */
export function variablesOf(index: Index): Set<string> {
  const names = new Set<string>();
  visitAtoms(index, (atom) => {
    if (atom.kind === "variable") names.add(atom.name);
  });
  return names;
}

/** The coefficient of a variable that occurs only linearly; undefined when it also hides inside another atom. */
export function coefficientOf(index: Index, name: string): number | undefined {
  let coefficient = 0;
  for (const term of index.terms) {
    if (term.atom.kind === "variable") {
      if (term.atom.name === name) coefficient = term.coefficient;
    } else if (variablesOf({ terms: [term], constant: 0 }).has(name)) return undefined;
  }
  return coefficient;
}

export function equalIndex(left: Index, right: Index): boolean {
  return formatIndex(left) === formatIndex(right);
}

/** The value under an assignment of the variables; `read` resolves integer tensor reads. */
export function evaluateIndex(
  index: Index,
  variable: (name: string) => number,
  read: (tensor: string, indices: number[]) => number,
): number {
  const go = (inner: Index): number => evaluateIndex(inner, variable, read);
  let sum = index.constant;
  for (const { coefficient, atom } of index.terms) sum += coefficient * evaluateAtom(atom);
  return sum;

  function evaluateAtom(atom: Atom): number {
    switch (atom.kind) {
      case "variable":
        return variable(atom.name);
      case "floordiv":
        return Math.floor(go(atom.value) / atom.by);
      case "mod": {
        const value = go(atom.value);
        return value - atom.by * Math.floor(value / atom.by);
      }
      case "min":
        return Math.min(go(atom.left), go(atom.right));
      case "max":
        return Math.max(go(atom.left), go(atom.right));
      case "read":
        return read(atom.tensor, atom.indices.map(go));
    }
  }
}

/** Canonical text: `oh*2 + kh - 1`, `(i // 4)*8 + i % 4`, `min(i, 3)`, `rows[i]`. */
export function formatIndex(index: Index): string {
  const parts: string[] = [];
  for (const { coefficient, atom } of index.terms) {
    const magnitude = Math.abs(coefficient);
    const text = magnitude === 1 ? formatAtom(atom, false) : `${formatAtom(atom, true)}*${magnitude}`;
    if (parts.length === 0) parts.push(coefficient < 0 ? `-${magnitude === 1 ? formatAtom(atom, true) : text}` : text);
    else
      parts.push(
        coefficient < 0 ? ` - ${magnitude === 1 ? formatAtom(atom, true) : text}` : ` + ${magnitude === 1 ? formatAtom(atom, true) : text}`,
      );
  }
  if (index.constant !== 0 || parts.length === 0) {
    if (parts.length === 0) parts.push(String(index.constant));
    else parts.push(index.constant < 0 ? ` - ${-index.constant}` : ` + ${index.constant}`);
  }
  return parts.join("");
}

function formatAtom(atom: Atom, operand: boolean): string {
  switch (atom.kind) {
    case "variable":
      return atom.name;
    case "floordiv":
    case "mod": {
      const inner = formatIndex(atom.value);
      const simple =
        atom.value.terms.length === 1 &&
        atom.value.constant === 0 &&
        atom.value.terms[0]?.coefficient === 1 &&
        atom.value.terms[0].atom.kind === "variable";
      const text = `${simple ? inner : `(${inner})`} ${atom.kind === "mod" ? "%" : "//"} ${atom.by}`;
      return operand ? `(${text})` : text;
    }
    case "min":
    case "max":
      return `${atom.kind}(${formatIndex(atom.left)}, ${formatIndex(atom.right)})`;
    case "read":
      return `${atom.tensor}[${atom.indices.map(formatIndex).join(", ")}]`;
  }
}

function ofAtom(atom: Atom): Index {
  return { terms: [{ coefficient: 1, atom }], constant: 0 };
}

function ordered(left: Index, right: Index): { left: Index; right: Index } {
  return formatIndex(left) <= formatIndex(right) ? { left, right } : { left: right, right: left };
}

/** Sums like atoms, drops zeros and sorts by the atom's text: the one place where canonical order is made. */
function fromTerms(terms: readonly Term[], constant: number): Index {
  const sums: { readonly text: string; readonly term: Term }[] = [];
  for (const term of terms) {
    const text = formatAtom(term.atom, true);
    const place = sums.findIndex((other) => other.text === text);
    if (place < 0) sums.push({ text, term });
    else sums[place] = { text, term: { coefficient: term.coefficient + (sums[place]?.term.coefficient ?? 0), atom: term.atom } };
  }
  const kept = sums.filter(({ term }) => term.coefficient !== 0).sort((a, b) => (a.text < b.text ? -1 : 1));
  return combineDivMod({ terms: kept.map(({ term }) => term), constant });
}

/** (e // n)*n + e % n = e */
function combineDivMod(index: Index): Index {
  for (const term of index.terms) {
    const { atom, coefficient } = term;
    if (atom.kind !== "mod") continue;
    const quotient = index.terms.find(
      (other) => other.coefficient === coefficient * atom.by && sameIndex(other, floordivTerm(atom.value, atom.by)),
    );
    if (!quotient) continue;
    const rest = index.terms.filter((other) => other !== term && other !== quotient);
    return add({ terms: rest, constant: index.constant }, scale(atom.value, coefficient));
  }
  return index;
}

function sameIndex(term: Term, atom: Atom): boolean {
  return formatAtom(term.atom, true) === formatAtom(atom, true);
}

function floordivTerm(value: Index, by: number): Atom {
  return { kind: "floordiv", value, by };
}

/** index = multiple * by + rest, taking out every term and the part of the constant that `by` divides. */
function splitMultiple(index: Index, by: number): { multiple: Index; rest: Index } {
  const whole = index.terms.filter((term) => term.coefficient % by === 0);
  const others = index.terms.filter((term) => term.coefficient % by !== 0);
  const quotient = Math.floor(index.constant / by);
  return {
    multiple: fromTerms(
      whole.map((term) => ({ coefficient: term.coefficient / by, atom: term.atom })),
      quotient,
    ),
    rest: { terms: others, constant: index.constant - quotient * by },
  };
}

/** (e // a) // b = e // (a*b); a common divisor of every coefficient and `by` cancels. */
function divideRest(rest: Index, by: number): Index {
  const only = rest.terms.length === 1 && rest.constant === 0 ? rest.terms[0] : undefined;
  if (only?.coefficient === 1 && only.atom.kind === "floordiv") {
    return ofAtom({ kind: "floordiv", value: only.atom.value, by: only.atom.by * by });
  }
  const divisor = rest.terms.reduce((common, term) => gcd(common, Math.abs(term.coefficient)), by);
  if (divisor > 1) {
    const reduced: Index = {
      terms: rest.terms.map((term) => ({ coefficient: term.coefficient / divisor, atom: term.atom })),
      constant: Math.floor(rest.constant / divisor),
    };
    return by === divisor ? reduced : ofAtom({ kind: "floordiv", value: reduced, by: by / divisor });
  }
  return ofAtom({ kind: "floordiv", value: rest, by });
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
