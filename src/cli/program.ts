/** What most commands begin with: the user's files compiled, the weights read. */
import { existsSync } from "node:fs";
import { CommanderError } from "commander";
import type { Compiled, SourceText } from "../compile.ts";
import type { GpuLimits } from "../ir/gpu_limits.ts";
import type { Target } from "../pipeline/passes.ts";
import { type Checked, type Diagnostic, hasErrors } from "../support/diagnostic.ts";
import { readText } from "./io/files.ts";
import { type ForeignOptions, importerOf, readForeign } from "./io/foreign.ts";
import { readWeights, type WeightValues } from "./io/weights.ts";
import { diagnosticJson, printJson, report, type Terminal, type Texts } from "./terminal.ts";

export type ProgramOptions = ForeignOptions & {
  readonly model?: string;
  /** `default`, `none`, a .qn file of schedules that is compiled along, or a .schedule file; without it the .schedule file beside the source. */
  readonly schedule?: string;
  /** Whose section of a .schedule file is taken; the first that it has. */
  readonly engines?: readonly string[];
  readonly algorithm?: string;
  readonly target?: Target;
  /** Of the device that is compiled for, with `--target webgpu`. */
  readonly gpuLimit?: GpuLimits;
  readonly json?: boolean;
};

export type WeightOptions = { readonly weights?: string; readonly seed?: number; readonly json?: boolean };

/** Ends a command whose user's program or data is wrong, after everything was said. */
export function stop(): never {
  throw new CommanderError(1, stopCode, "");
}

export function isStop(error: unknown): boolean {
  return error instanceof CommanderError && error.code === stopCode;
}

const stopCode = "quern.stop";

/** The files that can be read, and what keeps others from it. */
export function readEach(paths: readonly string[]): {
  readonly sources: readonly SourceText[];
  readonly diagnostics: readonly Diagnostic[];
} {
  const read = paths.map((path) => ({ file: path === "-" ? "stdin.qn" : path, ...readText(path) }));
  return {
    sources: read.flatMap(({ file, value }) => (value === undefined ? [] : [{ file, text: value }])),
    diagnostics: read.flatMap((result) => result.diagnostics),
  };
}

export function readSources(paths: readonly string[]): Checked<readonly SourceText[]> {
  const { sources, diagnostics } = readEach(paths);
  return hasErrors(diagnostics) ? { diagnostics } : { value: sources, diagnostics };
}

export function textsOf(sources: readonly SourceText[]): Texts {
  return new Map(sources.map(({ file, text }) => [file, text]));
}

/** Reports what was found; an error among it ends the command. */
export function settle<T>(checked: Checked<T>, terminal: Terminal, options: { readonly json?: boolean }, texts?: Texts): T {
  const { value, diagnostics } = checked;
  const isFailed = value === undefined || hasErrors(diagnostics);
  if (!options.json) report(terminal, diagnostics, texts);
  else if (isFailed) printFailure(terminal, diagnostics, texts);
  else report(terminal, diagnostics, texts);
  if (isFailed) return stop();
  return value;
}

export function printFailure(terminal: Terminal, diagnostics: readonly Diagnostic[], texts?: Texts): void {
  printJson(terminal, { ok: false, diagnostics: diagnostics.map((diagnostic) => diagnosticJson(diagnostic, texts)) });
}

export async function loadProgram(path: string, options: ProgramOptions, terminal: Terminal): Promise<Compiled> {
  // Loaded here, and so in every command: `--help` need not wait for the compiler.
  const { compile } = await import("../compile.ts");
  const { model, algorithm, schedule, target = "wasm", gpuLimit } = options;
  const tuned = await readTuned(path, options, terminal);
  const isSource = schedule !== undefined && schedule !== "default" && schedule !== "none" && !tuned;
  const importer = await importerOf(path);
  const imported = importer && settle(await readForeign(path, importer, options), terminal, options);
  const foreign = imported ? [{ file: `${path}.qn`, text: imported.text }] : [];
  const paths = [...(imported ? [] : [path]), ...(isSource ? [schedule] : [])];
  const sources = [...foreign, ...settle(readSources(paths), terminal, options)];
  const compiled = compile(sources, {
    schedule: schedule === "none" ? "none" : "default",
    target,
    ...(model === undefined ? {} : { model }),
    ...(algorithm === undefined ? {} : { algorithm }),
    ...(gpuLimit === undefined ? {} : { limits: gpuLimit }),
    ...(tuned ? { tuned: tuned.sections } : {}),
  });
  const texts = new Map([...textsOf(sources), ...(tuned ? [[tuned.file, tuned.text] as const] : [])]);
  const value = settle(compiled, terminal, options, texts);
  if (imported) foreignWeights.set(value, new Map([...imported.weights].map(([name, { values }]) => [name, Float64Array.from(values)])));
  if (tuned && !value.tuned && schedule !== undefined) terminal.err(noSection(tuned, value));
  return value;
}

/**
 * For engines without relaxed SIMD. There a product and a sum take a register more: a schedule that fills all of them with relaxed SIMD
 * spills without it, and only sections that were measured without it are taken.
 */
export async function forSimd(compiled: Compiled, path: string, options: ProgramOptions, terminal: Terminal): Promise<Compiled> {
  if (!compiled.tuned?.relaxed) return compiled;
  const tuned = await readTuned(path, options, terminal);
  const value = compiled.withTuned(tuned?.sections.filter(({ relaxed }) => !relaxed) ?? []);
  const texts = new Map(tuned ? [[tuned.file, tuned.text]] : []);
  settle({ value, diagnostics: value.levels.schedule().diagnostics }, terminal, options, texts);
  if (tuned && !value.tuned && options.schedule !== undefined) terminal.err(noSection(tuned, value, " without relaxed SIMD"));
  return value;
}

type ReadTuned = { readonly file: string; readonly engines: readonly string[] };

function noSection({ file, engines }: ReadTuned, { name }: Compiled, how = ""): string {
  return `note: ${file} has no section for ${name} in ${engines.join(" or ")}${how}: its layers take their defaults`;
}

/** The file beside a source that `quern tune` writes. */
export function tunedFileOf(path: string): string {
  return `${path.replace(/\.qn$/, "")}.schedule`;
}

/** The sections of the engine that is meant, of the file that is named or stands beside the source. */
async function readTuned(path: string, options: ProgramOptions, terminal: Terminal) {
  const { schedule, target, json, engines = target === "webgpu" ? ["dawn", "chromium"] : ["node"] } = options;
  const file = schedule?.endsWith(".schedule") ? schedule : schedule === undefined && path !== "-" ? tunedFileOf(path) : undefined;
  if (file === undefined || (schedule === undefined && !existsSync(file))) return undefined;
  const { parseTuned } = await import("../frontend/parse_tuned.ts");
  const text = settle(readText(file), terminal, { ...(json === undefined ? {} : { json }) });
  const { value, diagnostics } = parseTuned(text, file);
  // What cannot be read is left out, and its layers take their defaults: a tuned schedule is never needed.
  report(
    terminal,
    diagnostics.map((diagnostic) => ({ ...diagnostic, severity: "warning" })),
    new Map([[file, text]]),
  );
  const all = value?.sections ?? [];
  return { file, text, engines, sections: engines.flatMap((engine) => all.filter((section) => section.engine === engine)) };
}

/** A foreign network brings its weights along. */
const foreignWeights = new WeakMap<Compiled, WeightValues>();

export function loadWeights(compiled: Compiled, options: WeightOptions, terminal: Terminal): WeightValues {
  const { weights, seed = 0 } = options;
  const own = foreignWeights.get(compiled);
  if (own && weights === undefined) return own;
  const values = settle(readWeights(weights, compiled.weights, { declared: compiled.source.weights, seed }), terminal, options);
  if (weights === undefined && compiled.weights.length > 0) {
    terminal.err(`note: no --weights: values are drawn as the model's initialisers say, with seed ${seed}`);
  }
  return values;
}
