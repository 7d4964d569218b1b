/** What there is to search: the space of each workload, how large it is, and what cut it. */
import type { Compiled } from "../../compile.ts";
import { formatCandidate } from "../../tuner/candidate.ts";
import { networkOf } from "../../tuner/plans.ts";
import { measureSpace, spaceOf } from "../../tuner/space.ts";
import { printJson, type Terminal } from "../terminal.ts";

/** Settings that are walked through of each workload. */
const limit = 3000;

type ExplainOptions = { readonly json?: boolean; readonly keepSize?: true };

export function explain(compiled: Compiled, { json, keepSize }: ExplainOptions, terminal: Terminal): void {
  const { sketches } = compiled.module;
  const network = networkOf(compiled, { keepSize });
  const described = network.workloads.map((workload) => {
    const space = spaceOf(workload, sketches, compiled.target);
    const { schedules, settings, cut, isPartial } = measureSpace(space, limit);
    return {
      key: workload.key,
      layers: workload.layers,
      isDefault: network.base.has(workload.key),
      sketches: space.sketches.map(({ name }) => name),
      default: formatCandidate(space.defaultSchedule.candidate),
      schedules,
      settings,
      isPartial,
      cut: Object.fromEntries(cut),
    };
  });
  if (json) {
    const choices = network.groups.flatMap((group) => group.map(({ layers, algorithm }) => ({ layers, algorithm })));
    printJson(terminal, { workloads: described, choices });
    return;
  }
  for (const group of network.groups)
    terminal.out(`${group[0]?.layers.join(", ")}: computed as by default, or by ${group.map(({ algorithm }) => algorithm).join(" or ")}`);
  for (const { key, layers, isDefault, sketches: names, default: first, schedules, settings, isPartial, cut } of described) {
    terminal.out(`${layers.join(", ")}  (workload ${key}${isDefault ? "" : ", of another algorithm"})`);
    terminal.out(`  sketches: ${names.length === 0 ? "none fits, so that it stays as it was lowered" : names.join(", ")}`);
    terminal.out(`  default: ${first}`);
    const more = isPartial
      ? `more than ${schedules} schedules (of the first ${settings} settings of the knobs)`
      : `${schedules} schedules by ${settings} settings of the knobs`;
    if (names.length > 0) terminal.out(`  ${more}`);
    const reasons = Object.entries(cut).map(([code, count]) =>
      code === "equal" ? `${count} give a schedule that others give` : `${count} refused with ${code}`,
    );
    if (reasons.length > 0) terminal.out(`  cut: ${reasons.join(", ")}`);
  }
}
