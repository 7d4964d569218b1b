/**
 * The tokens of the surface language. Keywords are names: a word is a keyword only where the grammar asks for it.
 * Comments are kept apart from the tokens, for the formatter; documentation (`///`) is a token.
 */
import { createToken, type ILexerConfig, type IToken, Lexer, type TokenType } from "chevrotain";
import { type Diagnostic, errorDiagnostic, type Span } from "../support/diagnostic.ts";

export type Token = {
  readonly kind: "name" | "number" | "string" | "symbol" | "doc" | "end";
  /** As written; a string keeps its quotes. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** Counted from 1. */
  readonly line: number;
  /** Counted from 1. */
  readonly column: number;
};

export type Comment = { readonly text: string; readonly start: number; readonly end: number };

export type Lexed = {
  /** Closed by one token of kind `end`. */
  readonly tokens: readonly Token[];
  readonly comments: readonly Comment[];
  readonly diagnostics: readonly Diagnostic[];
  /** Lines with a lexical mistake: what the parser finds on them follows from it. */
  readonly faultyLines: ReadonlySet<number>;
};

/** Longest first where one begins with another. */
const symbols = "... .. |> -> => == != <= >= // + - * / % < > = ( ) [ ] { } , ; : . @ |".split(" ");

const documentation = createToken({
  name: "documentation",
  pattern: (text, offset) => (beginsLine(text, offset) ? matchAt(/\/\/\/[^\n\r]*/y, text, offset) : null),
  line_breaks: false,
  start_chars_hint: ["/"],
});

/** `# ...` anywhere; `// ...` where it begins a line, since elsewhere `//` divides. */
const comment = createToken({
  name: "comment",
  pattern: (text, offset) =>
    matchAt(/#[^\n]*/y, text, offset) ?? (beginsLine(text, offset) ? matchAt(/\/\/(?=\s)[^\n]*/y, text, offset) : null),
  line_breaks: false,
  start_chars_hint: ["#", "/"],
  group: "comments",
});

/** Straight after a `.` only digits: `blocks.0.1` takes two elements. */
const digits = /\d+/y;
const decimal = /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const number = createToken({
  name: "number",
  pattern: (text, offset, matched) => {
    const last = matched.at(-1);
    const isMember = last?.image === "." && last.startOffset + 1 === offset;
    return matchAt(isMember ? digits : decimal, text, offset);
  },
  line_breaks: false,
  start_chars_hint: [..."0123456789"],
});

const name = createToken({ name: "name", pattern: /[A-Za-z_][A-Za-z0-9_]*/ });
const string = createToken({ name: "string", pattern: /"[^"\n]*"/ });
/** Not in the language, but meant as a string. */
const quoted = createToken({ name: "quoted", pattern: /'[^'"\n]*'/ });
const openString = createToken({ name: "open string", pattern: /"[^"\n\r]*/ });
const blank = createToken({ name: "blank", pattern: /\s+/, line_breaks: true, group: Lexer.SKIPPED });
const symbolTokens = symbols.map((symbol) => createToken({ name: symbol, pattern: symbol }));

export const languageTokens: readonly TokenType[] = [
  blank,
  documentation,
  comment,
  number,
  name,
  string,
  quoted,
  openString,
  ...symbolTokens,
];

export const lexerOptions: ILexerConfig = {
  lineTerminatorsPattern: /\n/g,
  lineTerminatorCharacters: ["\n"],
  // Where a token ends follows from its text.
  positionTracking: "onlyStart",
};

// That the tokens are well defined is looked into by a test, and not whenever the compiler starts.
const lexer = new Lexer([...languageTokens], { ...lexerOptions, skipValidations: true });

const kinds = new Map<TokenType, Token["kind"]>([
  [documentation, "doc"],
  [number, "number"],
  [name, "name"],
  [string, "string"],
  [quoted, "string"],
  [openString, "string"],
]);

/** What those used to other languages may mean. */
const meant: { readonly [characters: string]: string } = {
  "&": "write `and`",
  "&&": "write `and`",
  "!": "write `not`",
  "^": "write a product, or call an operator",
  "'": 'a string stands between `"`',
  "`": 'a string stands between `"`',
  "?": "write `if c then a else b`",
  "~": "write `not`",
  "\\": "write nothing: an expression goes on inside brackets and after an operator",
};

export function lex(text: string, file: string): Lexed {
  const result = lexer.tokenize(text);
  const diagnostics: Diagnostic[] = [];
  const faultyLines = new Set<number>();
  for (const { offset, length, line } of result.errors) {
    const characters = text.slice(offset, offset + length);
    diagnostics.push(
      errorDiagnostic("bad-character", `\`${characters}\` has no meaning in the language`, {
        span: { file, start: offset, end: offset + length },
        help: meant[characters] ?? "remove it; only comments and strings hold such characters",
      }),
    );
    faultyLines.add(line ?? 0);
  }
  const tokens = result.tokens.map((token): Token => {
    if (token.tokenType !== openString && token.tokenType !== quoted) return toToken(token);
    const span = { file, start: token.startOffset, end: token.startOffset + token.image.length };
    faultyLines.add(token.startLine ?? 0);
    diagnostics.push(token.tokenType === quoted ? wronglyQuoted(token.image, span) : unterminated(span));
    return { ...toToken(token), text: `"${token.image.replace(/^['"]|'$/g, "")}"` };
  });
  const lastLine = text.split("\n").length;
  const comments = result.groups.comments ?? [];
  return {
    tokens: [...tokens, { kind: "end", text: "", start: text.length, end: text.length, line: lastLine, column: 0 }],
    comments: comments.map(({ image, startOffset }) => ({ text: image, start: startOffset, end: startOffset + image.length })),
    diagnostics,
    faultyLines,
  };
}

function toToken({ tokenType, image, startOffset, startLine, startColumn }: IToken): Token {
  return {
    kind: kinds.get(tokenType) ?? "symbol",
    text: image,
    start: startOffset,
    end: startOffset + image.length,
    line: startLine ?? 0,
    column: startColumn ?? 0,
  };
}

function unterminated(span: Span): Diagnostic {
  return errorDiagnostic("unterminated-string", "the string does not end on its line", {
    span,
    help: 'close it with `"`; a string has no line breaks',
  });
}

function wronglyQuoted(text: string, span: Span): Diagnostic {
  return errorDiagnostic("bad-character", "`'` has no meaning in the language", { span, help: `write \`"${text.slice(1, -1)}"\`` });
}

function beginsLine(text: string, offset: number): boolean {
  for (let i = offset - 1; i >= 0 && text[i] !== "\n"; i--) if (!/\s/.test(text[i] as string)) return false;
  return true;
}

function matchAt(pattern: RegExp, text: string, offset: number): RegExpExecArray | null {
  pattern.lastIndex = offset;
  return pattern.exec(text);
}
