/** Trials against the best time so far, a small plot for each workload. */
import * as Plot from "@observablehq/plot";
import type { Convergence, Curve, Trial } from "../report.ts";
import { element, legend, microseconds, plotFigure, section, shorten, tableBehind } from "./elements.ts";

/** Times the best, beyond which a dot stands at the upper edge. */
const highest = 2.5;
/** Trials, below which there is no course to see: the table has those. */
const fewest = 3;

export function convergencePlots({ where, curves }: Convergence): HTMLElement {
  const sorted = [...curves].sort((a, b) => gain(b) - gain(a));
  const drawn = sorted.filter(({ trials }) => trials.length >= fewest);
  const swatches = [
    { label: "a trial", color: "var(--before)", shape: "round" as const },
    { label: "the best so far", color: "var(--after)", shape: "line" as const },
  ];
  return section(
    "convergence",
    "How the search went",
    `The last run of the log: ${where}. A plot for each workload of at least ${fewest} trials, those with most gained first (the table has all); the first trial is the default. What takes more than ${highest} times the best stands at the upper edge.`,
    legend(swatches),
    element("div", { class: "curves" }, ...drawn.map((curve) => plotFigure("convergence", (width) => draw(curve, width), heading(curve)))),
    tableBehind(
      "Workloads",
      [
        { title: "layers", of: ({ layers }) => layers.join(", ") },
        { title: "trials", of: ({ trials, others }) => trials.length + others, digits: 0 },
        { title: "not timed to the end", of: ({ others }) => others, digits: 0 },
        { title: "first µs", of: ({ trials }) => trials[0]?.us, digits: 2 },
        { title: "best µs", of: ({ trials }) => trials.at(-1)?.best, digits: 2 },
        { title: "candidate", of: (curve) => bestOf(curve)?.candidate },
      ],
      sorted,
    ),
  );
}

function gain({ trials, layers }: Curve): number {
  return ((trials[0]?.us ?? 0) - (trials.at(-1)?.best ?? 0)) * layers.length;
}

function bestOf({ trials }: Curve) {
  const best = trials.at(-1)?.best;
  return trials.find(({ us }) => us === best);
}

function heading({ layers, workload }: Curve): HTMLElement {
  const [first = workload, ...others] = layers;
  return element("h3", {}, others.length === 0 ? first : `${first} and ${others.length} like it`);
}

function draw({ trials, layers }: Curve, width: number): Element {
  const best = trials.at(-1)?.best ?? 1;
  const slowest = Math.max(...trials.map(({ us }) => us));
  const top = Math.max(best * 1.05, Math.min(slowest, Math.max(best * highest, (trials[0]?.us ?? best) * 1.05)));
  return Plot.plot({
    width,
    height: 170,
    marginLeft: 48,
    ariaLabel: `best time of ${shorten(layers.join(", "), 60)} against trials, down to ${best.toFixed(2)} microseconds`,
    x: { label: "trial →", ticks: 4, tickFormat: "d" },
    y: { label: "↑ µs", domain: [best * 0.95, top], clamp: true, grid: true, ticks: 4 },
    marks: [
      Plot.dot(trials, {
        x: "trial",
        y: "us",
        r: 2,
        fill: "var(--before)",
        fillOpacity: 0.75,
        title: ({ trial, us, origin, candidate }: Trial) =>
          `trial ${trial}: ${microseconds(us)} (${origin})\n${candidate.replaceAll(" ", "\n")}`,
        tip: { lineHeight: 1.25 },
      }),
      Plot.line(trials, { x: "trial", y: "best", stroke: "var(--after)", strokeWidth: 2, curve: "step-after" }),
    ],
  });
}
