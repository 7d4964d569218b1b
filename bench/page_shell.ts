/** A contender in a page; the driver calls these functions through the browser's debugging channel. */
import { type Assignment, createContender, hasRelaxedSimd, type Remote } from "./contender.ts";

const host = globalThis as unknown as {
  bench: { create(assignment: Assignment): void; hasRelaxedSimd(): boolean; adapterName(): Promise<string | undefined> };
  contender?: Remote;
};

async function read(url: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`cannot read ${url}: HTTP ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** From an address in memory, which no cache of compiled code knows. */
async function prepareImport(url: string) {
  const place = URL.createObjectURL(new Blob([await read(url)], { type: "text/javascript" }));
  return async () => (await import(place)) as unknown;
}

type Gpu = { requestAdapter(): Promise<{ readonly info: { readonly [part: string]: unknown } } | null> };

async function adapterName(): Promise<string | undefined> {
  const adapter = await (navigator as { gpu?: Gpu }).gpu?.requestAdapter();
  if (!adapter) return undefined;
  const { vendor, architecture, device, description } = adapter.info;
  return [vendor, architecture, device, description].filter((part) => typeof part === "string" && part !== "").join(" ");
}

host.bench = {
  hasRelaxedSimd,
  adapterName,
  create(assignment) {
    host.contender = createContender(assignment, { read, prepareImport });
  },
};
