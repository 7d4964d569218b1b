/** Sketches and schedules: what they are for, and their steps. */
import type { ScheduleDeclaration, SketchDeclaration, StepSyntax, Syntax } from "../ir/declaration.ts";
import { at, atOneOf, type Cursor, eat, expected, nested, onSameLine, peek, spanFrom, take, takeName } from "./parser_cursor.ts";
import { parseExpression, parseItem, parseOr, parseProduct } from "./parser_expressions.ts";
import { parseBlock } from "./parser_statements.ts";

type Axis = SketchDeclaration["axes"][number];
type Clause = Extract<StepSyntax, { kind: "step" }>["clauses"][number];

/** Words that begin a further clause of a step, on its line. */
const clauseWords = ["by", "at", "in", "into", "packed", "tail", "to", "with"];

/** From `on` on: `on wasm for sum(a * b) axis f = last parallel where c { steps }` */
export function parseSketch(cursor: Cursor): Pick<SketchDeclaration, "target" | "structure" | "producer" | "axes" | "where" | "steps"> {
  const target = parseTarget(cursor, "write `sketch NAME on wasm for sum(a * b) { ... }`");
  take(cursor, "for", "and the structure of what it schedules", "write `for sum(a * b)`");
  const structure = parseProduct(cursor);
  const producer = eat(cursor, "with") ? parseProducer(cursor) : undefined;
  const axes: Axis[] = [];
  while (at(cursor, "axis")) axes.push(parseAxis(cursor, producer?.tensor));
  const where = eat(cursor, "where") ? parseOr(cursor) : undefined;
  return { target, structure, ...(producer ? { producer } : {}), axes, ...(where ? { where } : {}), steps: parseSteps(cursor) };
}

/** From `on` on: `on wasm for conv_2 { steps }` */
export function parseSchedule(cursor: Cursor): Pick<ScheduleDeclaration, "target" | "layer" | "steps"> {
  const target = parseTarget(cursor, "the model's name comes first: write `schedule MODEL on wasm for LAYER { ... }`");
  take(cursor, "for", "and the layer it schedules", "write `for conv_2`: the name of a value in the model");
  let layer = takeName(cursor, "the name of a layer");
  while (eat(cursor, ".")) {
    const isPart = peek(cursor).kind === "name" || peek(cursor).kind === "number";
    if (!isPart) expected(cursor, "a name or a number after `.`");
    layer += `.${peek(cursor).text}`;
    cursor.position++;
  }
  return { target, layer, steps: parseSteps(cursor) };
}

/** `on wasm` */
export function parseTarget(cursor: Cursor, help: string): string {
  take(cursor, "on", "and a target, `wasm` or `webgpu`", help);
  return takeName(cursor, "a target after `on`", "the targets are wasm, webgpu and reference");
}

/** After `with`: `a = sum(x * k)` */
function parseProducer(cursor: Cursor): NonNullable<SketchDeclaration["producer"]> {
  const tensor = takeName(cursor, "the name of an operand after `with`");
  take(cursor, "=", `after \`${tensor}\``, "write `with a = sum(x * k)`");
  return { tensor, structure: parseProduct(cursor) };
}

/** `axis f = last parallel where uses(b, f) optional`; `axis c of a = ...` is a loop of the nest that computes `a`. */
function parseAxis(cursor: Cursor, producer: string | undefined): Axis {
  const { start } = take(cursor, "axis");
  const name = takeName(cursor, "a name after `axis`");
  const of = eat(cursor, "of") ? peek(cursor).text : undefined;
  if (of !== undefined && of !== producer)
    expected(cursor, "the operand that `with` names", { help: "write `sketch name on wasm for sum(a * b) with a = sum(x * k)`" });
  if (of !== undefined) cursor.position++;
  take(cursor, "=", `after \`${name}\``, `write \`axis ${name} = last parallel\``);
  const which = takeOneOf(cursor, ["first", "last"]);
  const kind = takeOneOf(cursor, ["parallel", "reduction"]);
  const where = eat(cursor, "where") ? parseOr(cursor) : undefined;
  const optional = eat(cursor, "optional");
  return { name, ...(of === undefined ? {} : { of }), which, kind, ...(where ? { where } : {}), optional, span: spanFrom(cursor, start) };
}

function takeOneOf<const T extends string>(cursor: Cursor, words: readonly [T, T]): T {
  const word = words.find((candidate) => at(cursor, candidate));
  if (word === undefined) return expected(cursor, `\`${words[0]}\` or \`${words[1]}\``, { help: "write `axis f = last parallel`" });
  cursor.position++;
  return word;
}

function parseSteps(cursor: Cursor): StepSyntax[] {
  return parseBlock(cursor, "and the steps", parseStep, "steps stand between `{` and `}`");
}

export function parseStep(cursor: Cursor): StepSyntax {
  const { start } = peek(cursor);
  if (eat(cursor, "let")) {
    const name = takeName(cursor, "a name after `let`");
    take(cursor, "=", `after \`${name}\``);
    return { kind: "let", name, value: parseExpression(cursor), span: spanFrom(cursor, start) };
  }
  if (eat(cursor, "if")) {
    const condition = parseOr(cursor);
    const whenTrue = parseSteps(cursor);
    const whenFalse = eat(cursor, "else") ? parseOtherwise(cursor) : [];
    return { kind: "if", condition, whenTrue, whenFalse, span: spanFrom(cursor, start) };
  }
  const clauses = [parseClause(cursor)];
  while (atOneOf(cursor, clauseWords) && onSameLine(cursor)) clauses.push(parseClause(cursor));
  return { kind: "step", clauses, span: spanFrom(cursor, start) };
}

function parseOtherwise(cursor: Cursor): StepSyntax[] {
  return at(cursor, "if") ? [nested(cursor, () => parseStep(cursor))] : parseSteps(cursor);
}

/** A word and what follows it on its line. */
function parseClause(cursor: Cursor): Clause {
  const { start } = peek(cursor);
  const keyword = takeName(cursor, "a schedule step", "a step begins with its name: `split ow by 4`");
  const isBare = at(cursor, ";") || at(cursor, "}") || atOneOf(cursor, clauseWords) || !onSameLine(cursor);
  const args: Syntax[] = isBare ? [] : [parseItem(cursor)];
  while (!isBare && eat(cursor, ",")) args.push(parseItem(cursor));
  return { keyword, arguments: args, span: spanFrom(cursor, start) };
}
