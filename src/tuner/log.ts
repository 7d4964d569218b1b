/**
 * The tuning log: one JSON object a line, only ever appended to. Each record says for itself what was measured and where, so that
 * logs of several networks, engines and devices can be put together line by line. A line that is none of ours is named and skipped.
 */
import { type Checked, type Diagnostic, warningDiagnostic } from "../support/diagnostic.ts";
import type { Candidate } from "./candidate.ts";
import type { Environment, Verdict } from "./measurer.ts";

/** The version of the format; a reader skips records of others. */
const format = 1;

/** The beginning of a run: what was asked for, and the engine's measured peak. */
export type RunRecord = {
  readonly kind: "run";
  readonly environment: Environment;
  readonly model: string;
  readonly seed: number;
  /** Floating-point operations per second of a loop in registers alone. */
  readonly peak: number;
  readonly workloads: readonly { readonly key: string; readonly layers: readonly string[] }[];
};

/** Where a candidate came from. */
export type Origin = "default" | "earlier" | "random" | "mutation" | "crossover" | "descent" | "final";

/** A candidate checked and timed. */
export type TrialRecord = {
  readonly kind: "trial";
  readonly environment: Environment;
  readonly model: string;
  readonly workload: string;
  readonly candidate: Candidate;
  readonly origin: Origin;
  /** Within the run, from 0. */
  readonly trial: number;
  /** Since the run began, as the measurer counts them. */
  readonly seconds: number;
  readonly verdict: Verdict;
  /** What the cost model looks at; see features.ts. */
  readonly features: readonly number[];
  /** The time that the cost model expected (us), where it was asked. */
  readonly predicted?: number;
};

/** A whole network timed: under its name for people, `default` or a plan of algorithms, with the workloads' candidates as chosen then. */
export type NetworkRecord = {
  readonly kind: "network";
  readonly environment: Environment;
  readonly model: string;
  readonly plan: string;
  readonly verdict: Verdict;
};

export type LogRecord = RunRecord | TrialRecord | NetworkRecord;

/** The record as a line, with its end. */
export function printRecord(record: LogRecord): string {
  const { kind, environment, ...rest } = record;
  const { knobs, sketch } = "candidate" in rest ? rest.candidate : { knobs: [], sketch: "" };
  const candidate =
    "candidate" in rest ? { candidate: { sketch, knobs: Object.fromEntries(knobs.map(({ name, value }) => [name, value])) } } : {};
  return `${JSON.stringify({ format, kind, ...environment, ...rest, ...candidate })}\n`;
}

/** Every record that can be understood, and a warning for every other line; a last line that has no end was being written, and is no loss. */
export function parseLog(text: string, file: string): Checked<readonly LogRecord[]> & { readonly value: readonly LogRecord[] } {
  const records: LogRecord[] = [];
  const diagnostics: Diagnostic[] = [];
  const lines = text.split("\n");
  lines.forEach((line, i) => {
    if (line.trim() === "") return;
    const isLast = i === lines.length - 1;
    const record = parseLine(line);
    if (typeof record !== "string") records.push(record);
    else diagnostics.push(skipped(file, i + 1, isLast ? "it was not written to its end" : record));
  });
  return { value: records, diagnostics };
}

function skipped(file: string, line: number, why: string): Diagnostic {
  return warningDiagnostic("log-line", `${file}:${line} is skipped: ${why}`);
}

/** The record, or what is wrong with the line. */
function parseLine(line: string): LogRecord | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return "it is no JSON";
  }
  if (!isObject(value)) return "it is no JSON object";
  if (value.format !== format) return `its format is ${JSON.stringify(value.format) ?? "not said"}, and this Quern reads ${format}`;
  const environment = environmentOf(value);
  const { kind, model } = value;
  if (!environment || typeof model !== "string") return "it does not say where it was measured";
  switch (kind) {
    case "run":
      return runOf(value, environment, model) ?? "it is no whole record of a run";
    case "trial":
      return trialOf(value, environment, model) ?? "it is no whole record of a trial";
    case "network": {
      const verdict = verdictOf(value.verdict);
      if (!verdict || typeof value.plan !== "string") return "it is no whole record of a network";
      return { kind, environment, model, plan: value.plan, verdict };
    }
    default:
      return `there is no kind of record ${JSON.stringify(kind) ?? "without a name"}`;
  }
}

type Fields = { readonly [key: string]: unknown };

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function environmentOf({ target, engine, version, device, relaxed, compiler }: Fields): Environment | undefined {
  if (typeof target !== "string" || typeof engine !== "string" || typeof version !== "string") return undefined;
  if (typeof device !== "string" || typeof relaxed !== "boolean" || typeof compiler !== "string") return undefined;
  return { target, engine, version, device, relaxed, compiler };
}

function runOf({ seed, peak, workloads }: Fields, environment: Environment, model: string): RunRecord | undefined {
  if (!isNumber(seed) || !isNumber(peak) || !Array.isArray(workloads)) return undefined;
  const read = workloads.flatMap((each: unknown) =>
    isObject(each) && typeof each.key === "string" && isList(each.layers, isText) ? [{ key: each.key, layers: each.layers }] : [],
  );
  return read.length === workloads.length ? { kind: "run", environment, model, seed, peak, workloads: read } : undefined;
}

function trialOf(fields: Fields, environment: Environment, model: string): TrialRecord | undefined {
  const { workload, origin, trial, seconds, features, predicted } = fields;
  const verdict = verdictOf(fields.verdict);
  const candidate = candidateOf(fields.candidate);
  const known = origins.find((name) => name === origin);
  if (!verdict || !candidate || !known || typeof workload !== "string") return undefined;
  if (!isNumber(trial) || !isNumber(seconds) || !isList(features, isNumber)) return undefined;
  const guess = isNumber(predicted) ? { predicted } : {};
  return { kind: "trial", environment, model, workload, candidate, origin: known, trial, seconds, verdict, features, ...guess };
}

const origins: readonly Origin[] = ["default", "earlier", "random", "mutation", "crossover", "descent", "final"];

function candidateOf(value: unknown): Candidate | undefined {
  if (!isObject(value) || typeof value.sketch !== "string" || !isObject(value.knobs)) return undefined;
  const knobs = Object.entries(value.knobs).flatMap(([name, turned]) => (isNumber(turned) ? [{ name, value: turned }] : []));
  return knobs.length === Object.keys(value.knobs).length ? { sketch: value.sketch, knobs } : undefined;
}

function verdictOf(value: unknown): Verdict | undefined {
  if (!isObject(value)) return undefined;
  switch (value.kind) {
    case "timed": {
      const { us, low, high, samples, isStopped, operations } = value;
      if (!isNumber(us) || !isNumber(low) || !isNumber(high) || !isNumber(samples) || !isNumber(operations)) return undefined;
      return { kind: "timed", us, low, high, samples, isStopped: isStopped === true, operations };
    }
    case "wrong": {
      // JSON has no NaN: it comes back as null.
      const [at, actual, expected, bound] = [value.at, value.actual, value.expected, value.bound].map((each) =>
        isNumber(each) ? each : Number.NaN,
      );
      return {
        kind: "wrong",
        at: at ?? Number.NaN,
        actual: actual ?? Number.NaN,
        expected: expected ?? Number.NaN,
        bound: bound ?? Number.NaN,
      };
    }
    case "hung":
      return isNumber(value.seconds) ? { kind: "hung", seconds: value.seconds } : undefined;
    case "failed":
      return typeof value.message === "string" ? { kind: "failed", message: value.message } : undefined;
    default:
      return undefined;
  }
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isList<T>(value: unknown, isItem: (item: unknown) => item is T): value is T[] {
  return Array.isArray(value) && value.every(isItem);
}

/** Whether two measurements may be compared: the same target in the same engine on the same device, by the same compiler. */
export function sameEnvironment(a: Environment, b: Environment): boolean {
  return environmentKey(a) === environmentKey(b);
}

export function environmentKey({ target, engine, version, device, relaxed, compiler }: Environment): string {
  return JSON.stringify([target, engine, version, device, relaxed, compiler]);
}

/** The records of several logs, in their order, each once. */
export function mergeLogs(logs: readonly (readonly LogRecord[])[]): LogRecord[] {
  const lines = new Map(logs.flat().map((record) => [printRecord(record), record]));
  return [...lines.values()];
}
