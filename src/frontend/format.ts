/**
 * Source text laid out: the canonical text of its declarations, with the author's comments, blank lines and
 * spellings of numbers, kept parentheses included. Formatting twice changes nothing more, and never the meaning.
 */
import type { Declaration, StatementSyntax, StepSyntax, Syntax } from "../ir/declaration.ts";
import { spellDeclaration } from "../ir/print_declaration.ts";
import { canonicalSpelling, type Spelling } from "../ir/syntax_place.ts";
import { type Checked, hasErrors } from "../support/diagnostic.ts";
import type { Comment, Token } from "./lexer.ts";
import { parseWithTrivia, type Trivia } from "./parse.ts";
import { weaveComments } from "./weave_comments.ts";

/** The text, or the mistakes for which it cannot be laid out. */
export function formatSource(text: string, file: string): Checked<string> {
  const { value: trivia, diagnostics } = parseWithTrivia(text, file);
  if (hasErrors(diagnostics)) return { diagnostics };
  const spelling = createSpelling(text, trivia);
  const { declarations } = trivia.source;
  const written = declarations.map((declaration) => spellDeclaration(declaration, spelling));
  const starts = new Set(declarations.flatMap(startsWithin));
  return { value: weaveComments({ text, lexed: trivia.lexed, starts }, written), diagnostics };
}

/** Where statements and steps begin: blank lines before them stay. */
function startsWithin(declaration: Declaration): number[] {
  if (declaration.kind === "sketch" || declaration.kind === "schedule") return declaration.steps.flatMap(startsInStep);
  return declaration.kind === "def" || declaration.kind === "rule" ? [] : declaration.body.flatMap(startsInStatement);
}

function startsInStatement(statement: StatementSyntax): number[] {
  const { start } = statement.span;
  if (statement.kind === "for") return [start, ...statement.body.flatMap(startsInStatement)];
  if (statement.kind !== "when") return [start];
  return [start, ...[...statement.whenTrue, ...statement.otherwise].flatMap(startsInStatement)];
}

function startsInStep(step: StepSyntax): number[] {
  const { start } = step.span;
  return step.kind === "if" ? [start, ...[...step.whenTrue, ...step.whenFalse].flatMap(startsInStep)] : [start];
}

const atoms: ReadonlySet<Syntax["kind"]> = new Set([
  "number",
  "boolean",
  "string",
  "name",
  "list",
  "listFor",
  "tuple",
  "call",
  "access",
  "member",
  "inside",
]);

function createSpelling(text: string, { lexed, parentheses }: Trivia): Spelling {
  const { tokens, comments } = lexed;
  const hasComment = (start: number, end: number): boolean => {
    const first = comments[firstFrom(comments, start)];
    return first !== undefined && first.start < end;
  };
  const before = (offset: number): Token | undefined => tokens[firstFrom(tokens, offset) - 1];
  const bracketFrom = (offset: number, brackets: readonly string[]): number => {
    let position = firstFrom(tokens, offset);
    while (position < tokens.length - 1 && !brackets.includes(tokens[position]?.text ?? "")) position++;
    return tokens[position]?.start ?? offset;
  };
  return {
    ...canonicalSpelling,
    number: (syntax) => {
      const written = text.slice(syntax.span.start, syntax.span.end);
      const isSame = Object.is(Number(written), syntax.value) && /^\d/.test(written);
      return isSame ? written : canonicalSpelling.number(syntax);
    },
    parentheses: (syntax) => {
      const span = parentheses.get(syntax);
      if (!span) return "none";
      if (hasComment(span.start, span.end)) return "broken";
      return atoms.has(syntax.kind) ? "none" : "kept";
    },
    isComputed: ({ object, member }) => text.slice(object.span.end, member.span.start).includes("("),
    isRound: (pattern) => text[pattern.span.start] === "(",
    namesResult: ({ span }) => tokens[firstFrom(tokens, span.start) + 1]?.text === ":",
    isBraced: ({ span }) => before(span.start)?.text === "{",
    opensBody: ({ span }) => {
      const begins = text.slice(before(span.start)?.end ?? 0, span.start).includes("\n");
      return begins || hasComment(span.start, bracketFrom(span.end, ["}"]));
    },
    breaks: (start, end, toBracket) => {
      return hasComment(start, toBracket ? bracketFrom(end, [")", "]"]) : end);
    },
  };
}

/** The position of the first item that starts at the offset or after it. */
function firstFrom(items: readonly (Token | Comment)[], offset: number): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((items[middle]?.start ?? 0) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
