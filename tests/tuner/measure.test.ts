/** Measuring in real engines: right candidates are timed, wrong ones caught, hung ones survived. */
import { expect, test } from "vitest";
import { startChromium, wasmFlags } from "../../src/cli/measurers/chromium.ts";
import { decoderText, encodeMessage } from "../../src/cli/measurers/message.ts";
import { startNode } from "../../src/cli/measurers/node.ts";
import { wasmWorker } from "../../src/cli/measurers/page.ts";
import { emitWasm } from "../../src/codegen/wasm/emit.ts";
import type { KernelExpr, KernelProgram, KernelStatement } from "../../src/ir/kernel.ts";
import { printBody } from "../../src/ir/print_loop.ts";
import { createRandom } from "../../src/support/random.ts";
import { type AgentAnswer, type AgentRequest, createAgent } from "../../src/tuner/agent.ts";
import { prepareWorkload } from "../../src/tuner/build_candidate.ts";
import type { Scheduled } from "../../src/tuner/candidate.ts";
import { type Channel, createEngineMeasurer } from "../../src/tuner/engine_measurer.ts";
import type { Measurer } from "../../src/tuner/measurer.ts";
import { networkOf } from "../../src/tuner/plans.ts";
import { reproduce } from "../../src/tuner/reproduce.ts";
import { axesOf, withExtent } from "../../src/tuner/smaller.ts";
import { enumerate, spaceOf } from "../../src/tuner/space.ts";
import { tune } from "../../src/tuner/tune.ts";
import { type Workload, workloadsOf } from "../../src/tuner/workload.ts";
import { chromium, compileExample, compileText, full, hasBrowser } from "../support.ts";
import { compileSmall, pairSource } from "./support.ts";

const compiled = compileSmall();
const { sketches } = compiled.module;
const environment = { target: "wasm", engine: "node", device: "test", compiler: "quern test" };
const options = { environment, sample: 0.2, warm: 1, seed: 0, now: () => performance.now() };
const effort = { rounds: 3, best: Infinity };

/** A channel whose requests a test may change. */
function through(channel: Channel, change: (request: AgentRequest) => AgentRequest): Channel {
  return { request: (request, seconds) => channel.request(change(request), seconds), close: channel.close };
}

async function withMeasurer<T>(channel: Channel, timeout: number, use: (measurer: Measurer) => Promise<T>): Promise<T> {
  const measurer = await createEngineMeasurer(channel, { ...options, timeout });
  try {
    return await use(measurer);
  } finally {
    await measurer.close();
  }
}

/** Different schedules of a workload, at most so many, spread over its space. */
function schedulesOf(workload: Workload, most: number): Scheduled[] {
  const all = [...enumerate(spaceOf(workload, sketches))].flatMap((made) => (made.kind === "scheduled" ? [made.scheduled] : []));
  const random = createRandom(`schedules/${workload.key}`);
  return all.length <= most ? all : Array.from({ length: most }, () => random.pick(all));
}

test("every schedule that the spaces hold computes what the reference does, tails and all", async () => {
  await withMeasurer(startNode(process.execPath), 60, async (measurer) => {
    let count = 0;
    for (const workload of [...workloadsOf(compiled), ...workloadsOf(compileText(pairSource)).filter(({ nests }) => nests.length > 0)]) {
      const schedules = schedulesOf(workload, full ? 500 : 25);
      if (schedules.length === 0) continue;
      for (const verdict of await measurer.measure(workload, schedules, effort)) {
        expect(verdict.kind, `${workload.nest.name}: ${JSON.stringify(verdict)}`).toBe("timed");
        if (verdict.kind === "timed") expect(verdict.low).toBeLessThanOrEqual(verdict.high);
        count++;
      }
    }
    expect(count).toBeGreaterThan(50);
    expect(measurer.environment.version).toBe(process.versions.node);
    expect(measurer.peak).toBeGreaterThan(1e8);
  });
});

/** `(module (memory (export "memory") 64) (func (export "build")) (func (export "run") ...))`, whose `run` has this body. */
function moduleWith(body: readonly number[]): Uint8Array {
  const section = (id: number, content: readonly number[]) => [id, content.length, ...content];
  const name = (text: string) => [text.length, ...new TextEncoder().encode(text)];
  const code = (instructions: readonly number[]) => [instructions.length + 2, 0, ...instructions, 0x0b];
  return new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 0, 0]),
    ...section(3, [2, 0, 0]),
    ...section(5, [1, 0, 64]),
    ...section(7, [3, ...name("memory"), 2, 0, ...name("build"), 0, 0, ...name("run"), 0, 1]),
    ...section(10, [2, ...code([]), ...code(body)]),
  ]);
}

const forever = [0x03, 0x40, 0x0c, 0, 0x0b];

/** Plants a module in place of one candidate of each batch. */
function planting(place: number, bytes: Uint8Array) {
  return (request: AgentRequest): AgentRequest =>
    request.kind === "measure" && request.candidates.length > place
      ? { ...request, candidates: request.candidates.map((candidate, i) => (i === place ? { ...candidate, bytes } : candidate)) }
      : request;
}

test("a planted candidate that computes nothing is caught, and so is one that is off by little", async () => {
  const [workload] = workloadsOf(compiled).filter(({ layers }) => layers.length === 2);
  if (!workload) throw new Error("no workload of two layers");
  const schedules = schedulesOf(workload, 3);
  await withMeasurer(through(startNode(process.execPath), planting(1, moduleWith([]))), 20, async (measurer) => {
    const verdicts = await measurer.measure(workload, schedules, effort);
    expect(verdicts.map(({ kind }) => kind)).toEqual(["timed", "wrong", "timed"]);
  });
  // The last element of the last tile, by four times its bound: what an edge that is wrong looks like at its least.
  const { expected, bound } = prepareWorkload(workload, 0);
  const last = bound.findLastIndex((each) => each !== Infinity);
  const off = (request: AgentRequest): AgentRequest => {
    if (request.kind !== "prepare") return request;
    const changed = Float64Array.from(request.workload.expected);
    changed[last] = (expected[last] ?? 0) + 4 * (bound[last] ?? 0);
    return { ...request, workload: { ...request.workload, expected: changed } };
  };
  await withMeasurer(through(startNode(process.execPath), off), 20, async (measurer) => {
    const verdicts = await measurer.measure(workload, schedules, effort);
    expect(verdicts).toEqual(schedules.map(() => expect.objectContaining({ kind: "wrong", at: last })));
  });
});

test("a mismatch stops the run, with a reproduction whose knobs are the default's as far as it goes on", async () => {
  // Wrong is every candidate whose module has no loop of four rows: the reproduction keeps that knob and no other.
  let isWrong: (scheduled: Scheduled) => boolean = () => false;
  await withMeasurer(startNode(process.execPath), 20, async (real) => {
    const measurer: Measurer = {
      ...real,
      measure: async (workload, candidates, given) =>
        (await real.measure(workload, candidates, given)).map((verdict, i) =>
          isWrong(candidates[i] as Scheduled) ? { kind: "wrong", at: 7, actual: 1, expected: 2, bound: 1e-6 } : verdict,
        ),
    };
    isWrong = ({ candidate }) => candidate.knobs.some(({ name, value }) => name === "rows" && value === 3);
    const result = await tune(networkOf(compiled), sketches, measurer, {
      model: "small",
      seed: 0,
      budget: { trials: 400 },
      strategy: "random",
      earlier: [],
      resumed: [],
      append: () => {},
      progress: () => {},
      isCancelled: () => false,
    });
    if (result.kind !== "mismatch") throw new Error("the wrong candidate was not met");
    const { message, notes } = await reproduce(result, measurer, sketches);
    expect(message).toMatch(/contraction panel=1 rows=3 unrolled=1. of .* computes 1 at element 7, where the reference has 2/);
    const extentsIn = (text: string | undefined) => [...(text ?? "").matchAll(/for \S+ in (\d+)/g)].map(([, extent]) => Number(extent));
    const before = extentsIn(printBody(result.workload.nest, () => "f32"));
    const after = extentsIn(notes[0]?.message);
    // Three rows need three places of the one axis that they are taken from; of all others two are enough, or what `columns=8` needs.
    expect(after.length).toBe(before.length);
    expect(after.reduce((product, extent) => product * extent, 1)).toBeLessThan(
      before.reduce((product, extent) => product * extent, 1) / 20,
    );
  });
});

test("a workload made shorter along any axis computes what its reference does, by any schedule", async () => {
  await withMeasurer(startNode(process.execPath), 20, async (measurer) => {
    let count = 0;
    for (const workload of networkOf(compiled).workloads)
      for (const { name, extent } of axesOf(workload)) {
        const shorter = withExtent(workload, name, Math.ceil(extent / 2));
        if (!shorter) continue;
        const verdicts = await measurer.measure(shorter, schedulesOf(shorter, 3), { rounds: 1, best: Infinity });
        expect(
          verdicts.map(({ kind }) => kind),
          shorter.key,
        ).toEqual(verdicts.map(() => "timed"));
        count += verdicts.length;
      }
    expect(count).toBeGreaterThan(30);
  });
});

test("a planted hang is survived: it alone is to blame, and what comes after is measured", async () => {
  const [workload] = workloadsOf(compiled).filter(({ layers }) => layers.length === 2);
  if (!workload) throw new Error("no workload of two layers");
  const [first, second, third] = schedulesOf(workload, 3);
  let planted: Uint8Array | undefined;
  // By its bytes, for the candidates are measured one by one afterwards.
  const plant = (request: AgentRequest): AgentRequest => {
    if (request.kind !== "measure") return request;
    planted ??= request.candidates[1]?.bytes;
    const isPlanted = (bytes: Uint8Array) => planted !== undefined && Buffer.compare(bytes, planted) === 0;
    return {
      ...request,
      candidates: request.candidates.map((each) => (isPlanted(each.bytes) ? { ...each, bytes: moduleWith(forever) } : each)),
    };
  };
  await withMeasurer(through(startNode(process.execPath), plant), 2, async (measurer) => {
    const verdicts = await measurer.measure(workload, [first, second, third] as Scheduled[], effort);
    expect(verdicts.map(({ kind }) => kind)).toEqual(["timed", "hung", "timed"]);
    expect((await measurer.measure(workload, [third] as Scheduled[], effort)).map(({ kind }) => kind)).toEqual(["timed"]);
  });
});

test("a module that the engine refuses is a failure of its own", async () => {
  const [workload] = workloadsOf(compiled).filter(({ layers }) => layers.length === 2);
  if (!workload) throw new Error("no workload of two layers");
  await withMeasurer(through(startNode(process.execPath), planting(0, new Uint8Array([1, 2, 3]))), 20, async (measurer) => {
    const verdicts = await measurer.measure(workload, schedulesOf(workload, 2), effort);
    expect(verdicts.map(({ kind }) => kind)).toEqual(["failed", "timed"]);
  });
});

test("of undisturbed samples the fastest counts, of corrected ones the middle: one that was corrected too far is no time", async () => {
  const [workload] = workloadsOf(compiled).filter(({ layers }) => layers.length === 2);
  if (!workload) throw new Error("no workload of two layers");
  const channel = startNode(process.execPath);
  const timed = (isSlowed: boolean) => ({ kind: "timed", samples: [5, 3, 0.5, 4, 3.5], isSlowed, isStopped: false }) as const;
  const told: Channel = {
    close: channel.close,
    request: async (request, seconds) =>
      request.kind === "measure" ? { kind: "measured", verdicts: [timed(false), timed(true)] } : await channel.request(request, seconds),
  };
  await withMeasurer(told, 20, async (measurer) => {
    expect(await measurer.measure(workload, schedulesOf(workload, 2), effort)).toMatchObject([{ us: 500 }, { us: 3500 }]);
  });
});

test("a message reads back as it was written", () => {
  const message = {
    kind: "x",
    list: [{ bytes: new Uint8Array([1, 2, 3]) }, 4, "€"],
    more: new Float64Array([1.5, Infinity, Number.NaN]),
    best: Infinity,
  };
  const decode = new Function("buffer", `${decoderText}; return decodeMessage(buffer);`) as (buffer: ArrayBuffer) => unknown;
  expect(decode(encodeMessage(message).buffer as ArrayBuffer)).toEqual(message);
});

test("candidates are checked and timed in Chromium, and a hang is survived there too", async ({ skip }) => {
  if (!hasBrowser()) skip();
  const [workload] = workloadsOf(compiled).filter(({ layers }) => layers.length === 2);
  if (!workload) throw new Error("no workload of two layers");
  const schedules = schedulesOf(workload, 3);
  let plant: (request: AgentRequest) => AgentRequest = (request) => request;
  await withMeasurer(
    through(await startChromium<AgentRequest, AgentAnswer>(chromium, wasmWorker, wasmFlags), (request) => plant(request)),
    4,
    async (measurer) => {
      expect(measurer.environment.version).toMatch(/^\d+\.\d+/);
      expect((await measurer.measure(workload, schedules, effort)).map(({ kind }) => kind)).toEqual(["timed", "timed", "timed"]);
      plant = planting(0, moduleWith(forever));
      expect((await measurer.measure(workload, schedules.slice(0, 1), effort)).map(({ kind }) => kind)).toEqual(["hung"]);
      plant = planting(0, moduleWith([]));
      expect((await measurer.measure(workload, schedules.slice(0, 2), effort)).map(({ kind }) => kind)).toEqual(["wrong", "timed"]);
    },
  );
});

test("the references' loops are arranged to be fast, and their values are those of the declared order, bit by bit", () => {
  for (const network of full ? [compiled, compileExample("mobilenet-v2"), compileExample("resnet18")] : [compiled])
    for (const workload of workloadsOf(network)) {
      const declared = prepareWorkload(workload, 0, { arrange: (nest) => nest });
      const { expected, bound } = prepareWorkload(workload, 0);
      expect(Buffer.compare(Buffer.from(expected.buffer), Buffer.from(declared.expected.buffer)), workload.nest.name).toBe(0);
      expect(Buffer.compare(Buffer.from(bound.buffer), Buffer.from(declared.bound.buffer)), workload.nest.name).toBe(0);
    }
});

test("workloads of a whole network have references that their defaults meet", async () => {
  const network = compileExample(full ? "mobilenet-v3-small" : "resnet8");
  await withMeasurer(startNode(process.execPath), 60, async (measurer) => {
    for (const workload of workloadsOf(network)) {
      const { defaultSchedule } = spaceOf(workload, network.module.sketches);
      const [verdict] = await measurer.measure(workload, [defaultSchedule], effort);
      expect(verdict?.kind, `${workload.nest.name}: ${JSON.stringify(verdict)}`).toBe("timed");
    }
  });
});

test("memory that a candidate before has written is zeros to the next, of any size", () => {
  const address: KernelExpr = { kind: "get", name: "p", type: "i32" };
  const at = { dtype: "f32", type: "f32", buffer: "b0", address } as const;
  const seven: KernelExpr = { kind: "constant", type: "f32", value: 7 };
  const begin: KernelStatement = { kind: "set", name: "p", type: "i32", value: { kind: "base", buffer: "b0" } };
  const next: KernelExpr = { kind: "apply", function: "add", on: "i32", args: [address, { kind: "constant", type: "i32", value: 4 }] };
  const fill: KernelStatement = {
    kind: "for",
    name: "i",
    extent: 16_384,
    body: [
      { kind: "store", ...at, offset: 0, value: seven },
      { kind: "set", name: "p", type: "i32", value: next },
    ],
  };
  const copy = (offset: number): KernelStatement => ({ kind: "store", ...at, offset: 0, value: { kind: "load", ...at, offset } });
  const agent = createAgent("test");
  agent.handle({
    kind: "prepare",
    workload: { key: "w", operands: [], expected: new Float64Array(1), bound: new Float64Array(1) },
    forget: [],
  });
  const measured = (pages: number, ...body: KernelStatement[]) => {
    const bytes = emitWasm(onlyKernel([begin, ...body], pages * 65_536), { relaxed: false, calls: "run", importsMemory: true }).bytes;
    const answer = agent.handle({
      kind: "measure",
      key: "w",
      candidates: [{ bytes, pages, operandsAt: [], result: { at: 0, dtype: "f32", count: 1 } }],
      effort: { rounds: 1, best: Infinity, hopeless: 2, behind: [Infinity], sample: 0.01, warm: 0 },
    });
    return answer.kind === "measured" ? answer.verdicts[0]?.kind : answer.kind;
  };
  expect(measured(1, fill)).toBe("wrong");
  expect(measured(1, copy(400))).toBe("timed");
  expect(measured(1, fill)).toBe("wrong");
  expect(measured(3, copy(400))).toBe("timed");
  expect(measured(3, copy(150_000))).toBe("timed");
});

function onlyKernel(body: readonly KernelStatement[], bytes: number): KernelProgram {
  return {
    name: "only",
    kernels: [{ name: "k", trace: [], parameters: [{ name: "b0", dtype: "f32", writes: true }], body }],
    calls: [{ kernel: "k", nest: "k", phase: "run", arguments: ["y"] }],
    placements: [{ buffer: "y", dtype: "f32", shape: [bytes / 4], offset: 0, bytes }],
    sources: [],
    weightBytes: 0,
    runBytes: bytes,
    buildBytes: bytes,
    inputs: [],
    outputs: [],
  };
}
