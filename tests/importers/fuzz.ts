/** Mutated files of a format: an importer gives a model or says what is wrong, soon, and never throws. */
import { check } from "../../src/compile.ts";
import type { Importer } from "../../src/importers/importer.ts";
import { hasErrors } from "../../src/support/diagnostic.ts";
import { createRandom, type Random } from "../../src/support/random.ts";
import { importBytes } from "./support.ts";

export type Seed = { readonly name: string; readonly bytes: Uint8Array };

export type FuzzReport = {
  readonly files: number;
  /** How many were still imported. */
  readonly imported: number;
  readonly slowest: number;
  /** What must not be: the seed's name, the number of the file, and what happened. */
  readonly failures: readonly string[];
};

/** Milliseconds that one file may take; the largest seed takes a fraction of it unharmed. */
const patience = 5000;

const largestShown = 10;

/** Files are numbered from `first`, so that one that fails is made again by its number. */
export async function fuzzImporter(importer: Importer, seeds: readonly Seed[], count: number, first = 0): Promise<FuzzReport> {
  const failures: string[] = [];
  let [imported, slowest] = [0, 0];
  for (let number = first; number < first + count && failures.length < largestShown; number++) {
    const seed = seeds[number % seeds.length] as Seed;
    const bytes = mutated(seed.bytes, createRandom(`fuzz/${importer.name}/${number}`));
    const start = performance.now();
    const fail = (what: string) => failures.push(`file ${number} (${seed.name}): ${what}`);
    try {
      const { value, diagnostics } = await importBytes(importer, seed.name, bytes);
      if (!value && !hasErrors(diagnostics)) fail("refused without a word");
      if (value && hasErrors(diagnostics)) fail("imported with an error");
      if (value) {
        imported++;
        // What the language refuses is said of a line; that the checker comes to an end is what counts.
        check([{ file: "model.qn", text: value.text }]);
      }
    } catch (error) {
      fail(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
    const taken = performance.now() - start;
    slowest = Math.max(slowest, taken);
    if (taken > patience) fail(`took ${Math.round(taken)} ms`);
  }
  return { files: count, imported, slowest, failures };
}

type Mutation = (bytes: Uint8Array, random: Random) => Uint8Array;

/** One mutation, seldom more: after many a file is refused at its first byte. */
function mutated(bytes: Uint8Array, random: Random): Uint8Array {
  let result: Uint8Array = Uint8Array.from(bytes);
  for (let i = random.integer(0, 3) === 0 ? 3 : 1; i > 0; i--) {
    const mutate = mutations[random.integer(0, mutations.length - 1)] as Mutation;
    if (result.length > 0) result = mutate(result, random);
  }
  return result;
}

function place(bytes: Uint8Array, random: Random): number {
  // Headers and counts lie at the beginning: half of the mutations go there.
  const end = random.integer(0, 1) === 0 ? Math.min(bytes.length, 256) : bytes.length;
  return random.integer(0, end - 1);
}

const interesting = [0, 1, 0x7f, 0x80, 0xff];

const mutations: readonly Mutation[] = [
  // A bit the other way.
  (bytes, random) => {
    const at = place(bytes, random);
    bytes[at] = (bytes[at] as number) ^ (1 << random.integer(0, 7));
    return bytes;
  },
  // Another byte.
  (bytes, random) => {
    bytes[place(bytes, random)] = random.integer(0, 255);
    return bytes;
  },
  // A run of bytes that counts and sizes like to trip over.
  (bytes, random) => {
    const at = place(bytes, random);
    bytes.fill(interesting[random.integer(0, interesting.length - 1)] as number, at, Math.min(bytes.length, at + random.integer(1, 9)));
    return bytes;
  },
  // The end is missing.
  (bytes, random) => bytes.slice(0, place(bytes, random)),
  // A piece is missing.
  (bytes, random) => {
    const at = place(bytes, random);
    return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + random.integer(1, 32))]);
  },
  // A piece stands twice.
  (bytes, random) => {
    const at = place(bytes, random);
    return Uint8Array.from([...bytes.subarray(0, at + random.integer(1, 64)), ...bytes.subarray(at)]);
  },
  // A piece lies elsewhere too.
  (bytes, random) => {
    const from = place(bytes, random);
    bytes.copyWithin(place(bytes, random), from, from + random.integer(1, 64));
    return bytes;
  },
];
