/** Texts with comments, blank lines, brackets and separators anywhere that they leave the meaning as it is. */
import { isDeepStrictEqual } from "node:util";
import { lex } from "../../src/frontend/lexer.ts";
import { parseSource } from "../../src/frontend/parse.ts";
import type { Declaration } from "../../src/ir/declaration.ts";
import { hasErrors } from "../../src/support/diagnostic.ts";
import type { Random } from "../../src/support/random.ts";
import { withoutSpans } from "./support.ts";

/** The declarations of a text without their spans; undefined when it has mistakes. */
export function meaningOf(text: string): readonly Declaration[] | undefined {
  const { value, diagnostics } = parseSource(text, "random.qn");
  return value && !hasErrors(diagnostics) ? withoutSpans(value.declarations) : undefined;
}

export function commentsOf(text: string): string[] {
  return lex(text, "random.qn").comments.map((comment) => comment.text.trimEnd());
}

/** Tries that many changes one after another, and keeps those that change nothing but the layout. */
export function disturb(text: string, changes: number, random: Random): string {
  const meaning = meaningOf(text);
  let current = text;
  for (let i = 0; i < changes; i++) {
    const next = change(current, i, random);
    if (isDeepStrictEqual(meaningOf(next), meaning)) current = next;
  }
  return current;
}

function change(text: string, number: number, random: Random): string {
  const { tokens } = lex(text, "random.qn");
  const position = random.integer(0, tokens.length - 1);
  const first = tokens[position];
  const last = tokens[Math.min(position + random.integer(0, 4), tokens.length - 2)];
  if (first && last && last.end >= first.end && random.uniform() < 0.3)
    return `${text.slice(0, first.start)}(${text.slice(first.start, last.end)})${text.slice(last.end)}`;
  const at = random.uniform() < 0.5 ? (first?.start ?? 0) : (tokens[position - 1]?.end ?? 0);
  const added = random.pick([
    ` # a${number}\n`,
    `\n  # b${number}\n`,
    `\n// c${number}\n`,
    `\n\n# d${number}\n\n`,
    "\n",
    "\n\n\n",
    "  ",
    ",",
    ";",
  ]);
  return text.slice(0, at) + added + text.slice(at);
}
