/** A contender in a Node process of its own; the parent asks over the process channel. */
import { readFile } from "node:fs/promises";
import { type Assignment, createContender, hasRelaxedSimd, type Remote } from "./contender.ts";

export type Request =
  | { readonly kind: "create"; readonly assignment: Assignment }
  | { readonly kind: "load" }
  | { readonly kind: "batch"; readonly runs: number; readonly settled: boolean }
  | { readonly kind: "memory" }
  | { readonly kind: "describe" };

let contender: Remote | undefined;

process.on("message", (request: Request) => {
  answer(request).then(
    (value) => process.send?.({ value }),
    (error: unknown) => process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});

async function read(url: string): Promise<Uint8Array<ArrayBuffer>> {
  // Copied, for a small file lies in a buffer that it shares with others.
  return new Uint8Array(await readFile(new URL(url)));
}

/** Node imports no module from memory: this one is read again, from the operating system's cache. */
async function prepareImport(url: string) {
  return async () => (await import(url)) as unknown;
}

function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Bytes. On Linux the figure that `resourceUsage` gives begins with the parent's, so the process's own status is asked first. */
async function peakMemory(): Promise<number> {
  const status = await readFile("/proc/self/status", "utf8").catch(() => "");
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(status) ?? [];
  return 1024 * (kilobytes === undefined ? process.resourceUsage().maxRSS : Number(kilobytes));
}

async function answer(request: Request): Promise<unknown> {
  switch (request.kind) {
    case "describe":
      return { name: `Node ${process.versions.node} (V8 ${process.versions.v8})`, relaxed: hasRelaxedSimd() };
    case "create":
      contender = createContender(request.assignment, { read, prepareImport, cpuTime });
      return true;
    case "load":
      return await contender?.load();
    case "batch":
      return await contender?.batch(request.runs, request.settled);
    case "memory":
      return await peakMemory();
  }
}
