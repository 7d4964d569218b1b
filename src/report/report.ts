/** What a report says, as data: the page holds it as JSON and draws it. All of it is plain, and none of it is drawing. */

/** A layer as it ran. */
export type LayerTime = {
  /** Median of whole runs (us). */
  readonly us: number;
  /** Floating-point operations that its kernel executes. */
  readonly operations: number;
  /** Bytes of the buffers that its kernel names, each once. */
  readonly bytes: number;
};

/** One of them is missing where the tuned network has other layers than the default one, as another algorithm has. */
export type LayerRow = { readonly name: string; readonly before?: LayerTime; readonly after?: LayerTime };

export type Trial = {
  /** Of the workload, from 1. */
  readonly trial: number;
  readonly us: number;
  /** The least time up to this trial. */
  readonly best: number;
  readonly origin: string;
  /** What was measured, as `quern log show` prints it. */
  readonly candidate: string;
};

export type Curve = {
  readonly workload: string;
  readonly layers: readonly string[];
  /** Those that were timed to the end. */
  readonly trials: readonly Trial[];
  /** Trials that were given up early, hung, or failed. */
  readonly others: number;
};

/** The last run of the log for the model and the engine. */
export type Convergence = { readonly where: string; readonly curves: readonly Curve[] };

export type MemoryBar = {
  readonly name: string;
  readonly role: "input" | "output" | "temporary";
  /** Parts that are computed into it in place. */
  readonly parts: readonly string[];
  /** In the arena. */
  readonly offset: number;
  readonly bytes: number;
  /** First and last step that needs it: -1 is where the caller writes, and one after the last step where the caller reads. */
  readonly first: number;
  readonly last: number;
};

export type MemoryPlan = {
  /** The nest of each step of a run. */
  readonly steps: readonly string[];
  readonly bars: readonly MemoryBar[];
  readonly arenaBytes: number;
  /** Of the weights, which lie before the arena and stay. */
  readonly weightBytes: number;
};

export type KernelText = {
  readonly layer: string;
  /** The sketch or schedule; nothing where none fits. */
  readonly from: string | null;
  readonly steps: readonly string[];
  readonly nest: string;
  /** Names in `functions`: the kernel's own first, then those that it calls. */
  readonly functions: readonly string[];
};

export type Report = {
  readonly model: string;
  readonly compiler: string;
  /** Where the layers were timed. */
  readonly engine: string;
  readonly device: string;
  /** Of the module, or whose clock timed a device. */
  readonly variant: "simd" | "relaxed" | "timestamps" | "host";
  /** Of the kernels' texts. */
  readonly language: "WebAssembly" | "WGSL";
  /** Floating-point operations per second of a loop in registers alone. */
  readonly peak: number;
  /** Bytes per second read from a buffer of that size, the smallest first. */
  readonly bandwidths: readonly { readonly bufferBytes: number; readonly bytesPerSecond: number }[];
  readonly layers: readonly LayerRow[];
  /** Of all layers (ms); the second where a tuned schedule was taken. */
  readonly beforeMs: number;
  readonly afterMs?: number;
  /** What the outcome says of itself, where one was taken. */
  readonly outcome?: string;
  readonly convergence?: Convergence;
  readonly memory: MemoryPlan;
  readonly kernels: readonly KernelText[];
  /** Text by the name of the function, or of the shader. */
  readonly functions: { readonly [name: string]: string };
  /** What the page cannot show, and the command that would make it so. */
  readonly missing: readonly { readonly what: string; readonly command: string }[];
};
