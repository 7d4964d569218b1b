/** Planted mistakes are found; a full run plants five, another five every day, and `npx tsx scripts/plant_faults.ts` all of them. */
import { expect, test } from "vitest";
import { chooseFaults, misplacedFaults, type Outcome, plantFaults } from "../../scripts/plant_faults.ts";
import { full } from "../support.ts";
import { faults } from "./faults.ts";

test("every fault has its place in the source, and a name of its own", () => {
  expect(misplacedFaults()).toEqual([]);
  expect(new Set(faults.map(({ name }) => name)).size).toBe(faults.length);
  expect(faults.length).toBeGreaterThanOrEqual(30);
});

/** The same five in every run; QUERN_SEED chooses others. */
const seed = process.env.QUERN_SEED ?? "2026-11-23";

test.runIf(full)(`five faults of the seed ${seed} are caught`, { timeout: 3_600_000 }, () => {
  const missed: string[] = [];
  const note = ({ fault, caughtBy }: Outcome) => {
    if (!caughtBy) missed.push(fault.name);
  };
  plantFaults(chooseFaults(5, seed), note);
  expect(missed).toEqual([]);
});
