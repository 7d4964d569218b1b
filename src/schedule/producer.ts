/** The nest that computes a tensor, as it was lowered, for another nest of the program to compute the tensor anew. */
import { coefficientOf, rangeOf } from "../ir/affine.ts";
import type { For, Nest, Reduce, Statement } from "../ir/loop.ts";
import { readsOf } from "../ir/loop_accesses.ts";
import { type Buffer, type Buffers, shareMemory } from "../ir/tensor.ts";
import type { Checked } from "../support/diagnostic.ts";
import { leavesOf, rangesOfLoops, renameLoops } from "./nest.ts";
import { accept, type Context, refuse, type Step } from "./primitive.ts";
import { chainTo } from "./primitives/stage_registers.ts";

export type Producer = {
  /** Apart from what it may have been computed in place of: that is then still read. */
  readonly buffer: Buffer;
  /** One loop for each dimension of the tensor, and those that are reduced over. */
  readonly loops: readonly For[];
  readonly axes: readonly For[];
  readonly leaf: Extract<Statement, { kind: "store" }> | Reduce;
};

/** Refusals of a step that computes another nest's tensor. */
export const producerRefusals = {
  "producer-none": "no nest of the program computes the tensor as a whole: it is given, a part or another name of something else",
  "producer-phase": "the tensor is computed at build time and this nest runs later: nothing is left to compute",
  "producer-form": "the tensor is not computed by one statement inside a loop for each dimension",
  "producer-overwritten": "what the tensor is computed from is overwritten by the time this nest runs, or by this nest",
} as const;

export function findProducer(step: Step, tensor: string, context: Context): Checked<Producer> {
  const { nest, nests } = context;
  const here = nests.findIndex((other) => other.name === nest.name);
  const writers = nests.filter((other) => other.result === tensor);
  const known = context.buffers.get(tensor);
  const [first, ...others] = writers.filter((other) => !fillsBorder(other, known));
  if (!known || !first || known.aliasOf !== undefined || nests.indexOf(first) >= here)
    return refuse(step, context, {
      code: "producer-none",
      message: `no nest before ${nest.name} computes \`${tensor}\`${known?.aliasOf === undefined ? "" : `, which lies in \`${known.aliasOf}\``}`,
      help: "name a tensor that a nest of its own computes",
    });
  if (first.phase !== nest.phase)
    return refuse(step, context, {
      code: "producer-phase",
      message: `\`${tensor}\` is computed once, at build time, and ${nest.name} runs each time`,
      help: "leave this step out",
    });
  const parts = others.length === 0 ? partsOf(first, known) : undefined;
  if (!parts)
    return refuse(step, context, {
      code: "producer-form",
      message: `\`${tensor}\` is not computed by one statement inside a loop for each of its dimensions`,
      help: "leave this step out",
    });
  const { overwrites: _, ...buffer } = known;
  const apart: Buffers = new Map(context.buffers).set(tensor, buffer);
  const operands = [...readsOf(first.body)].filter((name) => apart.has(name));
  for (const between of nests.slice(nests.indexOf(first) + 1, here + 1)) {
    const lost = operands.find((operand) => between.result !== tensor && shareMemory(between.result, operand, apart));
    if (lost === undefined) continue;
    const who = between.name === nest.name ? "this nest computes" : `the nest ${between.name} computes`;
    return refuse(step, context, {
      code: "producer-overwritten",
      message: `\`${tensor}\` is computed from \`${lost}\`, in whose place ${who} \`${between.result}\``,
      help: "leave this step out",
    });
  }
  return accept({ buffer, ...parts });
}

/** The loops that compute a tensor, by the names that they get where another nest computes it. */
export function producerLoops(tensor: string, { nests }: Pick<Context, "nests">): Statement | undefined {
  const body = nests.find((nest) => nest.result === tensor)?.body;
  return body && renameLoops(body, (loop) => loopName(tensor, loop));
}

export function loopName(tensor: string, loop: string): string {
  return `${tensor}.${loop}`;
}

/** Whether a nest writes only to the border of the tensor that it computes. */
function fillsBorder({ body }: Nest, buffer: Buffer | undefined): boolean {
  return leavesOf(body).every(({ statement, loops }) => {
    const ranges = rangesOfLoops(loops);
    return statement.indices.some((index, d) => {
      const { low, high } = rangeOf(index, ranges);
      return high < 0 || low >= (buffer?.shape[d] ?? 0);
    });
  });
}

/** Of a nest as it is lowered: the loops of the result in the order of its dimensions, and then those of the reduction. */
function partsOf({ body }: Nest, { name, shape }: Buffer): Omit<Producer, "buffer"> | undefined {
  const loops = chainTo(body);
  const [found] = leavesOf(body);
  if (!loops || !found || found.guards.length > 0 || found.statement.kind === "accumulate") return undefined;
  const leaf = found.statement;
  const over = leaf.kind === "reduce" ? leaf.over : [];
  const axes = loops.filter((loop) => !over.includes(loop.name));
  const isPlain = axes.every((loop, d) => {
    const index = leaf.indices[d];
    const isOwn = index?.constant === 0 && index.terms.length === 1 && coefficientOf(index, loop.name) === 1;
    return loop.extent === shape[d] && (isOwn || (loop.extent === 1 && index?.constant === 0 && index.terms.length === 0));
  });
  const isSerial = loops.every((loop) => loop.mode === "serial");
  return leaf.buffer === name && axes.length === shape.length && isPlain && isSerial ? { loops, axes, leaf } : undefined;
}
