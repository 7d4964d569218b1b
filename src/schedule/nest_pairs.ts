/** Nests that compute another's tensor for themselves by default: a workload of two nests, with a key of its own. */

import { canonicalNest } from "../ir/canonical_nest.ts";
import type { SketchDeclaration } from "../ir/declaration.ts";
import type { LoopProgram, Nest } from "../ir/loop.ts";
import { hashText } from "../support/hash.ts";
import { surroundings } from "./primitive.ts";
import { applyDefault } from "./schedule_program.ts";
import { operandsOf } from "./workload_key.ts";

export type NestPair = {
  /** The same in every network and run. */
  readonly key: string;
  readonly producer: Nest;
  readonly consumer: Nest;
};

/** The pairs of an unscheduled program, in the order of the consumers. */
export function pairsOf(program: LoopProgram, sketches: readonly SketchDeclaration[], target: string): NestPair[] {
  const ofTwo = sketches.filter((sketch) => sketch.producer && sketch.target === target);
  const around = surroundings(program);
  const { buffers, nests } = around;
  return nests.flatMap((consumer): NestPair[] => {
    if (ofTwo.length === 0 || consumer.phase !== "run") return [];
    const { steps } = applyDefault(ofTwo, { ...around, nest: consumer });
    const computed = steps.flatMap(({ concrete: { clauses } }) =>
      clauses.flatMap(({ keyword, arguments: [tensor] }) => (keyword === "compute" ? [tensor] : [])),
    );
    const [tensor] = computed;
    const producer = nests.find(({ result }) => result === tensor);
    if (!producer || computed.length > 1) return [];
    const texts = [consumer, producer].map((nest) => canonicalNest(nest, buffers).text);
    return [{ key: hashText(`${target} pair ${operandsOf(consumer).indexOf(producer.result)} ${texts.join(" ")}`), producer, consumer }];
  });
}
