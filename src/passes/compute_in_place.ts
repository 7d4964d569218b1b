/**
 * computeInPlace: decides which result overwrites which operand, element by element. Where in memory either lies is decided once
 * loops are scheduled; schedules and their proofs ask only what shares memory, and that is known from here on.
 */
import { readsOf } from "../ir/expr.ts";
import { type Buffer, type Group, resultOf, rootReduction, type TensorProgram } from "../ir/tensor.ts";
import { exactJson } from "../support/exact_json.ts";
import { bufferMap, isIdentity, isReadInIndex, tensorsReadBy } from "./tensor_graph.ts";

export function computeInPlace(program: TensorProgram): TensorProgram {
  const groups = program.groups.filter((group) => group.phase === "run");
  const buffers = bufferMap(program);
  const rootOf = (name: string) => buffers.get(name)?.aliasOf ?? name;
  const lastUse = lastUses(program, groups, rootOf);
  groups.forEach((group, step) => {
    const result = buffers.get(group.name);
    if (!result || result.aliasOf) return;
    const dying = [...tensorsReadBy(group)].filter((name) => lastUse.get(name) === step);
    const operand = dying.find((name) => mayOverwrite(result, group, buffers.get(name), program));
    if (operand !== undefined) buffers.set(result.name, { ...result, overwrites: operand });
  });
  return { ...program, buffers: [...buffers.values()] };
}

/** The step that reads each buffer last, by whatever name; outputs are read after all steps. */
function lastUses(program: TensorProgram, groups: readonly Group[], rootOf: (name: string) => string): Map<string, number> {
  const last = new Map<string, number>();
  groups.forEach((group, step) => {
    for (const name of tensorsReadBy(group)) last.set(rootOf(name), step);
  });
  for (const output of program.outputs) last.set(rootOf(output.value), groups.length);
  return last;
}

/**
 * Whether the operand, which dies here, lies in memory exactly as the result does and is read only at the element that is being
 * written, when that element is final. Inputs are the caller's, and what has other names is more than one tensor.
 */
function mayOverwrite(result: Buffer, group: Group, operand: Buffer | undefined, { buffers }: TensorProgram): boolean {
  if (!operand || operand.aliasOf || operand.role.kind !== "temporary") return false;
  const isAliased = buffers.some((buffer) => buffer.aliasOf === operand.name);
  return !isAliased && operand.dtype === result.dtype && sameLayout(operand, result) && readOnlyWhereWritten(group, operand.name);
}

function sameLayout(a: Buffer, b: Buffer): boolean {
  return exactJson([a.shape, a.halo ?? null]) === exactJson([b.shape, b.halo ?? null]);
}

function readOnlyWhereWritten(group: Group, name: string): boolean {
  const last = resultOf(group);
  return group.computes.every((compute) => {
    const reads = readsOf(compute.value, name);
    if (isReadInIndex(compute.value, name)) return false;
    if (reads.length === 0) return true;
    return compute === last && !rootReduction(compute) && reads.every((read) => !read.otherwise && isIdentity(read.indices, compute.axes));
  });
}
