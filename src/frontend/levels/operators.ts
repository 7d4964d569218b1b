/** Operators between operands, by binding strength: what scalar expressions and kernel expressions have in common. */
import type { ScalarFunction } from "../../ir/expr.ts";
import { infixStrengths, strengths } from "../../ir/print_expr.ts";
import { isScalarFunction, scalarFunctions } from "../../ir/scalar_functions.ts";
import { at, type Cursor, eat, failAt, nested, peek, take, takeTypedNumber } from "./tokens.ts";

export type OperatorGrammar<T> = {
  number(value: number, suffix: string | undefined, text: string): T;
  apply(name: ScalarFunction, args: readonly T[]): T;
  select(condition: T, whenTrue: T, whenFalse: T): T;
  /** What holds most tightly: names, calls, parentheses of its own kinds. */
  primary(): T;
  /** `value else otherwise`; undefined where the value is no read. */
  otherwise?(value: T, otherwise: () => T): T | undefined;
};

const infix = new Map<string, { readonly name: ScalarFunction; readonly strength: number }>(
  Object.keys(infixStrengths)
    .filter(isScalarFunction)
    .map((name) => [scalarFunctions[name].infix ?? name, { name, strength: infixStrengths[name] as number }]),
);

/** An operand that holds at least as tightly as `least`, with everything after it that does too. */
export function parseOperators<T>(cursor: Cursor, grammar: OperatorGrammar<T>, least: number = strengths.select): T {
  return nested(cursor, () => {
    let left = parsePrefix(cursor, grammar);
    for (;;) {
      const token = peek(cursor);
      const operator = token.kind === "symbol" || token.kind === "name" ? infix.get(token.text) : undefined;
      if (operator && operator.strength >= least) {
        cursor.position++;
        left = grammar.apply(operator.name, [left, parseOperators(cursor, grammar, operator.strength + 1)]);
        continue;
      }
      const read = left;
      const parsed =
        at(cursor, "else") && strengths.otherwise >= least && grammar.otherwise ? readOtherwise(grammar, cursor, read) : undefined;
      if (parsed === undefined) return left;
      left = parsed;
    }
  });
}

function readOtherwise<T>(grammar: OperatorGrammar<T>, cursor: Cursor, read: T): T | undefined {
  return grammar.otherwise?.(read, () => {
    take(cursor, "else");
    return parseOperators(cursor, grammar, strengths.otherwise);
  });
}

function parsePrefix<T>(cursor: Cursor, grammar: OperatorGrammar<T>): T {
  const start = peek(cursor).start;
  if (peek(cursor).kind === "number" || (at(cursor, "-") && peek(cursor, 1).kind === "number")) {
    const { value, suffix, text } = takeTypedNumber(cursor);
    return grammar.number(value, suffix, text);
  }
  if (eat(cursor, "-")) return grammar.apply("neg", [parseOperators(cursor, grammar, strengths.negate)]);
  // `not:f64(x)` is a call that says its dtype.
  if (at(cursor, "not") && !at(cursor, ":", 1)) {
    cursor.position++;
    return grammar.apply("not", [parseOperators(cursor, grammar, strengths.not)]);
  }
  if (eat(cursor, "if")) {
    const condition = parseOperators(cursor, grammar, strengths.or);
    take(cursor, "then");
    const whenTrue = parseOperators(cursor, grammar, strengths.or);
    take(cursor, "else");
    return grammar.select(condition, whenTrue, parseOperators(cursor, grammar));
  }
  if (eat(cursor, "(")) {
    const inner = parseOperators(cursor, grammar);
    if (!at(cursor, ")")) failAt(cursor, "syntax", "a parenthesis is not closed", start);
    take(cursor, ")");
    return inner;
  }
  return grammar.primary();
}

/** The arguments of a function of the scalar table, as many as it takes. */
export function takeArguments<T>(cursor: Cursor, name: ScalarFunction, argument: () => T): T[] {
  const start = peek(cursor).start;
  take(cursor, "(");
  const args: T[] = [];
  while (!at(cursor, ")")) {
    args.push(argument());
    if (!eat(cursor, ",")) break;
  }
  take(cursor, ")");
  const { arity } = scalarFunctions[name];
  if (args.length !== arity)
    failAt(cursor, "argument-count", `\`${name}\` takes ${arity} argument${arity === 1 ? "" : "s"}, and ${args.length} are given`, start);
  return args;
}
