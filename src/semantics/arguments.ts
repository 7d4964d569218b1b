/** The arguments of a call, sorted into tensors and attributes, and where each of them stands. */
import type { FnDeclaration, OpDeclaration } from "../ir/declaration.ts";
import { formatType } from "../ir/dtype.ts";
import type { Span } from "../support/diagnostic.ts";
import type { Places } from "./bind.ts";
import { type Environment, reportIn, type TensorValue } from "./tensor_value.ts";
import type { Value } from "./value.ts";

export type Given = { readonly value: TensorValue; readonly span: Span };

/** Tensors in order, and what is given by name and is none. */
export type Arguments = { readonly operands: readonly Given[]; readonly rest: ReadonlyMap<string, Given> };

/** Tensors given by name take their parameter's place; what is left are attributes. */
export function placeOperands(
  callee: OpDeclaration | FnDeclaration,
  positional: readonly Given[],
  named: ReadonlyMap<string, Given>,
  environment: Environment,
): Arguments | undefined {
  const operands = positional.flatMap((given) =>
    given.value.kind === "tensors" ? given.value.items.map((item) => ({ value: item.value, span: given.span })) : [given],
  );
  if (refuseSeveral(callee, positional, operands.length, environment)) return undefined;
  const rest = new Map<string, Given>();
  for (const [name, given] of named) {
    const position = callee.operands.findIndex((parameter) => parameter.name === name);
    if (position < 0) rest.set(name, given);
    else if (position === operands.length) operands.push(given);
    else
      reportIn(
        environment,
        "operand-order",
        `\`${name}\` is operand ${position + 1} of \`${callee.name}\`, and ${operands.length === 0 ? "nothing is" : `${operands.length} ${operands.length === 1 ? "is" : "are"}`} given before it`,
        given.span,
        `give the tensors in their order: \`${callee.name}(${callee.operands.map((operand) => operand.name).join(", ")})\``,
      );
  }
  return refuseAttribute(callee, operands, environment) ? undefined : { operands, rest };
}

/** Several tensors stand for as many operands; where those are too many, one of them was meant. */
function refuseSeveral(
  callee: OpDeclaration | FnDeclaration,
  positional: readonly Given[],
  count: number,
  environment: Environment,
): boolean {
  if (callee.operands.at(-1)?.variadic || count <= callee.operands.length) return false;
  for (const { value, span } of positional) {
    if (value.kind !== "tensors" || value.items.length < 2) continue;
    const names = value.items.map(({ name }, i) => `\`.${name ?? i}\``);
    reportIn(
      environment,
      "several-results",
      `this gives ${value.items.length} tensors, and \`${callee.name}\` takes ${callee.operands.length} in all`,
      span,
      `take one of them: ${names.join(" or ")}`,
    );
    return true;
  }
  return false;
}

/** A plain value beyond the tensors is an attribute without its name. */
function refuseAttribute(callee: OpDeclaration | FnDeclaration, operands: readonly Given[], environment: Environment): boolean {
  const wanted = callee.operands.length;
  const extra = callee.operands.at(-1)?.variadic ? [] : operands.slice(wanted);
  const value = extra.find((given) => given.value.kind === "plain" && given.value.value.kind !== "poison");
  if (!value) return false;
  const names = callee.operands.map(({ name }) => name).join(", ");
  const [attribute] = callee.attributes;
  reportIn(
    environment,
    "operand-count",
    `\`${callee.name}\` takes ${wanted} tensor${wanted === 1 ? "" : "s"} (${names}), and ${operands.length} are given`,
    value.span,
    attribute ? `an attribute is given by its name: \`${attribute.name}: ...\`` : "leave it out",
  );
  return true;
}

export function placesOf({ operands, rest }: Arguments): Places {
  return { operands: operands.map((given) => given.span), attributes: new Map([...rest].map(([name, given]) => [name, given.span])) };
}

export function plainValues(given: ReadonlyMap<string, Given>, environment: Environment): Map<string, Value> | undefined {
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
          "write a number or a list; what a tensor holds is known only when the model runs",
        );
      else if (value.kind !== "plain")
        reportIn(environment, "tensor-as-attribute", `attribute \`${name}\` is a compile-time value`, span, "write a number or a list");
    }
  }
  return fine ? values : undefined;
}
