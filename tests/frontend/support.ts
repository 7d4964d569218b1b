/** What the tests of the frontend share: the texts of the project, trees without spans, and everything there is to say about a text. */
import { readdirSync, readFileSync } from "node:fs";
import { parseSource } from "../../src/frontend/parse.ts";
import type { SourceFile } from "../../src/ir/declaration.ts";
import type { ParsedFile } from "../../src/ir/parsed_file.ts";
import { checkDeclarations } from "../../src/semantics/check.ts";
import { elaborateModel } from "../../src/semantics/elaborate.ts";
import { linkModule } from "../../src/semantics/module.ts";
import type { Diagnostic } from "../../src/support/diagnostic.ts";

export type Text = { readonly file: string; readonly text: string };

const root = new URL("../../", import.meta.url);

function read(file: string): Text {
  return { file, text: readFileSync(new URL(file, root), "utf8") };
}

function namesIn(folder: string): string[] {
  return readdirSync(new URL(folder, root)).sort();
}

export function libraryTexts(): Text[] {
  return namesIn("src/library/")
    .filter((name) => name.endsWith(".qn"))
    .map((name) => read(`src/library/${name}`));
}

export function exampleTexts(): Text[] {
  return namesIn("examples/").flatMap((folder) =>
    namesIn(`examples/${folder}/`)
      .filter((name) => name.endsWith(".qn"))
      .map((name) => read(`examples/${folder}/${name}`)),
  );
}

/** A tree without its spans, for comparing what two texts mean. */
export function withoutSpans<T>(value: T): T {
  return JSON.parse(JSON.stringify(value, replacer), reviver) as T;
}

const spanKeys = new Set(["span", "nameSpan", "calleeSpan"]);

function replacer(key: string, value: unknown): unknown {
  if (spanKeys.has(key)) return undefined;
  return typeof value === "number" && !Number.isFinite(value) ? `number ${value}` : value;
}

function reviver(_: string, value: unknown): unknown {
  return typeof value === "string" && /^number (?:NaN|-?Infinity)$/.test(value) ? Number(value.slice(7)) : value;
}

let library: readonly SourceFile[] | undefined;

function parsedLibrary(): readonly SourceFile[] {
  library ??= libraryTexts().map(({ file, text }) => parseSource(text, file.replace("src/", "")).value as SourceFile);
  return library;
}

/** As `check` of src/compile.ts, which loads all of the compiler. */
export function diagnose(texts: readonly Text[]): Diagnostic[] {
  const parsed = texts.map(({ file, text }) => parseSource(text, file));
  const files = parsed.flatMap((result): ParsedFile[] => (result.value ? [result.value] : []));
  const linked = linkModule(parsedLibrary(), files);
  const module = linked.value;
  return [
    ...parsed.flatMap((result) => result.diagnostics),
    ...linked.diagnostics,
    ...(module ? checkDeclarations(files, module) : []),
    ...(module ? module.models.flatMap((model) => elaborateModel(model, module).diagnostics) : []),
  ];
}
