/** Each layer's schedule beside its nest and its WebAssembly or WGSL; the texts are put into the page when they are asked for. */
import type { KernelText, Report } from "../report.ts";
import { element, section } from "./elements.ts";

export function kernelList(report: Report): HTMLElement {
  const times = new Map(report.layers.map(({ name, before, after }) => [name, after ?? before]));
  const entries = report.kernels.map((kernel) => entry(kernel, report, times.get(kernel.layer)?.us));
  const which = report.afterMs === undefined ? "by default" : "as tuned";
  return section(
    "kernels",
    "Kernels",
    `The network ${which}, in the order of the run: the steps of each layer's schedule, the loops that they lead to, and the functions that these become. Layers may share functions.`,
    ...entries,
  );
}

function entry({ layer, from, steps, nest, functions }: KernelText, report: Report, us: number | undefined): HTMLElement {
  const about = [from ?? "no sketch fits", ...(us === undefined ? [] : [`${us.toFixed(1)} µs`])].join(", ");
  const folded = element("details", { class: "kernel" }, element("summary", {}, element("b", {}, layer), element("span", {}, about)));
  folded.addEventListener(
    "toggle",
    () => {
      const text = functions.map((name) => report.functions[name] ?? "").join("\n\n");
      folded.append(
        element(
          "div",
          { class: "columns" },
          column(`Schedule of ${layer}`, "Schedule", steps.length === 0 ? "(as lowered)" : steps.join("\n")),
          column(`Nest of ${layer}`, "Nest", nest),
          column(`${report.language} of ${layer}`, titleOf(report, functions.length), text),
        ),
      );
    },
    { once: true },
  );
  return folded;
}

function titleOf({ language }: Report, count: number): string {
  return language === "WGSL" ? "WGSL" : `WAT: ${count === 1 ? "a function" : `${count} functions`}`;
}

function column(label: string, title: string, text: string): HTMLElement {
  // It scrolls, so the keyboard must reach it.
  return element("div", {}, element("h3", {}, title), element("pre", { tabindex: "0", role: "region", "aria-label": label }, text));
}
