/** Mutated files of every format; `scripts/fuzz_importers.ts` runs many more. */
import { expect, test } from "vitest";
import { full } from "../support.ts";
import { fuzzImporter } from "./fuzz.ts";
import { fuzzedFormats } from "./fuzz_seeds.ts";

test.each(fuzzedFormats.map((format) => [format.importer.name, format] as const))(
  "%s: mutated files are imported or refused",
  async (_, { importer, seeds }) => {
    const found = seeds();
    if (!found) return;
    const report = await fuzzImporter(importer, found, full ? 5000 : 500);
    console.log(
      `${importer.name}: ${report.files} mutated files, ${report.imported} still a model, the slowest took ${Math.round(report.slowest)} ms`,
    );
    expect(report.failures).toEqual([]);
  },
  600_000,
);
