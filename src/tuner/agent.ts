/**
 * The part of a measurer that runs inside the measured engine: checks candidates, then times them. It imports nothing but types,
 * for its text is sent to a process or a page as it stands (scripts/agent.mjs writes it to agent_text.ts).
 */

/** A workload, sent once. */
export type AgentWorkload = {
  readonly key: string;
  readonly operands: readonly Uint8Array[];
  readonly expected: Float64Array;
  readonly bound: Float64Array;
};

export type AgentCandidate = {
  readonly bytes: Uint8Array;
  /** Of the memory that the module imports, 64 KiB each; none where it has a memory of its own. */
  readonly pages?: number;
  readonly operandsAt: readonly number[];
  /** What this candidate alone has in memory, such as the packed weights of a network. */
  readonly own?: readonly { readonly at: number; readonly bytes: Uint8Array }[];
  readonly result: { readonly at: number; readonly dtype: string; readonly count: number };
};

export type AgentEffort = {
  /** Samples of each candidate while nothing slows the machine; of one that takes long, half as many. */
  readonly rounds: number;
  /** Milliseconds; a candidate slower than `hopeless` times this is given up. */
  readonly best: number;
  readonly hopeless: number;
  /** One whose fastest sample after the first, the second, and so on (the last for all later ones) is behind the fastest of all by this factor is given up too. */
  readonly behind: readonly number[];
  /** Milliseconds that one sample lasts at least: many times the step of the engine's clock. */
  readonly sample: number;
  /** Milliseconds of runs before the first sample, for the optimising tier to replace the first one's code. A check that lasts as long is one of them. */
  readonly warm: number;
};

export type AgentRequest =
  /** Modules with `run`: the loops in registers whose speed is the peak, and the control, by which is seen that the machine is slowed. */
  | { readonly kind: "describe"; readonly simd: Uint8Array; readonly relaxed: Uint8Array; readonly control: Uint8Array }
  /** Workloads stay until they are to be forgotten. */
  | { readonly kind: "prepare"; readonly workload: AgentWorkload; readonly forget: readonly string[] }
  | { readonly kind: "measure"; readonly key: string; readonly candidates: readonly AgentCandidate[]; readonly effort: AgentEffort };

/** Milliseconds of one run, each the mean over a sample. */
export type AgentVerdict =
  | {
      readonly kind: "timed";
      readonly samples: readonly number[];
      /** Whether something slowed the machine beside every sample: then they are as much shorter as the control was longer, which may be too much. */
      readonly isSlowed: boolean;
      readonly isStopped: boolean;
    }
  | { readonly kind: "wrong"; readonly at: number; readonly actual: number; readonly expected: number; readonly bound: number }
  | { readonly kind: "failed"; readonly message: string };

export type AgentAnswer =
  /** Milliseconds of the loops in registers, of the second one where the engine takes it. */
  | {
      readonly kind: "described";
      readonly version: string;
      /** Where the engine runs on another device than the tuner. */
      readonly device?: string;
      readonly simd: number;
      readonly relaxed: number;
      readonly hasRelaxed: boolean;
    }
  | { readonly kind: "prepared" }
  | { readonly kind: "measured"; readonly verdicts: readonly AgentVerdict[] };

export type Agent = { handle(request: AgentRequest): AgentAnswer };

type Exports = { readonly memory: WebAssembly.Memory; readonly build: () => void; readonly run: () => void };
type Runner = {
  readonly run: () => void;
  /** The fastest so far. */
  milliseconds: number;
  /** Taken while nothing slowed the machine. */
  readonly samples: number[];
  /** Taken while something did, divided by how much that slowed the control. */
  readonly slowed: number[];
  /** Milliseconds of undisturbed samples. */
  spent: number;
  isAlive: boolean;
};
type Control = {
  readonly run: () => void;
  readonly runs: number;
  /** The fastest that were seen, in order. */
  readonly fastest: number[];
};

/** Steps of the clock that a sample lasts at least. */
const steps = 100;

/** How much slower than at its best the control may be before and after a sample. */
const quiet = 1.12;
/** Of the control's times the one that counts as its best: fewer may be luck. */
const few = 5;
/** Samples, for each that is wanted, after which slowed ones must do. */
const patience = 3;
/** Milliseconds that may be waited at first until nothing slows the machine. Waiting uses them up, and undisturbed samples earn as long as they last, up to as many. */
const mostWaiting = 3000;
/** Milliseconds of samples, for each that is wanted and each that one must last, after which half as many are enough. */
const long = 3;

/** Runs by which a candidate is found hopeless. */
const tries = 3;
/** Milliseconds: a run that an interruption of the machine made longer is longer by no more. */
const interruption = 50;

/** `version` is what the engine says of itself. */
export function createAgent(version: string): Agent {
  const step = clockStep();
  let control: Control | undefined;
  const workloads = new Map<string, AgentWorkload>();
  /** One for each candidate of a batch, used again by the next batch: what a page costs at its first touch is paid once. */
  const memories: WebAssembly.Memory[] = [];
  /** Milliseconds that may still be waited. */
  let waiting = mostWaiting;

  return {
    handle(request) {
      switch (request.kind) {
        case "describe": {
          const hasRelaxed = WebAssembly.validate(bufferOf(request.relaxed));
          const simd = fastestOf(request.simd);
          const relaxed = hasRelaxed ? fastestOf(request.relaxed) : simd;
          const { run } = load({ bytes: request.control });
          // Long enough for the clock to tell it from a slower one.
          control = { run, runs: Math.ceil((20 * step) / warmUp(run, 60).milliseconds), fastest: [] };
          for (let i = 0; i < 15; i++) slowness();
          return { kind: "described", version, simd, relaxed, hasRelaxed };
        }
        case "prepare":
          for (const key of request.forget) workloads.delete(key);
          workloads.set(request.workload.key, request.workload);
          return { kind: "prepared" };
        case "measure": {
          const workload = workloads.get(request.key);
          if (!workload) throw new Error(`the workload ${request.key} was not prepared`);
          return measure(workload, request.candidates, request.effort);
        }
      }
    },
  };

  function measure(workload: AgentWorkload, candidates: readonly AgentCandidate[], effort: AgentEffort): AgentAnswer {
    const limit = effort.best * effort.hopeless;
    const entries = candidates.map((candidate, place): AgentVerdict | Runner => {
      try {
        const found = checked(workload, candidate, place);
        if ("kind" in found) return found;
        const runner = warmUp(found.run, effort.warm, limit, found.milliseconds);
        runner.milliseconds /= slowness();
        return runner;
      } catch (error) {
        return { kind: "failed", message: error instanceof Error ? error.message : String(error) };
      }
    });
    const runners = entries.filter((entry): entry is Runner => "run" in entry);
    for (const runner of runners) {
      // What the machine interrupted looks hopeless, too: it is looked at once more, after the others, when the interruption is over.
      const isDoubtful = runner.milliseconds > limit && runner.milliseconds < limit + interruption;
      if (isDoubtful) warmAgain(runner);
      runner.isAlive = runner.milliseconds <= limit;
      if (!runner.isAlive) runner.samples.push(runner.milliseconds);
    }
    const milliseconds = Math.max(effort.sample, steps * step);
    const isOpen = ({ isAlive, samples, slowed, spent }: Runner) => {
      const isLong = samples.length >= effort.rounds / 2 && spent >= long * effort.rounds * milliseconds;
      return isAlive && samples.length < effort.rounds && !isLong && samples.length + slowed.length < patience * effort.rounds;
    };
    for (let open = runners.filter(isOpen), before = slowness(); open.length > 0; open = open.filter(isOpen)) {
      for (const runner of open) before = sampleOf(runner, milliseconds, untilQuiet(before));
      // Who is behind by more than noise after some samples does not catch up.
      const fastest = Math.min(effort.best, ...runners.map(({ samples }) => Math.min(...samples)));
      for (const runner of open.filter(({ samples }) => samples.length > 0)) {
        const behind = effort.behind[runner.samples.length - 1] ?? effort.behind.at(-1) ?? Infinity;
        if (Math.min(...runner.samples) > behind * fastest) runner.isAlive = false;
      }
    }
    const verdicts = entries.map((entry): AgentVerdict => {
      if (!("run" in entry)) return entry;
      const { samples, slowed, isAlive } = entry;
      const isSlowed = samples.length === 0;
      return { kind: "timed", samples: isSlowed ? slowed : samples, isSlowed, isStopped: !isAlive };
    });
    return { kind: "measured", verdicts };
  }

  /** The candidate's run with what the first one took, once its result is what it must be; the memory of the result holds rubbish before. */
  function checked(workload: AgentWorkload, candidate: AgentCandidate, place: number): Pick<Runner, "run" | "milliseconds"> | AgentVerdict {
    const exports = load(candidate, candidate.pages === undefined ? undefined : memoryAt(place, candidate.pages));
    const memory = new Uint8Array(exports.memory.buffer);
    workload.operands.forEach((bytes, i) => {
      memory.set(bytes, candidate.operandsAt[i] ?? 0);
    });
    for (const { at, bytes } of candidate.own ?? []) memory.set(bytes, at);
    exports.build();
    const { result } = candidate;
    const values = viewOf(exports.memory, result);
    if (result.dtype.startsWith("f")) values.fill(result.dtype === "f16" ? 0x7e00 : Number.NaN);
    else values.fill(85);
    const milliseconds = timed(exports.run, 1);
    return (
      wrongIn(result.dtype === "f16" ? Float64Array.from(values, halfToNumber) : values, workload) ?? { run: exports.run, milliseconds }
    );
  }

  /** The first element that lies outside its bound. */
  function wrongIn(values: ArrayLike<number>, { expected: wanted, bound: bounds }: AgentWorkload): AgentVerdict | undefined {
    for (let at = 0; at < values.length; at++) {
      // Nearly all pass here; not a number does not.
      if (Math.abs((values[at] as number) - (wanted[at] as number)) <= (bounds[at] as number)) continue;
      const [actual, expected, bound] = [values[at] as number, wanted[at] as number, bounds[at] as number];
      if (bound !== Infinity && !Object.is(actual, expected) && actual !== expected) return { kind: "wrong", at, actual, expected, bound };
    }
    return undefined;
  }

  /** At least so many pages, all zeros. */
  function memoryAt(place: number, pages: number): WebAssembly.Memory {
    const known = memories[place];
    const made = known ?? new WebAssembly.Memory({ initial: pages, maximum: 65536 });
    memories[place] = made;
    if (!known) return made;
    const lacking = pages - made.buffer.byteLength / 65536;
    new Uint8Array(made.buffer).fill(0, 0, pages * 65536);
    if (lacking > 0) made.grow(lacking);
    return made;
  }

  function load({ bytes }: Pick<AgentCandidate, "bytes">, memory?: WebAssembly.Memory): Exports {
    const imports: WebAssembly.Imports = memory ? { host: { memory } } : {};
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bufferOf(bytes)), imports);
    const { memory: exported, build, run } = exports;
    if (!(exported instanceof WebAssembly.Memory) || typeof run !== "function") throw new Error("the module exports no memory or no run");
    return { memory: exported, run: () => run(), build: () => (typeof build === "function" ? build() : undefined) };
  }

  /** Runs it until it has run long enough, its first run included; what is hopeless at the third, or after as long, is not run on. */
  function warmUp(run: () => void, milliseconds: number, limit = Infinity, first = timed(run, 1)): Runner {
    const runner: Runner = { run, milliseconds: first, samples: [], slowed: [], spent: 0, isAlive: true };
    const end = performance.now() + milliseconds - first;
    const goesOn = (runs: number) => {
      const isHopeless = runner.milliseconds > limit;
      // One that the machine interrupted looks hopeless, too: none is judged by one run.
      return runs === 1 ? isHopeless || performance.now() < end : performance.now() < end && (runs < tries || !isHopeless);
    };
    for (let runs = 1; goesOn(runs); runs++) runner.milliseconds = Math.min(runner.milliseconds, timed(run, 1));
    return runner;
  }

  function warmAgain(runner: Runner): void {
    for (let runs = 0; runs < tries; runs++) runner.milliseconds = Math.min(runner.milliseconds, timed(runner.run, 1));
  }

  /** How much slower than at its best the control is now. */
  function slowness(): number {
    if (!control) return 1;
    const { fastest } = control;
    const time = timed(control.run, control.runs);
    const place = fastest.findIndex((other) => time < other);
    fastest.splice(place < 0 ? fastest.length : place, 0, time);
    fastest.splice(few);
    return Math.max(1, time / (fastest.at(-1) ?? time));
  }

  /** How much slower than at its best the control is, once it is no slower than it may be, or who waits has no more time for that. */
  function untilQuiet(slow: number): number {
    const start = performance.now();
    let [now, left] = [slow, waiting];
    while (now > quiet && left > 0) {
      now = slowness();
      left = waiting - (performance.now() - start);
    }
    waiting = Math.max(0, left);
    return now;
  }

  /** A sample between two looks at the control, of which `before` is the first; the second is the next one's first. */
  function sampleOf(runner: Runner, milliseconds: number, before: number): number {
    const runs = Math.max(1, Math.ceil(milliseconds / Math.max(runner.milliseconds, 1e-4)));
    const each = timed(runner.run, runs);
    runner.milliseconds = Math.min(runner.milliseconds, each);
    const after = slowness();
    const slow = Math.max(before, after);
    if (slow > quiet) runner.slowed.push(each / slow);
    else {
      runner.samples.push(each);
      runner.spent += runs * each;
      waiting = Math.min(mostWaiting, waiting + runs * each);
    }
    return after;
  }

  /** Milliseconds of a run of a loop, at its fastest. */
  function fastestOf(bytes: Uint8Array): number {
    const runner = warmUp(load({ bytes }).run, 60);
    for (let i = 0; i < 100; i++)
      runner.milliseconds = Math.min(runner.milliseconds, timed(runner.run, Math.ceil(1 / runner.milliseconds)));
    return runner.milliseconds;
  }

  /** Milliseconds from one reading of the clock to the next that differs: a page that is not isolated has a coarse one. */
  function clockStep(): number {
    let least = Infinity;
    for (let i = 0; i < 5; i++) {
      const start = performance.now();
      let now = start;
      while (now === start) now = performance.now();
      least = Math.min(least, now - start);
    }
    return least;
  }

  function timed(run: () => void, runs: number): number {
    const start = performance.now();
    for (let i = 0; i < runs; i++) run();
    return (performance.now() - start) / runs;
  }

  function viewOf({ buffer }: WebAssembly.Memory, { at, dtype, count }: AgentCandidate["result"]) {
    switch (dtype) {
      case "f32":
        return new Float32Array(buffer, at, count);
      case "f64":
        return new Float64Array(buffer, at, count);
      case "f16":
        return new Uint16Array(buffer, at, count);
      case "i32":
        return new Int32Array(buffer, at, count);
      case "i8":
        return new Int8Array(buffer, at, count);
      default:
        return new Uint8Array(buffer, at, count);
    }
  }

  function halfToNumber(bits: number): number {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    if (exponent === 31) return fraction ? Number.NaN : sign * Infinity;
    return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }

  function bufferOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    return bytes.buffer instanceof ArrayBuffer ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : new Uint8Array(bytes);
  }
}
