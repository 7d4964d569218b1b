/** Collects the nodes of an nn program while bodies are elaborated: names values, shares weights and constants. */
import type { DType, TensorType } from "../ir/dtype.ts";
import type { Attributes, Initializer, NnConstant, NnNode, NnValue, NnWeight } from "../ir/nn.ts";
import type { Span } from "../support/diagnostic.ts";

export type GraphBuilder = {
  readonly inputs: NnValue[];
  readonly weights: NnWeight[];
  readonly constants: NnConstant[];
  readonly nodes: NnNode[];
  readonly names: Set<string>;
  /** Where each weight was first asked for, by its path. */
  readonly weightSpans: Map<string, Span>;
};

export function createGraphBuilder(names: Iterable<string> = []): GraphBuilder {
  return { inputs: [], weights: [], constants: [], nodes: [], names: new Set(names), weightSpans: new Map() };
}

/** `wanted`, or `wanted_2`, `wanted_3`, ... where it is taken. */
export function freshName(wanted: string, builder: GraphBuilder): string {
  let name = wanted;
  for (let i = 2; builder.names.has(name); i++) name = `${wanted}_${i}`;
  builder.names.add(name);
  return name;
}

/** Adds a call; the first result takes `name`, the others `name.result`. */
export function addNode(
  builder: GraphBuilder,
  name: string,
  operator: string,
  results: readonly NnValue[],
  operands: readonly string[],
  attributes: Attributes,
): NnValue[] {
  const first = freshName(name, builder);
  const named = results.map((result, i) => ({ name: i === 0 ? first : freshName(`${first}.${result.name}`, builder), type: result.type }));
  builder.nodes.push({ results: named, operator, operands, attributes });
  return named;
}

/** The constant of these elements, made once. */
export function addConstant(builder: GraphBuilder, dtype: DType, shape: readonly number[], data: readonly number[]): NnValue {
  const same = builder.constants.find(
    (constant) =>
      constant.type.dtype === dtype &&
      constant.type.shape.join() === shape.join() &&
      constant.data.length === data.length &&
      constant.data.every((value, i) => Object.is(value, data[i])),
  );
  if (same) return { name: same.name, type: same.type };
  const constant = { name: freshName("constant", builder), type: { dtype, shape }, data };
  builder.constants.push(constant);
  return { name: constant.name, type: constant.type };
}

/** The weight at a path; undefined when it was declared before with another type. */
export function addWeight(
  builder: GraphBuilder,
  path: string,
  type: TensorType,
  initializer: Initializer | undefined,
): NnWeight | undefined {
  const known = builder.weights.find((weight) => weight.path === path);
  if (known) return known.type.dtype === type.dtype && known.type.shape.join() === type.shape.join() ? known : undefined;
  const weight = { name: freshName(path, builder), path, type, ...(initializer ? { initializer } : {}) };
  builder.weights.push(weight);
  return weight;
}
