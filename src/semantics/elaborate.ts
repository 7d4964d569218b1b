/** From a model's declaration to the nn level: functions inlined, compile-time code run, shapes inferred and checked. */

import type { ModelDeclaration, OpDeclaration, Syntax } from "../ir/declaration.ts";
import { formatType, type TensorType } from "../ir/dtype.ts";
import type { NnConstant, NnNode, NnOutput, NnProgram, NnValue } from "../ir/nn.ts";
import { type Checked, type Diagnostic, errorDiagnostic, hasErrors } from "../support/diagnostic.ts";
import { invariant } from "../support/invariant.ts";
import { evaluateType, valuesOfAttributes } from "./bind.ts";
import { createStaging } from "./compile_time.ts";
import { expansionValues } from "./expansion.ts";
import { createGraphBuilder, freshName, type GraphBuilder } from "./graph_builder.ts";
import { instantiateCall } from "./instantiate.ts";
import { type Module, notationsOf } from "./module.ts";
import { runBody } from "./statements.ts";
import { evaluateTensor } from "./tensor_expression.ts";
import type { Environment, TensorValue } from "./tensor_value.ts";
import { toTensor } from "./to_tensor.ts";

/** The nn program of a model; weights keep their paths, values take the names that `let` gives them. */
export function elaborateModel(model: ModelDeclaration, module: Module): Checked<NnProgram> {
  const found: Diagnostic[] = [];
  const builder = createGraphBuilder();
  const empty = createEnvironment(module, builder, (diagnostic) => found.push(diagnostic));
  const values: [string, TensorValue][] = [];
  for (const input of model.inputs) {
    const typed = evaluateType(
      input.type,
      new Map(),
      { values: new Map(), staging: empty.staging },
      `the input \`${input.name}\``,
      input.span,
    );
    if (!typed) continue;
    const value = { name: freshName(input.name, builder), type: typed.type };
    builder.inputs.push(value);
    values.push([input.name, { kind: "tensor", value }]);
  }
  if (hasErrors(found)) return { diagnostics: found };
  const environment: Environment = { ...empty, values: new Map(values) };
  const [only, second] = model.results;
  const result = runBody(model, environment, only && !second ? only.name : undefined);
  if (!result && !hasErrors(found)) {
    found.push(
      errorDiagnostic("no-result", `the model \`${model.name}\` gives nothing`, {
        span: model.nameSpan,
        help: "its last line is its result",
      }),
    );
  }
  const outputs = result ? checkResults(model, result, environment) : [];
  const diagnostics = withoutRepeats(found);
  if (hasErrors(diagnostics)) return { diagnostics };
  const { inputs, weights, constants, nodes } = builder;
  return {
    value: { name: model.name, inputs, weights, constants, nodes, outputs, operators: module.operators, definitions: module.definitions },
    diagnostics,
  };
}

/** The calls that one call of an expansion stands for, and the values that its results are; those it computes keep the node's names. */
export type Expanded = {
  readonly nodes: readonly NnNode[];
  readonly constants: readonly NnConstant[];
  readonly results: readonly string[];
};

export function expandNode(
  node: NnNode,
  types: readonly TensorType[],
  module: Pick<Module, "operators" | "definitions">,
  names: ReadonlySet<string>,
): Expanded {
  const operator = module.operators.get(node.operator);
  invariant(operator, `no operator ${node.operator}`);
  const instance = instantiateCall(operator, types, valuesOfAttributes(node.attributes), module, operator.span).value;
  invariant(instance, `${node.operator} does not instantiate where it did before`);
  const builder = createGraphBuilder(names);
  const found: Diagnostic[] = [];
  const environment = createEnvironment({ ...module, functions: new Map() }, builder, (diagnostic) => found.push(diagnostic));
  const operands = node.operands.map((name, i) => ({ name, type: types[i] as TensorType }));
  const inner: Environment = { ...environment, values: expansionValues(operator, instance, operands) };
  const result = runBody(operator, inner);
  const results = result && tensorsOf(result, operator.span, inner);
  invariant(results && !hasErrors(found), `the expansion of ${node.operator} fails: ${found[0]?.message}`);
  const computed = new Set(builder.nodes.flatMap((inside) => inside.results.map((value) => value.name)));
  const renamed = new Map(
    results.flatMap((value, i) => (computed.has(value.name) ? [[value.name, node.results[i]?.name ?? value.name] as const] : [])),
  );
  const rename = (name: string) => renamed.get(name) ?? name;
  const nodes = builder.nodes.map((inside) => ({
    ...inside,
    operands: inside.operands.map(rename),
    results: inside.results.map((value) => ({ ...value, name: rename(value.name) })),
  }));
  return { nodes, constants: builder.constants, results: results.map((value) => rename(value.name)) };
}

/** Elaborates an expression over given tensors, for rules: the values it refers to are named by the caller. */
export function elaborateExpression(
  syntax: Syntax,
  values: ReadonlyMap<string, TensorValue>,
  module: Pick<Module, "operators" | "definitions" | "functions">,
  builder: GraphBuilder,
): Checked<readonly NnValue[]> {
  const found: Diagnostic[] = [];
  const environment: Environment = { ...createEnvironment(module, builder, (diagnostic) => found.push(diagnostic)), values };
  const results = tensorsOf(evaluateTensor(syntax, environment), syntax.span, environment);
  return results && !hasErrors(found) ? { value: results, diagnostics: found } : { diagnostics: found };
}

function createEnvironment(
  module: Pick<Module, "operators" | "definitions" | "functions" | "broken">,
  builder: GraphBuilder,
  report: (diagnostic: Diagnostic) => void,
): Environment {
  return {
    values: new Map(),
    scopes: new Map(),
    functions: module.functions,
    notations: notationsOf(module.operators),
    library: module,
    builder,
    staging: createStaging(module, report),
    runBody,
    calls: [],
    checked: new Set(),
  };
}

function tensorsOf(value: TensorValue, span: OpDeclaration["span"], environment: Environment): NnValue[] | undefined {
  const values = value.kind === "tensors" ? value.items.map((item) => item.value) : [value];
  const tensors = values.map((item) => toTensor(item, span, environment));
  return tensors.every((tensor) => tensor !== undefined) ? (tensors as NnValue[]) : undefined;
}

/** Matches the body's values with the declared results: their number, and their types where declared. */
function checkResults(model: ModelDeclaration, result: TensorValue, environment: Environment): NnOutput[] {
  const span = model.body.at(-1)?.span ?? model.span;
  const report = environment.staging.report;
  const values = tensorsOf(result, span, environment);
  if (!values) return [];
  if (values.length !== model.results.length) {
    report(
      errorDiagnostic(
        "result-count",
        `the model \`${model.name}\` declares ${model.results.length} result${model.results.length === 1 ? "" : "s"}, and its body gives ${values.length}`,
        { span, help: "give one value for each result, as in `(a, b)`" },
      ),
    );
    return [];
  }
  return model.results.flatMap((declared, i) => {
    const value = values[i] as NnValue;
    const typed =
      declared.type &&
      evaluateType(
        declared.type,
        new Map(),
        { values: new Map(), staging: environment.staging },
        `the result \`${declared.name}\``,
        declared.span,
      );
    if (typed && formatType(typed.type) !== formatType(value.type)) {
      report(
        errorDiagnostic(
          "result-type",
          `the result \`${declared.name}\` is declared ${formatType(typed.type)}, and the body gives ${formatType(value.type)}`,
          {
            span: declared.span,
            help: `write \`${declared.name}: ${formatType(value.type)}\`, or change the body`,
          },
        ),
      );
    }
    return [{ name: declared.name, value: value.name }];
  });
}

/** A mistake in a loop or in a function called twice is said once. */
function withoutRepeats(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const seen = new Set<string>();
  return diagnostics.filter((diagnostic) => {
    const key = JSON.stringify([diagnostic.code, diagnostic.message, diagnostic.span]);
    return seen.has(key) ? false : seen.add(key);
  });
}
