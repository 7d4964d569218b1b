/** Expressions of the language, for what importers write: they stand nowhere in a source. */
import type { Argument, Syntax, TypeSyntax } from "../ir/declaration.ts";
import type { DType, TensorType } from "../ir/dtype.ts";
import type { Attributes, AttributeValue } from "../ir/nn.ts";
import type { Span } from "../support/diagnostic.ts";
import { weightStep } from "./names.ts";

export const nowhere: Span = { file: "", start: 0, end: 0 };

export function nameSyntax(name: string): Syntax {
  return { kind: "name", name, span: nowhere };
}

/** A number; a negative one is negated, as it is written. */
export function numberSyntax(value: number): Syntax {
  const size: Syntax = { kind: "number", value: Math.abs(value), span: nowhere };
  return value < 0 || Object.is(value, -0) ? { kind: "negate", value: size, span: nowhere } : size;
}

/** A text is a word of the operator's or an element type. */
export function valueSyntax(value: AttributeValue): Syntax {
  if (typeof value === "number") return numberSyntax(value);
  if (typeof value === "boolean") return { kind: "boolean", value, span: nowhere };
  if (typeof value === "string") return nameSyntax(value);
  return { kind: "list", items: value.map(valueSyntax), span: nowhere };
}

export function callSyntax(callee: string, operands: readonly Syntax[], attributes: Attributes): Syntax {
  const named = Object.entries(attributes).map(([name, value]): Argument => ({ name, value: valueSyntax(value) }));
  return { kind: "call", callee, calleeSpan: nowhere, arguments: [...operands.map((value) => ({ value })), ...named], span: nowhere };
}

/** The element type is left out where it is f32. */
export function typeSyntax({ dtype, shape }: TensorType, always = false): TypeSyntax {
  const { dimensions } = dimensionsSyntax(dtype, shape.map(numberSyntax));
  return { ...(dtype === "f32" && !always ? {} : { dtype }), dimensions, span: nowhere };
}

/** The same of any extents, after those that are in a pack. */
export function dimensionsSyntax(dtype: DType, extents: readonly Syntax[], pack?: string): TypeSyntax {
  const spread = pack === undefined ? [] : [{ spread: true, value: nameSyntax(pack), span: nowhere }];
  const dimensions = [...spread, ...extents.map((value) => ({ spread: false, value, span: nowhere }))];
  return { ...(dtype === "f32" ? {} : { dtype }), dimensions, span: nowhere };
}

/** A weight; without a type, the scope of several. */
export function weightSyntax(steps: readonly string[], type?: TypeSyntax): Syntax {
  const path = steps.map((step) => weightStep(step, (value) => ({ kind: "index", index: numberSyntax(value) })));
  return { kind: "weight", path, ...(type ? { type } : {}), span: nowhere };
}
