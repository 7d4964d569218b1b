/**
 * Where an expression of the surface language needs parentheses: where its binding strength is too low for its place,
 * or where the open end of a part would take what follows.
 */
import type { BinaryOperator, Pattern, ResultParameter, StatementSyntax, StepSyntax, Syntax } from "./declaration.ts";

export type Of<K extends Syntax["kind"]> = Extract<Syntax, { kind: K }>;

/** What a syntax tree leaves open: several spellings of one tree. The formatter keeps the author's. */
export type Spelling = {
  number(syntax: Of<"number">): string;
  /** Parentheses that need not be may still be kept, and must take several lines with a comment in them. */
  parentheses(syntax: Syntax): "none" | "kept" | "broken";
  /** Whether a member's name is written `x.(d)` and not `x.d`. */
  isComputed(member: Of<"member">): boolean;
  /** Whether names that take a list apart stand between `(` and `)`. */
  isRound(pattern: Pattern): boolean;
  /** Whether a result called `result` is written with its name. */
  namesResult(result: ResultParameter): boolean;
  /** Whether an `if` after `else` has braces around it. */
  isBraced(only: StatementSyntax | StepSyntax): boolean;
  /** Whether a body of one statement begins on a new line although it would fit on its head's. */
  opensBody(only: StatementSyntax, declaration: "op" | "fn" | "model"): boolean;
  /** Whether the text from one offset to another (and on to the closing bracket) must take several lines. */
  breaks(start: number, end: number, toBracket?: "to-bracket"): boolean;
};

export const canonicalSpelling: Spelling = {
  number: ({ value }) => formatNumber(value),
  parentheses: () => "none",
  isComputed: () => false,
  isRound: () => false,
  namesResult: () => false,
  isBraced: () => false,
  opensBody: (_, declaration) => declaration !== "op",
  breaks: () => false,
};

/** How tightly each construct holds together. */
export const strengths = {
  any: 0,
  branch: 1,
  pipe: 2,
  otherwise: 3,
  or: 4,
  and: 5,
  not: 6,
  comparison: 7,
  range: 8,
  sum: 9,
  product: 10,
  unary: 11,
  postfix: 12,
  primary: 13,
  /** A `:` follows, which would begin a weight's type. */
  colon: 14,
} as const;

export const strengthOf: { readonly [operator in BinaryOperator]: number } = {
  or: strengths.or,
  and: strengths.and,
  "==": strengths.comparison,
  "!=": strengths.comparison,
  "<": strengths.comparison,
  "<=": strengths.comparison,
  ">": strengths.comparison,
  ">=": strengths.comparison,
  "+": strengths.sum,
  "-": strengths.sum,
  "*": strengths.product,
  "/": strengths.product,
  "//": strengths.product,
  "%": strengths.product,
};

/** Where an expression stands. */
export type Place = {
  /** What holds less tightly is put in parentheses. */
  readonly strength: number;
  /** How tightly what follows holds: a part that is open at its end would take it. */
  readonly before: number;
  /** Inside brackets and equations, a line may break before any operator and a read may have an `else`. */
  readonly bracketed: boolean;
  /** In the first branch of an `if`, an `else` would be the `if`'s. */
  readonly branch: boolean;
};

export const nothing = -1;
export const inBrackets: Place = { strength: strengths.any, before: nothing, bracketed: true, branch: false };
/** A statement's value, where a new line may begin a new statement. */
export const onALine: Place = { ...inBrackets, bracketed: false };
/** Where the grammar asks for operators, and a pipeline or `if` stands in parentheses. */
export const operatorsOnALine: Place = { ...onALine, strength: strengths.or };
/** Of a sketch: a product. */
export const structurePlace: Place = { ...onALine, strength: strengths.product };

export function standsInParentheses(syntax: Syntax, place: Place, spelling: Spelling): boolean {
  return needsParentheses(syntax, place) || spelling.parentheses(syntax) !== "none";
}

function needsParentheses(syntax: Syntax, { strength, before, bracketed, branch }: Place): boolean {
  switch (syntax.kind) {
    case "if":
      return strength > strengths.any;
    case "pipe":
      return strength > strengths.pipe;
    case "else":
      return strength > strengths.otherwise || branch || !bracketed;
    case "not":
      return strength > strengths.not;
    case "range":
      return strength > strengths.range;
    case "binary":
      return strength > strengthOf[syntax.operator];
    case "reduce":
      return strength > strengths.product || before >= strengths.product;
    case "negate":
      return strength > strengths.unary;
    case "first":
      return strength > strengths.unary || before >= strengths.postfix;
    case "weight":
      if (!syntax.type) return strength >= strengths.postfix || before === strengths.colon;
      return strength >= strengths.postfix || (syntax.initializer !== undefined && before >= strengths.or);
    case "number":
    case "boolean":
    case "string":
    case "name":
    case "list":
    case "tuple":
    case "spread":
    case "member":
    case "call":
    case "listFor":
    case "access":
    case "inside":
      return false;
  }
}

/** The token that an expression begins with where it stands. */
export function firstToken(syntax: Syntax, place: Place, spelling: Spelling): string {
  if (standsInParentheses(syntax, place, spelling)) return "(";
  const inner = (part: Syntax, strength: number) => firstToken(part, { ...place, strength, before: strength }, spelling);
  switch (syntax.kind) {
    case "number":
      return spelling.number(syntax);
    case "boolean":
      return String(syntax.value);
    case "string":
      return '"';
    case "name":
      return syntax.name;
    case "call":
      return syntax.callee;
    case "list":
    case "listFor":
      return "[";
    case "tuple":
      return "(";
    case "spread":
      return "...";
    case "negate":
      return "-";
    case "not":
    case "if":
    case "inside":
    case "first":
      return syntax.kind;
    case "reduce":
      return syntax.op;
    case "weight":
      return "@";
    case "pipe":
      return inner(syntax.value, strengths.pipe);
    case "binary":
      return inner(syntax.left, strengthOf[syntax.operator]);
    case "range":
      return inner(syntax.from, strengths.sum);
    case "else":
      return inner(syntax.read, strengths.unary);
    case "member":
      return syntax.object.kind === "number" ? "(" : inner(syntax.object, strengths.postfix);
    case "access":
      return inner(syntax.tensor, strengths.postfix);
  }
}

const reducers = ["sum", "max", "min", "prod", "argmax", "argmin"];

/** Whether the last thing an expression says is a call such as `max(a, b)`, which a word after it would make a reduction. */
export function endsInReducer(syntax: Syntax): boolean {
  switch (syntax.kind) {
    case "call":
      return reducers.includes(syntax.callee);
    case "binary":
      return endsInReducer(syntax.right);
    case "pipe":
      return endsInReducer(syntax.call);
    case "range":
      return endsInReducer(syntax.to);
    case "negate":
    case "not":
      return endsInReducer(syntax.value);
    case "reduce":
    case "first":
      return endsInReducer(syntax.body);
    case "if":
      return endsInReducer(syntax.whenFalse);
    case "else":
      return endsInReducer(syntax.otherwise);
    case "weight":
      return syntax.initializer !== undefined && endsInReducer(syntax.initializer);
    default:
      return false;
  }
}

/** The shortest decimal that reads back as the same number. */
export function formatNumber(value: number): string {
  if (Number.isNaN(value)) return "nan";
  return Number.isFinite(value) ? String(value) : value > 0 ? "inf" : "-inf";
}
