/** makeReport: a report from what was compiled, what was measured, and what a log holds. Pure. */
import { emitWasm } from "../codegen/wasm/emit.ts";
import { printBody } from "../ir/print_loop.ts";
import type { Bandwidth } from "../pipeline/bandwidth.ts";
import type { Compiled } from "../pipeline/compiled.ts";
import { shadersOf } from "../pipeline/gpu.ts";
import type { LayerProfile, Profile } from "../pipeline/profile.ts";
import type { GpuProfile } from "../pipeline/profile_gpu.ts";
import type { NestHistory } from "../schedule/schedule_program.ts";
import { invariant } from "../support/invariant.ts";
import type { LogRecord } from "../tuner/log.ts";
import { convergenceOf } from "./convergence.ts";
import { memoryPlanOf } from "./memory_plan.ts";
import type { KernelText, LayerRow, LayerTime, Report } from "./report.ts";
import { arenaPlanOf, wgslTexts } from "./shader_texts.ts";
import { type WatFunctions, watFunctions } from "./wat_functions.ts";

/** A network and its profile. */
export type Measured = { readonly compiled: Compiled; readonly profile: Profile | GpuProfile };

export type ReportInput = {
  readonly before: Measured;
  /** With its tuned schedules; nothing where no outcome fits. */
  readonly after?: Measured;
  readonly bandwidths: readonly Bandwidth[];
  readonly records: readonly LogRecord[];
  /** Whose runs of the log are shown: `node`, `chromium` or `dawn`. */
  readonly tunedFor: string;
  readonly compiler: string;
  /** Where the profiles come from. */
  readonly engine: string;
  readonly device: string;
  /** The source, for the commands that the page names. */
  readonly file: string;
};

export function makeReport(input: ReportInput): Report {
  const { before, after, bandwidths, records, tunedFor, compiler, engine, device } = input;
  const shown = after ?? before;
  const convergence = convergenceOf(records, before.compiled.name, tunedFor);
  const { kernels, functions } = kernelTexts(shown);
  const section = after?.compiled.tuned;
  return {
    model: before.compiled.name,
    compiler,
    engine,
    device,
    variant: variantOf(shown.profile),
    language: shown.compiled.target === "webgpu" ? "WGSL" : "WebAssembly",
    // The same loop was timed beside each.
    peak: Math.max(before.profile.peak, after?.profile.peak ?? 0),
    bandwidths,
    layers: rowsOf(before.profile, after?.profile),
    beforeMs: totalOf(before.profile),
    ...(after ? { afterMs: totalOf(after.profile) } : {}),
    ...(section ? { outcome: `tuned in ${section.engine} ${section.version} on ${section.device} by ${section.compiler}` } : {}),
    ...(convergence ? { convergence } : {}),
    memory: memoryOf(shown.compiled),
    kernels,
    functions,
    missing: missingIn(input, convergence !== undefined),
  };
}

type Layers = { readonly layers: readonly LayerProfile[] };

function variantOf(profile: Profile | GpuProfile): Report["variant"] {
  if ("clock" in profile) return profile.clock;
  return profile.relaxed ? "relaxed" : "simd";
}

function memoryOf(compiled: Compiled): Report["memory"] {
  const { buffers } = compiled.levels.loop();
  return compiled.target === "webgpu" ? arenaPlanOf(shadersOf(compiled), buffers) : memoryPlanOf(compiled.levels.kernel(), buffers);
}

function totalOf({ layers }: Layers): number {
  return layers.reduce((sum, { us }) => sum + us, 0) / 1000;
}

/** In the order of the run: layers of the tuned network alone stand before the next layer that both have. */
function rowsOf(before: Layers, after: Layers | undefined): LayerRow[] {
  const [old, tuned] = [timesOf(before), timesOf(after)];
  const rows: LayerRow[] = [];
  const waiting = [...tuned.keys()];
  const addTuned = (name: string) => {
    const time = tuned.get(name);
    if (time) rows.push({ name, after: time });
  };
  for (const [name, time] of old) {
    const at = waiting.indexOf(name);
    if (at >= 0)
      for (const only of waiting.splice(0, at + 1)) {
        if (!old.has(only)) addTuned(only);
      }
    const now = tuned.get(name);
    rows.push({ name, before: time, ...(now ? { after: now } : {}) });
  }
  for (const only of waiting) if (!old.has(only)) addTuned(only);
  return rows;
}

/** By name; a name that several calls bear, as the border and the middle of one result, is one row. */
function timesOf(profile: Layers | undefined): Map<string, LayerTime> {
  const times = new Map<string, LayerTime>();
  for (const { name, us, operations, bytes } of profile?.layers ?? []) {
    const seen = times.get(name);
    times.set(
      name,
      seen ? { us: seen.us + us, operations: seen.operations + operations, bytes: seen.bytes + bytes } : { us, operations, bytes },
    );
  }
  return times;
}

function kernelTexts({ compiled, profile }: Measured): Pick<Report, "kernels" | "functions"> {
  const { levels } = compiled;
  const { calls, functions } = "clock" in profile ? wgslTexts(shadersOf(compiled)) : watOf(compiled, profile);
  const made = "clock" in profile ? shadersOf(compiled).dispatches : levels.kernel().calls.filter(({ phase }) => phase === "run");
  invariant(calls.length === made.length, "the module's text does not call what its program calls");
  const histories = new Map(levels.steps().map((history) => [history.nest.name, history]));
  const dtypes = new Map(levels.loop().buffers.map(({ name, dtype }) => [name, dtype]));
  const kernels = made.map(({ nest }, i): KernelText => {
    const history = histories.get(nest);
    const last = nestOf(levels.loop().nests, nest);
    return {
      layer: nest,
      from: history?.from ?? null,
      steps: stepsOf(history),
      nest: printBody(last, (name) => dtypes.get(name)),
      functions: calls[i] ?? [],
    };
  });
  const used = new Set(kernels.flatMap((kernel) => kernel.functions));
  return { kernels, functions: Object.fromEntries([...functions].filter(([name]) => used.has(name))) };
}

function watOf({ levels }: Compiled, { relaxed }: Profile): WatFunctions {
  return watFunctions(emitWasm(levels.kernel(), { relaxed, calls: "run" }).text());
}

function nestOf(nests: ReturnType<Compiled["levels"]["loop"]>["nests"], name: string) {
  const nest = nests.find((each) => each.phase === "run" && each.name === name);
  invariant(nest, `the loop program has no nest ${name}`);
  return nest;
}

function stepsOf(history: NestHistory | undefined): string[] {
  return (history?.steps ?? []).map(({ step }) => step);
}

function missingIn({ after, file, tunedFor }: ReportInput, hasCurves: boolean): Report["missing"] {
  const engine = { node: "", dawn: " --target webgpu" }[tunedFor] ?? ` --engine ${tunedFor}`;
  const command = `quern tune ${file}${engine}`;
  const missing = [
    ...(after ? [] : ["tuned schedules, beside the default ones in every plot"]),
    ...(hasCurves ? [] : ["how the search went: its trials and the best time so far"]),
  ];
  return missing.length === 0 ? [] : [{ what: missing.join("; "), command }];
}
