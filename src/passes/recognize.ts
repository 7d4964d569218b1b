/**
 * recognize: a call of an operator that is not among the targets, but computes what one of them does, becomes a call of that
 * one. So a format that says the library's convolution also says a user's own.
 * Guarantees: results, types and values stay.
 */
import type { TensorType } from "../ir/dtype.ts";
import type { NnNode, NnProgram } from "../ir/nn.ts";
import { isExpansion } from "../semantics/instantiate.ts";
import type { Module } from "../semantics/module.ts";
import { instantiateNode, valueTypes } from "../semantics/node_instance.ts";
import { matchOperator } from "./match_operator.ts";

export function recognize(program: NnProgram, module: Pick<Module, "operators" | "definitions">, targets: ReadonlySet<string>): NnProgram {
  const types = valueTypes(program);
  const patterns = [...targets].flatMap((name) => {
    const operator = module.operators.get(name);
    return operator && !isExpansion(operator) ? [operator] : [];
  });
  const replace = (node: NnNode): NnNode => {
    if (targets.has(node.operator)) return node;
    const candidate = {
      operator: node.operator,
      attributes: node.attributes,
      types: node.operands.map((name) => types.get(name) as TensorType),
      instance: () => instantiateNode(node, program, types),
    };
    for (const pattern of patterns) {
      const [match] = matchOperator(pattern, candidate, module);
      if (!match) continue;
      const operands = match.order.map((position) => node.operands[position] as string);
      return { ...node, operator: pattern.name, operands, attributes: match.attributes };
    }
    return node;
  };
  return { ...program, nodes: program.nodes.map(replace) };
}
