/** Source text to its declarations, with all mistakes of the syntax. Never throws. */
import type { SourceFile, Syntax } from "../ir/declaration.ts";
import type { ParsedFile } from "../ir/parsed_file.ts";
import type { Checked, Span } from "../support/diagnostic.ts";
import { type Lexed, lex } from "./lexer.ts";
import { createCursor } from "./parser_cursor.ts";
import { parseDeclarations } from "./parser_declarations.ts";

export function parseSource(text: string, file: string): Checked<SourceFile> {
  const { value, diagnostics } = parseWithTrivia(text, file);
  return { value: value.source, diagnostics };
}

/** What the syntax tree leaves out and the formatter keeps. */
export type Trivia = { readonly source: ParsedFile; readonly lexed: Lexed; readonly parentheses: ReadonlyMap<Syntax, Span> };

export function parseWithTrivia(text: string, file: string): Checked<Trivia> & { readonly value: Trivia } {
  const lexed = lex(text, file);
  const cursor = createCursor(lexed, file);
  const { declarations, broken } = parseDeclarations(cursor);
  const source: ParsedFile = { file, declarations, ...(broken.length > 0 ? { broken } : {}) };
  const diagnostics = [...cursor.found].sort((a, b) => (a.span?.start ?? 0) - (b.span?.start ?? 0));
  return { value: { source, lexed, parentheses: cursor.parentheses }, diagnostics };
}
