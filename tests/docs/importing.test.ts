/** The pages of what is imported are what the scripts write, every operator that is imported is proved, and everything agrees. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { allPassed, pageOf, tableText } from "../../scripts/import_tables.ts";
import { onnxPage } from "../../scripts/onnx_docs.ts";
import { outside, translations } from "../../src/importers/onnx/translations.ts";
import { provedFormats } from "../importers/evidence.ts";
import { targetNames } from "../importers/targets.ts";

/** The cells of a table's rows. */
function rowsOf(text: string): string[][] {
  const lines = text.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| ---"));
  const cells = (line: string) => line.split("|").slice(1, -1);
  return lines.slice(1).map((line) => cells(line).map((cell) => cell.trim()));
}

test("docs/import/onnx.md has a row for each operator, imported or left out, and none fails a case", () => {
  const rows = rowsOf(readFileSync(onnxPage, "utf8"));
  const names = [...new Set([...Object.keys(translations), ...Object.keys(outside)])].sort();
  expect(rows.map(([operator]) => operator)).toEqual(names);
  for (const [operator, status = "", cases = "", ...counts] of rows) {
    expect(`${operator}: ${status}`).not.toContain("unproved");
    const wanted = targetNames.map(() => cases);
    if (status === "imported") expect([operator, ...counts]).toEqual([operator, ...wanted]);
  }
});

describe.each(provedFormats)("docs/import/$page.md", (format) => {
  const evidence = format.evidence();
  if (!evidence) {
    test.skip("the shared files are not here", () => {});
    return;
  }
  test("is what `npx tsx scripts/import_tables.ts` writes where everything agrees, as cases.test.ts, keras.test.ts and networks.test.ts say that it does", () => {
    expect(tableText(format, allPassed(evidence))).toBe(readFileSync(pageOf(format), "utf8"));
  });
  test("every operator that is imported is proved", () => {
    const proved = new Set(evidence.flatMap(({ operators }) => [...operators]));
    expect(format.operators.filter((operator) => !proved.has(operator))).toEqual([]);
  });
});
