/** Stands in for fuzz_worker.ts: the second file of a thread never comes to an end. */
import { parentPort, workerData } from "node:worker_threads";
import type { FuzzOrder, FuzzTold } from "./fuzz.ts";

const { first, end } = workerData as FuzzOrder;
const tell = (told: FuzzTold) => parentPort?.postMessage(told);
for (let number = first; number < end; number++) {
  tell({ kind: "begin", number, seed: `seed ${number}` });
  while (number === first + 1);
  tell({ kind: "end", number, imported: true });
}
tell({ kind: "done" });
