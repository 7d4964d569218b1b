/**
 * Puts comments and blank lines back into printed text. The text has the source's tokens in the source's order, but for
 * brackets and separators that need not be: a comment stands again behind the token it stood behind.
 */
import { invariant } from "../support/invariant.ts";
import { type Lexed, lex, type Token } from "./lexer.ts";

type Source = {
  readonly text: string;
  readonly lexed: Lexed;
  /** Where statements begin: a blank line before one stays. */
  readonly starts: ReadonlySet<number>;
};

/** What stands between two tokens of the source, besides blanks. */
type Gap = {
  readonly comments: readonly { readonly text: string; readonly endsLine: boolean; readonly blankBefore: boolean }[];
  /** A blank line before the next token. */
  readonly blankBefore: boolean;
  readonly hasBlank: boolean;
};

export function weaveComments(source: Source, declarations: readonly string[]): string {
  const printed = declarations.join("\n\n");
  const tokens = lex(printed, "").tokens.slice(0, -1);
  const authored = source.lexed.tokens.slice(0, -1).filter((token, i, all) => !isNothing(token, i, all));
  const origins = align(authored, tokens);
  const gaps = placeGaps(source, authored, origins, tokens);
  const beginnings = declarationStarts(declarations);
  const out: string[] = [];
  for (let i = 0; i <= tokens.length; i++) {
    const [previous, next] = [tokens[i - 1], tokens[i]];
    const between = printed.slice(previous?.end ?? 0, next?.start ?? printed.length);
    const gap = gaps.get(i) ?? emptyGap;
    const beginning = next && beginnings.get(next.start);
    const origin = authored[origins[i] ?? -1];
    const isStatement = origin !== undefined && source.starts.has(origin.start);
    if (beginning) out.push(betweenDeclarations(gap, beginning));
    else if (!next) out.push(atTheEnd(gap, previous !== undefined));
    else if (isStatement || next.text === "}") out.push(betweenStatements(gap, between, previous?.text === "{", next.text === "}"));
    else out.push(withinStatement(gap, between, next, lineIndent(printed, previous?.start ?? 0)));
    out.push(next?.text ?? "");
  }
  return out.join("");
}

const emptyGap: Gap = { comments: [], blankBefore: false, hasBlank: false };

/** Empty documentation and `-> ()` leave nothing in the tree. */
function isNothing(token: Token, position: number, tokens: readonly Token[]): boolean {
  const near = (offset: number) => tokens[position + offset];
  if (token.kind === "doc") return token.text.trim() === "///" && near(-1)?.kind !== "doc" && near(1)?.kind !== "doc";
  return [0, 1, 2].some((back) => ["->", "(", ")"].every((text, i) => near(i - back)?.text === text));
}

type Beginning = { readonly isFirst: boolean; readonly isApart: boolean };

/** By its offset, the first token of every declaration, and whether a blank line must stand before it. */
function declarationStarts(declarations: readonly string[]): Map<number, Beginning> {
  const starts = new Map<number, Beginning>();
  let offset = 0;
  declarations.forEach((text, i) => {
    const previous = (declarations[i - 1] ?? "").replace(/^(?:\/\/\/.*\n)*/, "");
    // One-line declarations may stand close together, and definitions that go on from one another.
    const areDefinitions = previous.startsWith("def ") && text.startsWith("def ");
    const isApart = text.startsWith("///") || previous.includes("\n") || (text.includes("\n") && !areDefinitions);
    starts.set(offset, { isFirst: i === 0, isApart });
    offset += text.length + 2;
  });
  return starts;
}

function betweenDeclarations(gap: Gap, { isFirst, isApart }: Beginning): string {
  const trailing = gap.comments.filter(({ endsLine }) => endsLine && !isFirst).map(({ text }) => ` ${text}`);
  const own = gap.comments.slice(trailing.length);
  const mustAdd = !isFirst && isApart && !gap.hasBlank;
  const lines = own.map(({ text, blankBefore }, i) => {
    const isBlank = (blankBefore && !(isFirst && i === 0)) || (i === 0 && mustAdd);
    return `${isFirst && i === 0 ? "" : "\n"}${isBlank ? "\n" : ""}${text}`;
  });
  const isBlank = (gap.blankBefore && !(isFirst && own.length === 0)) || (mustAdd && own.length === 0);
  const end = isFirst && own.length === 0 ? "" : "\n";
  return [...trailing, ...lines, end, isBlank ? "\n" : ""].join("");
}

function atTheEnd(gap: Gap, hasTokens: boolean): string {
  const parts = gap.comments.map(({ text, endsLine, blankBefore }, i) => {
    if (i === 0 && !hasTokens) return text;
    return endsLine ? ` ${text}` : `\n${blankBefore ? "\n" : ""}${text}`;
  });
  return hasTokens || parts.length > 0 ? `${parts.join("")}\n` : "";
}

function betweenStatements(gap: Gap, between: string, isFirst: boolean, isLast: boolean): string {
  const breaks = between.includes("\n");
  if (!breaks && gap.comments.length === 0) return between;
  const indent = between.slice(between.lastIndexOf("\n") + 1);
  const inner = isLast ? `${indent}  ` : indent;
  const parts = gap.comments.map(({ text, endsLine, blankBefore }, i) => {
    if (endsLine && i === 0) return ` ${text}`;
    return `\n${blankBefore && !(isFirst && i === 0) ? "\n" : ""}${inner}${text}`;
  });
  const keepsBlank = gap.blankBefore && !isLast && !(isFirst && gap.comments.length === 0);
  return `${parts.join("")}\n${keepsBlank ? "\n" : ""}${breaks ? indent : ""}`;
}

/** A line break must follow a comment; where the text has none, the rest goes on a little further in. */
function withinStatement(gap: Gap, between: string, next: Token, lineStart: string): string {
  if (gap.comments.length === 0) return between;
  const breaks = between.includes("\n");
  const indent = breaks ? between.slice(between.lastIndexOf("\n") + 1) : `${lineStart}    `;
  const inner = breaks && [")", "]"].includes(next.text) ? `${indent}  ` : indent;
  const parts = gap.comments.map(({ text, endsLine }, i) => (endsLine && i === 0 ? ` ${text}` : `\n${inner}${text}`));
  return `${parts.join("")}\n${indent}`;
}

function lineIndent(text: string, offset: number): string {
  return /^ */.exec(text.slice(text.lastIndexOf("\n", offset) + 1, offset))?.[0] ?? "";
}

const optional = ["(", ")", ",", ";"];

/** For every printed token the position of the one it stands for, or -1. */
function align(authored: readonly Token[], printed: readonly Token[]): number[] {
  const origins: number[] = printed.map(() => -1);
  let [i, k] = [0, 0];
  for (;;) {
    const [authoredEnd, printedEnd] = [skipOptional(authored, i), skipOptional(printed, k)];
    for (const [from, to] of common(authored, i, authoredEnd, printed, k, printedEnd)) origins[to] = from;
    const [left, right] = [authored[authoredEnd], printed[printedEnd]];
    if (!left && !right) return origins;
    invariant(left && right && isSame(left, right), `the printed text is not the source's: \`${left?.text}\` and \`${right?.text}\``);
    origins[printedEnd] = authoredEnd;
    [i, k] = [authoredEnd + 1, printedEnd + 1];
  }
}

function skipOptional(tokens: readonly Token[], from: number): number {
  let position = from;
  while (position < tokens.length && tokens[position]?.kind === "symbol" && optional.includes(tokens[position]?.text ?? "")) position++;
  return position;
}

function isSame(left: Token, right: Token): boolean {
  return left.kind === right.kind && (left.text === right.text || left.kind === "doc");
}

/** A longest common subsequence of two short runs, as pairs of positions. */
function common(
  left: readonly Token[],
  leftStart: number,
  leftEnd: number,
  right: readonly Token[],
  rightStart: number,
  rightEnd: number,
): [number, number][] {
  const [rows, columns] = [leftEnd - leftStart, rightEnd - rightStart];
  const lengths = Array.from({ length: rows + 1 }, () => new Array<number>(columns + 1).fill(0));
  const same = (i: number, k: number) => left[leftStart + i]?.text === right[rightStart + k]?.text;
  const at = (i: number, k: number) => lengths[i]?.[k] ?? 0;
  for (let i = rows - 1; i >= 0; i--)
    for (let k = columns - 1; k >= 0; k--)
      (lengths[i] as number[])[k] = same(i, k) ? at(i + 1, k + 1) + 1 : Math.max(at(i + 1, k), at(i, k + 1));
  const pairs: [number, number][] = [];
  for (let [i, k] = [0, 0]; i < rows && k < columns; ) {
    // Of several `)` the last are the same: brackets that come or go stand inside the others.
    const waits = left[leftStart + i]?.text === ")" && Math.max(at(i + 1, k), at(i, k + 1)) === at(i, k);
    if (same(i, k) && !waits) pairs.push([leftStart + i++, rightStart + k++]);
    else if (at(i + 1, k) >= at(i, k + 1)) i++;
    else k++;
  }
  return pairs;
}

/** What the source has before each printed token, by its position. */
function placeGaps(source: Source, authored: readonly Token[], origins: readonly number[], printed: readonly Token[]): Map<number, Gap> {
  const places = new Map<number, number>();
  origins.forEach((origin, position) => {
    if (origin >= 0) places.set(origin, position);
  });
  const { comments } = source.lexed;
  const collected = new Map<number, Gap>();
  let next = 0;
  let place = 0;
  for (let i = 0; i <= authored.length; i++) {
    const end = authored[i]?.start ?? source.text.length;
    let offset = authored[i - 1]?.end ?? 0;
    const found: Gap["comments"][number][] = [];
    for (let comment = comments[next]; comment && comment.start < end; comment = comments[++next]) {
      const between = source.text.slice(offset, comment.start);
      found.push({ text: comment.text.trimEnd(), endsLine: !between.includes("\n") && offset > 0, blankBefore: hasBlankLine(between) });
      offset = comment.end;
    }
    place = i === 0 ? 0 : (places.get(i - 1) ?? place - 1) + 1;
    if (found.length > 0) place = behindAdded(place, origins, printed);
    const blankBefore = hasBlankLine(source.text.slice(offset, end));
    const gap: Gap = { comments: found, blankBefore, hasBlank: blankBefore || found.some((comment) => comment.blankBefore) };
    collected.set(place, joinGaps(collected.get(place), gap));
  }
  return collected;
}

/** A comment stands behind separators and brackets that printing adds, and never before `//`, which would begin one. */
function behindAdded(place: number, origins: readonly number[], printed: readonly Token[]): number {
  let position = place;
  for (;;) {
    const token = printed[position];
    const isAdded = token && origins[position] === -1 && [")", ",", ";"].includes(token.text);
    if (!isAdded && token?.text !== "//") return position;
    position++;
  }
}

function joinGaps(first: Gap | undefined, second: Gap): Gap {
  if (!first) return second;
  const comments = [...first.comments, ...second.comments];
  return { comments, blankBefore: second.blankBefore, hasBlank: first.hasBlank || second.hasBlank };
}

function hasBlankLine(between: string): boolean {
  return /\n\s*\n/.test(between);
}
