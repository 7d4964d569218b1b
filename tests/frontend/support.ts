/** What the tests of the frontend share: the texts of the project, trees without spans, and everything there is to say about a text. */
import { readdirSync, readFileSync } from "node:fs";
import { check } from "../../src/compile.ts";
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

/** Everything there is to say about texts. */
export function diagnose(texts: readonly Text[]): readonly Diagnostic[] {
  return check(texts).diagnostics;
}
