/** Evaluation of tensor expressions: calls become nodes of the graph, functions are inlined, the rest is compile-time arithmetic. */

import type { Argument, FnDeclaration, OpDeclaration, Syntax } from "../ir/declaration.ts";
import { formatType, isDType } from "../ir/dtype.ts";
import type { NnValue } from "../ir/nn.ts";
import { scalarFunctions } from "../ir/scalar_functions.ts";
import type { Span } from "../support/diagnostic.ts";
import { nearest } from "../support/nearest.ts";
import { bindAttributes, bindOperands, symbolsOf } from "./bind.ts";
import { evaluate } from "./compile_time.ts";
import { addConstant, addNode } from "./graph_builder.ts";
import { instantiate } from "./instantiate.ts";
import { type Environment, poisonTensor, reportIn, scopeOf, type TensorValue, tensorOf } from "./tensor_value.ts";
import { describe, extendScope, type Value } from "./value.ts";
import { declareWeight, pathOf } from "./weights.ts";

/** `hint` is the name that the outermost call's result takes. */
export function evaluateTensor(syntax: Syntax, environment: Environment, hint?: string): TensorValue {
  switch (syntax.kind) {
    case "name":
      return environment.values.get(syntax.name) ?? unknownName(syntax.name, syntax.span, environment);
    case "weight":
      return syntax.type ? declareWeight(syntax, environment) : { kind: "path", path: pathOf(syntax, environment) };
    case "call":
      return evaluateCall(syntax.callee, syntax.calleeSpan, syntax.arguments, undefined, syntax.span, environment, hint);
    case "pipe":
      return evaluatePipe(syntax, environment, hint);
    case "tuple":
      return { kind: "tensors", items: syntax.items.map((item) => ({ value: evaluateTensor(item, environment) })) };
    case "list":
      return evaluateList(syntax, environment);
    case "member":
      return evaluateMember(syntax, environment);
    case "binary":
      return evaluateNotation(syntax.operator, [syntax.left, syntax.right], syntax, environment, hint);
    case "negate":
      return evaluateNotation("-prefix", [syntax.value], syntax, environment, hint);
    case "not":
      return evaluateNotation("not", [syntax.value], syntax, environment, hint);
    case "if": {
      const condition = evaluate(syntax.condition, scopeOf(environment));
      if (condition.kind === "boolean") return evaluateTensor(condition.value ? syntax.whenTrue : syntax.whenFalse, environment, hint);
      if (condition.kind === "poison") return poisonTensor;
      return reportIn(
        environment,
        "condition-not-constant",
        `an \`if\` between tensors is decided at compile time, and this is ${describe(condition)}`,
        syntax.condition.span,
        "to choose element by element, call `select(c, a, b)`",
      );
    }
    default:
      return { kind: "plain", value: evaluate(syntax, scopeOf(environment)) };
  }
}

/** As one tensor; a number becomes a constant of rank 0. */
export function toTensor(
  value: TensorValue,
  span: Span,
  environment: Environment,
  dtype: NnValue["type"]["dtype"] = "f32",
): NnValue | undefined {
  switch (value.kind) {
    case "tensor":
      return value.value;
    case "tensors":
      reportIn(
        environment,
        "several-results",
        `this gives ${value.items.length} tensors where one is needed`,
        span,
        "take one: `let (a, b) = ...`, or `.0`",
      );
      return undefined;
    case "path":
      reportIn(
        environment,
        "weight-without-type",
        `the weight \`@${value.path}\` has no type`,
        span,
        `write \`@${value.path}: [...] = he_normal\``,
      );
      return undefined;
    case "plain":
      if (value.value.kind === "number") return addConstant(environment.builder, dtype, [], [value.value.value]);
      if (value.value.kind !== "poison")
        reportIn(environment, "not-a-tensor", `a tensor is needed here, and this is ${describe(value.value)}`, span);
      return undefined;
  }
}

function unknownName(name: string, span: Span, environment: Environment): TensorValue {
  const suggestion = nearest(name, environment.values.keys());
  return reportIn(environment, "unknown-name", `\`${name}\` is not defined here`, span, suggestion && `did you mean \`${suggestion}\`?`);
}

function evaluatePipe(syntax: Extract<Syntax, { kind: "pipe" }>, environment: Environment, hint?: string): TensorValue {
  const first = evaluateTensor(syntax.value, environment);
  const { call } = syntax;
  const piped = { value: first, span: syntax.value.span };
  if (call.kind === "name") return evaluateCall(call.name, call.span, [], piped, call.span, environment, hint);
  if (call.kind === "call") return evaluateCall(call.callee, call.calleeSpan, call.arguments, piped, call.span, environment, hint);
  return reportIn(environment, "pipe-into-value", "`|>` is followed by a call", call.span, "write `x |> f(a)` for `f(x, a)`");
}

function evaluateList(syntax: Extract<Syntax, { kind: "list" }>, environment: Environment): TensorValue {
  const items = syntax.items.flatMap((item) => evaluateSpread(item, environment));
  if (items.every((item) => item.kind === "plain"))
    return { kind: "plain", value: { kind: "list", items: items.map((item) => item.value) } };
  return { kind: "tensors", items: items.map((value) => ({ value })) };
}

function evaluateSpread(syntax: Syntax, environment: Environment): TensorValue[] {
  if (syntax.kind !== "spread") return [evaluateTensor(syntax, environment)];
  const value = evaluateTensor(syntax.value, environment);
  if (value.kind === "tensors") return value.items.map((item) => item.value);
  if (value.kind === "plain" && value.value.kind === "list") return value.value.items.map((item) => ({ kind: "plain", value: item }));
  return [reportIn(environment, "spread-of-scalar", "only several tensors or a list can be spread", syntax.span)];
}

function evaluateMember(syntax: Extract<Syntax, { kind: "member" }>, environment: Environment): TensorValue {
  const object = evaluateTensor(syntax.object, environment);
  if (object.kind !== "tensors") return { kind: "plain", value: evaluate(syntax, scopeOf(environment)) };
  const { member } = syntax;
  const byName = member.kind === "name" ? object.items.find((item) => item.name === member.name) : undefined;
  if (byName) return byName.value;
  const position = evaluate(member, scopeOf(environment));
  const item = position.kind === "number" ? object.items[position.value] : undefined;
  return (
    item?.value ?? reportIn(environment, "no-such-result", `there are ${object.items.length} results here, and none is this`, member.span)
  );
}

/** `a + b` on tensors is the operator that declares this notation; on plain values it is arithmetic. */
function evaluateNotation(
  symbol: string,
  operands: readonly Syntax[],
  syntax: Syntax,
  environment: Environment,
  hint?: string,
): TensorValue {
  const values = operands.map((operand) => evaluateTensor(operand, environment));
  if (values.every((value) => value.kind === "plain")) return { kind: "plain", value: evaluate(syntax, scopeOf(environment)) };
  const operator = environment.notations.get(symbol);
  if (!operator) return reportIn(environment, "no-notation", `no operator declares the notation \`${symbol}\` for tensors`, syntax.span);
  return callWith(
    operator,
    syntax.span,
    values.map((value, i) => ({ value, span: operands[i]?.span ?? syntax.span })),
    new Map(),
    syntax.span,
    environment,
    hint,
  );
}

type Given = { readonly value: TensorValue; readonly span: Span };

function evaluateCall(
  callee: string,
  calleeSpan: Span,
  args: readonly Argument[],
  piped: Given | undefined,
  span: Span,
  environment: Environment,
  hint?: string,
): TensorValue {
  const positional: Given[] = piped ? [piped] : [];
  const named = new Map<string, Given>();
  const declaration = environment.functions.get(callee) ?? environment.library.operators.get(callee);
  if (!declaration) return callPlain(callee, calleeSpan, args, piped, span, environment);
  const symbols = declaration.attributes.flatMap(symbolsOf);
  for (const argument of args) {
    const { value: syntax, name } = argument;
    if (name === undefined) positional.push(...evaluateSpread(syntax, environment).map((value) => ({ value, span: syntax.span })));
    else if (named.has(name)) reportIn(environment, "argument-twice", `\`${name}\` is given twice`, syntax.span);
    else {
      // A bare word that the attribute declares stands for itself, unless a value has that name.
      const symbol = syntax.kind === "name" && !environment.values.has(syntax.name) && symbols.includes(syntax.name);
      const value: TensorValue = symbol
        ? { kind: "plain", value: { kind: "symbol", name: syntax.name } }
        : (dtypeWord(syntax) ?? evaluateTensor(syntax, environment));
      named.set(name, { value, span: syntax.span });
    }
  }
  return callWith(callee, calleeSpan, positional, named, span, environment, hint);
}

function dtypeWord(syntax: Syntax): TensorValue | undefined {
  return syntax.kind === "name" && isDType(syntax.name) ? { kind: "plain", value: { kind: "symbol", name: syntax.name } } : undefined;
}

/** A name that is no operator or function: compile-time arithmetic, or a mistake. */
function callPlain(
  callee: string,
  calleeSpan: Span,
  args: readonly Argument[],
  piped: Given | undefined,
  span: Span,
  environment: Environment,
): TensorValue {
  const known =
    environment.library.definitions.has(callee) ||
    Object.hasOwn(scalarFunctions, callee) ||
    ["count", "shape", "sum_of", "product_of"].includes(callee);
  if (known && !piped)
    return { kind: "plain", value: evaluate({ kind: "call", callee, calleeSpan, arguments: args, span }, scopeOf(environment)) };
  const names = [...environment.functions.keys(), ...environment.library.operators.keys()];
  const suggestion = nearest(callee, names);
  return reportIn(
    environment,
    "unknown-operator",
    `there is no operator or function \`${callee}\``,
    calleeSpan,
    suggestion && `did you mean \`${suggestion}\`?`,
  );
}

function callWith(
  callee: string,
  calleeSpan: Span,
  positional: readonly Given[],
  named: ReadonlyMap<string, Given>,
  span: Span,
  environment: Environment,
  hint?: string,
): TensorValue {
  const fn = environment.functions.get(callee);
  if (fn) return callFunction(fn, positional, named, span, environment, hint);
  const operator = environment.library.operators.get(callee);
  if (!operator) return reportIn(environment, "unknown-operator", `there is no operator \`${callee}\``, calleeSpan);
  return callOperator(operator, positional, named, span, environment, hint);
}

function callOperator(
  operator: OpDeclaration,
  positional: readonly Given[],
  named: ReadonlyMap<string, Given>,
  span: Span,
  environment: Environment,
  hint?: string,
): TensorValue {
  const args = placeOperands(operator, positional, named, environment);
  const dtype = args.operands.find((operand) => operand.value.kind === "tensor")?.value;
  const numbers = dtype?.kind === "tensor" ? dtype.value.type.dtype : "f32";
  const operands = args.operands.map((operand) => toTensor(operand.value, operand.span, environment, numbers));
  const attributes = plainValues(args.rest, environment);
  if (!attributes || operands.some((operand) => operand === undefined)) return poisonTensor;
  const values = operands as NnValue[];
  const { value: instance, diagnostics } = instantiate(
    operator,
    values.map((value) => value.type),
    attributes,
    environment.library,
    span,
  );
  for (const diagnostic of diagnostics) environment.staging.report(withOrigin(diagnostic, environment));
  if (!instance) return poisonTensor;
  const results = addNode(
    environment.builder,
    hint ?? operator.name,
    operator.name,
    instance.results,
    values.map((value) => value.name),
    instance.attributes,
  );
  return tensorOf(
    results,
    operator.results.map((result) => result.name),
  );
}

/** Inlines a function: its parameters are bound, its body's last line is the value. */
function callFunction(
  fn: FnDeclaration,
  positional: readonly Given[],
  named: ReadonlyMap<string, Given>,
  span: Span,
  environment: Environment,
  hint?: string,
): TensorValue {
  if (environment.calls.length > 100) return reportIn(environment, "endless-recursion", `\`${fn.name}\` calls itself without end`, span);
  const paths = positional.filter((given) => given.value.kind === "path");
  if (paths.length !== fn.scopes.length) {
    const wanted = fn.scopes.map((scope) => `@${scope.name}`).join(", ") || "none";
    return reportIn(
      environment,
      "scope-count",
      `\`${fn.name}\` takes ${fn.scopes.length} weight scope${fn.scopes.length === 1 ? "" : "s"} (${wanted}), and ${paths.length} ${paths.length === 1 ? "is" : "are"} given`,
      span,
    );
  }
  const args = placeOperands(
    fn,
    positional.filter((given) => given.value.kind !== "path"),
    named,
    environment,
  );
  const operands = args.operands.map((operand) => toTensor(operand.value, operand.span, environment));
  const attributes = plainValues(args.rest, environment);
  if (!attributes || operands.some((operand) => operand === undefined)) return poisonTensor;
  const values = operands as NnValue[];
  const outer = { values: new Map<string, Value>(), staging: environment.staging };
  const bound = bindOperands(
    fn.name,
    fn.operands,
    values.map((value) => value.type),
    outer,
    span,
  );
  if (!bound) return poisonTensor;
  const withAttributes = bindAttributes(fn.name, fn.attributes, attributes, bound.scope, span);
  if (!withAttributes) return poisonTensor;
  const symbols = fn.attributes.flatMap(symbolsOf).filter((name) => !withAttributes.scope.values.has(name));
  const scope = extendScope(
    withAttributes.scope,
    symbols.map((name) => [name, { kind: "symbol", name }] as const),
  );
  const bindings = [...scope.values].map(([name, value]): [string, TensorValue] => [name, { kind: "plain", value }]);
  fn.operands.forEach((parameter, i) => {
    const taken = parameter.variadic ? values.slice(i) : values.slice(i, i + 1);
    const tensors = taken.map((value) => ({ value: { kind: "tensor", value } as const }));
    bindings.push([parameter.name, parameter.variadic ? { kind: "tensors", items: tensors } : (tensors[0]?.value ?? poisonTensor)]);
  });
  const inner: Environment = {
    ...environment,
    values: new Map(bindings),
    scopes: new Map(fn.scopes.map((parameter, i) => [parameter.name, pathAt(paths, i)])),
    calls: [...environment.calls, { name: fn.name, span }],
  };
  const result = environment.runBody(fn, inner, hint);
  return result ?? reportIn(environment, "no-result", `\`${fn.name}\` gives nothing: its last line must be a tensor`, fn.nameSpan);
}

function pathAt(paths: readonly Given[], position: number): string {
  const value = paths[position]?.value;
  return value?.kind === "path" ? value.path : "";
}

/** Tensors given by name take their parameter's place; what is left are attributes. */
function placeOperands(
  callee: OpDeclaration | FnDeclaration,
  positional: readonly Given[],
  named: ReadonlyMap<string, Given>,
  environment: Environment,
) {
  const operands = positional.flatMap((given) =>
    given.value.kind === "tensors" ? given.value.items.map((item) => ({ value: item.value, span: given.span })) : [given],
  );
  const rest = new Map<string, Given>();
  for (const [name, given] of named) {
    const position = callee.operands.findIndex((parameter) => parameter.name === name);
    if (position < 0) rest.set(name, given);
    else if (position === operands.length) operands.push(given);
    else
      reportIn(
        environment,
        "operand-order",
        `\`${name}\` is operand ${position} of \`${callee.name}\`, and ${operands.length} are given before it`,
        given.span,
      );
  }
  return { operands, rest };
}

function plainValues(given: ReadonlyMap<string, Given>, environment: Environment): Map<string, Value> | undefined {
  const values = new Map<string, Value>();
  let fine = true;
  for (const [name, { value, span }] of given) {
    if (value.kind === "plain" && value.value.kind !== "poison") values.set(name, value.value);
    else {
      fine = false;
      if (value.kind === "tensor")
        reportIn(
          environment,
          "tensor-as-attribute",
          `attribute \`${name}\` is a compile-time value, and this is a tensor ${formatType(value.value.type)}`,
          span,
        );
      else if (value.kind !== "plain") reportIn(environment, "tensor-as-attribute", `attribute \`${name}\` is a compile-time value`, span);
    }
  }
  return fine ? values : undefined;
}

/** Says through which functions a call came to be, innermost last. */
function withOrigin<T extends { notes: readonly { message: string; span?: Span }[] }>(diagnostic: T, environment: Environment): T {
  const call = environment.calls.at(-1);
  return call
    ? { ...diagnostic, notes: [...diagnostic.notes, { message: `in \`${call.name}\`, called here`, span: call.span }] }
    : diagnostic;
}
