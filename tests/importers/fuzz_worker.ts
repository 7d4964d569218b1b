/** Imports mutated files in a thread of its own, telling of each when it begins and how it ended. */
import { parentPort, workerData } from "node:worker_threads";
import { check } from "../../src/compile.ts";
import { isHdf5Stopped } from "../../src/importers/keras/hdf5.ts";
import { hasErrors } from "../../src/support/diagnostic.ts";
import { createRandom } from "../../src/support/random.ts";
import { foreignFileOf } from "./cases/case.ts";
import type { FuzzOrder, FuzzTold } from "./fuzz.ts";
import { mutatedFile } from "./fuzz_mutations.ts";
import { type FuzzedFormat, fuzzedFormats, type Seed } from "./fuzz_seeds.ts";
import { library } from "./support.ts";

const { format: name, first, end } = workerData as FuzzOrder;
const format = fuzzedFormats.find(({ importer }) => importer.name === name);
const seeds = format?.seeds() ?? [];
const tell = (told: FuzzTold) => parentPort?.postMessage(told);
for (let number = first; number < end && format; number++) {
  const seed = seeds[number % seeds.length] as Seed;
  tell({ kind: "begin", number, seed: seed.name });
  tell({ kind: "end", number, ...(await importMutated(format, seed, number)) });
  // The files that are left are read by another thread's library.
  if (isHdf5Stopped()) break;
}
tell({ kind: "done" });

async function importMutated(
  { importer }: FuzzedFormat,
  seed: Seed,
  number: number,
): Promise<{ readonly imported: boolean; readonly problem?: string }> {
  try {
    const file = mutatedFile(seed.file, createRandom(`fuzz/${importer.name}/${number}`));
    const { value, diagnostics } = await importer.read(foreignFileOf(file), { library, blocks: number % 2 === 1 });
    // What the language refuses is said of a line; that the checker comes to an end is what counts.
    if (value) check([{ file: "model.qn", text: value.text }]);
    if (!value && !hasErrors(diagnostics)) return { imported: false, problem: "refused without a word" };
    return { imported: value !== undefined, ...(value && hasErrors(diagnostics) ? { problem: "imported with an error" } : {}) };
  } catch (error) {
    return { imported: false, problem: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
