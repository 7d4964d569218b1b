/** Expressions, from pipelines down to primaries. Each function parses one level of binding strength. */
import type { Argument, BinaryOperator, Binder, DimensionSyntax, Pattern, Syntax, TypeSyntax, WeightStep } from "../ir/declaration.ts";
import {
  advance,
  at,
  atOneOf,
  type Cursor,
  eat,
  expected,
  fail,
  inside,
  isAdjacent,
  isDeclarationStart,
  last,
  listUntil,
  nested,
  onSameLine,
  peek,
  spanFrom,
  spanOf,
  take,
  takeName,
} from "./parser_cursor.ts";

const reducers = ["sum", "max", "min", "prod", "argmax", "argmin"];
/** After `sum(...)` these go on with what `sum(...)` stands in, so it is a call. */
const notABody = ["then", "else", "and", "or", "in", "where", "by", "at"];

/** Any expression: pipelines bind most weakly. */
export function parseExpression(cursor: Cursor): Syntax {
  const { start } = peek(cursor);
  return pipeInto(cursor, start, at(cursor, "if") ? parseIf(cursor) : parseOr(cursor));
}

function pipeInto(cursor: Cursor, start: number, first: Syntax): Syntax {
  let value = first;
  while (eat(cursor, "|>")) {
    const call = at(cursor, "if") ? parseIf(cursor) : parseOr(cursor);
    value = { kind: "pipe", value, call, span: spanFrom(cursor, start) };
  }
  return value;
}

/** An expression, or `...e` in brackets and arguments. */
export function parseItem(cursor: Cursor): Syntax {
  const { start } = peek(cursor);
  if (!eat(cursor, "...")) return parseExpression(cursor);
  return { kind: "spread", value: parseExpression(cursor), span: spanFrom(cursor, start) };
}

function parseIf(cursor: Cursor): Syntax {
  const { start } = take(cursor, "if");
  return parseBranches(
    cursor,
    start,
    nested(cursor, () => parseOr(cursor)),
  );
}

/** From `then` on; a statement that began with `if` has read the condition already. */
export function parseBranches(cursor: Cursor, start: number, condition: Syntax): Syntax {
  const help = at(cursor, "=")
    ? "to compare, write `==`"
    : at(cursor, "{")
      ? "inside an expression write `if c then a else b`; only a statement has braces"
      : undefined;
  take(cursor, "then", "after the condition of `if`", help);
  const { inBranch } = cursor;
  cursor.inBranch = true;
  const whenTrue = nested(cursor, () => parseExpression(cursor));
  cursor.inBranch = inBranch;
  take(cursor, "else", "and the other choice of `if`", "an `if` in an expression has both: `if c then a else b`");
  const whenFalse = nested(cursor, () => parseExpression(cursor));
  return { kind: "if", condition, whenTrue, whenFalse, span: spanFrom(cursor, start) };
}

/** A level of operators that group to the left. A `-` on a new line begins something new. */
function leftToRight(operators: readonly BinaryOperator[], next: (cursor: Cursor) => Syntax): (cursor: Cursor) => Syntax {
  return (cursor) => {
    const { start } = peek(cursor);
    let left = next(cursor);
    while (atOneOf(cursor, operators) && !(at(cursor, "-") && !onSameLine(cursor))) {
      const operator = advance(cursor).text as BinaryOperator;
      left = { kind: "binary", operator, left, right: next(cursor), span: spanFrom(cursor, start) };
    }
    return left;
  };
}

/** `-x` holds tighter than products, and less tight than reads and their `else`. */
function parseUnary(cursor: Cursor): Syntax {
  const { start } = peek(cursor);
  if (!eat(cursor, "-")) return parseRead(cursor);
  const value = nested(cursor, () => parseUnary(cursor));
  return { kind: "negate", value, span: spanFrom(cursor, start) };
}

/** `x[i] else e`, inside brackets and equations. */
function parseRead(cursor: Cursor): Syntax {
  const { start } = peek(cursor);
  const read = parsePostfix(cursor);
  const takesElse = !cursor.inBranch && cursor.depth > 0 && (read.kind === "access" || read.kind === "first");
  if (!takesElse || !eat(cursor, "else")) return read;
  const otherwise = nested(cursor, () => parseOr(cursor));
  return { kind: "else", read, otherwise, span: spanFrom(cursor, start) };
}

export const parseProduct = leftToRight(["*", "/", "//", "%"], parseUnary);
const parseSum = leftToRight(["+", "-"], parseProduct);

export function parseRange(cursor: Cursor): Syntax {
  const { start } = peek(cursor);
  const from = parseSum(cursor);
  if (!eat(cursor, "..")) return from;
  return { kind: "range", from, to: parseSum(cursor), span: spanFrom(cursor, start) };
}

const parseComparison = leftToRight(["==", "!=", "<", "<=", ">", ">="], parseRange);

function parseNot(cursor: Cursor): Syntax {
  const { start } = peek(cursor);
  if (!eat(cursor, "not")) return parseComparison(cursor);
  const value = nested(cursor, () => parseNot(cursor));
  return { kind: "not", value, span: spanFrom(cursor, start) };
}

const parseAnd = leftToRight(["and"], parseNot);
/** All operators, without pipelines. */
export const parseOr = leftToRight(["or"], parseAnd);

/** Members and reads: `e.0`, `e.name`, `e.(i)`, `e[i]`. */
function parsePostfix(cursor: Cursor): Syntax {
  const { start } = peek(cursor);
  let value = parsePrimary(cursor);
  for (;;) {
    if (at(cursor, ".") && isAdjacent(cursor)) {
      advance(cursor);
      value = { kind: "member", object: value, member: parseMember(cursor), span: spanFrom(cursor, start) };
    } else if (at(cursor, "[") && onSameLine(cursor)) {
      const indices = inside(cursor, "[", "", () => listUntil(cursor, "]", () => parseItem(cursor)));
      value = { kind: "access", tensor: value, indices, span: spanFrom(cursor, start) };
    } else return value;
  }
}

function parseMember(cursor: Cursor): Syntax {
  if (at(cursor, "(")) return inside(cursor, "(", "", () => parseExpression(cursor));
  const { kind, start } = peek(cursor);
  if (kind === "number") return { kind: "number", value: Number(advance(cursor).text), span: spanFrom(cursor, start) };
  return { kind: "name", name: takeName(cursor, "a number, a name or `(` after `.`"), span: spanFrom(cursor, start) };
}

function parsePrimary(cursor: Cursor): Syntax {
  const { kind, text, start } = peek(cursor);
  if (kind === "number") {
    advance(cursor);
    return { kind: "number", value: Number(text), span: spanFrom(cursor, start) };
  }
  if (kind === "string") {
    advance(cursor);
    return { kind: "string", value: text.slice(1, -1), span: spanFrom(cursor, start) };
  }
  if (at(cursor, "(")) return parseParentheses(cursor);
  if (at(cursor, "[")) return parseList(cursor);
  if (at(cursor, "@")) return parseWeight(cursor);
  if (kind !== "name" || isDeclarationStart(cursor, cursor.position)) return expectedExpression(cursor);
  if (text === "true" || text === "false") {
    advance(cursor);
    return { kind: "boolean", value: text === "true", span: spanFrom(cursor, start) };
  }
  if (text === "inf" || text === "nan") {
    advance(cursor);
    return { kind: "number", value: text === "inf" ? Infinity : Number.NaN, span: spanFrom(cursor, start) };
  }
  if (text === "if") return parseIf(cursor);
  if (text === "inside" && at(cursor, "(", 1)) {
    advance(cursor);
    const access = inside(cursor, "(", "", () => parseExpression(cursor));
    return { kind: "inside", access, span: spanFrom(cursor, start) };
  }
  if (text === "first" && at(cursor, "(", 1)) {
    advance(cursor);
    const binder = inside(cursor, "(", "", () => parseBinder(cursor));
    const body = nested(cursor, () => parsePostfix(cursor));
    return { kind: "first", binder, body, span: spanFrom(cursor, start) };
  }
  return isReduction(cursor) ? parseReduction(cursor) : parseNameOrCall(cursor);
}

function expectedExpression(cursor: Cursor): never {
  const before = last(cursor);
  const follows = cursor.position > 0 && !["{", "}", ")", "]"].includes(before.text) && before.kind !== "doc";
  const isNear = before.kind === "symbol" || before.line === peek(cursor).line;
  if (peek(cursor).kind === "doc")
    return fail(cursor, "misplaced-documentation", "this documents nothing: no declaration follows", {
      span: spanOf(cursor, peek(cursor)),
      help: "`///` stands before a declaration; write `#` for a comment",
    });
  const after = follows && isNear ? ` after \`${before.text}\`` : "";
  return expected(cursor, `an expression${after}`, { help: `write a value${after}: a name, a number, a call or a list` });
}

/** Parentheses around one expression only group; several make a tuple. */
function parseParentheses(cursor: Cursor): Syntax {
  const { start } = peek(cursor);
  const items = inside(cursor, "(", "", () => listUntil(cursor, ")", () => parseExpression(cursor)));
  const [only] = items;
  if (!only || items.length > 1) return { kind: "tuple", items, span: spanFrom(cursor, start) };
  cursor.parentheses.set(only, spanFrom(cursor, start));
  return only;
}

/** A list's span ends before its `]`. */
function parseList(cursor: Cursor): Syntax {
  const { start } = peek(cursor);
  return inside(cursor, "[", "", (): Syntax => {
    if (!eat(cursor, "for")) {
      const items = listUntil(cursor, "]", () => parseItem(cursor));
      return { kind: "list", items, span: spanFrom(cursor, start) };
    }
    const binder = parsePattern(cursor);
    take(cursor, "in", "between the name and what it goes over");
    const range = parseRange(cursor);
    take(cursor, ":", "after what `for` goes over", "write `[for i in 0..n: e]`");
    const body = parseExpression(cursor);
    return { kind: "listFor", binder, range, body, span: spanFrom(cursor, start) };
  });
}

/** `sum(i) e` reduces and `sum(a, b)` calls: a reduction is followed by its body on the same line. */
function isReduction(cursor: Cursor): boolean {
  if (!atOneOf(cursor, reducers) || !at(cursor, "(", 1)) return false;
  const closing = cursor.partners[cursor.position + 1] ?? -1;
  const [end, next] = [cursor.tokens[closing], cursor.tokens[closing + 1]];
  if (closing < 0 || !end || !next || next.line !== end.line || notABody.includes(next.text)) return false;
  return next.kind === "name" || next.kind === "number" || next.text === "(" || next.text === "@";
}

function parseReduction(cursor: Cursor): Syntax {
  const { start } = peek(cursor);
  const op = advance(cursor).text as "sum";
  const head = inside(cursor, "(", "", () => {
    const binders = [parseBinder(cursor)];
    while (eat(cursor, ",")) binders.push(parseBinder(cursor));
    if (!atOneOf(cursor, ["where", ")"]))
      expected(cursor, `\`,\`, \`where\` or \`)\` after an iterator of \`${op}\``, {
        help: `before a value, \`${op}(...)\` is a reduction over iterators, as in \`${op}(i, j in 0..n) x[i, j]\`; a call ends its line or is followed by an operator`,
      });
    return { binders, where: eat(cursor, "where") ? parseExpression(cursor) : undefined };
  });
  const body = nested(cursor, () => parseProduct(cursor));
  const { binders, where } = head;
  return { kind: "reduce", op, binders, ...(where ? { where } : {}), body, span: spanFrom(cursor, start) };
}

function parseNameOrCall(cursor: Cursor): Syntax {
  const { start } = peek(cursor);
  const name = takeName(cursor);
  const calleeSpan = spanFrom(cursor, start);
  if (!at(cursor, "(") || !isAdjacent(cursor)) return { kind: "name", name, span: calleeSpan };
  const args = inside(cursor, "(", "", () => listUntil(cursor, ")", () => parseArgument(cursor)));
  return { kind: "call", callee: name, calleeSpan, arguments: args, span: spanFrom(cursor, start) };
}

function parseArgument(cursor: Cursor): Argument {
  if (peek(cursor).kind !== "name" || !at(cursor, ":", 1)) return { value: parseItem(cursor) };
  const name = takeName(cursor);
  take(cursor, ":");
  return { name, value: parseExpression(cursor) };
}

function parseBinder(cursor: Cursor): Binder {
  const { start } = peek(cursor);
  const spread = eat(cursor, "...");
  const name = takeName(cursor, "the name of an iterator");
  const range = eat(cursor, "in") ? parseRange(cursor) : undefined;
  return { name, spread, ...(range ? { range } : {}), span: spanFrom(cursor, start) };
}

/** A name, or `[a, b]` and `(a, b)`, which take something apart. */
export function parsePattern(cursor: Cursor): Pattern {
  const { start } = peek(cursor);
  const open = at(cursor, "[") ? "[" : at(cursor, "(") ? "(" : undefined;
  if (!open)
    return {
      names: [takeName(cursor, `a name after \`${last(cursor).text}\``, "write a name, or `[a, b]` to take a list apart")],
      list: false,
      span: spanFrom(cursor, start),
    };
  const names = inside(cursor, open, "", () => listUntil(cursor, open === "[" ? "]" : ")", () => takeName(cursor)));
  return { names, list: true, span: spanFrom(cursor, start) };
}

/** `@a.b[i].c: [shape] = initializer`; the path has no blanks. */
function parseWeight(cursor: Cursor): Syntax {
  const { start } = take(cursor, "@");
  const path: WeightStep[] = [{ kind: "name", name: takeName(cursor, "the name of a weight after `@`") }];
  while (isAdjacent(cursor)) {
    if (eat(cursor, ".")) path.push({ kind: "name", name: takeName(cursor, "a name after `.`") });
    else if (at(cursor, "[")) path.push({ kind: "index", index: inside(cursor, "[", "", () => parseExpression(cursor)) });
    else break;
  }
  const type = eat(cursor, ":") ? parseType(cursor, "the weight's shape") : undefined;
  const initializer = type && eat(cursor, "=") ? nested(cursor, () => parseOr(cursor)) : undefined;
  return { kind: "weight", path, ...(type ? { type } : {}), ...(initializer ? { initializer } : {}), span: spanFrom(cursor, start) };
}

/** `f32[n, ...s, oh = h + 1]`, or the shape alone. */
export function parseType(cursor: Cursor, whose: string): TypeSyntax {
  const { start } = peek(cursor);
  const dtype = peek(cursor).kind === "name" ? advance(cursor).text : undefined;
  if (!at(cursor, "["))
    expected(
      cursor,
      dtype === undefined ? `a type such as \`[n, c]\` or \`f32[n, c]\` for ${whose}` : `\`[\` and ${whose} after \`${dtype}\``,
      {
        help: "a type is an element type and a shape, `f32[n, c]`; without one, `[n, c]`, it is whatever the operands hold",
      },
    );
  const dimensions = inside(cursor, "[", "", () => listUntil(cursor, "]", () => parseDimension(cursor)));
  return { ...(dtype ? { dtype } : {}), dimensions, span: spanFrom(cursor, start) };
}

function parseDimension(cursor: Cursor): DimensionSyntax {
  const { start } = peek(cursor);
  const spread = eat(cursor, "...");
  if (!spread && peek(cursor).kind === "name" && at(cursor, "=", 1)) {
    const name = takeName(cursor);
    take(cursor, "=");
    return { name, spread, value: parseExpression(cursor), span: spanFrom(cursor, start) };
  }
  const value = parseExpression(cursor);
  return { ...(value.kind === "name" ? { name: value.name } : { value }), spread, span: spanFrom(cursor, start) };
}
