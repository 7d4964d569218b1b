/**
 * Declarations of the surface language as canonical text: two spaces, 120 columns, one statement to a line.
 * Parsing the text gives the declaration back, up to spans.
 */
import { group, hardLine, indented, joined, type Layout, line, renderLayout, softLine } from "../support/layout.ts";
import type {
  AttributeParameter,
  AttributeType,
  Declaration,
  DefDeclaration,
  OpDeclaration,
  ResultParameter,
  RuleDeclaration,
  ScheduleDeclaration,
  ScopeParameter,
  SketchDeclaration,
  StatementSyntax,
  StepSyntax,
  Syntax,
  TensorParameter,
  TypeSyntax,
} from "./declaration.ts";
import { brackets, flatText, inParentheses, layoutPattern, layoutSyntax, layoutType, layoutValue } from "./print_syntax.ts";
import {
  canonicalSpelling,
  endsInReducer,
  firstToken,
  inBrackets,
  onALine,
  operatorsOnALine,
  type Place,
  type Spelling,
  standsInParentheses,
  structurePlace,
} from "./syntax_place.ts";

const width = 120;

export function printDeclaration(declaration: Declaration): string {
  return spellDeclaration(declaration, canonicalSpelling);
}

/** Everything before the body, without the documentation. */
export function printSignature(declaration: OpDeclaration): string {
  return renderLayout(layoutOperatorHead(declaration, canonicalSpelling), width);
}

/** The statements of a body, one or more lines each. */
export function printBody(body: readonly StatementSyntax[]): string {
  const statements = body.map((statement, i) => layoutStatement(statement, body[i - 1], canonicalSpelling));
  return renderLayout(joined(statements, hardLine), width);
}

/** An expression as it stands inside brackets; outside, an `else` needs parentheses. */
export function printSyntax(expression: Syntax): string {
  return renderLayout(layoutSyntax(expression, inBrackets, canonicalSpelling), width);
}

/** A type as it stands after a parameter's name. */
export function printType(type: TypeSyntax): string {
  return renderLayout(layoutType(type, canonicalSpelling), width);
}

/** With the author's choices where the tree leaves some. */
export function spellDeclaration(declaration: Declaration, spelling: Spelling): string {
  return renderLayout([layoutDocumentation(declaration.documentation), layoutDeclaration(declaration, spelling)], width);
}

function layoutDocumentation(documentation: string): Layout {
  if (documentation === "") return [];
  return documentation.split("\n").map((text): Layout => [text === "" ? "///" : `/// ${text}`, hardLine]);
}

function layoutDeclaration(declaration: Declaration, spelling: Spelling): Layout {
  switch (declaration.kind) {
    case "def":
      return layoutDefinition(declaration, spelling);
    case "op":
      return layoutWithBody(declaration, layoutOperatorParameters(declaration, spelling), spelling);
    case "fn": {
      const { operands, scopes, attributes } = declaration;
      return layoutWithBody(declaration, layoutParameters(declaration, operands, scopes, attributes, spelling), spelling);
    }
    case "model":
      return layoutWithBody(declaration, layoutParameters(declaration, declaration.inputs, [], [], spelling), spelling);
    case "rule":
      return layoutRule(declaration, spelling);
    case "sketch":
      return layoutSketch(declaration, spelling);
    case "schedule":
      return layoutSchedule(declaration, spelling);
  }
}

function layoutOperatorHead(declaration: OpDeclaration, spelling: Spelling): Layout {
  return [`op ${declaration.name}`, layoutOperatorParameters(declaration, spelling), layoutResults(declaration.results, spelling)];
}

function layoutOperatorParameters(declaration: OpDeclaration, spelling: Spelling): Layout {
  const { operands, attributes, notation } = declaration;
  const symbol = notation ? ` ${notation.fixity} "${notation.symbol}"` : "";
  return [layoutParameters(declaration, operands, [], attributes, spelling), symbol];
}

function layoutDefinition({ name, parameters, body }: DefDeclaration, spelling: Spelling): Layout {
  return layoutValue(`def ${name}(${parameters.join(", ")}) =`, body, inBrackets, spelling);
}

function layoutRule(rule: RuleDeclaration, spelling: Spelling): Layout {
  const { operands, attributes, pattern, replacement, where, when, reassociates } = rule;
  const side = (syntax: Syntax, isLast: boolean) =>
    isLast && reassociates ? layoutBeforeWord(syntax, inBrackets, spelling) : layoutSyntax(syntax, inBrackets, spelling);
  const head = [
    `rule ${rule.name}${rule.target === undefined ? "" : ` on ${rule.target} `}`,
    layoutParameters(rule, operands, [], attributes, spelling),
    ":",
  ];
  const sides = group(
    [line, side(pattern, false), line, "=> ", side(replacement, !where && !when)],
    spelling.breaks(pattern.span.start, replacement.span.end),
  );
  const legal = where ? [line, "where ", indented(side(where, !when))] : [];
  const worthwhile = when ? [line, "when ", indented(side(when, true))] : [];
  const broken = spelling.breaks(pattern.span.start, (when ?? where ?? replacement).span.end);
  return group([head, indented([sides, legal, worthwhile, reassociates ? " reassociates" : ""])], broken);
}

/** `(x: [n, c], @w; stride: int = 1)`; tensors and scopes keep the order in which they are written. */
function layoutParameters(
  declaration: Declaration,
  operands: readonly TensorParameter[],
  scopes: readonly ScopeParameter[],
  attributes: readonly AttributeParameter[],
  spelling: Spelling,
): Layout {
  const leading = [
    ...operands.map((operand) => ({ start: operand.span.start, shown: layoutOperand(operand, spelling) })),
    ...scopes.map((scope) => ({ start: scope.span.start, shown: `@${scope.name}` })),
  ].sort((a, b) => a.start - b.start);
  const before = joined(
    leading.map(({ shown }) => shown),
    [",", line],
  );
  const after = joined(
    attributes.map((attribute) => layoutAttribute(attribute, spelling)),
    [",", line],
  );
  if (leading.length + attributes.length === 0) return "()";
  const end = Math.max(...[...operands, ...scopes, ...attributes].map(({ span }) => span.end));
  return group(
    ["(", indented([softLine, before, attributes.length > 0 ? [";", line, after] : []]), softLine, ")"],
    spelling.breaks(declaration.nameSpan.end, end, "to-bracket"),
  );
}

function layoutOperand({ name, type, variadic }: TensorParameter, spelling: Spelling): Layout {
  return [name, ": ", layoutType(type, spelling), variadic ? "*" : ""];
}

function layoutAttribute(attribute: AttributeParameter, spelling: Spelling): Layout {
  const types = attribute.types.map((type) => layoutAttributeType(type, spelling));
  const initial = attribute.default ? [" = ", layoutSyntax(attribute.default, inBrackets, spelling)] : [];
  return [attribute.name, ": ", joined(types, " | "), initial];
}

function layoutAttributeType(type: AttributeType, spelling: Spelling): Layout {
  if (type.kind === "symbol") return type.name;
  if (type.kind !== "list") return type.kind;
  return [type.of, "[", type.length ? layoutSyntax(type.length, inBrackets, spelling) : "", "]"];
}

function layoutResults(results: readonly ResultParameter[], spelling: Spelling): Layout {
  if (results.length === 0) return [];
  const items = results.map((result): Layout => {
    if (!result.type) return result.name;
    const isNamed = result.name !== "result" || spelling.namesResult(result);
    return [isNamed ? `${result.name}: ` : "", layoutType(result.type, spelling)];
  });
  const [first, second] = results;
  const broken = first && second ? spelling.breaks(first.span.start, results.at(-1)?.span.end ?? 0, "to-bracket") : false;
  return [" -> ", second ? brackets("(", items, ")", broken) : items];
}

type WithBody = Extract<Declaration, { body: readonly StatementSyntax[] }>;

/** A body of one statement stands on the line of its head where both fit. */
function layoutWithBody(declaration: WithBody, parameters: Layout, spelling: Spelling): Layout {
  const { kind, name, results, body } = declaration;
  const head = [`${kind} ${name}`, parameters, layoutResults(results, spelling)];
  const [only, second] = body;
  const staysOnLine = only && !second && !isBlock(only) && !spelling.opensBody(only, kind) && flatText(head).length + 2 <= width;
  if (!staysOnLine) return [head, " ", layoutBlock(body, spelling)];
  const { start, end } = only.span;
  return [head, group([" {", indented([line, layoutStatement(only, undefined, spelling)]), line, "}"], spelling.breaks(start, end))];
}

function isBlock(statement: StatementSyntax): boolean {
  return statement.kind === "for" || statement.kind === "when";
}

function layoutBlock(statements: readonly StatementSyntax[], spelling: Spelling): Layout {
  return braces(statements.map((statement, i) => layoutStatement(statement, statements[i - 1], spelling)));
}

function braces(items: readonly Layout[]): Layout {
  if (items.length === 0) return "{}";
  return ["{", indented([hardLine, joined(items, hardLine)]), hardLine, "}"];
}

function layoutStatement(statement: StatementSyntax, previous: StatementSyntax | undefined, spelling: Spelling): Layout {
  switch (statement.kind) {
    case "let":
      return layoutValue(["let ", layoutPattern(statement.pattern, spelling), " ="], statement.value, onALine, spelling);
    case "assign":
      return layoutValue(`${statement.name} =`, statement.value, onALine, spelling);
    case "equation": {
      const indices = statement.indices.map((index) => layoutSyntax(index, inBrackets, spelling));
      return layoutValue([statement.result, "[", joined(indices, ", "), "] ="], statement.value, inBrackets, spelling);
    }
    case "require": {
      const { condition, message, span } = statement;
      const text = message === undefined ? [] : [",", line, `"${message}"`];
      return group(["require ", layoutSyntax(condition, onALine, spelling), indented(text)], spelling.breaks(span.start, span.end));
    }
    case "for": {
      const { binder, range, body } = statement;
      return ["for ", layoutPattern(binder, spelling), " in ", layoutSyntax(range, onALine, spelling), " ", layoutBlock(body, spelling)];
    }
    case "when":
      return layoutWhen(statement, spelling);
    case "value": {
      // An equation goes on over lines: what follows must not look like its continuation.
      const isTaken = previous?.kind === "equation" && ["-", "["].includes(firstToken(statement.value, onALine, spelling));
      return isTaken ? inParentheses(statement.value, spelling) : layoutSyntax(statement.value, onALine, spelling);
    }
  }
}

function layoutWhen(statement: Extract<StatementSyntax, { kind: "when" }>, spelling: Spelling): Layout {
  const { condition, whenTrue, otherwise } = statement;
  const [only, second] = otherwise;
  const shown =
    condition.kind === "if" && spelling.parentheses(condition) === "none"
      ? inParentheses(condition, spelling)
      : layoutSyntax(condition, onALine, spelling);
  const rest = only?.kind === "when" && !second && !spelling.isBraced(only) ? layoutWhen(only, spelling) : layoutBlock(otherwise, spelling);
  return ["if ", shown, " ", layoutBlock(whenTrue, spelling), only ? [" else ", rest] : []];
}

function layoutSketch(sketch: SketchDeclaration, spelling: Spelling): Layout {
  const { name, target, structure, producer, axes, where, steps } = sketch;
  const clauses = axes.map((axis): Layout => {
    const place = operatorsOnALine;
    const condition =
      axis.where && (axis.optional ? layoutBeforeWord(axis.where, place, spelling) : layoutSyntax(axis.where, place, spelling));
    const suffix = axis.optional ? " optional" : "";
    return [
      hardLine,
      `axis ${axis.name}${axis.of === undefined ? "" : ` of ${axis.of}`} = ${axis.which} ${axis.kind}`,
      condition ? [" where ", indented(condition)] : "",
      suffix,
    ];
  });
  const condition = where
    ? [axes.length > 0 || producer ? hardLine : " ", "where ", indented(layoutSyntax(where, operatorsOnALine, spelling))]
    : [];
  const made = producer ? [hardLine, `with ${producer.tensor} = `, layoutSyntax(producer.structure, structurePlace, spelling)] : [];
  const head = [`sketch ${name} on ${target} for `, layoutSyntax(structure, structurePlace, spelling)];
  return [head, indented([made, clauses, condition]), " ", layoutSteps(steps, spelling)];
}

function layoutSchedule({ name, target, layer, steps }: ScheduleDeclaration, spelling: Spelling): Layout {
  return [`schedule ${name} on ${target} for ${layer} `, layoutSteps(steps, spelling)];
}

function layoutSteps(steps: readonly StepSyntax[], spelling: Spelling): Layout {
  return braces(steps.map((step) => layoutStep(step, spelling)));
}

function layoutStep(step: StepSyntax, spelling: Spelling): Layout {
  switch (step.kind) {
    case "let":
      return layoutValue(`let ${step.name} =`, step.value, onALine, spelling);
    case "if": {
      const [only, second] = step.whenFalse;
      const rest =
        only?.kind === "if" && !second && !spelling.isBraced(only) ? layoutStep(only, spelling) : layoutSteps(step.whenFalse, spelling);
      const test = layoutSyntax(step.condition, operatorsOnALine, spelling);
      return ["if ", test, " ", layoutSteps(step.whenTrue, spelling), only ? [" else ", rest] : []];
    }
    case "step": {
      const clauses = step.clauses.map(({ keyword, arguments: args }, i): Layout => {
        const isLast = i === step.clauses.length - 1;
        const shown = args.map((arg, k) => layoutStepArgument(arg, k === 0, k === args.length - 1 && !isLast, spelling));
        return shown.length === 0 ? keyword : [keyword, " ", indented(joined(shown, [",", line]))];
      });
      return group(joined(clauses, " "), spelling.breaks(step.span.start, step.span.end));
    }
  }
}

const clauseWords = ["by", "at", "in", "into", "packed", "tail", "with"];

/** The first argument must not look like a further clause, and the last not go on into one. */
function layoutStepArgument(syntax: Syntax, isFirst: boolean, beforeClause: boolean, spelling: Spelling): Layout {
  const shown = beforeClause ? layoutBeforeWord(syntax, onALine, spelling) : layoutSyntax(syntax, onALine, spelling);
  return isFirst && clauseWords.includes(firstToken(syntax, onALine, spelling)) ? inParentheses(syntax, spelling) : shown;
}

/** Before a word on the same line, `max(a, b)` would be a reduction with that word for its body. */
function layoutBeforeWord(syntax: Syntax, place: Place, spelling: Spelling): Layout {
  if (syntax.kind === "spread") return ["...", layoutBeforeWord(syntax.value, place, spelling)];
  const isTaken = endsInReducer(syntax) && !standsInParentheses(syntax, place, spelling);
  return isTaken ? inParentheses(syntax, spelling) : layoutSyntax(syntax, place, spelling);
}
