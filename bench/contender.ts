/**
 * One contender inside the engine that is measured: loads its model, runs it, tells the time. Bundled on its own, it runs
 * in a Node process and in a page alike, so it imports nothing but types.
 */

/** An adapter in peers/, bundled with the runtime that it adapts: what a page with this runtime would ship. */
export type Peer = {
  /** From bytes to a function that can be called: compiles the runtime and the model. */
  load(given: Given): Promise<Call>;
};

/** All files are in memory by now; `places` has where a runtime that reads a file by itself finds it. */
export type Given = {
  readonly files: { readonly [name: string]: Uint8Array<ArrayBuffer> };
  readonly places: { readonly [name: string]: string };
  readonly input: { readonly name: string; readonly shape: readonly number[]; readonly values: Float32Array };
  /** Where the contender is one of several variants. */
  readonly variant?: string;
};

/** Typed array in (the same each time), typed array out, as an application calls it. */
export type Call = () => Promise<Float32Array>;

/** All that a contender needs; files are named by URL. */
export type Assignment = {
  readonly peer: string;
  readonly files: { readonly [name: string]: string };
  readonly input: { readonly name: string; readonly file: string; readonly shape: readonly number[] };
  readonly variant?: string;
};

export type Loaded = {
  /** From all bytes in memory to the first output, the runtime's own compilation included. */
  readonly firstMs: number;
  readonly output: readonly number[];
};

export type Remote = {
  load(): Promise<Loaded>;
  /** The mean over `runs` runs, after one that is not counted. */
  batch(runs: number): Promise<Sample>;
};

/** Milliseconds per run by the clock, and of the processor where the environment tells. */
export type Sample = { readonly ms: number; readonly cpuMs?: number };

/** The environment's part: how it reads a file, imports a module that it has read, and the processor time taken (ms). */
export type Host = {
  read(url: string): Promise<Uint8Array<ArrayBuffer>>;
  /** A function that imports the module without reading it again. */
  prepareImport(url: string): Promise<() => Promise<unknown>>;
  cpuTime?(): number;
};

export function createContender(assignment: Assignment, host: Host): Remote {
  let call: Call | undefined;
  return {
    async load() {
      const { peer, input, variant } = assignment;
      const values = new Float32Array((await host.read(input.file)).buffer);
      const read = await Promise.all(Object.entries(assignment.files).map(async ([name, url]) => [name, await host.read(url)] as const));
      const importPeer = await host.prepareImport(peer);
      const given: Given = {
        files: Object.fromEntries(read),
        places: assignment.files,
        input: { name: input.name, shape: input.shape, values },
        ...(variant === undefined ? {} : { variant }),
      };
      const start = performance.now();
      const { peer: loaded } = (await importPeer()) as { readonly peer: Peer };
      call = await loaded.load(given);
      const output = await call();
      return { firstMs: performance.now() - start, output: Array.from(output) };
    },
    async batch(runs) {
      if (!call) throw new Error("load comes first");
      return await timeCalls(call, runs, host);
    },
  };
}

/** Whether the engine takes relaxed SIMD: a function that leaves what `f32x4.relaxed_madd` gives. */
export function hasRelaxedSimd(): boolean {
  const zero = [65, 0, 253, 15];
  const body = [0, ...zero, ...zero, ...zero, 253, 133, 2, 11];
  const code = [10, body.length + 2, 1, body.length, ...body];
  return WebAssembly.validate(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, ...code]));
}

async function timeCalls(call: Call, runs: number, { cpuTime }: Host): Promise<Sample> {
  await call();
  const cpuStart = cpuTime?.();
  const start = performance.now();
  for (let i = 0; i < runs; i++) await call();
  const ms = (performance.now() - start) / runs;
  return cpuTime && cpuStart !== undefined ? { ms, cpuMs: (cpuTime() - cpuStart) / runs } : { ms };
}
