/** The page on schedules shows the primitives as they are; golden files belong to a test. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { schedulePage, updatedPage } from "../../scripts/schedule_docs.ts";
import { goldenOf, primitiveExamples, refusals } from "./refusals.ts";

test("docs/schedules.md is what `npx tsx scripts/schedule_docs.ts` writes", () => {
  const page = readFileSync(schedulePage, "utf8");
  expect(page).toBe(updatedPage(page));
});

test("every golden file belongs to an example, a refusal, a network or an error", () => {
  const wanted = new Set([...primitiveExamples.flatMap(({ file }) => [`${file}.before`, `${file}.after`]), ...refusals.map(goldenOf)]);
  const others = readdirSync(new URL("goldens", import.meta.url)).filter((file) => !wanted.has(file));
  expect(others.filter((file) => !/^(sketches|schedule_error)_/.test(file))).toEqual([]);
});
