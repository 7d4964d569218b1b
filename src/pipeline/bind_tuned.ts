/** Which nests of a program take the schedules of a tuned section, and which of its entries fit none. */
import type { SketchDeclaration } from "../ir/declaration.ts";
import type { LoopProgram } from "../ir/loop.ts";
import type { TensorProgram } from "../ir/tensor.ts";
import type { TunedSection } from "../ir/tuned.ts";
import { pairsOf } from "../schedule/nest_pairs.ts";
import type { TunedSteps } from "../schedule/schedule_program.ts";
import { nestsByWorkload, operandNames } from "../schedule/workload_key.ts";
import { type Checked, type Diagnostic, warningDiagnostic } from "../support/diagnostic.ts";

/** The choice that computes each of two layers by itself which the default computes together. */
export const apart = "apart";
/** The choice that leaves a layer's last map, such as an activation, a kernel of its own. */
export const unfusedChoice = "unfused";

/** Not names of rules. */
const ofFusion: ReadonlySet<string> = new Set([apart, unfusedChoice]);

export function layersFor(choice: string, section: TunedSection): ReadonlySet<string> {
  return new Set(section.choices.filter(({ algorithm }) => algorithm === choice).flatMap(({ layers }) => layers));
}

/** Layers that are to stay unfused, and would be so anyway: `program` is fused without that choice. */
export function checkUnfused({ groups }: TensorProgram, section: TunedSection): Diagnostic[] {
  const fused = new Set(groups.filter(({ computes }) => computes.length > 1).map(({ name }) => name));
  return section.choices.flatMap(({ algorithm, layers, span }) => {
    const stale = algorithm === unfusedChoice ? layers.filter((layer) => !fused.has(layer)) : [];
    if (stale.length === 0) return [];
    const message = `${stale.join(", ")}: not fused with a layer before any more, which \`use ${unfusedChoice}\` is for`;
    return [warningDiagnostic("stale-schedule", message, { span, help: "run `quern tune` again, or remove the entry" })];
  });
}

type Bound = {
  /** By the name of the nest. */
  readonly tuned: ReadonlyMap<string, TunedSteps>;
  /** Nests that compute no other's tensor, though a sketch would. */
  readonly apart: ReadonlySet<string>;
};

/** An entry whose workload the program does not have is a warning, and so is a layer that is not computed with another. */
export function bindTuned(
  program: LoopProgram,
  section: TunedSection,
  sketches: readonly SketchDeclaration[],
): Checked<Bound> & { readonly value: Bound } {
  const nests = nestsByWorkload(program, section.target);
  const pairs = pairsOf(program, sketches, section.target);
  const tuned = new Map<string, TunedSteps>();
  const diagnostics: Diagnostic[] = [];
  const single = new Set<string>();
  for (const { layers, span, algorithm } of section.choices) {
    if (algorithm !== apart) continue;
    const found = layers.filter((layer) => pairs.some(({ consumer }) => consumer.name === layer));
    for (const layer of found) single.add(layer);
    if (found.length === layers.length) continue;
    const message = `${layers.filter((layer) => !found.includes(layer)).join(", ")}: not computed together with another layer any more, which \`use ${apart}\` is for`;
    diagnostics.push(warningDiagnostic("stale-schedule", message, { span, help: "run `quern tune` again, or remove the entry" }));
  }
  // A pair's entry is for both of its nests, and comes before one for either.
  const together = (key: string) => pairs.filter((pair) => pair.key === key && !single.has(pair.consumer.name));
  for (const { key, layers, steps, span } of section.workloads) {
    for (const { consumer } of together(key)) tuned.set(consumer.name, { steps, names: operandNames(consumer), isTogether: true });
    const found = nests.get(key) ?? [];
    for (const nest of found) if (!tuned.get(nest.name)?.isTogether) tuned.set(nest.name, { steps, names: operandNames(nest) });
    if (found.length > 0 || pairs.some((pair) => pair.key === key)) continue;
    const message = `no layer computes the workload of ${layers.join(", ")} any more: what was tuned for it is not used`;
    diagnostics.push(warningDiagnostic("stale-schedule", message, { span, help: "run `quern tune` again, or remove the entry" }));
  }
  return { value: { tuned, apart: single }, diagnostics };
}

/** The algorithm that the section chooses for a value of the nn program; values that are not there any more are a warning. */
export function bindChoices(values: ReadonlySet<string>, rules: ReadonlySet<string>, section: TunedSection) {
  const choices = new Map<string, string>();
  const diagnostics: Diagnostic[] = [];
  for (const { algorithm, layers, span } of section.choices) {
    if (ofFusion.has(algorithm)) continue;
    const isKnown = algorithm === "direct" || rules.has(algorithm);
    const missing = layers.filter((layer) => !values.has(layer));
    for (const layer of layers) if (isKnown && values.has(layer)) choices.set(layer, algorithm);
    if (isKnown && missing.length === 0) continue;
    const message = isKnown
      ? `the model computes no ${missing.join(", ")} any more: the choice of ${algorithm} is not used`
      : `there is no algorithm \`${algorithm}\` any more: ${layers.join(", ")} take the default`;
    diagnostics.push(warningDiagnostic("stale-schedule", message, { span, help: "run `quern tune` again, or remove the entry" }));
  }
  return { choices, diagnostics };
}
