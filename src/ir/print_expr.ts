/**
 * Scalar expressions as text. Parentheses stand only where the binding strengths ask for them; every dtype can be told
 * from the text: constants other than f32 carry it (`3_i32`), a read has the dtype its tensor is declared with or
 * says its own (`x:i8[i]`), an application the one that the scalar table gives or, again, its own (`add:f64(a, b)`).
 */
import type { Atom, Index } from "./affine.ts";
import type { DType } from "./dtype.ts";
import { type Compute, dtypeOf, type Expr, type ScalarFunction } from "./expr.ts";
import { printAssignment, printName, printNumber } from "./print_literal.ts";
import { resultDType, scalarFunctions } from "./scalar_functions.ts";

/** How tightly each construct holds together; an operand that holds less tightly than its place asks stands in parentheses. */
export const strengths = {
  select: 0,
  otherwise: 1,
  or: 2,
  and: 3,
  not: 4,
  comparison: 5,
  sum: 6,
  reduce: 7,
  product: 8,
  negate: 9,
  primary: 10,
} as const;

/** Functions written between their arguments, all grouping to the left. */
export const infixStrengths: { readonly [name in ScalarFunction]?: number } = {
  or: strengths.or,
  and: strengths.and,
  eq: strengths.comparison,
  ne: strengths.comparison,
  lt: strengths.comparison,
  le: strengths.comparison,
  gt: strengths.comparison,
  ge: strengths.comparison,
  add: strengths.sum,
  sub: strengths.sum,
  mul: strengths.product,
  div: strengths.product,
  floordiv: strengths.product,
  mod: strengths.product,
};

/** A text with the strength of its outermost construct. */
export type Spelled = { readonly text: string; readonly strength: number };

/** The dtype that a name is declared with where an expression stands. */
export type DeclaredDTypes = (name: string) => DType | undefined;

export function printExpr(expr: Expr, declared: DeclaredDTypes, needed: number = strengths.select): string {
  return enclose(spell(expr, declared), needed);
}

/** `name: f32[n in 1, f in 16] = value` */
export function printCompute(compute: Compute, declared: DeclaredDTypes): string {
  const axes = compute.axes.map(({ name, extent }) => `${printName(name)} in ${extent}`).join(", ");
  return printAssignment(`${printName(compute.name)}: ${compute.dtype}[${axes}] =`, printExpr(compute.value, declared));
}

/** `oh*2 + kh - 1`, `(i // 4)*8 + i % 4`, `min(i, 3)`, `rows[i]` */
export function printIndex(index: Index): string {
  let text = "";
  for (const { coefficient, atom } of index.terms) {
    const magnitude = Math.abs(coefficient);
    const sign = coefficient < 0 ? "-" : "+";
    // A division or a modulus holds more tightly than a sum, but stands in parentheses after a sign or before a factor.
    const bare = text === "" ? coefficient === 1 : magnitude === 1;
    const factor = magnitude === 1 ? printAtom(atom, bare) : `${printAtom(atom, false)}*${magnitude}`;
    text += text === "" ? (sign === "-" ? `-${factor}` : factor) : ` ${sign} ${factor}`;
  }
  if (text === "") return String(index.constant);
  if (index.constant === 0) return text;
  return `${text} ${index.constant < 0 ? "-" : "+"} ${Math.abs(index.constant)}`;
}

/** An application of a scalar function to spelled arguments; `explicit` is the type that the text would not tell otherwise. */
export function spellApplication(name: ScalarFunction, args: readonly Spelled[], explicit: string | undefined): Spelled {
  const strength = infixStrengths[name];
  const [first, second] = args;
  if (explicit === undefined && strength !== undefined && first && second && args.length === 2) {
    // A comparison of comparisons is written out; the others group to the left.
    const left = enclose(first, strength === strengths.comparison ? strength + 1 : strength);
    return { text: `${left} ${scalarFunctions[name].infix} ${enclose(second, strength + 1)}`, strength };
  }
  if (explicit === undefined && name === "not" && first && args.length === 1)
    return { text: `not ${enclose(first, strengths.not)}`, strength: strengths.not };
  if (explicit === undefined && name === "neg" && first && args.length === 1) {
    // `-1` is a constant; the negation of the constant 1 is `-(1)`.
    const operand = /^(?:\d|(?:inf|nan)(?:\b|_))/.test(first.text) ? `(${first.text})` : enclose(first, strengths.negate);
    return { text: `-${operand}`, strength: strengths.negate };
  }
  return call(name, explicit, args);
}

export function spellSelect(condition: Spelled, whenTrue: Spelled, whenFalse: Spelled): Spelled {
  const text = `if ${enclose(condition, strengths.or)} then ${enclose(whenTrue, strengths.or)} else ${whenFalse.text}`;
  return { text, strength: strengths.select };
}

/** `name(a, b)`, or `name:type(a, b)`. */
export function call(name: string, explicit: string | undefined, args: readonly Spelled[]): Spelled {
  return primary(`${name}${suffix(explicit)}(${args.map((arg) => arg.text).join(", ")})`);
}

export function primary(text: string): Spelled {
  return { text, strength: strengths.primary };
}

export function enclose({ text, strength }: Spelled, needed: number): string {
  return strength < needed ? `(${text})` : text;
}

function spell(expr: Expr, declared: DeclaredDTypes): Spelled {
  const go = (inner: Expr) => spell(inner, declared);
  switch (expr.kind) {
    case "constant":
      return primary(printConstant(expr.dtype, expr.value));
    case "index":
      return primary(`index(${printIndex(expr.index)})`);
    case "read": {
      const dtype = declared(expr.tensor) === expr.dtype ? undefined : expr.dtype;
      const indices = expr.indices.length === 0 ? "" : `[${expr.indices.map(printIndex).join(", ")}]`;
      const read = primary(`${printName(expr.tensor)}${suffix(dtype)}${indices}`);
      if (!expr.otherwise) return read;
      return { text: `${read.text} else ${enclose(go(expr.otherwise), strengths.otherwise)}`, strength: strengths.otherwise };
    }
    case "apply": {
      const [first] = expr.args;
      const derived = first && resultDType(expr.function, dtypeOf(first));
      return spellApplication(expr.function, expr.args.map(go), derived === expr.dtype ? undefined : expr.dtype);
    }
    case "cast":
      return call(expr.dtype, undefined, [go(expr.value)]);
    case "select":
      return spellSelect(go(expr.condition), go(expr.whenTrue), go(expr.whenFalse));
    case "reduce": {
      const axes = expr.axes.map(({ name, extent }) => `${printName(name)} in ${extent}`).join(", ");
      const where = expr.where ? [`where ${enclose(go(expr.where), strengths.or)}`] : [];
      const derived = expr.op === "argmax" || expr.op === "argmin" ? "i32" : dtypeOf(expr.body);
      const head = `${expr.op}${suffix(derived === expr.dtype ? undefined : expr.dtype)}(${[...(axes ? [axes] : []), ...where].join(" ")})`;
      return { text: `${head} ${enclose(go(expr.body), strengths.reduce)}`, strength: strengths.reduce };
    }
  }
}

function printConstant(dtype: DType, value: number): string {
  if (dtype === "f32") return printNumber(value);
  if (dtype === "bool" && (Object.is(value, 0) || value === 1)) return value === 1 ? "true" : "false";
  return `${printNumber(value)}_${dtype}`;
}

function suffix(explicit: string | undefined): string {
  return explicit === undefined ? "" : `:${explicit}`;
}

function printAtom(atom: Atom, bare: boolean): string {
  switch (atom.kind) {
    case "variable":
      return printName(atom.name);
    case "floordiv":
    case "mod": {
      const [only] = atom.value.terms;
      const isVariable =
        atom.value.terms.length === 1 && atom.value.constant === 0 && only?.coefficient === 1 && only.atom.kind === "variable";
      const value = isVariable ? printIndex(atom.value) : `(${printIndex(atom.value)})`;
      const text = `${value} ${atom.kind === "mod" ? "%" : "//"} ${atom.by}`;
      return bare ? text : `(${text})`;
    }
    case "min":
    case "max":
      return `${atom.kind}(${printIndex(atom.left)}, ${printIndex(atom.right)})`;
    case "read":
      return `${printName(atom.tensor)}[${atom.indices.map(printIndex).join(", ")}]`;
  }
}
