/** The tensor level as text: buffers, then groups of computes. */

import type { DType } from "./dtype.ts";
import { printShared } from "./print_buffers.ts";
import { printCompute } from "./print_expr.ts";
import { indent, printName } from "./print_literal.ts";
import type { Group, TensorProgram } from "./tensor.ts";

export function printTensor(program: TensorProgram): string {
  const dtypes = new Map(program.buffers.map((buffer) => [buffer.name, buffer.dtype]));
  return `${[...printShared("tensor", program), ...program.groups.map((group) => printGroup(group, dtypes))].join("\n\n")}\n`;
}

/** A compute reads buffers and the computes before it in its group. */
function printGroup(group: Group, buffers: ReadonlyMap<string, DType>): string {
  const inner = new Map<string, DType>();
  const lines = group.computes.map((compute) => {
    const line = indent(printCompute(compute, (name) => inner.get(name) ?? buffers.get(name)));
    inner.set(compute.name, compute.dtype);
    return `${line}\n`;
  });
  return `group ${printName(group.name)} ${group.phase} {\n${lines.join("")}}`;
}
