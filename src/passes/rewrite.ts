/**
 * rewrite: applies rules written in Quern until none matches.
 * Guarantees: every value that is an output keeps its meaning, and roots of matches keep their names.
 */

import type { OpDeclaration, RuleDeclaration, Syntax } from "../ir/declaration.ts";
import type { TensorType } from "../ir/dtype.ts";
import type { AttributeValue, NnNode, NnProgram } from "../ir/nn.ts";
import { attributeOfValue, bindOperands, symbolsOf, valueOfAttribute } from "../semantics/bind.ts";
import { createStaging, evaluate } from "../semantics/compile_time.ts";
import { elaborateExpression } from "../semantics/elaborate.ts";
import { createGraphBuilder } from "../semantics/graph_builder.ts";
import { notationsOf } from "../semantics/module.ts";
import { instantiateNode, valueTypes } from "../semantics/node_instance.ts";
import type { TensorValue } from "../semantics/tensor_value.ts";
import { extendScope, type Scope, type Value } from "../semantics/value.ts";
import { exactJson } from "../support/exact_json.ts";
import { invariant } from "../support/invariant.ts";
import { eliminateDeadCode } from "./eliminate.ts";
import { constantValues, countUses, renameOperands } from "./graph.ts";
import { matchOperator } from "./match_operator.ts";

/** Rewrites per node of the program before a set of rules is taken to run in circles. */
const rewritesPerNode = 20;

/** Goes over the nodes, and again over what a rule has put in their place, until a whole round changes nothing. */
export function rewrite(program: NnProgram, rules: readonly RuleDeclaration[]): NnProgram {
  const limit = rewritesPerNode * (program.nodes.length + 1);
  let current = eliminateDeadCode(program);
  let rewrites = 0;
  for (let changed = true; changed; ) {
    changed = false;
    let context = createContext(current);
    for (let position = 0; position < current.nodes.length; position++) {
      const node = current.nodes[position] as NnNode;
      const next = applyFirst(rules, node, context);
      if (!next) continue;
      invariant(++rewrites <= limit, `the rules do not come to an end: they still apply at ${node.results[0]?.name}`);
      // What the match replaced would otherwise still count as a use of its operands, and keep other rules from them.
      const cleaned = eliminateDeadCode(next);
      position = Math.max(0, position + Math.min(0, cleaned.nodes.length - current.nodes.length)) - 1;
      current = cleaned;
      context = createContext(current);
      changed = true;
    }
  }
  return current;
}

/** The program after the rule's first match, or undefined where it matches nowhere. */
export function applyOnce(program: NnProgram, rule: RuleDeclaration): NnProgram | undefined {
  const context = createContext(program);
  for (const node of program.nodes) {
    const next = applyFirst([rule], node, context);
    if (next) return next;
  }
  return undefined;
}

function applyFirst(rules: readonly RuleDeclaration[], node: NnNode, context: Context): NnProgram | undefined {
  const [only, second] = node.results;
  if (!only || second) return undefined;
  for (const rule of rules) {
    if (rule.at?.only?.has(only.name) === false || rule.at?.except?.has(only.name)) continue;
    for (const bindings of matchSyntax(rule.pattern, only.name, emptyBindings(rule), context, true)) {
      const replaced = replace(context.program, rule, node, bindings, context);
      if (replaced) return replaced;
    }
  }
  return undefined;
}

type Bindings = {
  readonly operands: ReadonlyMap<string, string>;
  readonly attributes: ReadonlyMap<string, AttributeValue>;
  readonly parameters: ReadonlySet<string>;
  readonly attributeNames: ReadonlySet<string>;
};

type Context = {
  readonly program: NnProgram;
  readonly types: ReadonlyMap<string, TensorType>;
  readonly producers: ReadonlyMap<string, NnNode>;
  readonly uses: ReadonlyMap<string, number>;
  readonly constants: ReadonlySet<string>;
  readonly notations: ReadonlyMap<string, string>;
};

function createContext(program: NnProgram): Context {
  return {
    program,
    types: valueTypes(program),
    producers: new Map(program.nodes.flatMap((node) => node.results.map((value) => [value.name, node] as const))),
    uses: countUses(program),
    constants: constantValues(program),
    notations: notationsOf(program.operators),
  };
}

function emptyBindings(rule: RuleDeclaration): Bindings {
  return {
    operands: new Map(),
    attributes: new Map(),
    parameters: new Set(rule.operands.map((operand) => operand.name)),
    attributeNames: new Set(rule.attributes.map((attribute) => attribute.name)),
  };
}

/** All ways in which a value is what the syntax describes. An inner value must have no other use: it would be computed twice. */
function matchSyntax(syntax: Syntax, value: string, bindings: Bindings, context: Context, root: boolean): Bindings[] {
  if (syntax.kind === "name" && bindings.parameters.has(syntax.name)) {
    const known = bindings.operands.get(syntax.name);
    if (known !== undefined) return known === value ? [bindings] : [];
    return [{ ...bindings, operands: new Map(bindings.operands).set(syntax.name, value) }];
  }
  const call = asCall(syntax, context);
  const node = context.producers.get(value);
  if (!call || !node || (!root && context.uses.get(value) !== 1)) return [];
  const types = node.operands.map((name) => context.types.get(name) as TensorType);
  const matches = matchOperator(
    call.operator,
    { operator: node.operator, attributes: node.attributes, types, instance: () => instantiateNode(node, context.program, context.types) },
    context.program,
  );
  return matches.flatMap(({ order, attributes }) => {
    const withAttributes = matchAttributes(call.attributes, attributes, bindings);
    if (!withAttributes) return [];
    return argumentOrders(call.operator, order).flatMap((positions) =>
      call.operands.reduce<Bindings[]>(
        (found, operand, i) =>
          found.flatMap((sofar) => matchSyntax(operand, node.operands[positions[i] ?? -1] ?? "", sofar, context, false)),
        [withAttributes],
      ),
    );
  });
}

/** `a + b` matches `b + a`: both operands of an operator whose equation commutes may change places. */
function argumentOrders(operator: OpDeclaration, order: readonly number[]): (readonly number[])[] {
  const [first, second] = order;
  const commutes = operator.notation?.fixity === "infix" && ["+", "*"].includes(operator.notation.symbol);
  return commutes && first !== undefined && second !== undefined ? [order, [second, first]] : [order];
}

type Call = { readonly operator: OpDeclaration; readonly operands: readonly Syntax[]; readonly attributes: ReadonlyMap<string, Syntax> };

function asCall(syntax: Syntax, context: Context): Call | undefined {
  const { operators } = context.program;
  if (syntax.kind === "binary" || syntax.kind === "negate") {
    const symbol = syntax.kind === "binary" ? syntax.operator : "-prefix";
    const operator = operators.get(context.notations.get(symbol) ?? "");
    return (
      operator && { operator, operands: syntax.kind === "binary" ? [syntax.left, syntax.right] : [syntax.value], attributes: new Map() }
    );
  }
  if (syntax.kind === "pipe" && syntax.call.kind === "call") {
    return asCall({ ...syntax.call, arguments: [{ value: syntax.value }, ...syntax.call.arguments] }, context);
  }
  const operator = syntax.kind === "call" ? operators.get(syntax.callee) : undefined;
  if (!operator || syntax.kind !== "call") return undefined;
  return {
    operator,
    operands: syntax.arguments.filter((argument) => argument.name === undefined).map((argument) => argument.value),
    attributes: new Map(
      syntax.arguments.flatMap((argument) => (argument.name === undefined ? [] : [[argument.name, argument.value] as const])),
    ),
  };
}

/** An attribute that the pattern leaves to a parameter binds it; any other must have the value written. */
function matchAttributes(
  pattern: ReadonlyMap<string, Syntax>,
  actual: { readonly [name: string]: AttributeValue },
  bindings: Bindings,
): Bindings | undefined {
  const attributes = new Map(bindings.attributes);
  const scope = emptyScope([...attributes].map(([name, value]) => [name, valueOfAttribute(value)] as const));
  for (const [name, syntax] of pattern) {
    const value = actual[name];
    if (value === undefined) return undefined;
    if (syntax.kind === "name" && bindings.attributeNames.has(syntax.name)) {
      const known = attributes.get(syntax.name);
      if (known !== undefined && exactJson(known) !== exactJson(value)) return undefined;
      attributes.set(syntax.name, value);
    } else if (exactJson(attributeOfValue(evaluate(syntax, scope))) !== exactJson(value)) return undefined;
  }
  return { ...bindings, attributes };
}

function emptyScope(values: Iterable<readonly [string, Value]>): Scope {
  return extendScope({ values: new Map(), staging: createStaging({ definitions: new Map() }, () => {}) }, values);
}

/** Checks shapes and `where`, builds the right side, and puts it in the root's place. */
function replace(program: NnProgram, rule: RuleDeclaration, root: NnNode, bindings: Bindings, context: Context): NnProgram | undefined {
  const operands = rule.operands.map((parameter) => bindings.operands.get(parameter.name));
  if (operands.some((name) => name === undefined)) return undefined;
  const names = operands as string[];
  const types = names.map((name) => context.types.get(name) as TensorType);
  const staging = createStaging(program, () => {});
  const bound = bindOperands(rule.name, rule.operands, types, { values: new Map(), staging }, rule.span);
  if (!bound) return undefined;
  const scope = extendScope(
    bound.scope,
    [...bindings.attributes].map(([name, value]) => [name, valueOfAttribute(value)] as const),
  );
  const isConstant = (parameter: string) => context.constants.has(bindings.operands.get(parameter) ?? "");
  if (rule.where && !holds(rule.where, scope, isConstant)) return undefined;
  if (rule.when && !holds(rule.when, scope, isConstant)) return undefined;
  const symbols = rule.attributes.flatMap(symbolsOf).filter((name) => !scope.values.has(name));
  const values = new Map<string, TensorValue>([...scope.values].map(([name, value]) => [name, { kind: "plain", value }]));
  for (const name of symbols) values.set(name, { kind: "plain", value: { kind: "symbol", name } });
  rule.operands.forEach((parameter, i) => {
    values.set(parameter.name, { kind: "tensor", value: { name: names[i] as string, type: types[i] as TensorType } });
  });
  const builder = createGraphBuilder(context.types.keys());
  const { value: results, diagnostics } = elaborateExpression(rule.replacement, values, { ...program, functions: new Map() }, builder);
  invariant(results, `the right side of the rule ${rule.name} does not elaborate: ${diagnostics[0]?.message}`);
  return splice(program, root, builder.nodes, builder.constants, results[0]?.name ?? "");
}

/** The new nodes where the root stood; the value that replaces it takes its name. */
function splice(program: NnProgram, root: NnNode, nodes: readonly NnNode[], constants: NnProgram["constants"], result: string): NnProgram {
  const rootName = root.results[0]?.name ?? "";
  const computed = nodes.some((node) => node.results.some((value) => value.name === result));
  // A right side that is one of the operands has no node of its own: users read that operand.
  const names = new Map(computed ? [[result, rootName]] : [[rootName, result]]);
  const renamed = nodes.map((node) => ({
    ...renameOperands(node, names),
    results: node.results.map((value) => ({ ...value, name: names.get(value.name) ?? value.name })),
  }));
  const spliced = program.nodes.flatMap((node) => (node === root ? renamed : [computed ? node : renameOperands(node, names)]));
  const outputs = computed
    ? program.outputs
    : program.outputs.map((output) => ({ ...output, value: names.get(output.value) ?? output.value }));
  return { ...program, nodes: spliced, constants: [...program.constants, ...constants], outputs };
}

/** A rule's `where`: compile-time conditions, and `constant(x)` for values that depend on weights only. */
function holds(condition: Syntax, scope: Scope, isConstant: (parameter: string) => boolean): boolean {
  if (condition.kind === "binary" && condition.operator === "and")
    return holds(condition.left, scope, isConstant) && holds(condition.right, scope, isConstant);
  if (condition.kind === "binary" && condition.operator === "or")
    return holds(condition.left, scope, isConstant) || holds(condition.right, scope, isConstant);
  if (condition.kind === "not") return !holds(condition.value, scope, isConstant);
  const argument = condition.kind === "call" && condition.callee === "constant" ? condition.arguments[0]?.value : undefined;
  if (argument?.kind === "name") return isConstant(argument.name);
  const value = evaluate(condition, scope);
  return value.kind === "boolean" && value.value;
}
