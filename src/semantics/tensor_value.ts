/** Values of tensor expressions (models, functions, expansions), and the environment they are evaluated in. */

import type { FnDeclaration, ResultParameter, StatementSyntax } from "../ir/declaration.ts";
import type { NnValue } from "../ir/nn.ts";
import { errorDiagnostic, type Note, type Span } from "../support/diagnostic.ts";
import type { GraphBuilder } from "./graph_builder.ts";
import type { Instance, Library } from "./instantiate.ts";
import type { Scope, Staging, Value } from "./value.ts";

export type TensorValue =
  | { readonly kind: "tensor"; readonly value: NnValue }
  /** Several results of one call, or a tuple; each may be taken by position or name. */
  | { readonly kind: "tensors"; readonly items: readonly { readonly name?: string; readonly value: TensorValue }[] }
  /** A weight scope, or a weight that was not declared: a path without a type. */
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "plain"; readonly value: Value };

/** What a model, a function and an expansion have in common. */
export type Body = { readonly name: string; readonly results: readonly ResultParameter[]; readonly body: readonly StatementSyntax[] };

export type Environment = {
  readonly values: ReadonlyMap<string, TensorValue>;
  /** Paths that scope parameters stand for. */
  readonly scopes: ReadonlyMap<string, string>;
  readonly functions: ReadonlyMap<string, FnDeclaration>;
  /** `+` and the other notations, to operator names. */
  readonly notations: ReadonlyMap<string, string>;
  readonly library: Library;
  readonly builder: GraphBuilder;
  readonly staging: Staging;
  /** Runs a body; here because functions call bodies and bodies call functions. */
  runBody(body: Body, environment: Environment, hint?: string): TensorValue | undefined;
  /** Calls that are being inlined, outermost first: to stop recursion and to say where a mistake comes from. */
  readonly calls: readonly { readonly name: string; readonly span: Span }[];
  /** Expansions that were run at these types already, and have no mistake. */
  readonly checked: Set<Instance>;
};

export const poisonTensor: TensorValue = { kind: "plain", value: { kind: "poison" } };

export function isPoison(value: TensorValue): boolean {
  return value.kind === "plain" && value.value.kind === "poison";
}

export function withValues(environment: Environment, bindings: Iterable<readonly [string, TensorValue]>): Environment {
  return { ...environment, values: new Map([...environment.values, ...bindings]) };
}

/** What compile-time expressions see: plain values as they are, tensors as operands with a shape. */
export function scopeOf(environment: Environment): Scope {
  const values = new Map<string, Value>();
  for (const [name, value] of environment.values) values.set(name, plainOf(value, name));
  return { values, staging: environment.staging };
}

function plainOf(value: TensorValue, name: string): Value {
  switch (value.kind) {
    case "plain":
      return value.value;
    case "tensor":
      return { kind: "operand", name, type: value.value.type };
    case "tensors":
      return { kind: "list", items: value.items.map((item, i) => plainOf(item.value, `${name}.${i}`)) };
    case "path":
      return { kind: "symbol", name: value.path };
  }
}

export function tensorOf(values: readonly NnValue[], names: readonly string[]): TensorValue {
  const [only] = values;
  if (values.length === 1 && only) return { kind: "tensor", value: only };
  return {
    kind: "tensors",
    items: values.map((value, i) => ({ name: names[i] ?? value.name, value: { kind: "tensor", value } as const })),
  };
}

/** Says too from which call of a function the mistake comes. */
export function reportIn(environment: Environment, code: string, message: string, span: Span, help?: string, extra?: Note): TensorValue {
  const call = environment.calls.at(-1);
  const notes = [...(extra ? [extra] : []), ...(call ? [{ message: `in \`${call.name}\`, called here`, span: call.span }] : [])];
  environment.staging.report(errorDiagnostic(code, message, { span, help, notes }));
  return poisonTensor;
}
