/** Bodies of operators that expand into others: what they see, and whether they give what the operator declares. */
import type { OpDeclaration } from "../ir/declaration.ts";
import { formatType } from "../ir/dtype.ts";
import type { NnValue } from "../ir/nn.ts";
import { type Diagnostic, errorDiagnostic, type Span } from "../support/diagnostic.ts";
import { createGraphBuilder } from "./graph_builder.ts";
import type { Instance } from "./instantiate.ts";
import type { Environment, TensorValue } from "./tensor_value.ts";

/** Dimensions and attributes as plain values, operands as tensors. */
export function expansionValues(operator: OpDeclaration, instance: Instance, operands: readonly NnValue[]): Map<string, TensorValue> {
  const plain = [...instance.scope.values].map(([name, value]): [string, TensorValue] => [name, { kind: "plain", value }]);
  return new Map([...plain, ...bindParameters(operator, operands)]);
}

/**
 * Runs an expansion at the types of one call, for its mistakes alone: the call stays one node until the pass `expand`.
 * Functions are in scope here, so that calling one is reported once, by the check of declarations.
 */
export function checkExpansion(
  operator: OpDeclaration,
  instance: Instance,
  operands: readonly NnValue[],
  span: Span,
  environment: Environment,
): boolean {
  if (environment.checked.has(instance)) return true;
  const found: Diagnostic[] = [];
  const call = { name: operator.name, span };
  const staging = { ...environment.staging, report: (diagnostic: Diagnostic) => void found.push(diagnostic) };
  const inner: Environment = {
    ...environment,
    values: expansionValues(operator, instance, operands),
    scopes: new Map(),
    builder: createGraphBuilder(),
    staging,
    calls: [...environment.calls, call],
  };
  const result = inner.runBody(operator, inner);
  const [weight] = inner.builder.weights;
  if (weight)
    found.push(
      errorDiagnostic(
        "weight-in-operator",
        `the operator \`${operator.name}\` uses the weight \`@${weight.path}\`, and weights belong to models and functions`,
        {
          span: operator.nameSpan,
          help: "take it as an operand, or declare an `fn`",
        },
      ),
    );
  if (result && found.length === 0) found.push(...wrongResults(operator, instance, result));
  for (const diagnostic of found) environment.staging.report(fromCall(diagnostic, call));
  // The body sees the operands' types and nothing else of them, so the next call at these types need not run it.
  if (found.length === 0) environment.checked.add(instance);
  return found.length === 0;
}

function wrongResults(operator: OpDeclaration, instance: Instance, result: TensorValue): Diagnostic[] {
  const values = result.kind === "tensors" ? result.items.map((item) => item.value) : [result];
  const span = operator.body.at(-1)?.span ?? operator.span;
  if (values.length !== instance.results.length)
    return [
      errorDiagnostic(
        "result-count",
        `\`${operator.name}\` declares ${instance.results.length} result${instance.results.length === 1 ? "" : "s"}, and its body gives ${values.length}`,
        { span },
      ),
    ];
  return instance.results.flatMap((declared, i) => {
    const value = values[i];
    if (value?.kind !== "tensor" || formatType(value.value.type) === formatType(declared.type)) return [];
    const message = `the result \`${declared.name}\` of \`${operator.name}\` is declared ${formatType(declared.type)}, and its body gives ${formatType(value.value.type)}`;
    return [
      errorDiagnostic("result-type", message, {
        span: operator.results[i]?.span ?? span,
        help: "declare what the body gives, or change the body",
      }),
    ];
  });
}

/** Says which call led there, unless the mistake says so already. */
function fromCall(diagnostic: Diagnostic, { name, span }: { readonly name: string; readonly span: Span }): Diagnostic {
  const message = `in \`${name}\`, called here`;
  const isSaid = diagnostic.notes.some((note) => note.message === message);
  return isSaid ? diagnostic : { ...diagnostic, notes: [...diagnostic.notes, { message, span }] };
}

function bindParameters(operator: OpDeclaration, operands: readonly NnValue[]): [string, TensorValue][] {
  return operator.operands.map((parameter, i): [string, TensorValue] => {
    if (!parameter.variadic) return [parameter.name, { kind: "tensor", value: operands[i] as NnValue }];
    return [parameter.name, { kind: "tensors", items: operands.slice(i).map((value) => ({ value: { kind: "tensor", value } as const })) }];
  });
}
