/** Time of each layer in the order of the run, by default and tuned. */
import * as Plot from "@observablehq/plot";
import type { Report } from "../report.ts";
import { gflops, legend, microseconds, plotFigure, section, shorten, tableBehind } from "./elements.ts";

type Bar = { readonly layer: string; readonly which: "default" | "tuned"; readonly us: number };

export function layerTimes(report: Report): HTMLElement {
  const isTuned = report.afterMs !== undefined;
  const bars = report.layers.flatMap(({ name, before, after }): Bar[] => [
    ...(before ? [{ layer: name, which: "default", us: before.us } as const] : []),
    ...(after ? [{ layer: name, which: "tuned", us: after.us } as const] : []),
  ]);
  const swatches = [{ label: "default", color: "var(--before)" }, ...(isTuned ? [{ label: "tuned", color: "var(--after)" }] : [])];
  const others = isTuned
    ? " Where tuning took another algorithm, its layers may be others (one bar only), or do other work under the same name."
    : "";
  return section(
    "layers",
    "Time per layer",
    `Medians of whole runs, each call timed by itself, in the order of the run.${others}`,
    legend(swatches),
    plotFigure("layers", (width) => draw(bars, isTuned, width)),
    tableBehind(
      "Times of layers",
      [
        { title: "layer", of: ({ name }) => name },
        { title: "default µs", of: ({ before }) => before?.us, digits: 2 },
        { title: "tuned µs", of: ({ after }) => after?.us, digits: 2 },
        {
          title: "times as fast",
          of: ({ before, after }) => (before && after && after.us > 0 ? before.us / after.us : undefined),
          digits: 2,
        },
        { title: "default GFLOP/s", of: ({ before }) => before && gflops(before), digits: 1 },
        { title: "tuned GFLOP/s", of: ({ after }) => after && gflops(after), digits: 1 },
      ],
      report.layers,
    ),
  );
}

function draw(bars: readonly Bar[], isTuned: boolean, width: number): Element {
  const names = [...new Set(bars.map(({ layer }) => layer))];
  const letters = width < 600 ? 14 : 26;
  return Plot.plot({
    width,
    height: names.length * (isTuned ? 24 : 18) + 68,
    marginLeft: 0,
    insetLeft: 0,
    marginTop: 40,
    facet: { marginLeft: Math.min(letters, Math.max(...names.map((name) => name.length))) * 7 + 12, marginRight: 16 },
    ariaLabel: `time of ${names.length} layers in microseconds`,
    x: { label: "µs →", labelOffset: 36, axis: "top", grid: true, ticks: width < 600 ? 4 : 8 },
    y: { axis: null, domain: isTuned ? ["default", "tuned"] : ["default"], padding: 0.05 },
    fy: { domain: names, label: null, axis: "left", padding: 0.25, tickFormat: (name: string) => shorten(name, letters) },
    marks: [
      Plot.barX(bars, {
        x: "us",
        y: "which",
        fy: "layer",
        fill: ({ which }: Bar) => (which === "default" ? "var(--before)" : "var(--after)"),
        title: ({ layer, which, us }: Bar) => `${layer}\n${which}: ${microseconds(us)}`,
        tip: { lineHeight: 1.25 },
      }),
    ],
    color: { type: "identity" },
  });
}
