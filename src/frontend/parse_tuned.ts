/** The file of tuned schedules that stands beside a model. Never throws; a mistake leaves out its entry. */
import type { TunedChoice, TunedFile, TunedSection, TunedWorkload } from "../ir/tuned.ts";
import type { Checked } from "../support/diagnostic.ts";
import { lex } from "./lexer.ts";
import { advance, at, type Cursor, createCursor, eat, expected, peek, spanFrom, take, takeName, takeString } from "./parser_cursor.ts";
import { parseStep } from "./parser_schedules.ts";
import { parseBlock, recovering } from "./parser_statements.ts";

type Entry =
  | { readonly kind: "part"; readonly part: Partial<TunedSection> }
  | { readonly kind: "choice"; readonly choice: TunedChoice }
  | { readonly kind: "workload"; readonly workload: TunedWorkload };

export function parseTuned(text: string, file: string): Checked<TunedFile> {
  const cursor = createCursor(lex(text, file), file);
  const sections: TunedSection[] = [];
  while (peek(cursor).kind !== "end") {
    const begin = cursor.position;
    cursor.begin = begin;
    const section = recovering(
      cursor,
      () => parseSection(cursor),
      () => skipSection(cursor, begin),
    );
    if (section) sections.push(section);
  }
  return { value: { file, sections }, diagnostics: cursor.found };
}

function parseSection(cursor: Cursor): TunedSection {
  const { start } = take(cursor, "tuned", "at the beginning of a section", "a section begins `tuned some_model on wasm {`");
  const model = takeName(cursor, "the name of a model after `tuned`");
  take(cursor, "on", "and a target", "write `on wasm`");
  const target = takeName(cursor, "a target after `on`");
  const entries = parseBlock(cursor, "and what was found", parseEntry, "the entries of a section stand between `{` and `}`");
  const none = { engine: "", version: "", relaxed: false, device: "", compiler: "" };
  return {
    model,
    target,
    ...none,
    ...Object.assign({}, ...entries.map((entry) => (entry.kind === "part" ? entry.part : {}))),
    choices: entries.flatMap((entry) => (entry.kind === "choice" ? [entry.choice] : [])),
    workloads: entries.flatMap((entry) => (entry.kind === "workload" ? [entry.workload] : [])),
    span: spanFrom(cursor, start),
  };
}

function parseEntry(cursor: Cursor): Entry {
  const { start } = peek(cursor);
  if (eat(cursor, "engine")) {
    const engine = takeName(cursor, "the name of an engine");
    const version = takeString(cursor, "its version as a string");
    const relaxed = takeName(cursor, "`simd` or `relaxed`") === "relaxed";
    return { kind: "part", part: { engine, version, relaxed } };
  }
  if (eat(cursor, "device")) return { kind: "part", part: { device: takeString(cursor, "the device as a string") } };
  if (eat(cursor, "compiler")) return { kind: "part", part: { compiler: takeString(cursor, "the compiler as a string") } };
  if (at(cursor, "takes")) {
    const { own, other } = parseTimes(cursor, "ms");
    return { kind: "part", part: { ...(own === undefined ? {} : { ms: own }), ...(other === undefined ? {} : { defaultMs: other }) } };
  }
  if (eat(cursor, "use")) {
    const algorithm = takeName(cursor, "a rule, `direct`, `apart` or `unfused` after `use`");
    return { kind: "choice", choice: { algorithm, layers: parseLayers(cursor), span: spanFrom(cursor, start) } };
  }
  if (eat(cursor, "workload")) {
    const key = takeString(cursor, "the workload's key as a string");
    const layers = parseLayers(cursor);
    const { own, other } = parseTimes(cursor, "us");
    const span = spanFrom(cursor, start);
    const steps = parseBlock(cursor, "and the steps", parseStep, "steps stand between `{` and `}`");
    const times = { ...(own === undefined ? {} : { us: own }), ...(other === undefined ? {} : { defaultUs: other }) };
    return { kind: "workload", workload: { key, layers, ...times, steps, span } };
  }
  return expected(cursor, "an entry of the section", {
    help: "the entries are engine, device, compiler, takes, use and workload",
  });
}

/** `for conv_3, image.padded`: names with their dots, or anything in quotation marks. */
function parseLayers(cursor: Cursor): string[] {
  take(cursor, "for", "and the layers");
  const layers = [parseLayer(cursor)];
  while (eat(cursor, ",")) layers.push(parseLayer(cursor));
  return layers;
}

function parseLayer(cursor: Cursor): string {
  if (peek(cursor).kind === "string") return takeString(cursor, "a layer");
  let layer = takeName(cursor, "the name of a layer");
  while (eat(cursor, ".")) {
    const isPart = peek(cursor).kind === "name" || peek(cursor).kind === "number";
    if (!isPart) expected(cursor, "a name or a number after `.`");
    layer += `.${advance(cursor).text}`;
  }
  return layer;
}

/** `takes 812.1 us default 934 us`, or the beginning of it, or nothing. */
function parseTimes(cursor: Cursor, unit: "us" | "ms"): { readonly own?: number; readonly other?: number } {
  const own = eat(cursor, "takes") ? parseTime(cursor, unit) : undefined;
  const other = eat(cursor, "default") ? parseTime(cursor, unit) : undefined;
  return { ...(own === undefined ? {} : { own }), ...(other === undefined ? {} : { other }) };
}

function parseTime(cursor: Cursor, unit: "us" | "ms"): number {
  const value = peek(cursor).kind === "number" ? Number(advance(cursor).text) : Number.NaN;
  if (Number.isNaN(value)) expected(cursor, "a number");
  take(cursor, unit, "after the number");
  return value;
}

/** To where the next section begins. */
function skipSection(cursor: Cursor, begin: number): void {
  cursor.position = Math.max(cursor.position, begin + 1);
  while (peek(cursor).kind !== "end" && !(at(cursor, "tuned") && peek(cursor).column === 1)) advance(cursor);
}
