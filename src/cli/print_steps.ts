/** The steps of a schedule, each with the nest that it leaves; apart, so that only who asks loads the printer. */
import { printBody } from "../ir/print_loop.ts";
import type { Buffer } from "../ir/tensor.ts";
import type { NestHistory } from "../schedule/schedule_program.ts";

export type NestSteps = {
  readonly name: string;
  /** The sketch or schedule. */
  readonly from: string | null;
  /** The first, without a step, is the nest as lowered. */
  readonly steps: readonly { readonly step: string; readonly text: string }[];
};

export function describeSteps({ nest, from, steps }: NestHistory, buffers: readonly Buffer[]): NestSteps {
  const known = new Map(buffers.map((buffer) => [buffer.name, buffer]));
  const start = { step: "", text: printBody(nest, (name) => known.get(name)?.dtype) };
  const later = steps.map(({ step, nest: left, buffers: all }) => ({ step, text: printBody(left, (name) => all.get(name)?.dtype) }));
  return { name: nest.name, from: from ?? null, steps: [start, ...later] };
}
