/**
 * A measurer over an agent in some engine, which may hang or die: then it is started anew, and the candidates that it had are
 * measured one by one, to find the one to blame.
 */
import { controlModule } from "../pipeline/control.ts";
import { peakModule } from "../pipeline/peak.ts";
import { invariant } from "../support/invariant.ts";
import type { AgentAnswer, AgentCandidate, AgentRequest, AgentVerdict } from "./agent.ts";
import { type BuiltCandidate, buildCandidate, buildNetwork, type PreparedWorkload, prepareWorkload } from "./build_candidate.ts";
import type { Effort, Environment, Measurer, Verdict } from "./measurer.ts";

const networkKey = "network";

type Keyed = { readonly key: string };

/** The way to an agent. */
export type Channel = {
  /** The answer; or nothing where none comes in time, or the agent died. It is running anew by then. */
  request(request: AgentRequest, seconds: number): Promise<AgentAnswer | undefined>;
  close(): Promise<void>;
};

export type EngineOptions = {
  readonly environment: Pick<Environment, "target" | "engine" | "device" | "compiler">;
  /** Milliseconds that a sample lasts at least, and of untimed runs before: the engine's clock and compiler decide. */
  readonly sample: number;
  readonly warm: number;
  /** Seconds after which a candidate counts as hung. */
  readonly timeout: number;
  readonly seed: number;
  /** Milliseconds since any moment. */
  readonly now: () => number;
  /** Seconds until the engine answers for the first time. */
  readonly patience?: number;
  /** Without relaxed multiply-adds, though the engine has them. */
  readonly simd?: boolean;
};

/** A candidate this far behind the best is given up before it is timed. */
const hopeless = 1.7;
/** And one this far behind after so many samples, the less the more it has; none for its first, which may have been interrupted. */
const behind = [Infinity, 1.35, 1.2, 1.15];

/** Bytes of operands and results that the agent keeps, so that who comes back to a workload need not compute its reference again. */
const held = 400e6;

export async function createEngineMeasurer(channel: Channel, options: EngineOptions): Promise<Measurer> {
  const { now, timeout, seed, sample, warm } = options;
  const start = now();
  const simd = peakModule({ relaxed: false });
  const probe = peakModule({ relaxed: true });
  const describe = { kind: "describe", simd: simd.bytes, relaxed: probe.bytes, control: controlModule() } as const;
  const described = await channel.request(describe, options.patience ?? 30);
  invariant(described?.kind === "described", "the engine does not answer");
  const relaxed = described.hasRelaxed && !options.simd;
  /** What the agent holds, the longest unused first. */
  const prepared = new Map<string, PreparedWorkload>();
  let turn: Promise<void> = Promise.resolve();

  return {
    environment: { ...options.environment, device: described.device ?? options.environment.device, version: described.version, relaxed },
    peak: simd.operations / ((relaxed ? described.relaxed : described.simd) / 1000),
    seconds: () => (now() - start) / 1000,
    close: () => channel.close(),
    measure(workload, candidates, effort) {
      const built = candidates.map((scheduled) => buildCandidate(workload, scheduled, { relaxed }));
      const reference = prepared.get(workload.key) ?? prepareWorkload(workload, seed);
      return inTurn(async () => {
        await hold(prepared.get(workload.key) ?? reference);
        return await measureBatch(workload, built, effort);
      });
    },
    measureNetworks(networks, effort) {
      const built = networks.map((network) => buildNetwork(network, { relaxed }));
      return inTurn(async () => {
        const none = { key: networkKey, operands: [], expected: new Float64Array(0), bound: new Float64Array(0) };
        await hold(prepared.get(networkKey) ?? none);
        return await measureBatch(none, built, effort);
      });
    },
  };

  /** The agent does one thing at a time; what comes next is built by then. */
  function inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = turn.then(task);
    turn = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  /** Has the agent hold the workload, as the one used last. */
  async function hold(workload: PreparedWorkload): Promise<void> {
    if (!prepared.delete(workload.key)) return await prepare(workload);
    prepared.set(workload.key, workload);
  }

  async function prepare(workload: PreparedWorkload): Promise<void> {
    const forget: string[] = [];
    let bytes = sizeOf(workload);
    for (const other of [...prepared.values()].reverse()) {
      bytes += sizeOf(other);
      if (bytes > held) forget.push(other.key);
    }
    for (const key of forget) prepared.delete(key);
    prepared.set(workload.key, workload);
    const { key, operands, expected, bound } = workload;
    const sent = { key, operands: operands.map((operand) => operand.bytes), expected, bound };
    const answer = await channel.request({ kind: "prepare", workload: sent, forget }, 60);
    invariant(answer?.kind === "prepared", "the engine does not take a workload's operands");
  }

  async function measureBatch(workload: Keyed, built: readonly BuiltCandidate[], effort: Effort): Promise<Verdict[]> {
    const answer = await ask(workload, built, effort);
    if (answer) return answer.verdicts.map((verdict, i) => verdictOf(verdict, built[i]));
    return built.length > 1 ? await oneByOne(workload, built, effort) : [{ kind: "hung", seconds: timeout }];
  }

  async function oneByOne(workload: Keyed, built: readonly BuiltCandidate[], effort: Effort): Promise<Verdict[]> {
    const verdicts: Verdict[] = [];
    for (const candidate of built) verdicts.push(...(await measureBatch(workload, [candidate], effort)));
    return verdicts;
  }

  async function ask(workload: Keyed, built: readonly BuiltCandidate[], { rounds, best, keepAll }: Effort) {
    const effort = { rounds, best: best / 1000, hopeless, behind: keepAll ? [Infinity] : behind, sample, warm };
    const candidates = built.map(
      ({ bytes, pages, operandsAt, own, result }): AgentCandidate => ({ bytes, pages, operandsAt, ...(own ? { own } : {}), result }),
    );
    // A whole network takes longer to compile and to run than any of its layers.
    const seconds = workload.key === networkKey ? 6 * timeout : timeout;
    const answer = await channel.request({ kind: "measure", key: workload.key, candidates, effort }, seconds);
    if (answer?.kind === "measured") return answer;
    // The agent is a new one, and holds nothing.
    const own = prepared.get(workload.key);
    prepared.clear();
    await channel.request(describe, 30);
    if (own) await prepare(own);
    return undefined;
  }
}

function sizeOf({ operands, expected, bound }: PreparedWorkload): number {
  return operands.reduce((sum, { bytes }) => sum + bytes.byteLength, expected.byteLength + bound.byteLength);
}

const many = 12;

function verdictOf(verdict: AgentVerdict, built: BuiltCandidate | undefined): Verdict {
  if (verdict.kind !== "timed") return verdict;
  const { samples, isSlowed, isStopped } = verdict;
  const us = samples.map((ms) => round(ms * 1000));
  const [low, high] = medianInterval(us);
  // Of few samples the fastest: whatever else the machine does makes them longer. What was corrected for that may be too short as well.
  const fast = us.length < many ? 0 : 0.25;
  return {
    kind: "timed",
    us: quantile(us, isSlowed ? 0.5 : fast),
    low,
    high,
    samples: us.length,
    isStopped,
    operations: built?.operations ?? 0,
  };
}

/** Between which of the sorted samples the median lies with a probability of 95% (the binomial distribution, as a normal one). */
export function medianInterval(samples: readonly number[]): readonly [number, number] {
  const sorted = [...samples].sort((a, b) => a - b);
  const reach = Math.floor((sorted.length - 1.96 * Math.sqrt(sorted.length)) / 2);
  const first = Math.max(0, reach);
  return [sorted[first] ?? Number.NaN, sorted[sorted.length - 1 - first] ?? Number.NaN];
}

/** Linear between the two nearest samples. */
export function quantile(samples: readonly number[], fraction: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const position = (sorted.length - 1) * fraction;
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  return round(below + (above - below) * (position - Math.floor(position)));
}

/** To nanoseconds. */
function round(us: number): number {
  return Math.round(us * 1000) / 1000;
}
