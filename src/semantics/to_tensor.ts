/** Where a tensor is needed: what counts as one, and the element type that a number takes there. */
import type { OpDeclaration } from "../ir/declaration.ts";
import { type DType, isSourceDType } from "../ir/dtype.ts";
import type { NnValue } from "../ir/nn.ts";
import type { Span } from "../support/diagnostic.ts";
import { addConstant } from "./graph_builder.ts";
import { type Environment, reportIn, scopeOf, type TensorValue } from "./tensor_value.ts";
import { describe, toExpr } from "./value.ts";

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
      if (value.value.kind === "number") {
        const constant = toExpr(value.value, dtype, span, scopeOf(environment));
        return constant?.kind === "constant" ? addConstant(environment.builder, dtype, [], [constant.value]) : undefined;
      }
      if (value.value.kind !== "poison")
        reportIn(
          environment,
          "not-a-tensor",
          `a tensor is needed here, and this is ${describe(value.value)}`,
          span,
          "give a tensor: an input, a weight, a number, or what an operator returns",
        );
      return undefined;
  }
}

/** The element type of a number as operand: what its parameter says, or what a tensor of the same type variable has. */
export function numberType(operator: OpDeclaration, position: number, given: readonly { readonly value: TensorValue }[]): DType {
  const variableAt = (i: number) => operator.operands[Math.min(i, operator.operands.length - 1)]?.type.dtype;
  const variable = variableAt(position);
  if (variable !== undefined && isSourceDType(variable)) return variable;
  const alike = given.find(({ value }, i) => value.kind === "tensor" && variableAt(i) === variable)?.value;
  return alike?.kind === "tensor" ? alike.value.type.dtype : "f32";
}
