/** Bodies: statements between braces, and how the parser goes on after a mistake in one. */
import type { StatementSyntax } from "../ir/declaration.ts";
import { warningDiagnostic } from "../support/diagnostic.ts";
import type { Token } from "./lexer.ts";
import {
  advance,
  at,
  atOneOf,
  beginsLine,
  type Cursor,
  eat,
  expected,
  fail,
  inside,
  isDeclarationStart,
  isUnwinding,
  last,
  listUntil,
  nested,
  peek,
  spanFrom,
  spanOf,
  take,
  takeName,
  takeString,
} from "./parser_cursor.ts";
import { parseBranches, parseExpression, parseItem, parsePattern } from "./parser_expressions.ts";

export function parseBody(cursor: Cursor, purpose = "and a body"): StatementSyntax[] {
  const looksLikeResult = peek(cursor).kind === "name" && (at(cursor, ":", 1) || at(cursor, "[", 1));
  const help = looksLikeResult ? "results stand after `->`" : "statements stand between `{` and `}`";
  return parseBlock(cursor, purpose, parseStatement, help);
}

/**
 * `{ item item ... }`, each perhaps followed by `;`. A mistake ends its item; the next line goes on.
 * Line breaks count inside, whatever brackets stand around.
 */
export function parseBlock<T>(cursor: Cursor, purpose: string, parse: (cursor: Cursor) => T, help?: string): T[] {
  const opening = take(cursor, "{", purpose, help);
  const { depth, inBranch } = cursor;
  const items: T[] = [];
  nested(cursor, () => {
    while (!at(cursor, "}") && peek(cursor).kind !== "end" && !isDeclarationStart(cursor, cursor.position)) {
      cursor.depth = 0;
      cursor.inBranch = false;
      const begin = cursor.position;
      cursor.begin = begin;
      const item = recovering(
        cursor,
        () => parse(cursor),
        () => skipItem(cursor, begin, parse),
      );
      if (item !== undefined) items.push(item);
      if (item !== undefined && !eat(cursor, ";")) warnOfNeighbour(cursor, begin);
    }
  });
  cursor.depth = depth;
  cursor.inBranch = inBranch;
  closeBlock(cursor, opening);
  return items;
}

/** What `parse` gives; or nothing, after what `recover` does to go on behind a mistake. */
export function recovering<T>(cursor: Cursor, parse: () => T, recover: () => void): T | undefined {
  const { depth, inBranch, nesting } = cursor;
  try {
    return parse();
  } catch (error) {
    if (!isUnwinding(error)) throw error;
    cursor.depth = depth;
    cursor.inBranch = inBranch;
    cursor.nesting = nesting;
    recover();
    return undefined;
  }
}

function closeBlock(cursor: Cursor, opening: Token): void {
  if (eat(cursor, "}")) return;
  expected(cursor, "`}` to close the `{`", {
    code: "unclosed",
    notes: [{ message: "the `{` opened here", span: spanOf(cursor, opening) }],
    help: "add the missing `}`",
  });
}

/** To the next line that may begin an item, the block's `}`, or a declaration. Blocks on the way are searched for more mistakes. */
function skipItem<T>(cursor: Cursor, begin: number, parse: (cursor: Cursor) => T): void {
  const { tokens, partners } = cursor;
  const stopped = cursor.position;
  for (let i = begin; i < stopped; i++) {
    const partner = partners[i] ?? -1;
    const matches = tokens[partner]?.text === (tokens[i]?.text === "(" ? ")" : "]");
    if (matches && partner >= cursor.position) cursor.position = partner + 1;
  }
  if (cursor.position === begin) cursor.position++;
  while (peek(cursor).kind !== "end" && !at(cursor, "}")) {
    if (isDeclarationStart(cursor, cursor.position) || eat(cursor, ";")) return;
    if (beginsLine(cursor, cursor.position) && !continuesLine(cursor)) return;
    if (!at(cursor, "{")) advance(cursor);
    else if (
      recovering(
        cursor,
        () => parseBlock(cursor, "", parse),
        () => {},
      ) === undefined
    )
      return;
  }
}

/** Whether what begins this line goes on with the one before. */
function continuesLine(cursor: Cursor): boolean {
  const { kind, text } = peek(cursor);
  if (kind === "symbol") return !["(", "[", "@", "-", "{"].includes(text);
  return kind === "doc" || atOneOf(cursor, ["then", "else", "and", "or", "in", "where"]);
}

/** Two statements on a line without `;` are more likely one with a mistake. */
function warnOfNeighbour(cursor: Cursor, begin: number): void {
  const token = peek(cursor);
  const before = last(cursor);
  if (token.kind === "end" || token.text === "}" || token.line !== before.line || before.text === "}") return;
  if (cursor.faultyLines.has(token.line) || (token.kind === "symbol" && !["(", "[", "@", "-"].includes(token.text))) return;
  const isCall = token.text === "(" && before.kind === "name";
  const isReturn = cursor.position - begin === 1 && before.text === "return";
  const help = isReturn
    ? "leave `return` out: a body's last line is its value"
    : isCall
      ? `for a call, write \`${before.text}(\` without a space; for two statements, put \`;\` or a line break between them`
      : "for one expression, an operator or `,` is missing; for two statements, put `;` or a line break between them";
  const message = `a new statement begins at \`${token.text}\`, on the line of the one before`;
  cursor.found.push(warningDiagnostic("missing-separator", message, { span: spanOf(cursor, token), help }));
}

export function parseStatement(cursor: Cursor): StatementSyntax {
  const { start } = peek(cursor);
  refuseStray(cursor);
  if (eat(cursor, "let")) {
    const pattern = parsePattern(cursor);
    const shown = pattern.list ? "the names" : `\`${pattern.names[0]}\``;
    take(cursor, "=", `after ${shown}`, at(cursor, ":") ? "a `let` says no type: it has its value's" : undefined);
    return { kind: "let", pattern, value: parseExpression(cursor), span: spanFrom(cursor, start) };
  }
  if (eat(cursor, "require")) {
    const condition = parseExpression(cursor);
    const message = eat(cursor, ",") ? takeString(cursor, "the message of `require`", 'write it between `"`') : undefined;
    return { kind: "require", condition, ...(message === undefined ? {} : { message }), span: spanFrom(cursor, start) };
  }
  if (eat(cursor, "for")) {
    const binder = parsePattern(cursor);
    take(cursor, "in", "between the name and what it goes over", "write `for i in 0..n { ... }`");
    const range = parseExpression(cursor);
    return { kind: "for", binder, range, body: parseBody(cursor, "and what `for` repeats"), span: spanFrom(cursor, start) };
  }
  if (at(cursor, "if")) return parseWhen(cursor);
  if (peek(cursor).kind === "name" && at(cursor, "=", 1)) {
    const name = takeName(cursor);
    take(cursor, "=");
    return { kind: "assign", name, value: parseExpression(cursor), span: spanFrom(cursor, start) };
  }
  if (isEquation(cursor)) return parseEquation(cursor);
  const value = parseExpression(cursor);
  if (at(cursor, "=") && peek(cursor).line === last(cursor).line)
    expected(cursor, "a name or `y[i, j]` before `=`", { help: "to compare, write `==`" });
  return { kind: "value", value, span: spanFrom(cursor, start) };
}

/** `if c { ... } else { ... }`, or an expression that begins with `if`. */
function parseWhen(cursor: Cursor): StatementSyntax {
  const { start } = take(cursor, "if");
  const condition = parseExpression(cursor);
  if (!at(cursor, "{")) {
    const isPipe = condition.kind === "pipe" && !cursor.parentheses.has(condition);
    if (isPipe) expected(cursor, "`{` after the condition of `if`", { help: "put a pipeline in parentheses" });
    return { kind: "value", value: parseBranches(cursor, start, condition), span: spanFrom(cursor, start) };
  }
  const whenTrue = parseBody(cursor);
  if (!eat(cursor, "else")) return { kind: "when", condition, whenTrue, otherwise: [], span: spanFrom(cursor, start) };
  const otherwise = at(cursor, "if") ? [nested(cursor, () => parseStatement(cursor))] : parseBody(cursor, "or `if` after `else`");
  return { kind: "when", condition, whenTrue, otherwise, span: spanFrom(cursor, start) };
}

function isEquation(cursor: Cursor): boolean {
  if (peek(cursor).kind !== "name" || !at(cursor, "[", 1)) return false;
  const closing = cursor.partners[cursor.position + 1] ?? -1;
  const next = cursor.tokens[closing + 1];
  return closing >= 0 && next?.kind === "symbol" && next.text === "=";
}

/** `y[i, ...j] = e`: the right side goes on over lines like an expression in brackets. */
function parseEquation(cursor: Cursor): StatementSyntax {
  const { start } = peek(cursor);
  const result = takeName(cursor);
  const indices = inside(cursor, "[", "", () => listUntil(cursor, "]", () => parseItem(cursor)));
  take(cursor, "=");
  cursor.depth++;
  const value = parseExpression(cursor);
  cursor.depth--;
  return { kind: "equation", result, indices, value, span: spanFrom(cursor, start) };
}

function refuseStray(cursor: Cursor): void {
  const token = peek(cursor);
  if (token.kind !== "symbol" || (token.text !== ")" && token.text !== "]")) return;
  const open = token.text === ")" ? "(" : "[";
  fail(cursor, "unopened", `this \`${token.text}\` closes nothing: no \`${open}\` is open`, {
    span: spanOf(cursor, token),
    help: "remove it",
  });
}
