/** The page's script: reads the record that the page holds, and draws it. */
import type { Report } from "../report.ts";
import { convergencePlots } from "./convergence_plots.ts";
import { kernelList } from "./kernel_list.ts";
import { layerTimes } from "./layer_times.ts";
import { memoryChart } from "./memory_chart.ts";
import { roofline } from "./roofline.ts";
import { summary } from "./summary.ts";

// The compiler wrote it, of the same version as this script.
const report: Report = JSON.parse(document.getElementById("report")?.textContent ?? "");
const sections = [
  ...(report.convergence ? [convergencePlots(report.convergence)] : []),
  roofline(report),
  layerTimes(report),
  memoryChart(report.memory),
  kernelList(report),
];
const links = sections.map((each) => ({ id: each.id, title: each.querySelector("h2")?.textContent ?? "" }));
document.getElementById("page")?.replaceChildren(summary(report, links), ...sections);
