/**
 * lowerToTensor: every node becomes computes over buffers, one group each.
 * Invariants in: expanded (no expansions). Guarantees: normal form, reductions only at a compute's root and never
 * argmax or argmin; a group that depends on weights and constants only has phase `build`.
 */

import { constantIndex, variableIndex, variablesOf } from "../ir/affine.ts";
import { dtypes, isFloat } from "../ir/dtype.ts";
import { reductionIdentity } from "../ir/evaluate.ts";
import { type Axis, type Compute, constantExpr, dtypeOf, type Expr, indicesOf, mapExpr, tensorsRead, visitExpr } from "../ir/expr.ts";
import type { NnProgram } from "../ir/nn.ts";
import type { Buffer, BufferRole, Group, TensorProgram } from "../ir/tensor.ts";
import { computesOf, instantiateNode, valueTypes } from "../semantics/node_instance.ts";

export function lowerToTensor(program: NnProgram): TensorProgram {
  const types = valueTypes(program);
  const buffers: Buffer[] = [
    ...program.inputs.map((input): Buffer => ({ name: input.name, ...input.type, role: { kind: "input" } })),
    ...program.weights.map(
      (weight): Buffer => ({
        name: weight.name,
        ...weight.type,
        role: { kind: "weight", path: weight.path, ...(weight.initializer ? { initializer: weight.initializer } : {}) },
      }),
    ),
    ...program.constants.map(
      (constant): Buffer => ({ name: constant.name, ...constant.type, role: { kind: "constant", data: constant.data } }),
    ),
  ];
  const built = new Set([...program.weights, ...program.constants].map((value) => value.name));
  const groups: Group[] = [];
  for (const node of program.nodes) {
    for (const compute of computesOf(node, instantiateNode(node, program, types)).flatMap(normalize)) {
      const phase = [...tensorsRead(compute.value)].every((name) => built.has(name)) ? "build" : "run";
      if (phase === "build") built.add(compute.name);
      const role: BufferRole = { kind: phase === "build" ? "derived" : "temporary" };
      buffers.push({ name: compute.name, dtype: compute.dtype, shape: compute.axes.map((axis) => axis.extent), role });
      groups.push({ name: compute.name, phase, computes: [compute] });
    }
  }
  return { name: program.name, buffers, groups, inputs: program.inputs.map((input) => input.name), outputs: program.outputs };
}

/** The computes, in order, that together are one compute in normal form; the last has its name. */
export function normalize(compute: Compute): Compute[] {
  // Nothing is ever evaluated here; what is hoisted out would be, over fewer axes.
  if (compute.axes.some((axis) => axis.extent === 0)) return [{ ...compute, value: constantExpr(compute.dtype, 0) }];
  const hoisted: Compute[] = [];
  const value = hoistReductions(compute.value, compute, compute.axes, hoisted, true);
  return [...hoisted, { ...compute, value }];
}

/** Takes reductions that are not at the root out into computes of their own, innermost first. */
function hoistReductions(expr: Expr, compute: Compute, axes: readonly Axis[], hoisted: Compute[], root: boolean): Expr {
  if (expr.kind === "reduce" && expr.axes.some((axis) => axis.extent === 0)) return reductionOfNothing(expr);
  const inner = expr.kind === "reduce" ? [...axes, ...expr.axes] : axes;
  const mapped = mapExpr(
    expr,
    (child) => hoistReductions(child, compute, inner, hoisted, false),
    (index) => index,
  );
  if (mapped.kind !== "reduce") return mapped;
  const plain = mapped.op === "argmax" || mapped.op === "argmin" ? lowerArgReduce(mapped, mapped.op, compute, axes, hoisted) : mapped;
  return root ? plain : hoist(plain, compute, axes, hoisted);
}

function reductionOfNothing({ op, dtype }: Extract<Expr, { kind: "reduce" }>): Expr {
  return constantExpr(dtype, op === "argmax" || op === "argmin" ? 0 : reductionIdentity(op, dtype));
}

/** A compute over the axes that the expression uses, and the read of it that takes the expression's place. */
function hoist(expr: Expr, compute: Compute, axes: readonly Axis[], hoisted: Compute[]): Expr {
  const used = usedVariables(expr);
  // An axis of extent 1 is nowhere written; keeping it leaves the domain as it was, which is what fusion looks for.
  const kept = axes.filter((axis) => used.has(axis.name) || axis.extent === 1);
  const dtype = dtypeOf(expr);
  const name = `${compute.name}.${expr.kind === "reduce" ? expr.op : "part"}${hoisted.length === 0 ? "" : hoisted.length + 1}`;
  hoisted.push({ name, dtype, axes: kept, value: expr });
  return {
    kind: "read",
    tensor: name,
    indices: kept.map((axis) => (axis.extent === 1 ? constantIndex(0) : variableIndex(axis.name))),
    dtype,
  };
}

/** argmax x = the smallest position where x equals max x, or is NaN. */
function lowerArgReduce(
  expr: Extract<Expr, { kind: "reduce" }>,
  op: "argmax" | "argmin",
  compute: Compute,
  axes: readonly Axis[],
  hoisted: Compute[],
): Expr {
  const { body } = expr;
  const dtype = dtypeOf(body);
  const extreme = hoist({ ...expr, op: op === "argmax" ? "max" : "min", dtype }, compute, axes, hoisted);
  const isExtreme: Expr = { kind: "apply", function: "eq", args: [body, extreme], dtype: "bool" };
  const position: Expr = {
    kind: "select",
    condition: isFloat(dtype) ? orNaN(isExtreme, body) : isExtreme,
    whenTrue: variablePosition(expr.axes),
    whenFalse: constantExpr("i32", dtypes.i32.high),
  };
  const first: Expr = { ...expr, op: "min", body: position, dtype: "i32" };
  const found = hoist(first, compute, axes, hoisted);
  const none: Expr = { kind: "apply", function: "eq", args: [found, constantExpr("i32", dtypes.i32.high)], dtype: "bool" };
  return { kind: "select", condition: none, whenTrue: constantExpr("i32", 0), whenFalse: found };
}

/** A NaN makes the extreme NaN, which equals nothing; the first one is then what is looked for. */
function orNaN(condition: Expr, value: Expr): Expr {
  const unordered: Expr = { kind: "apply", function: "ne", args: [value, value], dtype: "bool" };
  return { kind: "apply", function: "or", args: [condition, unordered], dtype: "bool" };
}

/** Row-major position over the axes. */
function variablePosition(axes: readonly Axis[]): Expr {
  let stride = 1;
  const terms = [...axes].reverse().map((axis) => {
    const term = { coefficient: stride, atom: { kind: "variable", name: axis.name } as const };
    stride *= axis.extent;
    return term;
  });
  return { kind: "index", index: { terms: terms.sort((a, b) => (a.atom.name < b.atom.name ? -1 : 1)), constant: 0 } };
}

function usedVariables(expr: Expr): Set<string> {
  const names = new Set<string>();
  visitExpr(expr, (inner) => {
    for (const index of indicesOf(inner)) for (const name of variablesOf(index)) names.add(name);
  });
  return names;
}
