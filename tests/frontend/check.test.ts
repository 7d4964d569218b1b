/** What is right is passed over in silence. */
import { expect, it } from "vitest";
import { parseSource } from "../../src/frontend/parse.ts";
import { checkDeclarations } from "../../src/semantics/check.ts";
import { linkModule } from "../../src/semantics/module.ts";
import { diagnose, exampleTexts, libraryTexts } from "./support.ts";

it("says nothing of the examples", () => {
  for (const text of exampleTexts()) expect(diagnose([text]), text.file).toEqual([]);
});

it("says nothing of the library, of which no model calls anything", () => {
  const files = libraryTexts().flatMap(({ file, text }) => parseSource(text, file).value ?? []);
  const module = linkModule(files, []).value;
  expect(module && checkDeclarations(files, module)).toEqual([]);
});
