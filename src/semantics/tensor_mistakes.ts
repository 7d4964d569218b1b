/** Mistakes in tensor expressions that several forms share, and where a call came from. */
import type { Syntax } from "../ir/declaration.ts";
import type { Span } from "../support/diagnostic.ts";
import { nearest } from "../support/nearest.ts";
import { type Environment, poisonTensor, reportIn, type TensorValue } from "./tensor_value.ts";

export function unknownName(name: string, span: Span, environment: Environment): TensorValue {
  if (environment.library.broken?.has(name)) return poisonTensor;
  const isCallee = environment.functions.has(name) || environment.library.operators.has(name);
  const suggestion = nearest(name, environment.values.keys());
  const help = isCallee
    ? `it is called, \`${name}(...)\`, without a space before \`(\``
    : suggestion
      ? `did you mean \`${suggestion}\`?`
      : `define it before: \`let ${name} = ...\``;
  return reportIn(environment, "unknown-name", `\`${name}\` is not ${isCallee ? "a value" : "defined here"}`, span, help);
}

/** A name where an attribute also takes words, and it is neither. */
export function unknownWord(
  syntax: Extract<Syntax, { kind: "name" }>,
  attribute: string,
  words: readonly string[],
  environment: Environment,
): TensorValue {
  const { name, span } = syntax;
  const suggestion = nearest(name, [...words, ...environment.values.keys()]);
  const help = suggestion ? `did you mean \`${suggestion}\`?` : undefined;
  const listed = words.map((word) => `\`${word}\``).join(", ");
  return reportIn(
    environment,
    "unknown-name",
    `\`${name}\` is not defined here, and the words that \`${attribute}\` takes are ${listed}`,
    span,
    help,
  );
}

/** Says through which functions a call came to be, innermost last. */
export function withOrigin<T extends { notes: readonly { message: string; span?: Span }[] }>(diagnostic: T, environment: Environment): T {
  const call = environment.calls.at(-1);
  return call
    ? { ...diagnostic, notes: [...diagnostic.notes, { message: `in \`${call.name}\`, called here`, span: call.span }] }
    : diagnostic;
}
