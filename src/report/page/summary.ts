/** The head of the page: what was measured, where, how fast it is, and what is not here. */
import type { Report } from "../report.ts";
import { element, gflops } from "./elements.ts";

export function summary(report: Report, sections: readonly { readonly id: string; readonly title: string }[]): HTMLElement {
  const { model, compiler, engine, device, variant, beforeMs, afterMs, outcome, peak } = report;
  const layers = report.layers.flatMap(({ before, after }) => (afterMs === undefined ? (before ?? []) : (after ?? [])));
  const sum = (of: "us" | "operations") => layers.reduce((total, layer) => total + layer[of], 0);
  const reached = gflops({ us: sum("us"), operations: sum("operations") });
  const facts: [string, string][] = [
    ["default", `${beforeMs.toFixed(3)} ms`],
    ...(afterMs === undefined
      ? []
      : ([
          ["tuned", `${afterMs.toFixed(3)} ms`],
          ["times as fast", (beforeMs / afterMs).toFixed(2)],
        ] as [string, string][])),
    ["GFLOP/s", `${reached.toFixed(1)} of ${(peak / 1e9).toFixed(1)}`],
    ["of the peak", `${((100 * reached * 1e9) / peak).toFixed(0)}%`],
  ];
  const links = sections.map(({ id, title }) => element("li", {}, element("a", { href: `#${id}` }, title)));
  return element(
    "header",
    {},
    element("h1", {}, model),
    element(
      "p",
      { class: "quiet" },
      `${compiler}; layers timed in ${engine} (${variant}) on ${device}${outcome === undefined ? "" : `; ${outcome}`}`,
    ),
    element(
      "dl",
      { class: "facts" },
      ...facts.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))),
    ),
    ...missing(report),
    element("nav", { "aria-label": "Sections" }, element("ul", {}, ...links)),
  );
}

function missing(report: Report): HTMLElement[] {
  if (report.missing.length === 0) return [];
  const items = report.missing.map(({ what, command }) => element("li", {}, `${what}: `, element("code", {}, command)));
  return [
    element("div", { class: "missing" }, element("p", {}, "Not on this page yet, and what to run for it:"), element("ul", {}, ...items)),
  ];
}
