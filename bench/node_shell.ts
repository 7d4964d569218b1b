/** A contender in a Node process of its own; the parent asks over the process channel. */
import { readFile } from "node:fs/promises";
import { type Assignment, type Contender, createContender, hasRelaxedSimd, type Mode } from "./contender.ts";

export type Request =
  | { readonly kind: "create"; readonly assignment: Assignment }
  | { readonly kind: "load" }
  | { readonly kind: "batch"; readonly mode: Mode; readonly runs: number }
  | { readonly kind: "describe" };

let contender: Contender | undefined;

process.on("message", (request: Request) => {
  answer(request).then(
    (value) => process.send?.({ value }),
    (error: unknown) => process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});

async function read(url: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await readFile(new URL(url)));
}

function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

async function answer(request: Request): Promise<unknown> {
  switch (request.kind) {
    case "describe":
      return { name: `Node ${process.versions.node} (V8 ${process.versions.v8})`, relaxed: hasRelaxedSimd() };
    case "create":
      contender = createContender(request.assignment, { read, cpuTime });
      return true;
    case "load":
      return await contender?.load();
    case "batch":
      return await contender?.batch(request.mode, request.runs);
  }
}
