/**
 * Where the parser stands, and the steps it takes: look, take, or say what was expected and stop.
 * A mistake is recorded and unwinds to the statement or declaration that goes on after it.
 */
import type { Syntax } from "../ir/declaration.ts";
import { type Diagnostic, errorDiagnostic, type Note, type Span } from "../support/diagnostic.ts";
import type { Lexed, Token } from "./lexer.ts";

export type Cursor = {
  readonly file: string;
  readonly tokens: readonly Token[];
  /** For every `(` and `[` the position of what closes it, and back; -1 for one that stays open. */
  readonly partners: Int32Array;
  readonly faultyLines: ReadonlySet<number>;
  readonly found: Diagnostic[];
  /** The parentheses around an expression, of which the syntax tree keeps no trace. */
  readonly parentheses: Map<Syntax, Span>;
  position: number;
  /** Inside brackets and equations a line break means nothing. */
  depth: number;
  /** In the first branch of an `if`, an `else` is the `if`'s and not a read's. */
  inBranch: boolean;
  /** Where the statement, step or declaration begins that is being read. */
  begin: number;
  nesting: number;
};

/** Unwinds to whoever recovers. One for all: it says nothing, and a trace of the stack for each would cost more than the parsing. */
const unwinding = new Error("unwinding from a mistake that is reported");

export function isUnwinding(error: unknown): boolean {
  return error === unwinding;
}

/** Deeper than anyone writes, and shallow enough for the stack. */
const deepestNesting = 200;

export const declarationKeywords = ["op", "fn", "model", "rule", "sketch", "schedule", "def"] as const;

export function createCursor(lexed: Lexed, file: string): Cursor {
  return {
    file,
    tokens: lexed.tokens,
    partners: pairBrackets(lexed.tokens),
    faultyLines: lexed.faultyLines,
    found: [...lexed.diagnostics],
    parentheses: new Map(),
    position: 0,
    depth: 0,
    inBranch: false,
    begin: 0,
    nesting: 0,
  };
}

export function peek(cursor: Cursor, ahead = 0): Token {
  return cursor.tokens[Math.min(cursor.position + ahead, cursor.tokens.length - 1)] as Token;
}

export function last(cursor: Cursor): Token {
  return cursor.tokens[Math.max(0, cursor.position - 1)] as Token;
}

export function at(cursor: Cursor, text: string, ahead = 0): boolean {
  const token = peek(cursor, ahead);
  return token.text === text && token.kind !== "string" && token.kind !== "doc";
}

export function atOneOf(cursor: Cursor, texts: readonly string[]): boolean {
  return texts.some((text) => at(cursor, text));
}

export function advance(cursor: Cursor): Token {
  const token = peek(cursor);
  if (token.kind !== "end") cursor.position++;
  return token;
}

export function eat(cursor: Cursor, text: string): boolean {
  if (!at(cursor, text)) return false;
  advance(cursor);
  return true;
}

/** `purpose` goes on after the token: "expected `in` between the name and its range". */
export function take(cursor: Cursor, text: string, purpose = "", help?: string): Token {
  return at(cursor, text) ? advance(cursor) : expected(cursor, `\`${text}\`${purpose && ` ${purpose}`}`, { help });
}

export function takeName(cursor: Cursor, what = "a name", help?: string): string {
  return peek(cursor).kind === "name" ? advance(cursor).text : expected(cursor, what, { help });
}

/** A string's content. */
export function takeString(cursor: Cursor, what: string, help?: string): string {
  return peek(cursor).kind === "string" ? advance(cursor).text.slice(1, -1) : expected(cursor, what, { help });
}

export function spanFrom(cursor: Cursor, start: number): Span {
  return { file: cursor.file, start, end: cursor.position > 0 ? last(cursor).end : start };
}

export function spanOf(cursor: Cursor, token: Token): Span {
  return { file: cursor.file, start: token.start, end: token.end };
}

/** Whether what follows still belongs to the line: a `-`, `[` or argument on a new line begins something new. */
export function onSameLine(cursor: Cursor): boolean {
  return cursor.depth > 0 || peek(cursor).line === last(cursor).line;
}

export function isAdjacent(cursor: Cursor): boolean {
  return peek(cursor).start === last(cursor).end;
}

export function describeToken(token: Token): string {
  if (token.kind === "end") return "the end of the file";
  if (token.kind === "doc") return "documentation";
  return token.kind === "string" ? `the string ${token.text}` : `\`${token.text}\``;
}

type Details = { readonly code?: string; readonly help?: string | undefined; readonly notes?: readonly Note[] };

/** "expected ..., found ...". Where a line ends too early, the caret stands at its end. */
export function expected(cursor: Cursor, what: string, details: Details = {}): never {
  const token = peek(cursor);
  const code = details.code ?? "syntax";
  return fail(cursor, code, `expected ${what}, found ${describeToken(token)}`, { ...details, span: placeOf(cursor, token) });
}

export function fail(cursor: Cursor, code: string, message: string, details: Details & { readonly span: Span }): never {
  report(cursor, code, message, details);
  return stop();
}

/** Unwinds from a mistake that is reported already. */
export function stop(): never {
  throw unwinding;
}

/** Records a mistake, unless it follows from a lexical one on its line or one is recorded at this very place. */
export function report(cursor: Cursor, code: string, message: string, details: Details & { readonly span: Span }): void {
  const lines = [peek(cursor).line, last(cursor).line];
  if (lines.some((line) => cursor.faultyLines.has(line))) return;
  const previous = cursor.found.at(-1);
  if (previous?.span?.start === details.span.start) {
    if (previous.severity === "error") return;
    cursor.found.pop();
  }
  cursor.found.push(errorDiagnostic(code, message, details));
}

function placeOf(cursor: Cursor, token: Token): Span {
  const before = last(cursor);
  const isLater = cursor.position > cursor.begin && (token.kind === "end" || token.line !== before.line);
  return isLater ? { file: cursor.file, start: before.end, end: before.end + 1 } : spanOf(cursor, token);
}

/** Between brackets: line breaks mean nothing, and an `else` is a read's again. */
export function inside<T>(cursor: Cursor, open: "(" | "[", purpose: string, parse: () => T): T {
  const opening = cursor.position;
  take(cursor, open, purpose);
  const { depth, inBranch } = cursor;
  cursor.depth++;
  cursor.inBranch = false;
  const value = nested(cursor, parse);
  close(cursor, opening);
  cursor.depth = depth;
  cursor.inBranch = inBranch;
  return value;
}

/** One level further in; the input decides how many there are, and the stack bears only so many. */
export function nested<T>(cursor: Cursor, parse: () => T): T {
  if (cursor.nesting >= deepestNesting && cursor.found.at(-1)?.code === "too-deep") stop();
  if (cursor.nesting >= deepestNesting)
    fail(cursor, "too-deep", `this nests more than ${deepestNesting} levels deep`, {
      span: spanOf(cursor, peek(cursor)),
      help: "name parts of it with `let`",
    });
  cursor.nesting++;
  const value = parse();
  cursor.nesting--;
  return value;
}

/** Items with commas between and perhaps after them, up to what closes them. */
export function listUntil<T>(cursor: Cursor, close: string, parse: () => T): T[] {
  const items: T[] = [];
  while (!at(cursor, close)) {
    items.push(parse());
    if (!eat(cursor, ",")) break;
  }
  return items;
}

function close(cursor: Cursor, opening: number): void {
  const open = cursor.tokens[opening] as Token;
  const text = open.text === "(" ? ")" : "]";
  if (eat(cursor, text)) return;
  const partner = cursor.tokens[cursor.partners[opening] ?? -1];
  const token = peek(cursor);
  if (partner?.text === text) {
    const begins = token.kind !== "symbol" || ["(", "[", "@", "..."].includes(token.text);
    expected(cursor, `\`,\` or \`${text}\``, { code: begins ? "missing-comma" : "unexpected-token", help: helpInBrackets(cursor, text) });
  }
  returnToLine(cursor, opening);
  expected(cursor, `\`${text}\` to close the \`${open.text}\``, {
    code: "unclosed",
    notes: [{ message: `the \`${open.text}\` opened here`, span: spanOf(cursor, open) }],
    help: `add the missing \`${text}\``,
  });
}

function helpInBrackets(cursor: Cursor, close: string): string | undefined {
  const token = peek(cursor);
  const before = last(cursor);
  if (token.text === "=" && before.kind === "name")
    return close === ")"
      ? `an attribute is given with \`:\`, as in \`${before.text}: ...\`; to compare, write \`==\``
      : "to compare, write `==`";
  if (token.text === ";") return "`;` stands only in the parameters of a declaration; a call separates all its arguments with `,`";
  if (token.kind === "symbol" && !["(", "[", "@", "..."].includes(token.text)) return undefined;
  if (token.text === "(" && before.kind === "name" && !isAdjacent(cursor))
    return `a call has no space before its \`(\`: \`${before.text}(...)\``;
  return "put `,` between the two, or an operator";
}

/** A bracket that stays open swallows lines; the mistake is said at the first that clearly begins a statement. */
function returnToLine(cursor: Cursor, opening: number): void {
  for (let i = opening + 1; i < cursor.position; i++) {
    if (!beginsLine(cursor, i) || !beginsStatement(cursor, i)) continue;
    cursor.position = i;
    return;
  }
}

export function beginsLine(cursor: Cursor, position: number): boolean {
  return position === 0 || cursor.tokens[position - 1]?.line !== cursor.tokens[position]?.line;
}

function beginsStatement(cursor: Cursor, position: number): boolean {
  const [token, next] = [cursor.tokens[position], cursor.tokens[position + 1]];
  if (token?.text === "let") return next?.kind === "name" || next?.text === "[" || next?.text === "(";
  return token?.text === "require" || isDeclarationStart(cursor, position);
}

/** Words that go on with an expression: before one, a keyword is but a name. */
const goesOn = ["and", "or", "then", "else", "in", "where", "by", "at"];

/** A declaration's keyword and name at the beginning of a line, not indented or before what must follow; or its documentation. */
export function isDeclarationStart(cursor: Cursor, position: number): boolean {
  let start = position;
  while (cursor.tokens[start]?.kind === "doc") start++;
  const [token, name, next] = cursor.tokens.slice(start, start + 3);
  const isKeyword = token?.kind === "name" && declarationKeywords.some((keyword) => keyword === token.text);
  if (!isKeyword || !beginsLine(cursor, start) || name?.kind !== "name" || name.line !== token.line) return false;
  if (goesOn.includes(name.text)) return false;
  return token.column === 1 || next?.text === "(" || next?.text === "on";
}

/** Round and square brackets pair up as they come; a brace ends all that are open. */
function pairBrackets(tokens: readonly Token[]): Int32Array {
  const partners = new Int32Array(tokens.length).fill(-1);
  let open: number[] = [];
  tokens.forEach(({ kind, text }, i) => {
    if (kind !== "symbol") return;
    if (text === "{" || text === "}") open = [];
    else if (text === "(" || text === "[") open.push(i);
    else if (text === ")" || text === "]") {
      const partner = open.pop();
      if (partner === undefined) return;
      partners[partner] = i;
      partners[i] = partner;
    }
  });
  return partners;
}
