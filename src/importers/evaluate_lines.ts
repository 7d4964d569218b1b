/** What lines compute from weights alone, by the interpreter of the nn level. */
import type { NnNode, NnProgram } from "../ir/nn.ts";
import type { Library } from "../semantics/instantiate.ts";
import { interpretNn } from "../semantics/interpret_nn.ts";
import { invariant } from "../support/invariant.ts";
import type { ImportedTensor } from "./importer.ts";
import type { Line, Value } from "./written_model.ts";

export function evaluateLines(
  lines: readonly Line[],
  weights: ReadonlyMap<number, ImportedTensor>,
  { operators, definitions }: Library,
  wanted: readonly Value[],
): readonly Float64Array[] {
  const numbers: NnProgram["constants"][number][] = [];
  const nodes = lines.map((line): NnNode => {
    const operands = line.operands.map((operand, i) => {
      if (typeof operand === "object") return nameOf(operand);
      const name = `n${numbers.length}`;
      numbers.push({ name, type: line.types[i] ?? { dtype: "f32", shape: [] }, data: [operand] });
      return name;
    });
    const results = line.results.map((value) => ({ name: nameOf(value), type: value.type }));
    return { results, operator: line.operator, operands, attributes: line.attributes };
  });
  const constants = [...weights].map(([id, { type, values }]) => ({ name: `v${id}`, type, data: Array.from(values) }));
  const outputs = wanted.map((value) => ({ name: nameOf(value), value: nameOf(value) }));
  const program: NnProgram = {
    name: "constants",
    inputs: [],
    weights: [],
    constants: [...constants, ...numbers],
    nodes,
    outputs,
    operators,
    definitions,
  };
  const values = interpretNn(program, new Map());
  return wanted.map((value) => {
    const found = values.get(nameOf(value));
    invariant(found, "a wanted value is not computed");
    return found;
  });
}

function nameOf({ id }: Value): string {
  return `v${id}`;
}
