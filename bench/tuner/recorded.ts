/**
 * Whole spaces measured once and kept (`recorded.csv`, written by record.ts), so that searches can be compared without an engine: every
 * candidate takes what it took then, the same in every run and on every machine.
 */
import { readFileSync } from "node:fs";
import { compile } from "../../src/compile.ts";
import type { SketchDeclaration } from "../../src/ir/declaration.ts";
import { formatCandidate } from "../../src/tuner/candidate.ts";
import type { Measurer } from "../../src/tuner/measurer.ts";
import type { Network } from "../../src/tuner/plans.ts";
import { type Workload, workloadsOf } from "../../src/tuner/workload.ts";

export const recordedFile = new URL("recorded.csv", import.meta.url);

/** Of the machine that the file was recorded on, nearly, in floating-point operations per second: what the prior and the floors are given. */
const peak = 48e9;

export type RecordedNetwork = {
  readonly network: Network;
  readonly sketches: readonly SketchDeclaration[];
  readonly measurer: Measurer;
  /** Microseconds of a workload's candidates, by `formatCandidate`. */
  readonly times: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** Microseconds of all layers by the best of each space. */
  readonly least: number;
};

/** The workloads of a network whose spaces were recorded; those whose keys have changed since are named and left out. */
export function readRecorded(name: string): RecordedNetwork {
  const times = new Map<string, Map<string, number>>();
  for (const line of readFileSync(recordedFile, "utf8").trim().split("\n").slice(1)) {
    const [network, workload = "", candidate = "", us] = line.split(",");
    if (network !== name) continue;
    times.set(workload, (times.get(workload) ?? new Map<string, number>()).set(candidate, Number(us)));
  }
  const file = new URL(`../../examples/${name}/${name}.qn`, import.meta.url);
  const { value: compiled } = compile([{ file: `${name}.qn`, text: readFileSync(file, "utf8") }]);
  if (!compiled) throw new Error(`${name} does not compile`);
  const workloads = workloadsOf(compiled).filter(({ key }) => times.has(key));
  const lost = [...times.keys()].filter((key) => !workloads.some((workload) => workload.key === key));
  if (lost.length > 0) console.error(`${name} computes ${lost.join(", ")} no longer: record its spaces again`);
  const bestOf = ({ key, layers }: Workload) => layers.length * Math.min(...(times.get(key)?.values() ?? []));
  return {
    network: { workloads, base: new Map(workloads.map(({ key, layers }) => [key, layers.length])), groups: [] },
    sketches: compiled.module.sketches,
    measurer: measurerFrom(times),
    times,
    least: workloads.reduce((sum, workload) => sum + bestOf(workload), 0),
  };
}

function measurerFrom(times: RecordedNetwork["times"]): Measurer {
  return {
    environment: { target: "wasm", engine: "recorded", version: "1", device: "none", relaxed: false, compiler: "quern bench" },
    peak,
    seconds: () => 0,
    close: async () => {},
    measure: async ({ key }, candidates) =>
      candidates.map(({ candidate }) => {
        const us = times.get(key)?.get(formatCandidate(candidate));
        if (us === undefined) return { kind: "failed", message: "its time was not recorded" };
        return { kind: "timed", us, low: us, high: us, samples: 1, isStopped: false, operations: 0 };
      }),
  };
}
