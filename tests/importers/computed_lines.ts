/** Two programs at the nn level, compared by what they compute. */
import type { NnNode, NnProgram } from "../../src/ir/nn.ts";

/** What a program computes from its inputs: names are numbers, and what depends on weights alone is only its type. */
export function computedLines(program: NnProgram): readonly string[] {
  const names = new Map<string, string>();
  const types = new Map([...program.weights, ...program.constants].map(({ name, type }) => [name, JSON.stringify(type)]));
  for (const [i, { name, type }] of program.inputs.entries()) names.set(name, `input ${i} ${JSON.stringify(type)}`);
  const lines: string[] = [];
  const spelled = (name: string) => names.get(name) ?? types.get(name) ?? "?";
  for (const node of program.nodes) {
    if (node.operands.every((name) => types.has(name))) {
      for (const { name, type } of node.results) types.set(name, JSON.stringify(type));
      continue;
    }
    for (const { name } of node.results) names.set(name, `value ${names.size}`);
    lines.push(lineOf(node, spelled));
  }
  return [...lines, ...program.outputs.map(({ value }) => `output ${spelled(value)}`)];
}

function lineOf({ operator, operands, attributes, results }: NnNode, spelled: (name: string) => string): string {
  return JSON.stringify([results.map(({ name, type }) => [spelled(name), type]), operator, operands.map(spelled), attributes]);
}
