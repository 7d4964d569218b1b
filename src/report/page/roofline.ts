/** The roofline (Williams, Waterman, Patterson, 2009): what each layer reaches, below what the engine can compute and read. */
import * as Plot from "@observablehq/plot";
import type { LayerTime, Report } from "../report.ts";
import { byteText, gflops, legend, microseconds, plotFigure, section, tableBehind } from "./elements.ts";

type Dot = {
  readonly name: string;
  readonly which: "default" | "tuned";
  readonly us: number;
  readonly intensity: number;
  readonly gflops: number;
};

export function roofline(report: Report): HTMLElement {
  const dots = dotsOf(report);
  const isTuned = report.afterMs !== undefined;
  const swatches = [
    { label: isTuned ? "a layer by default" : "a layer", color: "var(--before)", shape: "hollow" as const },
    ...(isTuned ? [{ label: "tuned", color: "var(--after)", shape: "round" as const }] : []),
    { label: `multiply-adds: ${(report.peak / 1e9).toFixed(1)} GFLOP/s`, color: "currentColor", shape: "line" as const },
    ...report.bandwidths.map(({ bufferBytes, bytesPerSecond }, i) => ({
      label: `reading ${byteText(bufferBytes)}: ${(bytesPerSecond / 1e9).toFixed(0)} GB/s`,
      color: "currentColor",
      shape: styleOf(i).shape,
    })),
  ];
  return section(
    "roofline",
    "Roofline",
    "Floating-point operations that a kernel executes, for each byte of the buffers that it names, against what it reaches in a second. The roofs are measured in the same engine: multiply-adds in registers alone, and reading a buffer of the given size again and again. Larger dots take longer; layers that compute nothing are left out.",
    legend(swatches),
    plotFigure("roofline", (width) => draw(report, dots, width)),
    tableBehind(
      "Layers under the roofs",
      [
        { title: "layer", of: ({ name }) => name },
        { title: "schedule", of: ({ which }) => which },
        { title: "FLOP/byte", of: ({ intensity }) => intensity, digits: 2 },
        { title: "GFLOP/s", of: (dot) => dot.gflops, digits: 1 },
        { title: "of the peak, %", of: (dot) => (100 * dot.gflops * 1e9) / report.peak, digits: 1 },
        { title: "µs", of: ({ us }) => us, digits: 2 },
      ],
      dots,
    ),
  );
}

function dotsOf({ layers }: Report): Dot[] {
  const dot = (name: string, which: Dot["which"], time: LayerTime | undefined): Dot[] =>
    time === undefined || time.operations === 0 || time.us === 0
      ? []
      : [{ name, which, us: time.us, intensity: time.operations / time.bytes, gflops: gflops(time) }];
  return layers.flatMap(({ name, before, after }) => [...dot(name, "default", before), ...dot(name, "tuned", after)]);
}

/** Roofs differ by their strokes; that of the multiply-adds is solid. */
const strokes = [
  { shape: "dashed", dashes: "7,4" },
  { shape: "dotted", dashes: "2,4" },
  { shape: "thin", dashes: "none" },
] as const;

function styleOf(i: number) {
  return strokes[Math.min(i, strokes.length - 1)] ?? strokes[0];
}

type Place = { readonly x: number; readonly y: number };

function draw(report: Report, dots: readonly Dot[], width: number): Element {
  const peak = report.peak / 1e9;
  const [left, right] = [
    Math.min(0.1, ...dots.map(({ intensity }) => intensity / 1.5)),
    Math.max(100, ...dots.map(({ intensity }) => intensity * 1.5)),
  ];
  const low = Math.min(peak / 100, ...dots.map((dot) => dot.gflops / 1.6));
  const roofs = report.bandwidths.map(({ bytesPerSecond }): Place[] => {
    const slope = bytesPerSecond / 1e9;
    const start = Math.max(left, low / slope);
    return [
      { x: start, y: start * slope },
      { x: peak / slope, y: peak },
    ];
  });
  const corner = peak / Math.max(...report.bandwidths.map(({ bytesPerSecond }) => bytesPerSecond / 1e9));
  const flat: Place[] = [
    { x: Math.max(left, Math.min(corner, right)), y: peak },
    { x: right, y: peak },
  ];
  return Plot.plot({
    width,
    height: Math.max(320, Math.min(460, width * 0.6)),
    marginLeft: 48,
    marginRight: 16,
    marginTop: 28,
    ariaLabel: `roofline of ${dots.length} layer times under a peak of ${peak.toFixed(1)} GFLOP/s`,
    x: { type: "log", domain: [left, right], label: "FLOP/byte →", grid: true, ticks: 4, tickFormat: "~g" },
    y: { type: "log", domain: [low, peak * 1.5], label: "↑ GFLOP/s", grid: true, ticks: 5, tickFormat: "~g" },
    r: { range: [3, 11] },
    marks: [
      ...roofs.map((path, i) => Plot.line(path, { x: "x", y: "y", strokeOpacity: 0.75, strokeDasharray: styleOf(i).dashes })),
      Plot.line(flat, { x: "x", y: "y", strokeWidth: 2 }),
      Plot.link(pairsOf(dots), {
        x1: "x1",
        y1: "y1",
        x2: "x2",
        y2: "y2",
        stroke: "currentColor",
        strokeOpacity: 0.35,
      }),
      ...(["default", "tuned"] as const).map((which) =>
        Plot.dot(
          dots.filter((dot) => dot.which === which),
          {
            x: "intensity",
            y: "gflops",
            r: "us",
            stroke: which === "default" ? "var(--before)" : "var(--after)",
            strokeWidth: 1.6,
            fill: which === "default" ? "none" : "var(--after)",
            fillOpacity: 0.45,
          },
        ),
      ),
      // One for both, so that one is shown.
      Plot.tip(
        dots,
        Plot.pointer({
          x: "intensity",
          y: "gflops",
          lineHeight: 1.25,
          title: (dot: Dot) =>
            `${dot.name} (${dot.which})\n${dot.gflops.toFixed(1)} GFLOP/s\n${dot.intensity.toFixed(2)} FLOP/byte\n${microseconds(dot.us)}`,
        }),
      ),
    ],
  });
}

function pairsOf(dots: readonly Dot[]): { x1: number; y1: number; x2: number; y2: number }[] {
  const tuned = new Map(dots.filter(({ which }) => which === "tuned").map((dot) => [dot.name, dot]));
  return dots.flatMap((dot) => {
    const to = dot.which === "default" ? tuned.get(dot.name) : undefined;
    return to ? [{ x1: dot.intensity, y1: dot.gflops, x2: to.intensity, y2: to.gflops }] : [];
  });
}
