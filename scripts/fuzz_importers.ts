/**
 * Mutates files of every format that is imported: `npx tsx scripts/fuzz_importers.ts [--files 20000] [--first 0] [--format ONNX]`.
 * Exits with 1 where an importer throws, hangs or says nothing.
 */
import { fuzzImporter } from "../tests/importers/fuzz.ts";
import { fuzzedFormats } from "../tests/importers/fuzz_seeds.ts";

function option(name: string, otherwise: string): string {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : (process.argv[at + 1] ?? otherwise);
}

const [files, first, only] = [Number(option("files", "20000")), Number(option("first", "0")), option("format", "")];
for (const { importer, seeds } of fuzzedFormats) {
  if (only !== "" && only !== importer.name) continue;
  if (!seeds()) continue;
  const report = await fuzzImporter(importer.name, files, first);
  const memory = Math.round(process.resourceUsage().maxRSS / 1024);
  console.log(
    `${importer.name}: ${report.files} mutated files, ${report.imported} still a model, the slowest took ${Math.round(report.slowest)} ms, at most ${memory} MB`,
  );
  for (const failure of report.failures) console.log(`  ${failure}`);
  if (report.failures.length > 0) process.exitCode = 1;
}
