/** The meaning of one node of an nn program: its operator instantiated at its operands' types. */

import type { OpDeclaration } from "../ir/declaration.ts";
import type { TensorType } from "../ir/dtype.ts";
import { type Compute, renameTensors } from "../ir/expr.ts";
import type { NnNode, NnProgram } from "../ir/nn.ts";
import { invariant } from "../support/invariant.ts";
import { valuesOfAttributes } from "./bind.ts";
import { type Instance, instantiateCall } from "./instantiate.ts";

/** The type of every value of a program, by name. */
export function valueTypes(program: NnProgram): Map<string, TensorType> {
  const types = new Map<string, TensorType>();
  for (const value of [...program.inputs, ...program.weights, ...program.constants]) types.set(value.name, value.type);
  for (const node of program.nodes) for (const value of node.results) types.set(value.name, value.type);
  return types;
}

export function instantiateNode(
  node: NnNode,
  program: Pick<NnProgram, "operators" | "definitions">,
  types: ReadonlyMap<string, TensorType>,
): Instance {
  const operator = program.operators.get(node.operator);
  invariant(operator, `the program has no operator ${node.operator}`);
  const operands = node.operands.map((name) => {
    const type = types.get(name);
    invariant(type, `the value ${name} is not defined before ${node.operator}`);
    return type;
  });
  const known = instances.get(node);
  if (known?.operator === operator && operands.every((type, i) => type === known.operands[i])) return known.instance;
  const { value, diagnostics } = instantiateCall(operator, operands, valuesOfAttributes(node.attributes), program, operator.span);
  invariant(value, `${node.operator} does not instantiate: ${diagnostics[0]?.message}`);
  instances.set(node, { operator, operands, instance: value });
  return value;
}

/** Nodes never change, and rewriting asks for one again and again, as do the passes after it. */
const instances = new WeakMap<NnNode, { operator: OpDeclaration; operands: readonly TensorType[]; instance: Instance }>();

/** The node's computes in the program's own names: operands read by value name, results named as the node's. */
export function computesOf(node: NnNode, instance: Instance): Compute[] {
  const names = new Map(instance.operands.map((parameter, i) => [parameter, node.operands[i] as string]));
  const rename = (name: string) => names.get(name) ?? name;
  return instance.computes.map((compute, i) => ({
    ...compute,
    name: node.results[i]?.name ?? compute.name,
    value: renameTensors(compute.value, rename),
  }));
}
