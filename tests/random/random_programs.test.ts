/**
 * Random programs mean the same at every level, in the float64 reference and in WebAssembly. A failing program is printed
 * with its seed and the first level that differs.
 */
import { expect, test } from "vitest";
import { full } from "../support.ts";
import { firstDifference } from "./compare_levels.ts";
import { allFeatures } from "./features.ts";
import { type RandomProgram, randomProgram } from "./program.ts";

const programs = full ? 2000 : 150;
const mostReported = 5;

test(`${programs} random programs mean the same at every level`, { timeout: 3_600_000 }, () => {
  const counts = new Map<string, number>(allFeatures.map((feature) => [feature, 0]));
  const failures: string[] = [];
  for (let seed = 0; seed < programs && failures.length < mostReported; seed++) {
    const program = randomProgram(seed);
    for (const feature of program.features) counts.set(feature, (counts.get(feature) ?? 0) + 1);
    const difference = judge(program);
    if (difference) failures.push(`seed ${seed}: ${difference}\n\n${program.source}\n`);
  }
  expect(failures.join("\n")).toBe("");
  console.log(`features in ${programs} random programs:\n${[...counts].map(([feature, count]) => `  ${feature}: ${count}`).join("\n")}`);
  expect([...counts].filter(([, count]) => count === 0).map(([feature]) => feature)).toEqual([]);
});

function judge(program: RandomProgram): string | undefined {
  try {
    return firstDifference(program);
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message).split("\n").slice(0, 6).join("\n") : String(error);
  }
}
