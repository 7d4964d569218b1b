/** Evaluation of tensor expressions: calls become nodes of the graph, functions are inlined, the rest is compile-time arithmetic. */

import type { Argument, FnDeclaration, OpDeclaration, Syntax } from "../ir/declaration.ts";
import { isSourceDType } from "../ir/dtype.ts";
import type { NnValue } from "../ir/nn.ts";
import { scalarFunctions } from "../ir/scalar_functions.ts";
import type { Span } from "../support/diagnostic.ts";
import { nearest } from "../support/nearest.ts";
import { type Given, placeOperands, placesOf, plainValues } from "./arguments.ts";
import { bindAttributes, bindOperands, symbolsOf } from "./bind.ts";
import { evaluate } from "./compile_time.ts";
import { evaluateCondition } from "./condition.ts";
import { checkExpansion } from "./expansion.ts";
import { addNode } from "./graph_builder.ts";
import { instantiateCall, isExpansion } from "./instantiate.ts";
import { unknownName, unknownWord, withOrigin } from "./tensor_mistakes.ts";
import { type Environment, isPoison, poisonTensor, reportIn, scopeOf, type TensorValue, tensorOf } from "./tensor_value.ts";
import { numberType, toTensor } from "./to_tensor.ts";
import { describe, extendScope, poison, type Value } from "./value.ts";
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
      const condition = evaluateCondition(syntax.condition, environment);
      if (condition === undefined) return poisonTensor;
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
  return [reportIn(environment, "spread-of-scalar", "only several tensors or a list can be spread", syntax.span, "leave `...` out")];
}

function evaluateMember(syntax: Extract<Syntax, { kind: "member" }>, environment: Environment): TensorValue {
  const object = evaluateTensor(syntax.object, environment);
  if (isPoison(object)) return poisonTensor;
  if (object.kind !== "tensors") return { kind: "plain", value: evaluate(syntax, scopeOf(environment)) };
  const { member } = syntax;
  const byName = member.kind === "name" ? object.items.find((item) => item.name === member.name) : undefined;
  if (byName) return byName.value;
  const isStranger = member.kind === "name" && !environment.values.has(member.name);
  const position = isStranger ? poison : evaluate(member, scopeOf(environment));
  const item = position.kind === "number" ? object.items[position.value] : undefined;
  if (item) return item.value;
  const names = object.items.map(({ name }, i) => `\`.${name ?? i}\``).join(", ");
  return reportIn(
    environment,
    "no-such-result",
    `there are ${object.items.length} results here, and none is this`,
    member.span,
    `take ${names}`,
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
  if (values.some(isPoison)) return poisonTensor;
  if (values.every((value) => value.kind === "plain")) return { kind: "plain", value: evaluate(syntax, scopeOf(environment)) };
  const operator = environment.notations.get(symbol);
  if (!operator)
    return reportIn(
      environment,
      "no-notation",
      `no operator declares the notation \`${symbol}\` for tensors`,
      syntax.span,
      "call the operator by its name",
    );
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
    else if (named.has(name))
      reportIn(environment, "argument-twice", `\`${name}\` is given twice`, syntax.span, "leave one of the two out");
    else {
      // A bare word that the attribute declares stands for itself, unless a value has that name.
      const isUnknownName = syntax.kind === "name" && !environment.values.has(syntax.name);
      const symbol = isUnknownName && symbols.includes(syntax.name);
      const words = declaration.attributes.filter((attribute) => attribute.name === name).flatMap(symbolsOf);
      if (isUnknownName && !symbol && words.length > 0 && !isSourceDType(syntax.name)) {
        named.set(name, { value: unknownWord(syntax, name, words, environment), span: syntax.span });
        continue;
      }
      const value: TensorValue = symbol
        ? { kind: "plain", value: { kind: "symbol", name: syntax.name } }
        : (dtypeWord(syntax) ?? evaluateTensor(syntax, environment));
      named.set(name, { value, span: syntax.span });
    }
  }
  return callWith(callee, calleeSpan, positional, named, span, environment, hint);
}

function dtypeWord(syntax: Syntax): TensorValue | undefined {
  return syntax.kind === "name" && isSourceDType(syntax.name) ? { kind: "plain", value: { kind: "symbol", name: syntax.name } } : undefined;
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
  // The mistakes among the arguments are said all the same.
  for (const argument of args) evaluateSpread(argument.value, environment);
  if (environment.library.broken?.has(callee)) return poisonTensor;
  const names = [...environment.functions.keys(), ...environment.library.operators.keys()];
  const suggestion = nearest(callee, names);
  return reportIn(
    environment,
    "unknown-operator",
    `there is no operator or function \`${callee}\``,
    calleeSpan,
    suggestion ? `did you mean \`${suggestion}\`?` : `declare it with \`op\` or \`fn\``,
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
  if (environment.calls.length > 100)
    return reportIn(
      environment,
      "endless-recursion",
      `\`${operator.name}\` calls itself without end`,
      span,
      "put the call under an `if` that ends it",
    );
  const args = placeOperands(operator, positional, named, environment);
  if (!args) return poisonTensor;
  const operands = args.operands.map((operand, i) =>
    toTensor(operand.value, operand.span, environment, numberType(operator, i, args.operands)),
  );
  const attributes = plainValues(args.rest, environment);
  if (!attributes || operands.some((operand) => operand === undefined)) return poisonTensor;
  const values = operands as NnValue[];
  const { value: instance, diagnostics } = instantiateCall(
    operator,
    values.map((value) => value.type),
    attributes,
    environment.library,
    span,
    placesOf(args),
  );
  for (const diagnostic of diagnostics) environment.staging.report(withOrigin(diagnostic, environment));
  if (!instance || (isExpansion(operator) && !checkExpansion(operator, instance, values, span, environment))) return poisonTensor;
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
  if (environment.calls.length > 100)
    return reportIn(
      environment,
      "endless-recursion",
      `\`${fn.name}\` calls itself without end`,
      span,
      "put the call under an `if` that ends it",
    );
  const paths = positional.filter((given) => given.value.kind === "path");
  if (paths.length !== fn.scopes.length) {
    const wanted = fn.scopes.map((scope) => `@${scope.name}`).join(", ") || "none";
    return reportIn(
      environment,
      "scope-count",
      `\`${fn.name}\` takes ${fn.scopes.length} weight scope${fn.scopes.length === 1 ? "" : "s"} (${wanted}), and ${paths.length} ${paths.length === 1 ? "is" : "are"} given`,
      span,
      fn.scopes.length === 0 ? "leave it out" : `write \`${fn.name}(..., ${wanted})\`, with names of your own after the \`@\``,
    );
  }
  const args = placeOperands(
    fn,
    positional.filter((given) => given.value.kind !== "path"),
    named,
    environment,
  );
  if (!args) return poisonTensor;
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
    placesOf(args),
  );
  if (!bound) return poisonTensor;
  const withAttributes = bindAttributes(fn.name, fn.attributes, attributes, bound.scope, span, placesOf(args));
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
