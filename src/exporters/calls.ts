/** From nn nodes to calls: a constant bias and an activation join the call whose result only they read. */
import { elementCount } from "../ir/dtype.ts";
import type { NnNode, NnOutput } from "../ir/nn.ts";
import { invariant } from "../support/invariant.ts";
import type { Activation, Call, Exporter, ExportGraph } from "./exporter.ts";

type Source = Pick<ExportGraph, "constants" | "types"> & { readonly nodes: readonly NnNode[]; readonly outputs: readonly NnOutput[] };

export function fuseCalls(source: Source, exporter: Pick<Exporter, "biased" | "activated">): Call[] {
  const uses = useCounts(source);
  const calls: Call[] = [];
  /** The call that gives a value, by its position. */
  const makers = new Map<string, number>();
  const put = (position: number, call: Call) => {
    calls[position] = call;
    makers.set(call.result.name, position);
  };
  for (const node of source.nodes) {
    const call = callOf(node);
    const fused = fuseInto(call, (value) => (uses.get(value) === 1 ? calls[makers.get(value) ?? -1] : undefined));
    if (fused) put(makers.get(fused.into) as number, fused.call);
    else put(calls.length, call);
  }
  // A call that took a bias (a constant) or an activation (one operand) reads nothing made after its own place.
  return calls;

  type Fused = { readonly into: string; readonly call: Call };

  function fuseInto(call: Call, makerOf: (value: string) => Call | undefined): Fused | undefined {
    const [x = "", y = ""] = call.operands;
    if (call.operator === "add" || call.operator === "bias_add") return fuseBias(makerOf(x), y, call) ?? fuseBias(makerOf(y), x, call);
    const maker = isActivation(call.operator) ? makerOf(x) : undefined;
    if (!maker || maker.activation || !exporter.activated.has(maker.operator)) return undefined;
    return { into: x, call: { ...maker, activation: call.operator as Activation, result: call.result } };
  }

  function fuseBias(maker: Call | undefined, bias: string, call: Call): Fused | undefined {
    if (!maker || maker.bias || maker.activation || !exporter.biased.has(maker.operator)) return undefined;
    const channels = call.result.type.shape.at(-1);
    const isBias = source.constants.has(bias) && source.types.get(bias)?.shape.length === 1;
    const isWhole = elementCount(maker.result.type.shape) === elementCount(call.result.type.shape);
    if (!isBias || !isWhole || source.constants.get(bias)?.length !== channels) return undefined;
    return { into: maker.result.name, call: { ...maker, bias, result: call.result } };
  }
}

function isActivation(operator: string): operator is Activation {
  return operator === "relu" || operator === "relu6";
}

function callOf(node: NnNode): Call {
  const [result] = node.results;
  invariant(result && node.results.length === 1, `${node.operator} has ${node.results.length} results`);
  return { operator: node.operator, operands: node.operands, attributes: node.attributes, result };
}

function useCounts({ nodes, outputs }: Source): Map<string, number> {
  const uses = new Map<string, number>();
  for (const name of [...nodes.flatMap((node) => node.operands), ...outputs.map((output) => output.value)]) {
    uses.set(name, (uses.get(name) ?? 0) + 1);
  }
  return uses;
}
