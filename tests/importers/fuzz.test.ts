/** Mutated files of every format; `scripts/fuzz_importers.ts` runs many more. */
import { expect, test } from "vitest";
import { full } from "../support.ts";
import { fuzzImporter } from "./fuzz.ts";
import { fuzzedFormats } from "./fuzz_seeds.ts";

test.each(fuzzedFormats.map((format) => [format.importer.name, format] as const))(
  "%s: mutated files are imported or refused",
  async (_, { importer, seeds }) => {
    if (!seeds()) return;
    const report = await fuzzImporter(importer.name, full ? 5000 : 120);
    console.log(
      `${importer.name}: ${report.files} mutated files, ${report.imported} still a model, the slowest took ${Math.round(report.slowest)} ms`,
    );
    expect(report.failures).toEqual([]);
  },
  600_000,
);

test("a file that never ends is reported by its number, and those after it are still tried", async () => {
  const report = await fuzzImporter("none", 5, 10, { script: "./stuck_worker.ts", patience: 500 });
  expect(report.failures).toEqual(["file 11: (seed 11) took more than 500 ms", "file 13: (seed 13) took more than 500 ms"]);
  expect(report).toMatchObject({ files: 5, imported: 3 });
});
