/**
 * expand: every call of an expansion becomes the calls it stands for.
 * Guarantees: each node's operator is a comprehension. Values keep their names.
 */

import type { TensorType } from "../ir/dtype.ts";
import type { NnConstant, NnNode, NnProgram } from "../ir/nn.ts";
import { expandNode } from "../semantics/elaborate.ts";
import { isExpansion } from "../semantics/instantiate.ts";
import { valueTypes } from "../semantics/node_instance.ts";
import { invariant } from "../support/invariant.ts";
import { renameOperands } from "./graph.ts";

export function expand(program: NnProgram): NnProgram {
  return expandExcept(program, new Set());
}

/** Leaves calls of the operators named as they are: a target may have them as a whole. */
export function expandExcept(program: NnProgram, kept: ReadonlySet<string>): NnProgram {
  const types = valueTypes(program);
  const constants: NnConstant[] = [...program.constants];
  const renamed = new Map<string, string>();
  const nodes: NnNode[] = [];
  const emit = (node: NnNode): void => {
    const current = renameOperands(node, renamed);
    const operator = program.operators.get(current.operator);
    invariant(operator, `the program has no operator ${current.operator}`);
    if (!isExpansion(operator) || kept.has(operator.name)) {
      nodes.push(current);
      for (const value of current.results) types.set(value.name, value.type);
      return;
    }
    const operands = current.operands.map((name) => types.get(name) as TensorType);
    const expanded = expandNode(current, operands, program, new Set(types.keys()));
    for (const constant of expanded.constants) {
      constants.push(constant);
      types.set(constant.name, constant.type);
    }
    for (const value of expanded.nodes.flatMap((inner) => inner.results)) types.set(value.name, value.type);
    for (const inner of expanded.nodes) emit(inner);
    current.results.forEach((value, i) => {
      const actual = expanded.results[i];
      if (actual !== undefined && actual !== value.name) renamed.set(value.name, renamed.get(actual) ?? actual);
    });
  };
  for (const node of program.nodes) emit(node);
  const outputs = program.outputs.map((output) => ({ ...output, value: renamed.get(output.value) ?? output.value }));
  return { ...program, constants, nodes, outputs };
}
