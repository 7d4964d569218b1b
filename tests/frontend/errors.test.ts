/** Mistakes and what is said of them: the full text of all diagnostics, one file per case. `UPDATE=1` writes them anew. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { hasErrors, renderDiagnostic } from "../../src/support/diagnostic.ts";
import { diagnose } from "./support.ts";

const folder = new URL("errors/", import.meta.url);
const names = readdirSync(folder).sort();
const cases = names.filter((name) => name.endsWith(".qn")).map((name) => name.slice(0, -3));

function rendered(name: string): string {
  const file = `${name}.qn`;
  const text = readFileSync(new URL(file, folder), "utf8");
  const diagnostics = diagnose([{ file, text }]);
  expect(hasErrors(diagnostics)).toBe(true);
  return `${diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, new Map([[file, text]]))).join("\n\n")}\n`;
}

describe("diagnostics", () => {
  for (const name of cases)
    it(`says what is wrong in ${name}.qn`, () => {
      const golden = new URL(`${name}.expected`, folder);
      const text = rendered(name);
      if (process.env.UPDATE) writeFileSync(golden, text);
      expect(existsSync(golden), `run UPDATE=1 npx vitest run tests/frontend/errors.test.ts`).toBe(true);
      expect(text).toBe(readFileSync(golden, "utf8"));
    });

  it("has a case for every golden", () => {
    const orphans = names.filter((name) => name.endsWith(".expected") && !cases.includes(name.slice(0, -9)));
    expect(orphans).toEqual([]);
    expect(cases.length).toBeGreaterThanOrEqual(25);
  });

  it("says what to write instead, and points at the text", () => {
    for (const name of cases) {
      const file = `${name}.qn`;
      for (const { message, help, span } of diagnose([{ file, text: readFileSync(new URL(file, folder), "utf8") }])) {
        expect(help, `${file}: ${message}`).toMatch(/^[a-z`]/);
        expect(span, `${file}: ${message}`).toBeDefined();
      }
    }
  });

  it("knows many kinds of mistakes, and finds all that one file holds", () => {
    const found = new Map(
      cases.map((name) => {
        const file = `${name}.qn`;
        return [name, diagnose([{ file, text: readFileSync(new URL(file, folder), "utf8") }])] as const;
      }),
    );
    expect(new Set([...found.values()].flat().map(({ code }) => code)).size).toBeGreaterThanOrEqual(60);
    expect(found.get("twenty_mistakes")?.length).toBe(20);
  });

  it("says nothing of a kind twice at one place", () => {
    for (const name of cases) {
      const file = `${name}.qn`;
      const diagnostics = diagnose([{ file, text: readFileSync(new URL(file, folder), "utf8") }]);
      const keys = diagnostics.map(({ code, message, span }) => JSON.stringify([code, message, span]));
      expect(new Set(keys).size, file).toBe(keys.length);
    }
  });
});
