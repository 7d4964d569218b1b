/**
 * A wrong candidate made small: as few knobs away from the default as still compute something else, on as few iterations of each axis, and
 * as text to report.
 */
import type { SketchDeclaration } from "../ir/declaration.ts";
import { printBody } from "../ir/print_loop.ts";
import { attempt, formatCandidate, type Scheduled } from "./candidate.ts";
import type { Measurer, Verdict } from "./measurer.ts";
import { axesOf, withExtent } from "./smaller.ts";
import type { Mismatch } from "./tune.ts";
import type { Workload } from "./workload.ts";

export type Reproduction = { readonly message: string; readonly notes: readonly { readonly message: string }[] };

/** Wrong by a measurer's verdict. */
type Wrong = {
  readonly workload: Workload;
  readonly scheduled: Scheduled;
  readonly verdict: Extract<Verdict, { kind: "wrong" }>;
};

export async function reproduce(mismatch: Mismatch, measurer: Measurer, sketches: readonly SketchDeclaration[]): Promise<Reproduction> {
  const { workload, scheduled, verdict } = await withFewerIterations(
    await withFewerKnobs(mismatch, measurer, sketches),
    measurer,
    sketches,
  );
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
}

async function withFewerKnobs(mismatch: Mismatch, measurer: Measurer, sketches: readonly SketchDeclaration[]): Promise<Wrong> {
  let found: Wrong = mismatch;
  for (const { name, value, options } of mismatch.scheduled.decisions) {
    if (value === options[0]) continue;
    const asNow = turnedAs(found.scheduled);
    const turn: Turn = (knob, offered) => (knob === name ? (offered[0] ?? 1) : asNow(knob, offered, []));
    found = (await wrongWith(found.workload, found.scheduled, turn, measurer, sketches)) ?? found;
  }
  return found;
}

/** Halves an axis as long as it stays wrong, and then takes from it what is less than half. */
async function withFewerIterations(wrong: Wrong, measurer: Measurer, sketches: readonly SketchDeclaration[]): Promise<Wrong> {
  let found = wrong;
  for (const { name } of axesOf(wrong.workload)) {
    for (let part = 1 / 2; part >= 1 / 16; ) {
      const extent = axesOf(found.workload).find((axis) => axis.name === name)?.extent ?? 2;
      const less = Math.max(2, Math.min(extent - 1, Math.ceil(extent * (1 - part))));
      const workload = less < extent ? withExtent(found.workload, name, less) : undefined;
      if (!workload) break;
      const smaller = await wrongWith(workload, found.scheduled, turnedAs(found.scheduled), measurer, sketches);
      if (smaller) found = smaller;
      else part /= 2;
    }
  }
  return found;
}

type Turn = Parameters<typeof attempt>[2];

function turnedAs({ decisions }: Scheduled): Turn {
  return (knob, offered) => decisions.find(({ name }) => name === knob)?.value ?? offered[0] ?? 1;
}

async function wrongWith(
  workload: Workload,
  { candidate }: Scheduled,
  turn: Turn,
  measurer: Measurer,
  sketches: readonly SketchDeclaration[],
): Promise<Wrong | undefined> {
  const sketch = sketches.find(({ name }) => name === candidate.sketch);
  const made = sketch && attempt(workload, sketch, turn);
  if (made?.kind !== "scheduled") return undefined;
  const [verdict] = await measurer.measure(workload, [made.scheduled], { rounds: 1, best: Infinity });
  return verdict?.kind === "wrong" ? { workload, scheduled: made.scheduled, verdict } : undefined;
}
