/** The pages of what is imported name every operator of the tables. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { onnxPage } from "../../scripts/onnx_docs.ts";
import { outside, translations } from "../../src/importers/onnx/translations.ts";

test("docs/import/onnx.md has a row for each operator, imported or left out, and none fails a case", () => {
  const rows = readFileSync(onnxPage, "utf8")
    .split("\n")
    .filter((line) => /^\| [A-Z]/.test(line))
    .map((line) => line.split("|").map((cell) => cell.trim()));
  const names = [...new Set([...Object.keys(translations), ...Object.keys(outside)])].sort();
  expect(rows.map(([, operator]) => operator)).toEqual(names);
  for (const [, operator, status = "", cases, reference, wasm] of rows) {
    if (status !== "imported") continue;
    expect(`${operator}: ${reference} and ${wasm} of ${cases}`).toBe(`${operator}: ${cases} and ${cases} of ${cases}`);
  }
});
