/** The agent on a machine of the test's own: a clock that runs of modules advance, and that another program slows now and then. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type AgentVerdict, createAgent } from "../../src/tuner/agent.ts";

/** Milliseconds of a run, by the first byte of the module. */
const durations = new Map([
  [1, 0.2],
  [2, 0.1],
  [3, 0.1],
  [10, 0.5],
  [11, 0.8],
  [12, 4],
]);
const [simd, relaxed, control, half, more, long] = [1, 2, 3, 10, 11, 12].map((id) => Uint8Array.of(id)) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
];

let clock = 0;
/** How much longer a run takes that begins at this moment. */
let slowdown = (_: number): number => 1;
const wasm = WebAssembly;

beforeEach(() => {
  clock = 0;
  slowdown = () => 1;
  vi.spyOn(performance, "now").mockImplementation(() => {
    clock += 1e-5;
    return clock;
  });
  vi.stubGlobal("WebAssembly", {
    Memory: wasm.Memory,
    validate: () => true,
    Module: function (this: { id?: number }, bytes: Uint8Array) {
      const [id] = bytes;
      if (id !== undefined) this.id = id;
    },
    Instance: function (this: { exports: unknown }, { id }: { id: number }) {
      const memory = new wasm.Memory({ initial: 1 });
      const run = () => {
        new Float32Array(memory.buffer)[0] = 0;
        clock += (durations.get(id) ?? 1) * slowdown(clock);
      };
      this.exports = { memory, run };
    },
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

function measured(candidates: readonly Uint8Array[], slow: typeof slowdown, rounds = 6, behind = Infinity): readonly AgentVerdict[] {
  slowdown = () => 1;
  const agent = createAgent("test");
  expect(agent.handle({ kind: "describe", simd, relaxed, control })).toMatchObject({ kind: "described", hasRelaxed: true });
  const one = { key: "w", operands: [], expected: new Float64Array(1), bound: new Float64Array(1) };
  agent.handle({ kind: "prepare", workload: one, forget: [] });
  slowdown = slow;
  const answer = agent.handle({
    kind: "measure",
    key: "w",
    candidates: candidates.map((bytes) => ({ bytes, operandsAt: [], result: { at: 0, dtype: "f32", count: 1 } })),
    effort: { rounds, best: Infinity, hopeless: 1.7, behind: [behind], sample: 1, warm: 2 },
  });
  if (answer.kind !== "measured") throw new Error(answer.kind);
  return answer.verdicts;
}

function samplesOf(verdict: AgentVerdict | undefined): readonly number[] {
  if (verdict?.kind !== "timed") throw new Error(`no time: ${verdict?.kind}`);
  return verdict.samples;
}

test("as many samples as are wanted, and half as many of what takes long", () => {
  const verdicts = measured([half, more, long], () => 1);
  expect(verdicts.map((verdict) => samplesOf(verdict).length)).toEqual([6, 6, 5]);
  expect(samplesOf(verdicts[0])[0]).toBeCloseTo(0.5, 3);
  expect(samplesOf(measured([long], () => 1, 24)[0])).toHaveLength(18);
});

test("a sample that another program slows is taken again", () => {
  // For 30 ms of every 60 a kernel takes 1.6 times as long.
  const verdicts = measured([half, more, half], (now) => (now % 60 < 30 ? 1.6 : 1));
  for (const [i, wanted] of [0.5, 0.8, 0.5].entries()) {
    const samples = samplesOf(verdicts[i]);
    expect(samples).toHaveLength(6);
    for (const sample of samples) expect(Math.abs(sample / wanted - 1)).toBeLessThan(0.01);
  }
});

test("where every sample is slowed they count, as much faster as the control would be", () => {
  const [verdict] = measured([half], () => 1.6);
  const samples = samplesOf(verdict);
  expect(samples).toHaveLength(18);
  for (const sample of samples) expect(sample).toBeCloseTo(0.5, 2);
  expect(verdict).toMatchObject({ isSlowed: true });
  expect(measured([half], () => 1)[0]).toMatchObject({ isSlowed: false });
});

test("what slows the machine for a while is waited for, and not longer than was measured without", () => {
  const after = (ms: number) => {
    let begun: number | undefined;
    return (now: number) => {
      begun ??= now;
      return now - begun < ms ? 1.6 : 1;
    };
  };
  const samples = samplesOf(measured([half], after(2000))[0]);
  expect(samples).toHaveLength(6);
  for (const sample of samples) expect(sample).toBeCloseTo(0.5, 4);
  const start = clock;
  expect(measured([half, half], after(1e6))).toMatchObject([{ isSlowed: true }, { isSlowed: true }]);
  expect(clock - start).toBeLessThan(3500);
});

test("who is slowed is not given up beside who is not", () => {
  const stopped = (verdicts: readonly AgentVerdict[]) => verdicts.map((verdict) => verdict.kind === "timed" && verdict.isStopped);
  // For longer than any sample lasts: one that is slowed between two quiet looks at the control looks undisturbed.
  const slow = (now: number) => (now % 14 < 8 ? 1.7 : 1);
  expect(stopped(measured([half, half, half, half], slow, 6, 1.2))).toEqual([false, false, false, false]);
  expect(stopped(measured([more, half, half, more], slow, 6, 1.2))).toEqual([true, false, false, true]);
});
