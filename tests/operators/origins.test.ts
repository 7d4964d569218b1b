/** The record of where vectors come from is what the vectors say, and names every operator. */
import { expect, test } from "vitest";
import { countedOrigins } from "../../scripts/vector_origins.ts";
import { libraryFiles } from "../../src/compile.ts";
import { vectorOrigins } from "./origins.ts";

test("every operator has an origin of vectors", () => {
  const operators = libraryFiles().flatMap((file) => file.declarations.flatMap((one) => (one.kind === "op" ? [one.name] : [])));
  expect(Object.keys(vectorOrigins).sort()).toEqual(operators.sort());
});

test("tests/operators/origins.ts is what `npx tsx scripts/vector_origins.ts` writes", async () => {
  const counted = await countedOrigins();
  if (counted) expect(vectorOrigins).toEqual(Object.fromEntries(counted));
});
