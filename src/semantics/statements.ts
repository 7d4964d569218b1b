/** Bodies of models, functions and expansions: `let`, rebinding, compile-time `for` and `if`, and the value on the last line. */

import type { Pattern, StatementSyntax } from "../ir/declaration.ts";
import { nearest } from "../support/nearest.ts";
import { evaluate } from "./compile_time.ts";
import { evaluateCondition } from "./condition.ts";
import { requireCondition } from "./instantiate.ts";
import { countOut } from "./iteration.ts";
import { evaluateTensor } from "./tensor_expression.ts";
import { type Body, type Environment, isPoison, poisonTensor, reportIn, scopeOf, type TensorValue, withValues } from "./tensor_value.ts";
import { describe, poison } from "./value.ts";

/** The body's value: its last line, or the results it assigned by name. `hint` names the value of the last line. */
export function runBody(body: Body, environment: Environment, hint?: string): TensorValue | undefined {
  const names = body.results.map((result) => result.name);
  const after = runStatements(body, body.body, environment, hint);
  if (after.value) return after.value;
  const assigned = names.map((name) => ({ name, value: after.environment.values.get(name) }));
  if (names.length === 0 || assigned.some((item) => !item.value)) return undefined;
  const [only] = assigned;
  if (assigned.length === 1) return only?.value;
  return { kind: "tensors", items: assigned.map(({ name, value }) => ({ name, value: value ?? poisonTensor })) };
}

type After = { readonly environment: Environment; readonly value?: TensorValue };

function runStatements(body: Body, statements: readonly StatementSyntax[], start: Environment, hint?: string): After {
  let after: After = { environment: start };
  statements.forEach((statement, i) => {
    const previous = statements[i - 1];
    if (after.value && previous && !isPoison(after.value))
      reportIn(
        start,
        "unused-value",
        "this value is not used: a body's value is its last line",
        previous.span,
        "name it with `let`, or leave it out",
      );
    after = runStatement(body, statement, after.environment, hint);
  });
  return after;
}

function runStatement(body: Body, statement: StatementSyntax, environment: Environment, hint?: string): After {
  switch (statement.kind) {
    case "let": {
      const name = statement.pattern.names.length === 1 ? statement.pattern.names[0] : undefined;
      return { environment: bindTensors(statement.pattern, evaluateTensor(statement.value, environment, name), environment) };
    }
    case "assign": {
      const known = environment.values.has(statement.name) || body.results.some((result) => result.name === statement.name);
      const value = evaluateTensor(statement.value, environment, statement.name);
      if (known) return { environment: withValues(environment, [[statement.name, value]]) };
      const suggestion = nearest(statement.name, environment.values.keys());
      reportIn(
        environment,
        "unknown-name",
        `\`${statement.name}\` is assigned and was never defined`,
        statement.span,
        suggestion ? `did you mean \`${suggestion}\`? a new name begins with \`let\`` : "a new name begins with `let`",
      );
      return { environment: withValues(environment, [[statement.name, poisonTensor]]) };
    }
    case "require":
      requireCondition(body.name, statement, scopeOf(environment), environment.calls.at(-1)?.span ?? statement.span);
      return { environment };
    case "for":
      return runFor(body, statement, environment);
    case "when":
      return runWhen(body, statement, environment, hint);
    case "value":
      return { environment, value: evaluateTensor(statement.value, environment, hint) };
    case "equation":
      reportIn(
        environment,
        "misplaced-statement",
        "an equation over elements stands only in an operator",
        statement.span,
        "declare an `op` with it, and call that",
      );
      return { environment };
  }
}

function runFor(body: Body, statement: Extract<StatementSyntax, { kind: "for" }>, environment: Environment): After {
  const range = evaluate(statement.range, scopeOf(environment));
  if (range.kind !== "list") {
    if (range.kind !== "poison")
      reportIn(
        environment,
        "not-a-list",
        `\`for\` goes over a list or a range, and this is ${describe(range)}`,
        statement.range.span,
        "write a range, `0..n`, or a list, `[8, 16]`",
      );
    return { environment };
  }
  if (!countOut(range.items.length, statement.range.span, scopeOf(environment))) return { environment };
  let current = environment;
  for (const item of range.items) {
    const inner = bindTensors(statement.binder, { kind: "plain", value: item }, current);
    current = keepOuter(current, runStatements(body, statement.body, inner).environment, statement.binder.names);
  }
  return { environment: current };
}

function runWhen(body: Body, statement: Extract<StatementSyntax, { kind: "when" }>, environment: Environment, hint?: string): After {
  const condition = evaluateCondition(statement.condition, environment) ?? poison;
  if (condition.kind !== "boolean") {
    if (condition.kind !== "poison")
      reportIn(
        environment,
        "condition-not-constant",
        `an \`if\` is decided at compile time, and this is ${describe(condition)}`,
        statement.condition.span,
        "write a comparison: `if stride == 1 { ... }`",
      );
    return { environment };
  }
  const after = runStatements(body, condition.value ? statement.whenTrue : statement.otherwise, environment, hint);
  const results = new Set(body.results.map((result) => result.name));
  return { ...after, environment: keepOuter(environment, after.environment, [], results) };
}

/** Names of the outer environment with their new values; what a block itself defined ends with it. */
function keepOuter(
  outer: Environment,
  inner: Environment,
  shadowed: readonly string[],
  results: ReadonlySet<string> = new Set(),
): Environment {
  const kept = [...inner.values].filter(([name]) => (outer.values.has(name) || results.has(name)) && !shadowed.includes(name));
  return withValues(outer, kept);
}

function bindTensors(pattern: Pattern, value: TensorValue, environment: Environment): Environment {
  const [only] = pattern.names;
  if (pattern.names.length === 1 && !pattern.list && only !== undefined) return withValues(environment, [[only, value]]);
  const items = itemsOf(value);
  if (items.length !== pattern.names.length && !isPoison(value)) {
    reportIn(
      environment,
      "pattern-mismatch",
      `${pattern.names.length} names take apart as many values, and this is ${items.length === 1 ? "one" : items.length}`,
      pattern.span,
      "write one name for each value",
    );
  }
  return withValues(
    environment,
    pattern.names.map((name, i) => [name, items[i] ?? poisonTensor] as const),
  );
}

function itemsOf(value: TensorValue): TensorValue[] {
  if (value.kind === "tensors") return value.items.map((item) => item.value);
  if (value.kind === "plain" && value.value.kind === "list") return value.value.items.map((item) => ({ kind: "plain", value: item }));
  return [value];
}
