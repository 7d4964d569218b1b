/**
 * Expressions of the surface language as text that parses back to them. Parentheses stand where `syntax_place.ts` asks
 * for them; the lines break where 120 columns do not suffice.
 */
import { fill, group, ifBroken, indented, joined, type Layout, line, renderLayout, softLine } from "../support/layout.ts";
import type { Argument, BinaryOperator, Binder, DimensionSyntax, Pattern, Syntax, TypeSyntax } from "./declaration.ts";
import {
  firstToken,
  formatNumber,
  inBrackets,
  nothing,
  type Of,
  type Place,
  type Spelling,
  standsInParentheses,
  strengthOf,
  strengths,
} from "./syntax_place.ts";

export function layoutSyntax(syntax: Syntax, place: Place, spelling: Spelling): Layout {
  return standsInParentheses(syntax, place, spelling) ? inParentheses(syntax, spelling) : layoutBare(syntax, place, spelling);
}

export function inParentheses(syntax: Syntax, spelling: Spelling): Layout {
  const broken = spelling.parentheses(syntax) === "broken";
  return group(["(", indented([softLine, layoutBare(syntax, inBrackets, spelling)]), softLine, ")"], broken);
}

/** `head value`; a value that does not fit beside its head stands below it, unless it has a bracket or `|>` to break at. */
export function layoutValue(head: Layout, syntax: Syntax, place: Place, spelling: Spelling): Layout {
  const value = layoutSyntax(syntax, place, spelling);
  const isOpen = ["if", "binary", "reduce", "else", "not", "negate", "range", "listFor"].includes(syntax.kind);
  if (!isOpen || standsInParentheses(syntax, place, spelling)) return [head, " ", value];
  return group([head, indented([line, value])], spelling.breaks(syntax.span.start, syntax.span.end));
}

/** As it would be on one line. */
export function flatText(layout: Layout): string {
  return renderLayout(group(layout), Number.POSITIVE_INFINITY);
}

function layoutBare(syntax: Syntax, place: Place, spelling: Spelling): Layout {
  const inner = (part: Syntax, changes: Partial<Place> = {}) =>
    layoutSyntax(part, { ...place, strength: strengths.any, ...changes }, spelling);
  const bracketed = (part: Syntax) => layoutSyntax(part, inBrackets, spelling);
  const { start, end } = syntax.span;
  const broken = spelling.breaks(start, end);
  switch (syntax.kind) {
    case "number":
      return spelling.number(syntax);
    case "boolean":
      return String(syntax.value);
    case "string":
      return `"${syntax.value}"`;
    case "name":
      return syntax.name;
    case "list":
      return layoutList(syntax, spelling);
    case "tuple":
      return brackets("(", syntax.items.map(bracketed), ")", broken);
    case "spread":
      return ["...", inner(syntax.value)];
    case "member":
      return layoutMember(syntax, place, spelling);
    case "call":
      return layoutCall(syntax, broken, spelling);
    case "pipe": {
      const stages = leftSpine(syntax, (part) => (part.kind === "pipe" ? [part.value, part.call] : undefined), spelling);
      const [first, ...rest] = stages.map((stage, i) => {
        const isLast = i === stages.length - 1;
        return inner(stage, { strength: i === 0 ? strengths.pipe : strengths.or, before: isLast ? place.before : strengths.pipe });
      });
      return group([first as Layout, indented(rest.map((stage) => [line, "|> ", stage]))], broken);
    }
    case "negate":
      return ["-", inner(syntax.value, { strength: strengths.unary })];
    case "not":
      return ["not ", inner(syntax.value, { strength: strengths.not })];
    case "binary":
      return layoutBinary(syntax, place, broken, spelling);
    case "if":
      return group(layoutBranches(syntax, place, spelling), broken);
    case "listFor": {
      const range = layoutSyntax(syntax.range, { ...inBrackets, strength: strengths.range, before: strengths.colon }, spelling);
      const isBroken = broken || spelling.breaks(start, end, "to-bracket");
      return group(
        ["[for ", layoutPattern(syntax.binder, spelling), " in ", range, ":", indented([line, bracketed(syntax.body)]), "]"],
        isBroken,
      );
    }
    case "range": {
      const from = inner(syntax.from, { strength: strengths.sum, before: strengths.range });
      return [from, "..", inner(syntax.to, { strength: strengths.sum })];
    }
    case "access": {
      const tensor = inner(syntax.tensor, { strength: strengths.postfix, before: strengths.postfix });
      return [tensor, brackets("[", syntax.indices.map(bracketed), "]", broken)];
    }
    case "else": {
      const read = inner(syntax.read, { strength: strengths.unary });
      return group([read, indented([line, "else ", inner(syntax.otherwise, { strength: strengths.otherwise })])], broken);
    }
    case "inside":
      return ["inside", brackets("(", [bracketed(syntax.access)], ")", broken)];
    case "reduce":
      return layoutReduction(syntax, place, spelling);
    case "first":
      return ["first(", layoutBinder(syntax.binder, spelling), ") ", inner(syntax.body, { strength: strengths.postfix })];
    case "weight":
      return layoutWeight(syntax, place, spelling);
  }
}

function layoutList(syntax: Of<"list">, spelling: Spelling): Layout {
  const items = syntax.items.map((item) => layoutSyntax(item, inBrackets, spelling));
  const broken = spelling.breaks(syntax.span.start, syntax.span.end, "to-bracket");
  if (items.length === 0 || broken || !syntax.items.every(isShort)) return brackets("[", items, "]", broken, ",");
  const separated = items.map((item, i): Layout => (i === items.length - 1 ? item : [item, ","]));
  return group(["[", indented([softLine, fill(separated)]), ifBroken(","), softLine, "]"]);
}

/** Numbers and words, and lists of them, stand many to a line. */
function isShort(syntax: Syntax): boolean {
  if (syntax.kind === "list") return syntax.items.every(isShort);
  if (syntax.kind === "negate") return isShort(syntax.value);
  return ["number", "boolean", "string", "name", "member"].includes(syntax.kind);
}

/** Items between brackets, on one line or one to a line. */
export function brackets(open: string, items: readonly Layout[], close: string, broken: boolean, trailing = ""): Layout {
  if (items.length === 0) return [open, close];
  return group([open, indented([softLine, joined(items, [",", line])]), ifBroken(trailing), softLine, close], broken);
}

function layoutCall(syntax: Of<"call">, broken: boolean, spelling: Spelling): Layout {
  const args = syntax.arguments.map((argument) => layoutArgument(argument, spelling));
  const [only, second] = syntax.arguments;
  const isListAlone = only && !second && only.name === undefined && (only.value.kind === "list" || only.value.kind === "listFor");
  return [syntax.callee, isListAlone && !broken ? ["(", args, ")"] : brackets("(", args, ")", broken)];
}

function layoutArgument({ name, value }: Argument, spelling: Spelling): Layout {
  return [name === undefined ? "" : `${name}: `, layoutSyntax(value, inBrackets, spelling)];
}

function layoutMember(syntax: Of<"member">, place: Place, spelling: Spelling): Layout {
  const { object, member } = syntax;
  const objectPlace: Place = { ...place, strength: strengths.postfix, before: strengths.postfix };
  // `5.0` would be a number.
  const shown = object.kind === "number" ? inParentheses(object, spelling) : layoutSyntax(object, objectPlace, spelling);
  const plain = member.kind === "name" ? member.name : member.kind === "number" ? formatNumber(member.value) : undefined;
  const isPlain = plain !== undefined && /^(?:\d+|[A-Za-z_]\w*)$/.test(plain) && !spelling.isComputed(syntax);
  const isWord = member.kind === "number" && !Number.isFinite(member.value);
  return [shown, isPlain && !isWord ? `.${plain}` : [".(", layoutSyntax(member, inBrackets, spelling), ")"]];
}

/** `a - b + c` groups to the left: all operands of one strength stand in a row. */
function layoutBinary(syntax: Of<"binary">, place: Place, broken: boolean, spelling: Spelling): Layout {
  const strength = strengthOf[syntax.operator];
  const operators: BinaryOperator[] = [];
  const operands = leftSpine(
    syntax,
    (part) => {
      if (part.kind !== "binary" || strengthOf[part.operator] !== strength) return undefined;
      operators.unshift(part.operator);
      return [part.left, part.right];
    },
    spelling,
  );
  const [first, ...rest] = operands.map((operand, i) => {
    const before = i === operands.length - 1 ? place.before : strength;
    return layoutSyntax(operand, { ...place, strength: i === 0 ? strength : strength + 1, before }, spelling);
  });
  // At the beginning of a line `//` begins a comment, and outside brackets `-` a new statement.
  const leads = (operator: BinaryOperator | undefined) => operator !== "//" && (place.bracketed || operator !== "-");
  const tail = rest.map((operand, i): Layout => {
    const operator = operators[i];
    return leads(operator) ? [line, `${operator} `, operand] : [` ${operator}`, line, operand];
  });
  return group([first as Layout, indented(tail)], broken);
}

/** The parts of a chain that groups to the left, down to the first that `split` leaves whole or that has parentheses of its own. */
function leftSpine(syntax: Syntax, split: (part: Syntax) => readonly [Syntax, Syntax] | undefined, spelling: Spelling): Syntax[] {
  const parts: Syntax[] = [];
  let rest = syntax;
  for (;;) {
    const pair = rest !== syntax && spelling.parentheses(rest) !== "none" ? undefined : split(rest);
    if (!pair) return [rest, ...parts.reverse()];
    parts.push(pair[1]);
    rest = pair[0];
  }
}

function layoutBranches(syntax: Of<"if">, place: Place, spelling: Spelling): Layout {
  const { condition, whenTrue, whenFalse } = syntax;
  const test = layoutSyntax(condition, { ...place, strength: strengths.or, before: nothing, branch: false }, spelling);
  const first = layoutSyntax(whenTrue, { ...place, strength: strengths.branch, before: nothing, branch: true }, spelling);
  const goesOn = whenFalse.kind === "if" && spelling.parentheses(whenFalse) === "none";
  const second = goesOn
    ? layoutBranches(whenFalse, place, spelling)
    : layoutSyntax(whenFalse, { ...place, strength: strengths.any }, spelling);
  return ["if ", test, " then ", first, line, "else ", second];
}

const notABody = ["then", "else", "and", "or", "in", "where", "by", "at"];

/** The body begins on the line of the head; what could be taken for something else than a body stands in parentheses. */
function layoutReduction(syntax: Of<"reduce">, place: Place, spelling: Spelling): Layout {
  const bodyPlace = { ...place, strength: strengths.product };
  const first = firstToken(syntax.body, bodyPlace, spelling);
  const isBody = /^[A-Za-z_0-9(@]/.test(first) && !notABody.includes(first);
  const binders = joined(
    syntax.binders.map((binder) => layoutBinder(binder, spelling)),
    [",", line],
  );
  const where = syntax.where ? [line, "where ", layoutSyntax(syntax.where, inBrackets, spelling)] : [];
  const lastBinder = syntax.binders.at(-1)?.span.end ?? syntax.span.start;
  const broken = spelling.breaks(syntax.span.start, syntax.where?.span.end ?? lastBinder, "to-bracket");
  const head = broken ? group([indented([softLine, binders, where]), softLine], true) : flatText([binders, where]);
  return [`${syntax.op}(`, head, ") ", isBody ? layoutSyntax(syntax.body, bodyPlace, spelling) : inParentheses(syntax.body, spelling)];
}

function layoutBinder({ name, spread, range }: Binder, spelling: Spelling): Layout {
  const over = range ? [" in ", layoutSyntax(range, { ...inBrackets, strength: strengths.range }, spelling)] : [];
  return [spread ? "..." : "", name, over];
}

export function layoutPattern(pattern: Pattern, spelling: Spelling): Layout {
  const { names, list, span } = pattern;
  if (!list) return names.join(", ");
  const [open, close] = spelling.isRound(pattern) ? ["(", ")"] : ["[", "]"];
  return brackets(open, names, close, spelling.breaks(span.start, span.end));
}

function layoutWeight(syntax: Of<"weight">, place: Place, spelling: Spelling): Layout {
  const path = syntax.path.map((step, i): Layout => {
    if (step.kind === "index") return ["[", layoutSyntax(step.index, inBrackets, spelling), "]"];
    return i === 0 ? step.name : `.${step.name}`;
  });
  const type = syntax.type ? [": ", layoutType(syntax.type, spelling)] : [];
  const initializer = syntax.initializer ? [" = ", layoutSyntax(syntax.initializer, { ...place, strength: strengths.or }, spelling)] : [];
  return ["@", path, type, initializer];
}

export function layoutType({ dtype, dimensions, span }: TypeSyntax, spelling: Spelling): Layout {
  const items = dimensions.map((dimension) => layoutDimension(dimension, spelling));
  const broken = spelling.breaks(span.start, span.end);
  return [dtype ?? "", broken ? brackets("[", items, "]", broken) : flatText(["[", joined(items, ", "), "]"])];
}

function layoutDimension({ name, spread, value }: DimensionSyntax, spelling: Spelling): Layout {
  const shown = value ? layoutSyntax(value, inBrackets, spelling) : undefined;
  return [spread ? "..." : "", name === undefined ? "" : name, name !== undefined && shown ? " = " : "", shown ?? ""];
}
