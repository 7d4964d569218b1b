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
  /** Where it uses WebGPU. */
  readonly gpu?: GpuUse;
};

/** What a contender asks of WebGPU, counted in the interface itself and so alike for all. */
export type GpuUse = {
  /** Dispatches of one run after the first. */
  readonly dispatches: number;
  readonly pipelines: number;
  /** Milliseconds of the first result in which at least one compute pipeline was being made. */
  readonly pipelineMs: number;
};

export type Remote = {
  load(): Promise<Loaded>;
  /** The mean over `runs` runs, after one that is not counted unless `settled`. */
  batch(runs: number, settled?: boolean): Promise<Sample>;
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
      const gpu = watchGpu();
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
      const firstMs = performance.now() - start;
      const use = await gpu?.used(call);
      return { firstMs, output: Array.from(output), ...(use ? { gpu: use } : {}) };
    },
    async batch(runs, settled = false) {
      if (!call) throw new Error("load comes first");
      return await timeCalls(call, runs, settled, host);
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

type Method = (this: unknown, ...args: unknown[]) => unknown;
type Prototype = { [name: string]: Method };

/** Counts in WebGPU's own methods; a count is nothing beside what they do. Undefined where there is no WebGPU. */
function watchGpu(): { used(call: Call): Promise<GpuUse | undefined> } | undefined {
  const scope = globalThis as unknown as { readonly [name: string]: { readonly prototype: Prototype } | undefined };
  const [device, pass] = [scope.GPUDevice?.prototype, scope.GPUComputePassEncoder?.prototype];
  if (!device || !pass) return undefined;
  let [dispatches, pipelines, underway, since, pipelineMs] = [0, 0, 0, 0, 0];
  const replace = (prototype: Prototype, name: string, around: (method: () => unknown) => unknown) => {
    const method = prototype[name];
    if (!method) return;
    prototype[name] = function (...args) {
      return around(() => method.apply(this, args));
    };
  };
  const begin = () => {
    pipelines++;
    if (underway++ === 0) since = performance.now();
  };
  const end = () => {
    if (--underway === 0) pipelineMs += performance.now() - since;
  };
  for (const name of ["dispatchWorkgroups", "dispatchWorkgroupsIndirect"]) {
    replace(pass, name, (dispatch) => {
      dispatches++;
      return dispatch();
    });
  }
  replace(device, "createComputePipelineAsync", (create) => {
    begin();
    return (create() as Promise<unknown>).finally(end);
  });
  replace(device, "createComputePipeline", (create) => {
    begin();
    try {
      return create();
    } finally {
      end();
    }
  });
  return {
    async used(call) {
      if (pipelines === 0) return undefined;
      const found = { pipelines, pipelineMs };
      dispatches = 0;
      await call();
      return { dispatches, ...found };
    },
  };
}

async function timeCalls(call: Call, runs: number, settled: boolean, { cpuTime }: Host): Promise<Sample> {
  if (!settled) await call();
  const cpuStart = cpuTime?.();
  const start = performance.now();
  for (let i = 0; i < runs; i++) await call();
  const ms = (performance.now() - start) / runs;
  return cpuTime && cpuStart !== undefined ? { ms, cpuMs: (cpuTime() - cpuStart) / runs } : { ms };
}
