/** Scalar expressions, indices and computes of the levels' texts; see `src/ir/print_expr.ts` for how they are spelled. */
import { type Atom, add, constantIndex, formatIndex, type Index, scale } from "../../ir/affine.ts";
import { type DType, isDType } from "../../ir/dtype.ts";
import { type Axis, type Compute, constantExpr, dtypeOf, type Expr, type ReduceOp, type ScalarFunction } from "../../ir/expr.ts";
import { type DeclaredDTypes, strengths } from "../../ir/print_expr.ts";
import { isScalarFunction, resultDType, scalarFunctions } from "../../ir/scalar_functions.ts";
import { nearest } from "../../support/nearest.ts";
import { type OperatorGrammar, parseOperators, takeArguments } from "./operators.ts";
import {
  at,
  type Cursor,
  eat,
  fail,
  failAt,
  isNameToken,
  nested,
  peek,
  take,
  takeInteger,
  takeList,
  takeName,
  takeNumber,
} from "./tokens.ts";

/** What names mean where an expression stands; `names` serves suggestions. */
export type Declared = { readonly dtype: DeclaredDTypes; names(): Iterable<string> };

const reductions: readonly string[] = ["sum", "prod", "max", "min", "argmax", "argmin"] satisfies ReduceOp[];

export function parseExpr(cursor: Cursor, declared: Declared, least: number = strengths.select): Expr {
  const grammar: OperatorGrammar<Expr> = {
    number: (value, suffix) => {
      const dtype = suffix ?? "f32";
      return isDType(dtype) ? constantExpr(dtype, value) : fail(cursor, "a dtype after the number");
    },
    apply: (name, args) => application(cursor, name, args, undefined),
    select: (condition, whenTrue, whenFalse) => ({ kind: "select", condition, whenTrue, whenFalse }),
    primary: () => parsePrimary(cursor, declared),
    otherwise: (value, parse) => (value.kind === "read" && !value.otherwise ? { ...value, otherwise: parse() } : undefined),
  };
  return parseOperators(cursor, grammar, least);
}

/** `name: f32[n in 1, f in 16] = value` */
export function parseCompute(cursor: Cursor, declared: Declared): Compute {
  const name = takeName(cursor, "the name of a compute");
  take(cursor, ":");
  const dtype = takeDType(cursor);
  const axes = takeList(cursor, "[", "]", () => takeAxis(cursor));
  take(cursor, "=");
  return { name, dtype, axes, value: parseExpr(cursor, declared) };
}

/** A sum of products of atoms and whole numbers, its terms kept in the order they are written in. */
export function parseIndex(cursor: Cursor): Index {
  return nested(cursor, () => {
    let sum = eat(cursor, "-") ? times(parseFactor(cursor), -1) : parseFactor(cursor);
    for (;;) {
      if (eat(cursor, "+")) sum = join(sum, parseFactor(cursor));
      else if (eat(cursor, "-")) sum = join(sum, times(parseFactor(cursor), -1));
      else return sum;
    }
  });
}

export function takeIndices(cursor: Cursor): Index[] {
  return takeList(cursor, "[", "]", () => parseIndex(cursor));
}

export function takeDType(cursor: Cursor): DType {
  const { text, kind } = peek(cursor);
  if (kind !== "name" || !isDType(text)) return fail(cursor, "an element type such as f32");
  cursor.position++;
  return text;
}

export function takeAxis(cursor: Cursor): Axis {
  const name = takeName(cursor, "an axis");
  take(cursor, "in");
  return { name, extent: takeInteger(cursor, 0, "an extent") };
}

function parsePrimary(cursor: Cursor, declared: Declared): Expr {
  const token = peek(cursor);
  const { kind, text } = token;
  if (kind === "name" && (text === "true" || text === "false")) {
    cursor.position++;
    return constantExpr("bool", text === "true" ? 1 : 0);
  }
  if (!isNameToken(token)) return fail(cursor, "a value");
  const name = takeName(cursor);
  const explicit = eat(cursor, ":") ? takeDType(cursor) : undefined;
  if (kind === "name" && at(cursor, "(")) {
    if (name === "index" && !explicit) return parseIndexValue(cursor);
    if (reductions.includes(name) && beginsReduction(cursor)) return parseReduction(cursor, declared, name as ReduceOp, explicit);
    if (isScalarFunction(name))
      return application(
        cursor,
        name,
        takeArguments(cursor, name, () => parseExpr(cursor, declared)),
        explicit,
      );
    if (isDType(name) && !explicit) return parseCast(cursor, declared, name);
    const suggestion = nearest(name, [...Object.keys(scalarFunctions), ...reductions, "index"]);
    return failAt(cursor, "unknown-function", `\`${name}\` is no function`, token, suggestion && `did you mean \`${suggestion}\`?`);
  }
  const indices = at(cursor, "[") ? takeIndices(cursor) : [];
  const dtype = explicit ?? declared.dtype(name);
  if (dtype) return { kind: "read", tensor: name, indices, dtype };
  const suggestion = nearest(name, declared.names());
  return failAt(
    cursor,
    "unknown-tensor",
    `\`${name}\` is not declared here, so its dtype is not known`,
    token,
    suggestion ? `did you mean \`${suggestion}\`?` : `declare it, or write \`${name}:f32\``,
  );
}

function parseIndexValue(cursor: Cursor): Expr {
  take(cursor, "(");
  const index = parseIndex(cursor);
  take(cursor, ")");
  return { kind: "index", index };
}

function parseCast(cursor: Cursor, declared: Declared, dtype: DType): Expr {
  take(cursor, "(");
  const value = parseExpr(cursor, declared);
  take(cursor, ")");
  return { kind: "cast", dtype, value };
}

/** `max(i in 3) e` reduces, `max(a, b)` applies; a reduction may have no axes, a function has arguments. */
function beginsReduction(cursor: Cursor): boolean {
  if (at(cursor, ")", 1) || at(cursor, "where", 1)) return true;
  return isNameToken(peek(cursor, 1)) && at(cursor, "in", 2);
}

function parseReduction(cursor: Cursor, declared: Declared, op: ReduceOp, explicit: DType | undefined): Expr {
  take(cursor, "(");
  const axes: Axis[] = [];
  while (!at(cursor, ")") && !at(cursor, "where")) {
    axes.push(takeAxis(cursor));
    if (!eat(cursor, ",")) break;
  }
  const where = eat(cursor, "where") ? parseExpr(cursor, declared, strengths.or) : undefined;
  take(cursor, ")");
  const body = parseExpr(cursor, declared, strengths.reduce);
  const derived = op === "argmax" || op === "argmin" ? "i32" : dtypeOf(body);
  return { kind: "reduce", op, axes, ...(where ? { where } : {}), body, dtype: explicit ?? derived };
}

function application(cursor: Cursor, name: ScalarFunction, args: readonly Expr[], explicit: DType | undefined): Expr {
  const [first] = args;
  const dtype = explicit ?? (first && resultDType(name, dtypeOf(first)));
  if (dtype) return { kind: "apply", function: name, args, dtype };
  const taken = first ? dtypeOf(first) : "nothing";
  return failAt(
    cursor,
    "argument-dtype",
    `\`${name}\` does not take ${taken}`,
    peek(cursor).start,
    `\`${name}:f32(...)\` says a dtype of its own`,
  );
}

/** `atom`, `atom*3`, `atom // 4`, `3*atom`, from left to right. */
function parseFactor(cursor: Cursor): Index {
  let index = parseIndexPrimary(cursor);
  for (;;) {
    const { start } = peek(cursor);
    if (eat(cursor, "*")) index = product(cursor, index, parseIndexPrimary(cursor), start);
    else if (eat(cursor, "//"))
      index = single({ kind: "floordiv", value: index, by: takeInteger(cursor, 1, "what an index is divided by") });
    else if (eat(cursor, "%")) index = single({ kind: "mod", value: index, by: takeInteger(cursor, 1, "a modulus") });
    else return index;
  }
}

function product(cursor: Cursor, left: Index, right: Index, start: number): Index {
  if (right.terms.length === 0) return times(left, right.constant);
  if (left.terms.length === 0) return times(right, left.constant);
  return failAt(cursor, "not-linear", "an index is multiplied by a number only", start);
}

/** Without the -0 that a product with a negative number leaves. */
function times(index: Index, factor: number): Index {
  const { terms, constant } = scale(index, factor);
  return { terms, constant: constant + 0 };
}

function parseIndexPrimary(cursor: Cursor): Index {
  const token = peek(cursor);
  if (token.kind === "number") {
    const value = takeNumber(cursor);
    return Number.isSafeInteger(value)
      ? constantIndex(value)
      : failAt(cursor, "not-an-integer", `an index is a whole number, and this is ${value}`, token.start);
  }
  if (eat(cursor, "(")) {
    const index = parseIndex(cursor);
    take(cursor, ")");
    return index;
  }
  const name = takeName(cursor, "an index");
  if (at(cursor, "[")) return single({ kind: "read", tensor: name, indices: takeIndices(cursor) });
  if (token.kind === "name" && (name === "min" || name === "max") && eat(cursor, "(")) {
    const left = parseIndex(cursor);
    take(cursor, ",");
    const right = parseIndex(cursor);
    take(cursor, ")");
    return single({ kind: name, left, right });
  }
  return single({ kind: "variable", name });
}

function single(atom: Atom): Index {
  return { terms: [{ coefficient: 1, atom }], constant: 0 };
}

/** The sum as written; only a repeated atom has its coefficients added. */
function join(left: Index, right: Index): Index {
  const known = new Set(left.terms.map((term) => atomText(term.atom)));
  if (right.terms.some((term) => known.has(atomText(term.atom)))) return add(left, right);
  return { terms: [...left.terms, ...right.terms], constant: left.constant + right.constant };
}

function atomText(atom: Atom): string {
  return formatIndex(single(atom));
}
