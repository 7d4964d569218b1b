/**
 * Nodes whose operands are all known: what networks compute from shapes. A node is translated into a model of its own, which the
 * interpreter runs; only the result stays.
 */
import { elementCount } from "../../ir/dtype.ts";
import type { Library } from "../../semantics/instantiate.ts";
import { createModelBuilder } from "../model_builder.ts";
import { createContext, type Operand, type Refusal, type Scope, type Translation, useOperand } from "./context.ts";
import { identity } from "./layout.ts";
import type { OnnxNode } from "./node.ts";
import { makerOf } from "./tensor.ts";

/** Elements of one operand or result up to which a node is folded; larger constants are computed when the module is built. */
const largest = 4096;

/** Elementary steps, about, that folding one node may take. */
const longest = 1 << 20;

/** Whether the result is worth knowing: all operands are constants, and small. */
export function isFoldable(node: OnnxNode, operands: ReadonlyMap<string, Operand>): boolean {
  const given = node.inputs.flatMap((name) => operands.get(name) ?? []);
  const sizes = given.map(({ shape }) => elementCount(shape));
  const product = sizes.reduce((total, size) => total * Math.max(size, 1), 1);
  return given.length > 0 && given.every(({ kind }) => kind === "constant") && sizes.every((size) => size <= largest) && product <= longest;
}

/** The results as constants; undefined where they are too large. */
export function foldNode(
  node: OnnxNode,
  translate: Translation,
  scope: Scope,
  library: Library,
): { readonly results: readonly Operand[] } | { readonly refusal: Refusal } | undefined {
  const builder = createModelBuilder({ name: "constants", origin: "", library });
  const inner: Scope = { ...scope, builder, operands: new Map(scope.operands), arranged: new Map(), wide: true };
  for (const name of node.outputs) inner.operands.delete(name);
  const refusal = translate(createContext(node, inner));
  if (refusal !== undefined) return { refusal };
  if (builder.failed) return undefined;
  const found = node.outputs.flatMap((name) => inner.operands.get(name) ?? []);
  if (found.some(({ shape }) => elementCount(shape) > largest)) return undefined;
  const computed = found.filter((operand) => operand.kind === "computed");
  const values = computed.map((operand) => useOperand(operand, identity(operand.shape.length), inner));
  const numbers = builder.evaluate(values);
  const results = found.map((operand): Operand => {
    if (operand.kind === "constant") return operand;
    const position = computed.indexOf(operand);
    const { dtype } = operand.value.type;
    const elements = makerOf(dtype)(elementCount(operand.shape));
    elements.set(numbers[position] ?? []);
    const { source, shape, inputs } = operand;
    return { kind: "constant", source, shape, inputs, tensor: { type: { dtype, shape }, values: elements } };
  });
  return { results };
}
