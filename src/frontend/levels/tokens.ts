/**
 * Tokens of the levels' texts, and a cursor over them. Line breaks mean nothing; `#` begins a comment.
 * A grammar calls the cursor and stops at its first mistake; `recover` then goes on at the next line that begins an item.
 */
import { createToken, type IToken, Lexer } from "chevrotain";
import { namePattern, numberPattern } from "../../ir/print_literal.ts";
import { type Checked, type Diagnostic, errorDiagnostic, hasErrors, type Span } from "../../support/diagnostic.ts";

export type TokenKind = "number" | "name" | "quoted" | "string" | "symbol" | "end";
export type Token = { readonly kind: TokenKind; readonly text: string; readonly start: number; readonly end: number };

/** Longest first where one begins with another. */
const symbols = "-> += *= == != <= >= // + - * / % & < > = ( ) [ ] { } , ; :".split(" ");

const blank = createToken({ name: "blank", pattern: /\s+/, line_breaks: true, group: Lexer.SKIPPED });
const comment = createToken({ name: "comment", pattern: /#[^\n]*/, group: Lexer.SKIPPED });
const number = createToken({ name: "number", pattern: numberPattern });
const name = createToken({ name: "name", pattern: namePattern });
const quoted = createToken({ name: "quoted", pattern: /`(?:[^`\\\n]|\\.)*`/ });
const string = createToken({ name: "string", pattern: /"(?:[^"\\\n]|\\.)*"/ });
const lexer = new Lexer(
  [blank, comment, number, name, quoted, string, ...symbols.map((symbol) => createToken({ name: symbol, pattern: symbol }))],
  { positionTracking: "onlyOffset", ensureOptimizations: false },
);

/** Deeper nesting than any program has; the parsers are recursive and the stack is not endless. */
const deepest = 800;

export type Cursor = {
  readonly file: string;
  readonly text: string;
  readonly tokens: readonly Token[];
  readonly diagnostics: Diagnostic[];
  position: number;
  depth: number;
};

/** Where a grammar gives up; never leaves `recover`. */
class Stop extends Error {}

/** `length` characters from `from` on are read; offsets are those of the whole text. */
export function createCursor(text: string, file: string, end = text.length): Cursor {
  const lexed = lexer.tokenize(text.slice(0, end));
  const diagnostics = lexed.errors.map(({ offset, length }) =>
    errorDiagnostic("stray-character", `\`${text.slice(offset, offset + length)}\` does not belong here`, {
      span: { file, start: offset, end: offset + length },
    }),
  );
  const tokens = lexed.tokens.map(toToken);
  tokens.push({ kind: "end", text: "", start: end, end });
  return { file, text, tokens, diagnostics, position: 0, depth: 0 };
}

function toToken(token: IToken): Token {
  const kinds: { readonly [name: string]: TokenKind } = { number: "number", name: "name", quoted: "quoted", string: "string" };
  const start = token.startOffset;
  return { kind: kinds[token.tokenType.name] ?? "symbol", text: token.image, start, end: start + token.image.length };
}

export function peek(cursor: Cursor, ahead = 0): Token {
  return cursor.tokens[Math.min(cursor.position + ahead, cursor.tokens.length - 1)] as Token;
}

/** Whether the next token is this symbol or plain word. */
export function at(cursor: Cursor, text: string, ahead = 0): boolean {
  const token = peek(cursor, ahead);
  return token.text === text && (token.kind === "symbol" || token.kind === "name");
}

export function atEnd(cursor: Cursor): boolean {
  return peek(cursor).kind === "end";
}

export function advance(cursor: Cursor): Token {
  const token = peek(cursor);
  if (token.kind !== "end") cursor.position++;
  return token;
}

export function eat(cursor: Cursor, text: string): boolean {
  if (!at(cursor, text)) return false;
  cursor.position++;
  return true;
}

export function take(cursor: Cursor, text: string): Token {
  if (!at(cursor, text)) fail(cursor, `\`${text}\``);
  return advance(cursor);
}

/** One of several words, the one that is there. */
export function takeWord<W extends string>(cursor: Cursor, words: readonly W[]): W {
  const found = words.find((word) => at(cursor, word));
  if (found === undefined) return fail(cursor, words.map((word) => `\`${word}\``).join(" or "));
  advance(cursor);
  return found;
}

export function isNameToken(token: Token): boolean {
  return token.kind === "name" || token.kind === "quoted";
}

export function takeName(cursor: Cursor, what = "a name"): string {
  if (!isNameToken(peek(cursor))) fail(cursor, what);
  const token = advance(cursor);
  return token.kind === "name" ? token.text : unquote(cursor, token, token.text.slice(1, -1));
}

export function takeString(cursor: Cursor): string {
  if (peek(cursor).kind !== "string") fail(cursor, "a text in quotes");
  const token = advance(cursor);
  return unquote(cursor, token, token.text.slice(1, -1));
}

/** A number with its sign and the type after `_`, if it has one. */
export function takeTypedNumber(cursor: Cursor): { value: number; suffix: string | undefined; text: string } {
  const negative = eat(cursor, "-");
  if (peek(cursor).kind !== "number") fail(cursor, "a number");
  const [text = "", suffix] = advance(cursor).text.split("_");
  const magnitude = text === "inf" ? Infinity : text === "nan" ? Number.NaN : Number(text);
  return { value: negative ? -magnitude : magnitude, suffix, text };
}

export function takeNumber(cursor: Cursor): number {
  const start = peek(cursor).start;
  const { value, suffix } = takeTypedNumber(cursor);
  if (suffix !== undefined) failAt(cursor, "syntax", `\`_${suffix}\` does not belong here: a number without a type is needed`, start);
  return value;
}

/** A whole number of at least `low`. */
export function takeInteger(cursor: Cursor, low: number, what: string): number {
  const start = peek(cursor).start;
  const value = takeNumber(cursor);
  if (Number.isSafeInteger(value) && value >= low) return value;
  return failAt(cursor, "not-an-integer", `${what} is a whole number of at least ${low}, and this is ${value}`, start);
}

/** What `item` reads, between brackets and commas. */
export function takeList<T>(cursor: Cursor, open: string, close: string, item: () => T): T[] {
  take(cursor, open);
  const items: T[] = [];
  while (!at(cursor, close)) {
    items.push(item());
    if (!eat(cursor, ",")) break;
  }
  take(cursor, close);
  return items;
}

/** Names between commas, at least one. */
export function takeNames(cursor: Cursor): string[] {
  const names = [takeName(cursor)];
  while (eat(cursor, ",")) names.push(takeName(cursor));
  return names;
}

/** Reads one level deeper; garbage that nests without end is a mistake like any other. */
export function nested<T>(cursor: Cursor, read: () => T): T {
  if (cursor.depth >= deepest) failAt(cursor, "too-deep", `this nests more than ${deepest} deep`, peek(cursor).start);
  cursor.depth++;
  try {
    return read();
  } finally {
    cursor.depth--;
  }
}

export function fail(cursor: Cursor, expected: string): never {
  const token = peek(cursor);
  const found = token.kind === "end" ? "the end of the text" : `\`${token.text}\``;
  return failAt(cursor, "syntax", `expected ${expected}, found ${found}`, token);
}

/** Gives up over one token, or from an offset over what has been read since. */
export function failAt(cursor: Cursor, code: string, message: string, at: number | Token, help?: string): never {
  const span = typeof at === "number" ? spanFrom(cursor, at) : { file: cursor.file, start: at.start, end: at.end };
  cursor.diagnostics.push(errorDiagnostic(code, message, { span, help }));
  throw new Stop();
}

/** What has been read since `start`. */
export function spanFrom(cursor: Cursor, start: number): Span {
  const before = cursor.tokens[cursor.position - 1];
  const end = before && before.end > start ? before.end : peek(cursor).end;
  return { file: cursor.file, start, end: Math.max(start, end) };
}

/** The result of `read`, or undefined after a mistake, with the cursor at the next token that begins a line and an item. */
export function recover<T>(cursor: Cursor, read: () => T, beginsItem: (token: Token) => boolean = () => true): T | undefined {
  const began = cursor.position;
  const depth = cursor.depth;
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    cursor.depth = depth;
    if (cursor.position === began) advance(cursor);
    while (!atEnd(cursor) && !(beginsLine(cursor) && beginsItem(peek(cursor)))) advance(cursor);
    return undefined;
  }
}

/** The value, if nothing is wrong. */
export function finish<T>(cursor: Cursor, value: T | undefined): Checked<T> {
  const { diagnostics } = cursor;
  if (value !== undefined && !hasErrors(diagnostics)) return { value, diagnostics };
  return { diagnostics };
}

function beginsLine({ text, tokens, position }: Cursor): boolean {
  const start = tokens[position]?.start ?? 0;
  return start === 0 || text[start - 1] === "\n";
}

function unquote(cursor: Cursor, token: Token, inner: string): string {
  try {
    return JSON.parse(`"${inner}"`) as string;
  } catch {
    return failAt(cursor, "bad-escape", `${token.text} has an escape that JSON does not have`, token);
  }
}
