/** The nn level's interpreter: every call evaluated from its declaration, in float64. The oracle of all levels. */

import type { TensorType } from "../ir/dtype.ts";
import { evaluateCompute, type TensorData, tensorData } from "../ir/evaluate.ts";
import type { NnProgram } from "../ir/nn.ts";
import { invariant } from "../support/invariant.ts";
import { expandNode } from "./elaborate.ts";
import { isExpansion } from "./instantiate.ts";
import { computesOf, instantiateNode, valueTypes } from "./node_instance.ts";

/** All values by name; `given` holds inputs by name and weights by path, row-major. */
export function interpretNn(program: NnProgram, given: ReadonlyMap<string, Float64Array>): Map<string, Float64Array> {
  const values = new Map<string, Float64Array>();
  for (const input of program.inputs) values.set(input.name, required(given, input.name));
  for (const weight of program.weights) values.set(weight.name, required(given, weight.path));
  for (const constant of program.constants) values.set(constant.name, Float64Array.from(constant.data));
  run(program, values);
  return values;
}

function run(program: NnProgram, values: Map<string, Float64Array>): void {
  const types = valueTypes(program);
  for (const node of program.nodes) {
    const operator = program.operators.get(node.operator);
    invariant(operator, `the program has no operator ${node.operator}`);
    if (isExpansion(operator)) {
      const expanded = expandNode(
        node,
        node.operands.map((name) => types.get(name) as TensorType),
        program,
        new Set(types.keys()),
      );
      const inner: NnProgram = {
        ...program,
        inputs: node.operands.map((name) => ({ name, type: types.get(name) as TensorType })),
        weights: [],
        ...expanded,
      };
      for (const constant of expanded.constants) values.set(constant.name, Float64Array.from(constant.data));
      run(inner, values);
      node.results.forEach((result, i) => {
        values.set(result.name, required(values, expanded.results[i] ?? ""));
      });
      continue;
    }
    const tensor = (name: string): TensorData => tensorData(required(values, name), types.get(name)?.shape ?? []);
    for (const compute of computesOf(node, instantiateNode(node, program, types)))
      values.set(compute.name, evaluateCompute(compute, tensor));
  }
}

function required(values: ReadonlyMap<string, Float64Array>, name: string): Float64Array {
  const value = values.get(name);
  invariant(value, `no value for ${name}`);
  return value;
}
