/** What declarations come to: the functions, operators and definitions called from them, and from those. */
import type { Declaration } from "../ir/declaration.ts";
import { isExpansion } from "./instantiate.ts";
import type { Module } from "./module.ts";
import { type Use, usesIn, usesInBody, usesInType } from "./names_used.ts";

export function reachedFrom(roots: readonly Declaration[], module: Callees): ReadonlySet<Declaration> {
  const reached = new Set<Declaration>();
  const waiting: Declaration[] = [...roots];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    if (reached.has(next)) continue;
    reached.add(next);
    for (const use of usesOf(next)) waiting.push(...meantBy(use, module));
    if (usesTensors(next)) waiting.push(...notations(module));
  }
  return reached;
}

type Callees = Pick<Module, "functions" | "operators" | "definitions">;

/** Equations and definitions compute with elements, and call no operator. */
function usesTensors(declaration: Declaration): boolean {
  return declaration.kind === "op" ? isExpansion(declaration) : declaration.kind !== "def";
}

/** Every name and callee in a declaration, bound or not. */
function usesOf(declaration: Declaration): Use[] {
  const none: ReadonlySet<string> = new Set();
  switch (declaration.kind) {
    case "def":
      return usesIn(declaration.body, none);
    case "model":
      return [...declaration.inputs.flatMap(({ type }) => usesInType(type, none)), ...usesInBody(declaration.body, none)];
    case "op":
    case "fn": {
      const { operands, attributes, results, body } = declaration;
      const types = [...operands, ...results].flatMap(({ type }) => (type ? usesInType(type, none) : []));
      return [
        ...types,
        ...attributes.flatMap((attribute) => (attribute.default ? usesIn(attribute.default, none) : [])),
        ...usesInBody(body, none),
      ];
    }
    case "rule":
    case "sketch":
    case "schedule":
      return [];
  }
}

function meantBy({ kind, name }: Use, module: Callees): Declaration[] {
  if (kind === "name") return [];
  return [module.functions.get(name), module.operators.get(name), module.definitions.get(name)].filter((found) => found !== undefined);
}

/** `a + b` calls an operator without naming it. */
function notations(module: Callees): Declaration[] {
  return [...module.operators.values()].filter((operator) => operator.notation !== undefined);
}
