/** A TensorFlow graph on its way to calls of the library: what is known of every result so far. */
import type { DType } from "../../ir/dtype.ts";
import type { Attributes } from "../../ir/nn.ts";
import type { ImportedTensor } from "../importer.ts";
import type { createLayerNames } from "../layer_names.ts";
import { shownName } from "../limits.ts";
import type { ModelBuilder } from "../model_builder.ts";
import { shortest } from "../shortest.ts";
import type { Value } from "../written_model.ts";
import type { GraphNode, Reference } from "./graph.ts";

/** Gives the node's first result, all of them, or the end of a sentence that begins with its operator. */
export type Translate = (node: GraphNode, net: Net) => Value | readonly Value[] | string;

export type Net = {
  readonly builder: ModelBuilder;
  /** The operand at a place; one that is missing is refused. */
  value(node: GraphNode, place: number): Value;
  /** Its numbers, where they are known before anything runs. */
  known(node: GraphNode, place: number): ImportedTensor | undefined;
  /** A constant under a name of the layer's. */
  weight(node: GraphNode, place: number, kind: string): Value;
  /** A constant of one element beside a tensor, as a number. */
  scalar(node: GraphNode, place: number): Value | number;
  shape(node: GraphNode, place: number): readonly number[];
  call(operator: string, operands: readonly (Value | number)[], attributes?: Attributes): Value;
};

export type GraphState = {
  readonly builder: ModelBuilder;
  readonly names: ReturnType<typeof createLayerNames>;
  readonly values: Map<string, Value>;
  readonly constants: Map<string, ImportedTensor>;
};

export function keyOf({ node, place }: Reference): string {
  return place === 0 ? node : `${node}:${place}`;
}

export function createGraphNet({ builder, names, values, constants }: GraphState): Net {
  const missing: Value = { id: -1, type: { dtype: "f32", shape: [] } };
  const keyAt = (node: GraphNode, place: number): string => {
    const reference = node.inputs[place];
    return reference ? keyOf(reference) : "";
  };
  const weightOf = (key: string, name: string): Value | undefined => {
    const made = values.get(key);
    const constant = constants.get(key);
    if (made || !constant) return made;
    const value = builder.weight(name, constant);
    values.set(key, value);
    return value;
  };
  const valueAt = (node: GraphNode, place: number, name: string): Value => {
    const value = weightOf(keyAt(node, place), name);
    if (value) return value;
    builder.refuse(`there is no operand ${place}`);
    return missing;
  };
  return {
    builder,
    value: (node, place) => valueAt(node, place, names.layer(keyAt(node, place))),
    known: (node, place) => constants.get(keyAt(node, place)),
    weight: (node, place, kind) => valueAt(node, place, `${names.layer(node.name)}/${kind}`),
    scalar(node, place) {
      const constant = constants.get(keyAt(node, place));
      const isNumber = constant && constant.values.length === 1 && constant.type.shape.length <= 1 && constant.type.dtype === "f32";
      return isNumber ? shortest(constant.values[0] ?? 0) : valueAt(node, place, names.layer(keyAt(node, place)));
    },
    shape(node, place) {
      const key = keyAt(node, place);
      return values.get(key)?.type.shape ?? constants.get(key)?.type.shape ?? [];
    },
    call: (operator, operands, attributes) => builder.call(operator, operands, attributes),
  };
}

/** The numbers of an operand that decides a shape. */
export function numbersAt(net: Net, node: GraphNode, place: number): number[] | undefined {
  const known = net.known(node, place);
  return known && Array.from(known.values);
}

const dtypeNames: { readonly [name: string]: DType } = {
  DT_FLOAT: "f32",
  DT_INT32: "i32",
  DT_UINT8: "u8",
  DT_INT8: "i8",
  DT_BOOL: "bool",
  DT_INT64: "i32",
};

/** 64-bit integers are 32-bit ones in the runtime. The text is the end of a sentence. */
export function dtypeOf(name: string): DType | string {
  return Object.hasOwn(dtypeNames, name) ? (dtypeNames[name] as DType) : `has the type ${shownName(name)}`;
}
