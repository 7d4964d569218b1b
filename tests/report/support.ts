/** A small model tuned by the stand-in measurer, and its report with times that are made up. */
import { type Compiled, compile } from "../../src/compile.ts";
import { parseTuned } from "../../src/frontend/parse_tuned.ts";
import { floatOperations } from "../../src/ir/float_operations.ts";
import type { Profile } from "../../src/pipeline/profile.ts";
import { makeReport, type ReportInput } from "../../src/report/make_report.ts";
import type { Report } from "../../src/report/report.ts";
import type { LogRecord } from "../../src/tuner/log.ts";
import { outcomeOf, writeOutcome } from "../../src/tuner/outcome.ts";
import { createStandIn } from "../../src/tuner/stand_in.ts";
import { compileSmall, runStandIn, source, tunedOf } from "../tuner/support.ts";

/** The stand-in's records say `stand-in` where an engine's would say `node`. */
const engine = "stand-in";

export type SmallRun = { readonly before: Compiled; readonly after: Compiled; readonly records: readonly LogRecord[] };

export async function tuneSmall(): Promise<SmallRun> {
  const before = compileSmall();
  const measurer = createStandIn("quern test");
  const run = await runStandIn(before, {}, measurer);
  const text = writeOutcome(outcomeOf(before.name, measurer.environment, tunedOf(run)), "", { file: "", sections: [] });
  const tuned = parseTuned(text, "small.schedule").value?.sections ?? [];
  const { value: after } = compile([{ file: "small.qn", text: source }], { tuned });
  if (!after?.tuned) throw new Error("the stand-in's outcome does not fit the model");
  return { before, after, records: run.records };
}

/** Call number `i` takes `(i + 1) * factor` us. */
export function profileOf(compiled: Compiled, factor: number): Profile {
  const program = compiled.levels.kernel();
  const kernels = new Map(program.kernels.map((kernel) => [kernel.name, kernel]));
  const calls = program.calls.filter(({ phase }) => phase === "run");
  const layers = calls.map(({ nest, kernel }, i) => ({
    name: nest,
    shape: [],
    us: (i + 1) * factor,
    undisturbedUs: (i + 1) * factor,
    operations: floatOperations(kernels.get(kernel)?.body ?? []),
    bytes: 4096,
    trace: [],
  }));
  return { layers, runs: 1, peak: 40e9, relaxed: false };
}

export function reportOf({ before, after, records }: SmallRun, changes: Partial<ReportInput> = {}): Report {
  return makeReport({
    before: { compiled: before, profile: profileOf(before, 2) },
    after: { compiled: after, profile: profileOf(after, 1) },
    bandwidths: [
      { bufferBytes: 16384, bytesPerSecond: 80e9 },
      { bufferBytes: 2 ** 26, bytesPerSecond: 10e9 },
    ],
    records,
    tunedFor: engine,
    compiler: "quern test",
    engine: "Node test",
    device: "a <device>",
    file: "small.qn",
    ...changes,
  });
}

export function withoutTuning({ before }: SmallRun): Report {
  return makeReport({
    before: { compiled: before, profile: profileOf(before, 2) },
    bandwidths: [{ bufferBytes: 16384, bytesPerSecond: 80e9 }],
    records: [],
    tunedFor: "chromium",
    compiler: "quern test",
    engine: "Node test",
    device: "device",
    file: "small.qn",
  });
}
