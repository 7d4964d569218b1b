/** Measures whole spaces and keeps their times in recorded.csv, for replay.ts; what it holds of the same networks is replaced. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { formatCandidate } from "../../src/tuner/candidate.ts";
import { enumerate, spaceOf, stepsOf } from "../../src/tuner/space.ts";
import { workloadsOf } from "../../src/tuner/workload.ts";
import { loadNetwork } from "../networks.ts";
import { formatTable } from "../table.ts";
import type { Options } from "./main.ts";
import { recordedFile } from "./recorded.ts";
import { measurerFor } from "./support.ts";

const header = "network,workload,candidate,us";
/** Schedules of a space below which there is nothing to search, and above which it takes too long to measure. */
const sizes = { least: 16, most: 600 } as const;
const effort = { rounds: 5, best: Infinity, keepAll: true } as const;

export async function recordText({ networks, engine }: Options): Promise<string> {
  const before = existsSync(recordedFile) ? readFileSync(recordedFile, "utf8").trim().split("\n").slice(1) : [];
  const lines = before.filter((line) => !networks.some((name) => line.startsWith(`${name},`)));
  const rows: string[][] = [];
  for (const name of networks) {
    const { compiled } = loadNetwork(name);
    const measurer = await measurerFor(engine);
    for (const workload of workloadsOf(compiled)) {
      const found = new Map<string, Parameters<typeof measurer.measure>[1][number]>();
      for (const made of enumerate(spaceOf(workload, compiled.module.sketches))) {
        if (made.kind === "scheduled") found.set(stepsOf(made.scheduled), made.scheduled);
        if (found.size > sizes.most) break;
      }
      const space = [...found.values()];
      if (space.length < sizes.least || space.length > sizes.most) continue;
      const times: number[] = [];
      for (let at = 0; at < space.length; at += 8) {
        const heat = space.slice(at, at + 8);
        for (const [i, verdict] of (await measurer.measure(workload, heat, effort)).entries()) {
          const scheduled = heat[i];
          if (verdict.kind !== "timed" || !scheduled) throw new Error(`a candidate of ${workload.nest.name} failed`);
          lines.push(`${name},${workload.key},${formatCandidate(scheduled.candidate)},${verdict.us}`);
          times.push(verdict.us);
        }
      }
      rows.push([name, workload.nest.name, String(space.length), Math.min(...times).toFixed(2), Math.max(...times).toFixed(2)]);
    }
    await measurer.close();
  }
  writeFileSync(recordedFile, `${[header, ...lines].join("\n")}\n`);
  return formatTable(["network", "workload", "schedules", "best us", "worst us"], rows, { left: [0, 1] });
}
