/** The page about the grammar: its examples parse, and together hold every kind of tree there is. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { formatSource } from "../../src/frontend/format.ts";
import { parseSource } from "../../src/frontend/parse.ts";
import { declarationKinds, statementKinds, syntaxKinds } from "./random_syntax.ts";

const page = readFileSync(new URL("../../docs/grammar.md", import.meta.url), "utf8");
const blocks = [...page.matchAll(/^```quern\n([\s\S]*?)^```$/gm)].map((match) => ({
  text: match[1] ?? "",
  line: page.slice(0, match.index).split("\n").length + 1,
}));

describe("docs/grammar.md", () => {
  it("has examples", () => expect(blocks.length).toBeGreaterThan(10));

  for (const { text, line } of blocks)
    it(`parses its example in line ${line}`, () => {
      const { value, diagnostics } = parseSource(text, "grammar.md");
      expect(diagnostics).toEqual([]);
      expect(value?.declarations.length).toBeGreaterThan(0);
      expect(formatSource(text, "grammar.md").diagnostics).toEqual([]);
    });

  it("shows every kind of declaration, statement and expression", () => {
    const found = new Set<string>();
    const visit = (node: unknown): void => {
      if (typeof node !== "object" || node === null) return;
      if ("kind" in node && typeof node.kind === "string") found.add(node.kind);
      Object.values(node).forEach(visit);
    };
    for (const { text } of blocks) visit(parseSource(text, "grammar.md").value);
    for (const kind of [...declarationKinds, ...statementKinds, ...syntaxKinds, "spread", "step"]) expect(found, kind).toContain(kind);
  });
});
