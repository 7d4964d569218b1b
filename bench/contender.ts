/**
 * One contender inside the engine that is measured: loads its model, runs it, tells the time. Bundled on its own, it runs
 * in a Node process and in a page alike, so it imports nothing.
 */

export type Kind = "quern simd" | "quern relaxed" | "onnxruntime-web";

/** `call`: tensor in, tensor out, as an application calls it. `kernels`: Quern's kernels alone, the input already in memory. */
export type Mode = "call" | "kernels";

/** All a contender needs; files are named by URL. */
export type Assignment = {
  readonly kind: Kind;
  /** `model.js` of `quern build`, or the ONNX file. */
  readonly model: string;
  readonly input: { readonly name: string; readonly file: string; readonly shape: readonly number[] };
  /** Where the input begins in Quern's memory. */
  readonly inputOffset: number;
  /** The module of onnxruntime-web, and the folder of its wasm where it cannot find it itself. */
  readonly runtime: { readonly module: string; readonly wasm?: string };
};

export type Loaded = {
  /** Until the model can be called, its files read and compiled. */
  readonly loadMs: number;
  readonly firstRunMs: number;
  readonly output: readonly number[];
};

export type Contender = {
  load(): Promise<Loaded>;
  /** The mean over `runs` runs, after one that is not counted. */
  batch(mode: Mode, runs: number): Promise<Sample>;
};

/** Milliseconds per run by the clock, and of the processor where the environment tells (for whole calls). */
export type Sample = { readonly ms: number; readonly cpuMs?: number };

/** The environment's part: how it reads a file, and the processor time that the process has taken (ms). */
export type Host = { read: ReadFile; cpuTime?(): number };
type ReadFile = (url: string) => Promise<Uint8Array<ArrayBuffer>>;

type Call = () => Promise<Float32Array>;

export function createContender(assignment: Assignment, host: Host): Contender {
  const { read } = host;
  let call: Call | undefined;
  let kernels: (() => number) | undefined;
  return {
    async load() {
      const image = new Float32Array((await read(assignment.input.file)).buffer);
      const start = performance.now();
      call = assignment.kind === "onnxruntime-web" ? await loadOnnx(assignment, image, read) : await loadQuern(assignment, image);
      const loaded = performance.now();
      const output = await call();
      return { loadMs: loaded - start, firstRunMs: performance.now() - loaded, output: Array.from(output) };
    },
    async batch(mode, runs) {
      if (!call) throw new Error("load comes first");
      if (mode === "call") return await timeCalls(call, runs, host);
      kernels ??= await loadKernels(assignment, read);
      kernels();
      let total = 0;
      for (let i = 0; i < runs; i++) total += kernels();
      return { ms: total / runs };
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

type QuernNet = { run(inputs: { [name: string]: Float32Array }): Promise<{ [name: string]: Float32Array }> };

async function loadQuern({ kind, model, input }: Assignment, image: Float32Array): Promise<Call> {
  const built: { load(options: { target: string }): Promise<QuernNet> } = await import(model);
  const net = await built.load({ target: variantOf(kind) });
  const inputs = { [input.name]: image };
  return async () => onlyValue(await net.run(inputs));
}

/** Times each run by itself: the input is written anew before it, for its memory is reused by later layers. */
async function loadKernels({ kind, model, input, inputOffset }: Assignment, read: ReadFile): Promise<() => number> {
  const file = (name: string) => read(new URL(name, model).href);
  const { instance } = await WebAssembly.instantiate(await file(`model.${variantOf(kind)}.wasm`));
  const { memory, run } = instance.exports as { memory: WebAssembly.Memory; run(): void };
  new Uint8Array(memory.buffer).set(await file("model.weights.bin"));
  const image = new Float32Array((await read(input.file)).buffer);
  const place = new Float32Array(memory.buffer, inputOffset, image.length);
  return () => {
    place.set(image);
    const start = performance.now();
    run();
    return performance.now() - start;
  };
}

/** The part of onnxruntime-web that is used here. */
type OnnxTensor = { readonly data: Float32Array };
type OnnxRuntime = {
  readonly env: { logLevel: string; readonly wasm: { numThreads: number; proxy: boolean; wasmPaths?: string } };
  readonly Tensor: new (type: "float32", data: Float32Array, shape: readonly number[]) => OnnxTensor;
  readonly InferenceSession: {
    create(
      model: Uint8Array,
      options: { executionProviders: string[]; graphOptimizationLevel: "all" },
    ): Promise<{ run(feeds: { [name: string]: OnnxTensor }): Promise<{ [name: string]: OnnxTensor }> }>;
  };
};

async function loadOnnx({ model, input, runtime }: Assignment, image: Float32Array, read: ReadFile): Promise<Call> {
  const { env, InferenceSession, Tensor }: OnnxRuntime = await import(runtime.module);
  // Errors only: otherwise it remarks on machines whose CPU it does not know.
  env.logLevel = "error";
  env.wasm.numThreads = 1;
  env.wasm.proxy = false;
  if (runtime.wasm) env.wasm.wasmPaths = runtime.wasm;
  const session = await InferenceSession.create(await read(model), { executionProviders: ["wasm"], graphOptimizationLevel: "all" });
  return async () => onlyValue(await session.run({ [input.name]: new Tensor("float32", image, input.shape) })).data;
}

function variantOf(kind: Kind): "simd" | "relaxed" {
  return kind === "quern relaxed" ? "relaxed" : "simd";
}

function onlyValue<T>(values: { readonly [name: string]: T }): T {
  const [value] = Object.values(values);
  if (value === undefined) throw new Error("the model gave no output");
  return value;
}
