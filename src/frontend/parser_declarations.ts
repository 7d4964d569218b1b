/** Declarations, and how the parser goes on after one that is broken. */
import type { Declaration } from "../ir/declaration.ts";
import { hasErrors, type Span } from "../support/diagnostic.ts";
import { nearest } from "../support/nearest.ts";
import {
  advance,
  at,
  type Cursor,
  declarationKeywords,
  eat,
  fail,
  inside,
  isDeclarationStart,
  listUntil,
  peek,
  report,
  spanFrom,
  spanOf,
  stop,
  take,
  takeName,
  takeString,
} from "./parser_cursor.ts";
import { parseExpression } from "./parser_expressions.ts";
import { parseParameters, parseResults } from "./parser_heads.ts";
import { parseSchedule, parseSketch, parseStep, parseTarget } from "./parser_schedules.ts";
import { parseBlock, parseBody, parseStatement, recovering } from "./parser_statements.ts";

type Keyword = (typeof declarationKeywords)[number];
type Common = { readonly name: string; readonly nameSpan: Span; readonly documentation: string };

export type Declarations = {
  readonly declarations: readonly Declaration[];
  /** Names of the declarations that have a mistake and are left out. */
  readonly broken: readonly string[];
};

export function parseDeclarations(cursor: Cursor): Declarations {
  const declarations: Declaration[] = [];
  const broken: string[] = [];
  while (peek(cursor).kind !== "end") {
    cursor.depth = 0;
    cursor.inBranch = false;
    cursor.nesting = 0;
    const begin = cursor.position;
    cursor.begin = begin;
    const known = cursor.found.length;
    const declaration = recovering(
      cursor,
      () => parseDeclaration(cursor),
      () => skipDeclaration(cursor, begin),
    );
    if (declaration && isTooDeep(declaration, cursor.position - begin))
      report(cursor, "too-deep", `\`${declaration.name}\` holds an expression of more than ${deepestTree} levels`, {
        span: declaration.nameSpan,
        help: "name parts of it with `let`",
      });
    const isFine = !hasErrors(cursor.found.slice(known)) && !hasFaultyLine(cursor, begin);
    if (declaration && isFine) declarations.push(declaration);
    else broken.push(...nameAfter(cursor, begin));
  }
  return { declarations, broken };
}

/** Documentation, a keyword, a name, and what the keyword asks for. */
function parseDeclaration(cursor: Cursor): Declaration {
  const documentation = takeDocumentation(cursor);
  const { start } = peek(cursor);
  const keyword = takeKeyword(cursor);
  const nameStart = peek(cursor).start;
  const name = takeName(cursor, `a name after \`${keyword}\``, `write \`${keyword} some_name\`: letters, digits and _, a letter first`);
  const common: Common = { name, nameSpan: spanFrom(cursor, nameStart), documentation };
  const declaration = parseRest(cursor, keyword, common);
  return { ...declaration, span: spanFrom(cursor, start) };
}

type WithoutSpan<T> = T extends unknown ? Omit<T, "span"> : never;

function parseRest(cursor: Cursor, keyword: Keyword, common: Common): WithoutSpan<Declaration> {
  const whose = `the ${nouns[keyword]} \`${common.name}\``;
  switch (keyword) {
    case "def":
      return parseDefinition(cursor, common, whose);
    case "op": {
      const { operands, attributes } = parseParameters(cursor, whose, { scopes: false, attributes: true });
      const notation = parseNotation(cursor);
      const results = parseResults(cursor);
      return { kind: keyword, ...common, operands, attributes, ...(notation ? { notation } : {}), results, body: parseBody(cursor) };
    }
    case "fn": {
      const parameters = parseParameters(cursor, whose, { scopes: true, attributes: true });
      const results = parseResults(cursor);
      return { kind: keyword, ...common, ...parameters, results, body: parseBody(cursor) };
    }
    case "model": {
      const { operands } = parseParameters(cursor, whose, { scopes: false, attributes: false });
      const results = parseResults(cursor);
      return { kind: keyword, ...common, inputs: operands, results, body: parseBody(cursor) };
    }
    case "rule":
      return parseRule(cursor, common, whose);
    case "sketch":
      return { kind: keyword, ...common, ...parseSketch(cursor) };
    case "schedule":
      return { kind: keyword, ...common, ...parseSchedule(cursor) };
  }
}

const nouns: { readonly [keyword in Keyword]: string } = {
  def: "definition",
  op: "operator",
  fn: "function",
  model: "model",
  rule: "rule",
  sketch: "sketch",
  schedule: "schedule",
};

/** `def broadcast(s, t) = e`; the body goes on over lines. */
function parseDefinition(cursor: Cursor, common: Common, whose: string): WithoutSpan<Declaration> {
  const parameters = inside(cursor, "(", `and the parameters of ${whose}`, () =>
    listUntil(cursor, ")", () => takeName(cursor, "the name of a parameter")),
  );
  take(cursor, "=", "and an expression", at(cursor, "{") ? "a `def` is one expression: `def f(x) = x + 1`" : undefined);
  cursor.depth++;
  const body = parseExpression(cursor);
  cursor.depth--;
  return { kind: "def", ...common, parameters, body };
}

/** From behind the name on: `rule name on webgpu (x: [n]): pattern => replacement where condition when condition reassociates` */
function parseRule(cursor: Cursor, common: Common, whose: string): WithoutSpan<Declaration> {
  const target = at(cursor, "on") ? parseTarget(cursor, "a rule for one target is `rule NAME on webgpu (x: [n]): ...`") : undefined;
  const { operands, attributes } = parseParameters(cursor, whose, { scopes: false, attributes: true });
  take(cursor, ":", "and the pattern", "a rule is `rule name(x: [n]): pattern => replacement`");
  cursor.depth++;
  const pattern = parseExpression(cursor);
  take(cursor, "=>", "between the two sides of a rule", at(cursor, "=") || at(cursor, "->") ? "write `=>`" : undefined);
  const replacement = parseExpression(cursor);
  const where = eat(cursor, "where") ? parseExpression(cursor) : undefined;
  const when = eat(cursor, "when") ? parseExpression(cursor) : undefined;
  cursor.depth--;
  const reassociates = eat(cursor, "reassociates");
  const conditions = { ...(where ? { where } : {}), ...(when ? { when } : {}) };
  return {
    kind: "rule",
    ...common,
    ...(target === undefined ? {} : { target }),
    operands,
    attributes,
    pattern,
    replacement,
    ...conditions,
    reassociates,
  };
}

function parseNotation(cursor: Cursor): { fixity: "infix" | "prefix"; symbol: string } | undefined {
  const fixity = at(cursor, "infix") ? "infix" : at(cursor, "prefix") ? "prefix" : undefined;
  if (!fixity) return undefined;
  advance(cursor);
  return { fixity, symbol: takeString(cursor, `a string after \`${fixity}\``, `write \`${fixity} "+"\``) };
}

function takeDocumentation(cursor: Cursor): string {
  const lines: string[] = [];
  while (peek(cursor).kind === "doc") lines.push(advance(cursor).text.replace(/^\/\/\/\s?/, ""));
  return lines.join("\n");
}

/** Words of other languages, and the keyword that declares the same. */
const synonyms: { readonly [word: string]: Keyword } = {
  func: "fn",
  function: "fn",
  operator: "op",
  network: "model",
  net: "model",
  rewrite: "rule",
};

const listed = `${declarationKeywords.slice(0, -1).join(", ")} or ${declarationKeywords.at(-1)}`;

/** The keyword; an unknown one that is close to one before a name is taken for it, so that the rest is still read. */
function takeKeyword(cursor: Cursor): Keyword {
  const token = peek(cursor);
  const keyword = declarationKeywords.find((candidate) => at(cursor, candidate));
  if (keyword) {
    advance(cursor);
    return keyword;
  }
  if (token.kind === "symbol" && [")", "]", "}"].includes(token.text))
    return fail(cursor, "unopened", `this \`${token.text}\` closes nothing`, { span: spanOf(cursor, token), help: "remove it" });
  if (token.kind === "end")
    return fail(cursor, "misplaced-documentation", "this documents nothing: no declaration follows", {
      span: spanOf(cursor, cursor.tokens[cursor.position - 1] ?? token),
      help: "write `#` for a comment",
    });
  const suggestion = token.kind === "name" ? (synonyms[token.text] ?? nearestKeyword(token.text)) : undefined;
  const message = token.kind === "name" ? `\`${token.text}\` begins no declaration` : "expected a declaration";
  const isStatement = ["let", "require", "for", "if"].includes(token.text);
  report(cursor, "unknown-declaration", token.kind === "name" ? message : `${message}, found ${shown(token.text)}`, {
    span: spanOf(cursor, token),
    help: suggestion
      ? `did you mean \`${suggestion}\`?`
      : isStatement
        ? "statements stand in the body of a model, a function or an operator"
        : `a declaration begins with ${listed}`,
  });
  if (!suggestion || peek(cursor, 1).kind !== "name") return stop();
  advance(cursor);
  return suggestion;
}

function nearestKeyword(word: string): Keyword | undefined {
  const found = nearest(word, declarationKeywords);
  return declarationKeywords.find((keyword) => keyword === found);
}

function shown(text: string): string {
  return text.startsWith('"') ? `the string ${text}` : `\`${text}\``;
}

/** To the next declaration. The body of the broken one is still searched for mistakes. */
function skipDeclaration(cursor: Cursor, begin: number): void {
  const isSchedule = [0, 1, 2].some((i) => ["sketch", "schedule"].includes(cursor.tokens[begin + i]?.text ?? ""));
  if (cursor.position === begin) advance(cursor);
  while (peek(cursor).kind !== "end" && !mayBeDeclaration(cursor)) {
    if (!at(cursor, "{")) advance(cursor);
    else if (isSchedule)
      recovering(
        cursor,
        () => parseBlock(cursor, "", parseStep),
        () => {},
      );
    else
      recovering(
        cursor,
        () => parseBlock(cursor, "", parseStatement),
        () => {},
      );
  }
}

/** Long chains nest to the left without the parser noticing, and everything after it walks trees by calling itself. */
const deepestTree = 500;

/** A level takes a token at least, but for a few that only wrap what they hold: most declarations are too short to be deep. */
function isTooDeep(declaration: Declaration, tokens: number): boolean {
  if (2 * tokens < deepestTree) return false;
  const waiting: { readonly node: unknown; readonly depth: number }[] = [{ node: declaration, depth: 0 }];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { node, depth } = next;
    if (depth > deepestTree) return true;
    if (typeof node !== "object" || node === null) continue;
    const deeper = Array.isArray(node) || !("kind" in node) ? depth : depth + 1;
    for (const child of Object.values(node)) waiting.push({ node: child, depth: deeper });
  }
  return false;
}

/** Between declarations, any word that begins a line without indentation. */
function mayBeDeclaration(cursor: Cursor): boolean {
  const { kind, text, column } = peek(cursor);
  const goesOn = ["then", "else", "and", "or", "in", "where", "when", "with", "axis", "reassociates"].includes(text);
  return isDeclarationStart(cursor, cursor.position) || (kind === "name" && column === 1 && !goesOn);
}

function hasFaultyLine(cursor: Cursor, begin: number): boolean {
  if (cursor.faultyLines.size === 0) return false;
  const final = cursor.tokens[cursor.position - 1]?.line ?? 0;
  for (let line = cursor.tokens[begin]?.line ?? 0; line <= final; line++) if (cursor.faultyLines.has(line)) return true;
  return false;
}

/** The name that a broken declaration would have had. */
function nameAfter(cursor: Cursor, begin: number): string[] {
  let position = begin;
  while (cursor.tokens[position]?.kind === "doc") position++;
  const name = cursor.tokens[position + 1];
  return name?.kind === "name" ? [name.text] : [];
}
