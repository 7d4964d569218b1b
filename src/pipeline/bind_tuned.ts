/** Which nests of a program take the schedules of a tuned section, and which of its entries fit none. */
import type { LoopProgram } from "../ir/loop.ts";
import type { TunedSection } from "../ir/tuned.ts";
import type { TunedSteps } from "../schedule/schedule_program.ts";
import { nestsByWorkload, operandNames } from "../schedule/workload_key.ts";
import { type Checked, type Diagnostic, warningDiagnostic } from "../support/diagnostic.ts";

type Bound = ReadonlyMap<string, TunedSteps>;

/** By the name of the nest. An entry whose workload the program does not have is a warning. */
export function bindTuned(program: LoopProgram, section: TunedSection): Checked<Bound> & { readonly value: Bound } {
  const nests = nestsByWorkload(program, section.target);
  const value = new Map<string, TunedSteps>();
  const diagnostics: Diagnostic[] = [];
  for (const { key, layers, steps, span } of section.workloads) {
    const found = nests.get(key) ?? [];
    for (const nest of found) value.set(nest.name, { steps, names: operandNames(nest) });
    if (found.length > 0) continue;
    const message = `no layer computes the workload of ${layers.join(", ")} any more: what was tuned for it is not used`;
    diagnostics.push(warningDiagnostic("stale-schedule", message, { span, help: "run `quern tune` again, or remove the entry" }));
  }
  return { value, diagnostics };
}

/** The algorithm that the section chooses for a value of the nn program; values that are not there any more are a warning. */
export function bindChoices(values: ReadonlySet<string>, rules: ReadonlySet<string>, section: TunedSection) {
  const choices = new Map<string, string>();
  const diagnostics: Diagnostic[] = [];
  for (const { algorithm, layers, span } of section.choices) {
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
