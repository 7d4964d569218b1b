/** Questions and small edits on nn graphs that several passes share. */
import type { NnNode, NnProgram } from "../ir/nn.ts";

export function renameOperands(node: NnNode, names: ReadonlyMap<string, string>): NnNode {
  if (!node.operands.some((name) => names.has(name))) return node;
  return { ...node, operands: node.operands.map((name) => names.get(name) ?? name) };
}

/** How often each value is used, outputs included. */
export function countUses(program: Pick<NnProgram, "nodes" | "outputs">): Map<string, number> {
  const uses = new Map<string, number>();
  const add = (name: string) => uses.set(name, (uses.get(name) ?? 0) + 1);
  for (const node of program.nodes) node.operands.forEach(add);
  for (const output of program.outputs) add(output.value);
  return uses;
}

/** The values that depend on weights and literal constants only. */
export function constantValues(program: NnProgram): Set<string> {
  const names = new Set([...program.weights, ...program.constants].map((value) => value.name));
  for (const node of program.nodes) {
    if (node.operands.every((name) => names.has(name))) for (const value of node.results) names.add(value.name);
  }
  return names;
}
