/** Dead code, unused declarations and common subexpressions: what nobody uses goes, what is computed twice is computed once. */
import type { Declaration } from "../ir/declaration.ts";
import type { NnConstant, NnNode, NnProgram } from "../ir/nn.ts";
import { reachedFrom } from "../semantics/reached.ts";
import { exactJson } from "../support/exact_json.ts";
import { renameOperands } from "./graph.ts";

/** Guarantees: every node, weight and constant is reachable from an output. Inputs stay: they are the interface. */
export function eliminateDeadCode(program: NnProgram): NnProgram {
  const live = new Set(program.outputs.map((output) => output.value));
  const nodes: NnNode[] = [];
  for (const node of [...program.nodes].reverse()) {
    if (!node.results.some((value) => live.has(value.name))) continue;
    for (const name of node.operands) live.add(name);
    nodes.unshift(node);
  }
  return {
    ...program,
    nodes,
    weights: program.weights.filter((weight) => live.has(weight.name)),
    constants: program.constants.filter((constant) => live.has(constant.name)),
  };
}

/**
 * The last pass over calls: what no output needs goes, and so do declarations that no call means, which only rules could have called.
 * Guarantees: as eliminateDeadCode; every operator and definition is reached from a node's operator.
 */
export function eliminateUnused(program: NnProgram): NnProgram {
  const live = eliminateDeadCode(program);
  const called = live.nodes.flatMap((node) => live.operators.get(node.operator) ?? []);
  const reached = reachedFrom(called, { ...live, functions: new Map() });
  const only = <D extends Declaration>(all: ReadonlyMap<string, D>) => new Map([...all].filter(([, one]) => reached.has(one)));
  return { ...live, operators: only(live.operators), definitions: only(live.definitions) };
}

/** Guarantees: no two nodes have the same operator, attributes and operands; no two constants are equal. */
export function eliminateCommonSubexpressions(program: NnProgram): NnProgram {
  const names = new Map<string, string>();
  const seen = new Map<string, readonly string[]>();
  const once = (key: string, results: readonly string[]): boolean => {
    const known = seen.get(key);
    if (!known) {
      seen.set(key, results);
      return true;
    }
    results.forEach((name, i) => {
      names.set(name, known[i] ?? name);
    });
    return false;
  };
  const constants = program.constants.filter((constant: NnConstant) => once(exactJson([constant.type, constant.data]), [constant.name]));
  const nodes: NnNode[] = [];
  for (const original of program.nodes) {
    const node = renameOperands(original, names);
    if (
      once(
        exactJson([node.operator, node.operands, node.attributes]),
        node.results.map((value) => value.name),
      )
    )
      nodes.push(node);
  }
  const outputs = program.outputs.map((output) => ({ ...output, value: names.get(output.value) ?? output.value }));
  return { ...program, constants, nodes, outputs };
}
