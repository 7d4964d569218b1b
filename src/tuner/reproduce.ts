/** A wrong candidate made small: as few knobs away from the default as still compute something else, and as text to report. */
import type { SketchDeclaration } from "../ir/declaration.ts";
import { printBody } from "../ir/print_loop.ts";
import { attempt, formatCandidate, type Scheduled } from "./candidate.ts";
import type { Measurer, Verdict } from "./measurer.ts";
import type { Mismatch } from "./tune.ts";

export type Reproduction = { readonly message: string; readonly notes: readonly { readonly message: string }[] };

export async function reproduce(mismatch: Mismatch, measurer: Measurer, sketches: readonly SketchDeclaration[]): Promise<Reproduction> {
  const { workload } = mismatch;
  const sketch = sketches.find(({ name }) => name === mismatch.scheduled.candidate.sketch);
  let { scheduled, verdict } = mismatch;
  for (const { name, value, options } of mismatch.scheduled.decisions) {
    const current = scheduled;
    if (!sketch || value === options[0]) continue;
    const valueAt = (knob: string) => current.decisions.find((decision) => decision.name === knob)?.value;
    const made = attempt(workload, sketch, (knob, offered) => (knob === name ? undefined : valueAt(knob)) ?? offered[0] ?? 1);
    if (made.kind === "refused") continue;
    const smaller = await wrongVerdict(made.scheduled);
    if (smaller) [scheduled, verdict] = [made.scheduled, smaller];
  }
  const known = workload.buffers;
  const dtypeOf = (name: string) => (known.get(name) ?? scheduled.added.find((buffer) => buffer.name === name))?.dtype;
  return {
    message: `the candidate \`${formatCandidate(scheduled.candidate)}\` of ${workload.layers.join(", ")} computes ${verdict.actual} at element ${verdict.at}, where the reference has ${verdict.expected} and the bound is ${verdict.bound.toExponential(2)}`,
    notes: [
      { message: `the workload ${workload.key} is\n${printBody(workload.nest, dtypeOf)}` },
      { message: `its steps are\n${scheduled.steps.map((step) => `  ${step}`).join("\n")}` },
      { message: `which give\n${printBody(scheduled.nest, dtypeOf)}` },
    ],
  };

  async function wrongVerdict(candidate: Scheduled): Promise<Extract<Verdict, { kind: "wrong" }> | undefined> {
    const [found] = await measurer.measure(workload, [candidate], { rounds: 1, best: Infinity });
    return found?.kind === "wrong" ? found : undefined;
  }
}
