/** What the tests of this folder are told of a text is what `check` tells its user. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { check } from "../../src/compile.ts";
import { parseSource } from "../../src/frontend/parse.ts";
import { checkDeclarations } from "../../src/semantics/check.ts";
import { linkModule } from "../../src/semantics/module.ts";
import { diagnose, exampleTexts, libraryTexts } from "./support.ts";

const folder = new URL("errors/", import.meta.url);

it("says the same of every text with mistakes", () => {
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".qn"))) {
    const text = readFileSync(new URL(file, folder), "utf8");
    expect(check([{ file, text }]).diagnostics, file).toEqual(diagnose([{ file, text }]));
  }
});

it("says nothing of the examples", () => {
  for (const text of exampleTexts()) expect(diagnose([text]), text.file).toEqual([]);
});

it("says nothing of the library, of which no model calls anything", () => {
  const files = libraryTexts().flatMap(({ file, text }) => parseSource(text, file).value ?? []);
  const module = linkModule(files, []).value;
  expect(module && checkDeclarations(files, module)).toEqual([]);
});
