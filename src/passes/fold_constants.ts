/**
 * foldConstants: a call whose operands are all literal constants becomes a constant.
 * What depends on weights stays: it runs once, at build time.
 */
import { dtypes, elementCount } from "../ir/dtype.ts";
import type { NnConstant, NnNode, NnProgram } from "../ir/nn.ts";
import { interpretNn } from "../semantics/interpret_nn.ts";

/** Literals larger than this stay a computation of the build. */
const largestLiteral = 4096;

export function foldConstants(program: NnProgram): NnProgram {
  const constants = new Map(program.constants.map((constant) => [constant.name, constant]));
  const nodes: NnNode[] = [];
  for (const node of program.nodes) {
    const operands = node.operands.map((name) => constants.get(name));
    const small = node.results.every((value) => elementCount(value.type.shape) <= largestLiteral);
    if (!small || operands.some((operand) => operand === undefined)) nodes.push(node);
    else for (const constant of evaluateNode(node, operands as NnConstant[], program)) constants.set(constant.name, constant);
  }
  return { ...program, constants: [...constants.values()], nodes };
}

function evaluateNode(node: NnNode, operands: readonly NnConstant[], program: NnProgram): NnConstant[] {
  const alone: NnProgram = { ...program, inputs: [], weights: [], constants: operands, nodes: [node], outputs: [] };
  const values = interpretNn(alone, new Map());
  return node.results.map((value) => {
    const round = dtypes[value.type.dtype].kind === "float" ? Math.fround : (x: number) => x;
    return { ...value, data: Array.from(values.get(value.name) ?? [], round) };
  });
}
