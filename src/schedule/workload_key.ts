/**
 * What names a workload, and the tensors in its schedules: nests that compute the same on memory that lies alike share a key in every
 * network and run, and a schedule calls their tensors by their places.
 */
import { canonicalNest } from "../ir/canonical_nest.ts";
import { tensorsRead } from "../ir/expr.ts";
import type { LoopProgram, Nest } from "../ir/loop.ts";
import { hashText } from "../support/hash.ts";
import { leavesOf, valuesOf } from "./nest.ts";
import type { Names } from "./step_expressions.ts";
import type { StepValue } from "./step_values.ts";

/** The nests of an unscheduled program by workload, in the order of the program. */
export function nestsByWorkload(program: LoopProgram, target: string): Map<string, Nest[]> {
  const buffers = new Map(program.buffers.map((buffer) => [buffer.name, buffer]));
  const byKey = new Map<string, Nest[]>();
  for (const nest of program.nests) {
    const key = hashText(`${target} ${canonicalNest(nest, buffers).text}`);
    const known = byKey.get(key);
    if (known) known.push(nest);
    else byKey.set(key, [nest]);
  }
  return byKey;
}

/** The tensors that a nest reads, each once, in the order in which its statements name them. */
export function operandsOf(nest: Nest): string[] {
  const leaves = leavesOf(nest.body);
  const own = new Set(leaves.flatMap(({ statement }) => (statement.kind === "reduce" ? [statement.accumulator] : [])));
  const read = leaves.flatMap(({ statement }) => valuesOf(statement).flatMap((value) => [...tensorsRead(value)]));
  return [...new Set(read)].filter((name) => !own.has(name));
}

/** `result`, and `operand_1` for the first tensor that the nest reads. */
export function operandNames(nest: Nest): Names {
  const tensor = (name: string): StepValue => ({ kind: "tensor", name, indices: [] });
  const operands = operandsOf(nest).map((name, i): [string, StepValue] => [`operand_${i + 1}`, tensor(name)]);
  return new Map([["result", tensor(nest.result)], ...operands]);
}
