/** The arena over a run as a Gantt chart: steps to the right, offsets upwards. */
import * as Plot from "@observablehq/plot";
import type { MemoryBar, MemoryPlan } from "../report.ts";
import { byteText, legend, plotFigure, section, tableBehind } from "./elements.ts";

const roles = ["input", "temporary", "output"] as const;

export function memoryChart(plan: MemoryPlan): HTMLElement {
  const { bars, arenaBytes, weightBytes, steps } = plan;
  const used = roles.filter((role) => bars.some((bar) => bar.role === role));
  return section(
    "memory",
    "Memory over a run",
    `Each buffer from the first step that needs it to the last, at its place in the arena of ${byteText(arenaBytes)}. Step 0 is the first call; inputs are written before it and outputs read after the last. Where one bar ends in the column in which another begins at the same place, the result is computed in place. Before the arena lie ${byteText(weightBytes)} of weights.`,
    legend(used.map((role) => ({ label: role, color: `var(--${role})` }))),
    plotFigure("memory", (width) => draw(plan, width)),
    tableBehind(
      "Buffers in the arena",
      [
        { title: "buffer", of: ({ name }) => name },
        { title: "role", of: ({ role }) => role },
        { title: "offset", of: ({ offset }) => offset, digits: 0 },
        { title: "bytes", of: ({ bytes }) => bytes, digits: 0 },
        { title: "from step", of: ({ first }) => stepText(first, steps) },
        { title: "to step", of: ({ last }) => stepText(last, steps) },
        { title: "parts in it", of: ({ parts }) => parts.join(", ") },
      ],
      bars,
    ),
  );
}

function stepText(step: number, steps: readonly string[]): string {
  if (step < 0) return "before the run";
  return step >= steps.length ? "after the run" : `${step} ${steps[step] ?? ""}`;
}

function draw({ bars, steps, arenaBytes }: MemoryPlan, width: number): Element {
  const height = Math.max(280, Math.min(440, width * 0.5));
  const [marginLeft, marginRight, marginTop, marginBottom] = [64, 12, 24, 36];
  const columns = steps.length + 2;
  const [columnWidth, byteHeight] = [
    (width - marginLeft - marginRight) / columns,
    (height - marginTop - marginBottom) / Math.max(1, arenaBytes),
  ];
  // A name is written only where it has room.
  const labels = bars.flatMap((bar) => {
    const end = freeUntil(bar, bars);
    const fits = bar.name.length * 6.6 + 8 < (end - bar.first) * columnWidth && bar.bytes * byteHeight > 13;
    return fits ? [{ name: bar.name, x: (bar.first + end) / 2, y: bar.offset + bar.bytes / 2 }] : [];
  });
  return Plot.plot({
    width,
    height,
    marginLeft,
    marginRight,
    marginTop,
    marginBottom,
    ariaLabel: `${bars.length} buffers in an arena of ${byteText(arenaBytes)} over ${steps.length} steps`,
    x: { domain: [-1, steps.length + 1], label: "step →", ticks: Math.min(steps.length, width < 600 ? 6 : 14), tickFormat: "d" },
    y: {
      domain: [0, Math.max(1, arenaBytes)],
      label: "↑ offset in the arena",
      tickFormat: byteText,
      ticks: binaryTicks(arenaBytes),
      grid: true,
    },
    marks: [
      Plot.rect(bars, {
        x1: "first",
        x2: ({ last }: MemoryBar) => last + 1,
        y1: "offset",
        y2: ({ offset, bytes }: MemoryBar) => offset + bytes,
        fill: ({ role }: MemoryBar) => `var(--${role})`,
        fillOpacity: 0.45,
        stroke: ({ role }: MemoryBar) => `var(--${role})`,
        title: (bar: MemoryBar) =>
          `${bar.name} (${bar.role})\n${byteText(bar.bytes)} at ${byteText(bar.offset)}\nfrom ${stepText(bar.first, steps)}\nto ${stepText(bar.last, steps)}`,
        tip: { lineHeight: 1.25 },
      }),
      Plot.text(labels, {
        x: "x",
        y: "y",
        text: "name",
        fill: "currentColor",
        pointerEvents: "none",
      }),
    ],
    color: { type: "identity" },
  });
}

/** Where a bar ends, or the first that is computed in its place begins. */
function freeUntil({ first, last, offset, bytes }: MemoryBar, bars: readonly MemoryBar[]): number {
  const within = bars.filter(
    (bar) => bar.first > first && bar.first <= last && bar.offset < offset + bytes && offset < bar.offset + bar.bytes,
  );
  return Math.min(last + 1, ...within.map((bar) => bar.first));
}

/** Four or more round numbers of bytes, as bytes are counted. */
function binaryTicks(bytes: number): number[] {
  const step = 2 ** Math.max(0, Math.ceil(Math.log2(Math.max(1, bytes) / 8)));
  return Array.from({ length: Math.floor(bytes / step) + 1 }, (_, i) => i * step);
}
