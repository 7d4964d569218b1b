/** Expressions in sketches and schedules: conditions, arguments of steps, and what `let` names. */
import type { StepSyntax, Syntax } from "../ir/declaration.ts";
import type { Checked, Span } from "../support/diagnostic.ts";
import type { Argument, Context, Step } from "./primitive.ts";
import { stepFunctions } from "./step_functions.ts";
import {
  all,
  type ChooseKnob,
  chain,
  firstOption,
  given,
  isTrue,
  mistaken,
  number,
  numberOf,
  type StepValue,
  truth,
} from "./step_values.ts";

export type Names = ReadonlyMap<string, StepValue>;

/** Where expressions stand: what their names mean, the nest they ask about, and who turns knobs. */
type Scope = { readonly names: Names; readonly context: Context; readonly choose: ChooseKnob };

/** A condition that makes no sense for this nest does not hold. */
export function evaluateCondition(syntax: Syntax, names: Names, context: Context): boolean {
  const { value } = evaluate(syntax, { names, context, choose: firstOption });
  return value !== undefined && isTrue(value);
}

/** The concrete form of a step's clauses. Loops of an absent axis are left out of lists. A knob bears the name of the step's first word. */
export function concreteStep(
  syntax: Extract<StepSyntax, { kind: "step" }>,
  names: Names,
  context: Context,
  choose: ChooseKnob = firstOption,
): Checked<Step> {
  const name = syntax.clauses[0]?.keyword ?? "";
  const scope: Scope = { names, context, choose: (_, options) => choose(name, options) };
  const clauses = syntax.clauses.map(({ keyword, arguments: list }) =>
    chain(all(list.map((argument) => argumentsOf(argument, scope))), (found) => given({ keyword, arguments: found.flat() })),
  );
  return chain(all(clauses), (concrete) => given({ span: syntax.span, clauses: concrete }));
}

/** The value of a `let` or an `if` of a sketch. */
export function evaluateStep(syntax: Syntax, names: Names, context: Context, choose: ChooseKnob): Checked<StepValue> {
  return evaluate(syntax, { names, context, choose });
}

function truthOf(value: StepValue, span: Span): Checked<boolean> {
  return value.kind === "boolean" ? given(value.value) : mistaken("expected a condition here", span);
}

function argumentsOf(syntax: Syntax, scope: Scope): Checked<Argument[]> {
  if (syntax.kind === "spread") return argumentsOf(syntax.value, scope);
  const path = pathOf(syntax, scope.names);
  if (path === "none") return given([]);
  if (path !== undefined) return given([path]);
  return chain(evaluate(syntax, scope), (value) => {
    switch (value.kind) {
      case "number":
        return given([value.value]);
      case "loop":
      case "tensor":
        return given([value.name]);
      case "loops":
        return given([...value.names]);
      case "none":
        return given([]);
      case "boolean":
        return mistaken("a truth value is no argument of a step", syntax.span);
    }
  });
}

/** `f.o`: a loop by name, where the first part may stand for a loop of the nest. */
function pathOf(syntax: Syntax, names: Names): string | undefined {
  if (syntax.kind === "name") {
    const value = names.get(syntax.name);
    if (!value) return syntax.name;
    return value.kind === "loop" || value.kind === "tensor" ? value.name : value.kind === "none" ? "none" : undefined;
  }
  if (syntax.kind !== "member") return undefined;
  const object = pathOf(syntax.object, names);
  if (object === undefined || object === "none") return object;
  const { member } = syntax;
  if (member.kind === "name") return `${object}.${member.name}`;
  return member.kind === "number" ? `${object}.${member.value}` : undefined;
}

function evaluate(syntax: Syntax, scope: Scope): Checked<StepValue> {
  const go = (inner: Syntax) => evaluate(inner, scope);
  switch (syntax.kind) {
    case "number":
      return number(syntax.value);
    case "boolean":
      return truth(syntax.value);
    case "name":
      return given(scope.names.get(syntax.name) ?? { kind: "loop", name: syntax.name });
    case "member": {
      const path = pathOf(syntax, scope.names);
      if (path === undefined) return mistaken("this is no loop: parts of loops are written `f.o`, `f.i`", syntax.span);
      return given(path === "none" ? { kind: "none" } : { kind: "loop", name: path });
    }
    case "negate":
      return chain(numberAt(syntax.value, scope), (value) => number(-value));
    case "not":
      return chain(truthAt(syntax.value, scope), (value) => truth(!value));
    case "if":
      return chain(truthAt(syntax.condition, scope), (holds) => go(holds ? syntax.whenTrue : syntax.whenFalse));
    case "binary":
      return evaluateBinary(syntax, scope);
    case "call":
      return evaluateCall(syntax, scope);
    default:
      return mistaken("this has no meaning in a schedule", syntax.span, "steps take loops, tensors and numbers");
  }
}

function numberAt(syntax: Syntax, scope: Scope): Checked<number> {
  return chain(evaluate(syntax, scope), (value) => numberOf(value, syntax.span));
}

function truthAt(syntax: Syntax, scope: Scope): Checked<boolean> {
  return chain(evaluate(syntax, scope), (value) => truthOf(value, syntax.span));
}

function evaluateBinary({ operator, left, right }: Extract<Syntax, { kind: "binary" }>, scope: Scope): Checked<StepValue> {
  if (operator === "and" || operator === "or")
    return chain(truthAt(left, scope), (first) => (first === (operator === "or") ? truth(first) : chain(truthAt(right, scope), truth)));
  return chain(all([numberAt(left, scope), numberAt(right, scope)]), ([a = 0, b = 0]) => {
    switch (operator) {
      case "+":
        return number(a + b);
      case "-":
        return number(a - b);
      case "*":
        return number(a * b);
      case "/":
        return number(a / b);
      case "//":
        return number(Math.floor(a / b));
      case "%":
        return number(a - b * Math.floor(a / b));
      case "==":
        return truth(a === b);
      case "!=":
        return truth(a !== b);
      case "<":
        return truth(a < b);
      case "<=":
        return truth(a <= b);
      case ">":
        return truth(a > b);
      case ">=":
        return truth(a >= b);
    }
  });
}

function evaluateCall(syntax: Extract<Syntax, { kind: "call" }>, scope: Scope): Checked<StepValue> {
  const meaning = stepFunctions.get(syntax.callee);
  if (!meaning) {
    const known = `known are ${[...stepFunctions.keys()].join(", ")}`;
    return mistaken(`there is no function \`${syntax.callee}\` in schedules`, syntax.calleeSpan, known);
  }
  const { context, choose } = scope;
  return chain(all(syntax.arguments.map(({ value }) => evaluate(value, scope))), (values) => meaning({ values, syntax, context, choose }));
}
