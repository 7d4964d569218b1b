/**
 * What a translation sees of a node: its operands in the layout it asks for, its attributes, and where its results go.
 * An operand is a constant, whose numbers are known now, or computed, a value of the model that is being written.
 */
import { type DType, elementCount } from "../../ir/dtype.ts";
import { invariant } from "../../support/invariant.ts";
import type { ImportedTensor } from "../importer.ts";
import type { ModelBuilder } from "../model_builder.ts";
import type { Value } from "../written_model.ts";
import { channelsLast, identity, isIdentity, isSame, type Layout, movesNothing, permuted, storedShape } from "./layout.ts";
import { narrowed } from "./narrow.ts";
import type { OnnxNode } from "./node.ts";

export type Operand = {
  /** The source's name of the value. */
  readonly source: string;
  readonly shape: readonly number[];
  /** The graph's inputs that it depends on. */
  readonly inputs: readonly string[];
} & (
  | { readonly kind: "constant"; readonly tensor: ImportedTensor }
  | { readonly kind: "computed"; readonly value: Value; readonly layout: Layout }
);

/** Why a node cannot be said: the end of a sentence that begins with its operator, or the operand that must be known now. */
export type Refusal = string | { readonly operand: number };

export type Translation = (context: NodeContext) => Refusal | undefined;
export type Translations = { readonly [operator: string]: Translation };

export type Given = { readonly layout?: Layout; readonly result?: number };

export type NodeContext = {
  readonly node: OnnxNode;
  readonly opset: number;
  readonly builder: ModelBuilder;
  /** How many operands the node names. */
  readonly count: number;
  /** Whether the operand is given. */
  has(i: number): boolean;
  shape(i: number): readonly number[];
  rank(i: number): number;
  /** As the model computes with it: i64 is i32, but where the numbers are constants that are folded. */
  dtype(i: number): DType;
  layout(i: number): Layout;
  /** The operand as a value of the model, in the source's order of dimensions or another. */
  use(i: number, layout?: Layout): Value;
  /** A constant operand with a shape of its own, as the layout has it: for operands that broadcast. */
  reshaped(i: number, order: Layout, to: readonly number[]): Value;
  constant(i: number): ImportedTensor | undefined;
  /** The numbers of a constant operand. */
  numbers(i: number): readonly number[] | undefined;
  /** Integers that were an attribute in older operator sets and are an operand now. */
  listed(attribute: string, i: number): readonly number[] | undefined;
  number(attribute: string, otherwise: number): number;
  integers(attribute: string): readonly number[] | undefined;
  text(attribute: string, otherwise: string): string;
  /** Whether the result is asked for. */
  wants(result: number): boolean;
  /** The value is a result, the first unless said otherwise. */
  define(value: Value, given?: Given): void;
  defineConstant(tensor: ImportedTensor, result?: number): void;
};

export type Scope = {
  readonly builder: ModelBuilder;
  readonly opset: number;
  readonly operands: Map<string, Operand>;
  /** Values in other layouts than they were given in, by value and layout. */
  readonly arranged: Map<string, Value>;
  /** Whether integers of 64 bits stay so: where constants are folded. */
  readonly wide: boolean;
};

export function createContext(node: OnnxNode, scope: Scope): NodeContext {
  const { builder, opset } = scope;
  const operand = (i: number): Operand | undefined => scope.operands.get(node.inputs[i] ?? "");
  const given = (i: number): Operand => {
    const found = operand(i);
    invariant(found, `${node.operator} has no operand ${i}`);
    return found;
  };
  const inputs = [...new Set(node.inputs.flatMap((name) => scope.operands.get(name)?.inputs ?? []))];
  const attribute = (name: string) => node.attributes.get(name);
  const context: NodeContext = {
    node,
    opset,
    builder,
    count: node.inputs.length,
    has: (i) => operand(i) !== undefined,
    shape: (i) => given(i).shape,
    rank: (i) => given(i).shape.length,
    dtype(i) {
      const found = given(i);
      const { dtype } = found.kind === "constant" ? found.tensor.type : found.value.type;
      return dtype === "i64" && !scope.wide ? "i32" : dtype;
    },
    layout(i) {
      const found = given(i);
      return found.kind === "computed" ? found.layout : identity(found.shape.length);
    },
    use: (i, layout) => useOperand(given(i), layout ?? identity(given(i).shape.length), scope),
    reshaped(i, order, to) {
      const found = given(i);
      if (found.kind === "constant") {
        const moved = permuted(found.tensor, order);
        return constantValue(found.source, { ...moved, type: { ...moved.type, shape: to } }, order, scope);
      }
      const value = useOperand(found, order, scope);
      return builder.reshape(value, to);
    },
    constant(i) {
      const found = operand(i);
      return found?.kind === "constant" ? found.tensor : undefined;
    },
    numbers(i) {
      const found = operand(i);
      return found?.kind === "constant" ? Array.from(found.tensor.values) : undefined;
    },
    listed: (name, i) => context.integers(name) ?? context.numbers(i),
    number(name, otherwise) {
      const found = attribute(name);
      return found?.kind === "number" ? found.value : otherwise;
    },
    integers(name) {
      const found = attribute(name);
      return found?.kind === "numbers" ? found.value : undefined;
    },
    text(name, otherwise) {
      const found = attribute(name);
      return found?.kind === "text" ? found.value : otherwise;
    },
    wants: (result) => (node.outputs[result] ?? "") !== "",
    define(value, { layout = identity(value.type.shape.length), result = 0 } = {}) {
      const source = node.outputs[result] ?? "";
      if (source === "") return;
      builder.rename(value, source);
      scope.operands.set(source, { kind: "computed", source, value, layout, shape: sourceShape(value, layout), inputs });
    },
    defineConstant(tensor, result = 0) {
      const source = node.outputs[result] ?? "";
      if (source !== "") scope.operands.set(source, { kind: "constant", source, tensor, shape: tensor.type.shape, inputs });
    },
  };
  return context;
}

/** The operand in a layout; moved where it lies otherwise, once for each. */
export function useOperand(operand: Operand, layout: Layout, scope: Scope): Value {
  if (operand.kind === "constant") return constantValue(operand.source, permuted(operand.tensor, layout), layout, scope);
  const { value, layout: current, source } = operand;
  const order = layout.map((dimension) => current.indexOf(dimension));
  if (isIdentity(order)) return value;
  const key = `${value.id} ${layout.join()}`;
  const known = scope.arranged.get(key);
  if (known) return known;
  const shape = value.type.shape;
  const name = `${source.replace(/:0$/, "")} ${isSame(layout, channelsLast(layout.length)) ? "channels last" : "in order"}`;
  const moved = scope.builder.aside(() =>
    movesNothing(order, shape)
      ? scope.builder.reshape(value, storedShape(shape, order), name)
      : scope.builder.call("transpose", [value], { order }, name),
  );
  scope.arranged.set(key, moved);
  return moved;
}

/** A constant as a weight of the model, once for each order and shape. */
function constantValue(source: string, tensor: ImportedTensor, order: Layout, scope: Scope): Value {
  const key = `constant ${order.join()} ${tensor.type.shape.join()} ${source}`;
  const known = scope.arranged.get(key);
  if (known) return known;
  const fitting = scope.wide ? tensor : narrowed(tensor);
  if (typeof fitting === "string") scope.builder.refuse(fitting);
  const value = scope.builder.weight(source, typeof fitting === "string" ? { ...tensor, type: { ...tensor.type, dtype: "i32" } } : fitting);
  scope.arranged.set(key, value);
  return value;
}

function sourceShape(value: Value, layout: Layout): readonly number[] {
  const shape: number[] = [];
  for (const [i, dimension] of layout.entries()) shape[dimension] = value.type.shape[i] ?? 1;
  return shape;
}

export function countOf(context: NodeContext, i: number): number {
  return elementCount(context.shape(i));
}
