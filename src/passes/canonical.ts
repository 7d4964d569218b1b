/**
 * The canonical text of computes: axes and tensors renamed by position, commutative arguments in a fixed order.
 * Equal texts mean equal computations. It is how a rule's pattern recognises an operator that it does not name,
 * and how workloads are told apart.
 */
import { formatIndex, renameIndexReads, substitute, variableIndex, visitAtoms } from "../ir/affine.ts";
import type { Compute, Expr } from "../ir/expr.ts";
import { indicesOf, mapExpr, visitExpr } from "../ir/expr.ts";
import { scalarFunctions } from "../ir/scalar_functions.ts";

/** `tensors` gives each operand's canonical name; results are numbered in order. */
export function canonicalText(computes: readonly Compute[], tensors: ReadonlyMap<string, string>): string {
  return computes.map((compute) => canonicalCompute(compute, tensors)).join("\n");
}

function canonicalCompute(compute: Compute, tensors: ReadonlyMap<string, string>): string {
  const axes = new Map(compute.axes.map((axis, position) => [axis.name, `a${position}`]));
  const renamed = renameInside(compute.value, axes, (name) => tensors.get(name) ?? name);
  // Commutative arguments are ordered while reduction axes are still nameless, then those are named in order of use.
  const sorted = sortCommutative(renamed);
  const reductions = new Map<string, string>();
  visitExpr(sorted, (expr) => {
    for (const index of indicesOf(expr)) {
      visitAtoms(index, (atom) => {
        if (atom.kind === "variable" && !/^a\d+$/.test(atom.name) && !reductions.has(atom.name))
          reductions.set(atom.name, `r${reductions.size}`);
      });
    }
  });
  return `${compute.dtype}[${compute.axes.map((axis) => axis.extent)}] = ${text(sortCommutative(renameInside(sorted, reductions, (name) => name)), reductions)}`;
}

function renameInside(expr: Expr, variables: ReadonlyMap<string, string>, tensor: (name: string) => string): Expr {
  const go = (inner: Expr): Expr => {
    const mapped = mapExpr(inner, go, (index) =>
      substitute(renameIndexReads(index, tensor), (name) => {
        const renamed = variables.get(name);
        return renamed === undefined ? undefined : variableIndex(renamed);
      }),
    );
    if (mapped.kind === "read") return { ...mapped, tensor: tensor(mapped.tensor) };
    if (mapped.kind === "reduce")
      return { ...mapped, axes: mapped.axes.map((axis) => ({ ...axis, name: variables.get(axis.name) ?? axis.name })) };
    return mapped;
  };
  return go(expr);
}

function sortCommutative(expr: Expr): Expr {
  const mapped = mapExpr(expr, sortCommutative, (index) => index);
  if (mapped.kind !== "apply" || !scalarFunctions[mapped.function].commutes) return mapped;
  const keyed = mapped.args.map((arg) => ({ arg, key: text(arg, new Map()) }));
  return { ...mapped, args: keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ arg }) => arg) };
}

/** Variables that are neither result axes nor named yet print alike. */
function text(expr: Expr, named: ReadonlyMap<string, string>): string {
  const index = (value: Parameters<typeof formatIndex>[0]) =>
    named.size > 0 ? formatIndex(value) : formatIndex(value).replace(/\b(?!a\d+\b|t\d+\b)[A-Za-z_][\w.]*/g, "?");
  const go = (inner: Expr): string => text(inner, named);
  switch (expr.kind) {
    case "constant":
      return `${Object.is(expr.value, -0) ? "-0" : expr.value}:${expr.dtype}`;
    case "index":
      return `index(${index(expr.index)})`;
    case "read":
      return `${expr.tensor}:${expr.dtype}[${expr.indices.map(index).join(", ")}]${expr.otherwise ? ` else ${go(expr.otherwise)}` : ""}`;
    case "apply":
      return `${expr.function}(${expr.args.map(go).join(", ")})`;
    case "cast":
      return `${expr.dtype}(${go(expr.value)})`;
    case "select":
      return `if(${go(expr.condition)}, ${go(expr.whenTrue)}, ${go(expr.whenFalse)})`;
    case "reduce": {
      const axes = expr.axes.map((axis) => `${named.size > 0 ? axis.name : "?"}:${axis.extent}`).sort();
      return `${expr.op}(${axes.join(", ")}${expr.where ? ` where ${go(expr.where)}` : ""}) ${go(expr.body)}`;
    }
  }
}
