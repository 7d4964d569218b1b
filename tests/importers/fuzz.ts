/**
 * Mutated files of a format: an importer gives a model or says what is wrong, soon, and never throws. Files are imported in a thread
 * of their own, which is ended when one of them takes too long: nothing can hang unseen.
 */
import { Worker } from "node:worker_threads";

/** What a thread is to do, and what it tells. Files are numbered, so that one that fails is made again by its number. */
export type FuzzOrder = { readonly format: string; readonly first: number; readonly end: number };
export type FuzzTold =
  | { readonly kind: "begin"; readonly number: number; readonly seed: string }
  | { readonly kind: "end"; readonly number: number; readonly imported: boolean; readonly problem?: string }
  | { readonly kind: "done" };

export type FuzzReport = {
  readonly files: number;
  /** How many were still imported. */
  readonly imported: number;
  readonly slowest: number;
  /** What must not be: the file's number, the seed's name, and what happened. */
  readonly failures: readonly string[];
};

export type FuzzThread = {
  /** Beside this file. */
  readonly script: string;
  /** Milliseconds that one file may take; the largest seed takes a fraction of it unharmed. */
  readonly patience: number;
};

const importing: FuzzThread = { script: "./fuzz_worker.ts", patience: 10_000 };

/** Megabytes of objects that a thread may hold; buffers are bounded by what files may claim. */
const memory = 1024;

/** Milliseconds in which a thread must have read its seeds. */
const longestStart = 120_000;

const largestShown = 10;

export async function fuzzImporter(format: string, count: number, first = 0, thread = importing): Promise<FuzzReport> {
  const failures: string[] = [];
  let [imported, slowest, next] = [0, 0, first];
  while (next < first + count && failures.length < largestShown) {
    const told = await runThread(thread, { format, first: next, end: first + count }, (number, problem, isImported, taken) => {
      if (isImported) imported++;
      if (problem !== undefined) failures.push(`file ${number}: ${problem}`);
      slowest = Math.max(slowest, taken);
      return failures.length < largestShown;
    });
    next = told + 1;
  }
  return { files: next - first, imported, slowest, failures };
}

/** Whether to go on. */
type Note = (number: number, problem: string | undefined, imported: boolean, taken: number) => boolean;

/** The number of the last file that came to an end, or was ended. */
function runThread({ script, patience }: FuzzThread, order: FuzzOrder, note: Note): Promise<number> {
  const worker = new Worker(bootstrapOf(script), { eval: true, workerData: order, resourceLimits: { maxOldGenerationSizeMb: memory } });
  return new Promise((resolve) => {
    let current = { number: order.first, seed: "the first", start: performance.now() };
    const finish = (problem?: string) => {
      clearTimeout(timer);
      worker.removeAllListeners();
      if (problem !== undefined) note(current.number, `(${current.seed}) ${problem}`, false, performance.now() - current.start);
      void worker.terminate().then(() => resolve(current.number));
    };
    let timer = setTimeout(() => finish("did not begin"), longestStart);
    worker.on("error", (error) => finish(`ended its thread: ${error.message}`));
    worker.on("exit", (code) => finish(`ended its thread with ${code}`));
    worker.on("message", (told: FuzzTold) => {
      clearTimeout(timer);
      if (told.kind === "done") finish();
      else if (told.kind === "begin") {
        current = { number: told.number, seed: told.seed, start: performance.now() };
        timer = setTimeout(() => finish(`took more than ${patience} ms`), patience);
      } else {
        const { number, imported, problem } = told;
        const goesOn = note(number, problem && `(${current.seed}) ${problem}`, imported, performance.now() - current.start);
        if (!goesOn) finish();
      }
    });
  });
}

const urlOf = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);

/** A thread does not take over how the process runs TypeScript. */
const bootstrapOf = (script: string) => `
import(${urlOf("../../node_modules/tsx/dist/esm/api/index.mjs")}).then(({ register }) => {
  register();
  return import(${urlOf(script)});
});
`;
