/** Printing: every tree that the parser gives has a text that parses back to it, with no more parentheses than it needs. */
import { describe, expect, it } from "vitest";
import { parseSource } from "../../src/frontend/parse.ts";
import type { Declaration, Syntax } from "../../src/ir/declaration.ts";
import { printDeclaration, printSyntax } from "../../src/ir/print_declaration.ts";
import { createRandom } from "../../src/support/random.ts";
import { declarationKinds, randomDeclaration, randomStatement, randomSyntax, statementKinds, syntaxKinds } from "./random_syntax.ts";
import { exampleTexts, libraryTexts, withoutSpans } from "./support.ts";

function parseOne(text: string): Declaration {
  const { value, diagnostics } = parseSource(text, "printed.qn");
  expect(
    diagnostics.filter(({ severity }) => severity === "error"),
    text,
  ).toEqual([]);
  expect(value?.declarations.length, text).toBe(1);
  return value?.declarations[0] as Declaration;
}

function expectRoundTrip(declaration: Declaration): void {
  const text = printDeclaration(declaration);
  const parsed = parseOne(text);
  expect(withoutSpans(parsed), text).toEqual(withoutSpans(declaration));
  expect(printDeclaration(parsed)).toBe(text);
}

describe("printing a declaration and parsing it", () => {
  for (const { file, text } of [...libraryTexts(), ...exampleTexts()])
    it(`gives back every declaration of ${file}`, () => {
      for (const declaration of parseSource(text, file).value?.declarations ?? []) expectRoundTrip(declaration);
    });

  for (const kind of declarationKinds)
    it(`gives back random declarations of kind ${kind}`, () => {
      const random = createRandom(`declaration ${kind}`);
      for (let i = 0; i < 150; i++) expectRoundTrip(randomDeclaration(random, i % 5, kind));
    });

  for (const kind of statementKinds)
    it(`gives back random statements of kind ${kind}`, () => {
      const random = createRandom(`statement ${kind}`);
      for (let i = 0; i < 150; i++) {
        const operator = randomDeclaration(random, 1, "model");
        const body = [randomStatement(random, i % 5, kind), randomStatement(random, i % 3), randomStatement(random, 1)];
        expectRoundTrip({ ...operator, body } as Declaration);
      }
    });

  for (const kind of syntaxKinds)
    it(`gives back random expressions of kind ${kind}`, () => {
      const random = createRandom(`syntax ${kind}`);
      for (let i = 0; i < 300; i++) {
        const syntax = randomSyntax(random, 1 + (i % 5), kind);
        const text = printSyntax(syntax);
        const parsed = parseOne(`def t() = ${text}`);
        expect(withoutSpans(parsed.kind === "def" && parsed.body), text).toEqual(withoutSpans<Syntax>(syntax));
      }
    });
});

describe("canonical text", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["((a * b)) + c", "a * b + c"],
    ["a - (b - c)", "a - (b - c)"],
    ["(a - b) - c", "a - b - c"],
    ["(sum(i) x[i]) * y", "(sum(i) x[i]) * y"],
    ["(sum(i) x[i]) + y", "sum(i) x[i] + y"],
    ["y * (sum(i) x[i])", "y * (sum(i) x[i])"],
    ["sum(i) (-x[i])", "sum(i) (-x[i])"],
    ["(x[i] else 0) * k", "(x[i] else 0) * k"],
    ["x[i] else 0 + k", "x[i] else 0 + k"],
    ["-(-x)", "--x"],
    ["not (a == b)", "not a == b"],
    ["(not a) == b", "(not a) == b"],
    ["(if c then a else b) + 1", "(if c then a else b) + 1"],
    ["if c then (x[i] else 0) else 1", "if c then (x[i] else 0) else 1"],
    ["[for i in (@w): i]", "[for i in (@w): i]"],
    ["(@w).0", "(@w).0"],
    ["(5).0", "(5).0"],
    ["@w: [c] = ones", "@w: [c] = ones"],
    ["(@w: [c] = ones) + b", "(@w: [c] = ones) + b"],
    ["b + (@w: [c] = ones)", "b + @w: [c] = ones"],
    ["x.(i)", "x.i"],
    ["x.(i + 1)", "x.(i + 1)"],
    ["[a,b,]", "[a, b]"],
  ];
  for (const [source, printed] of cases)
    it(`writes ${source} as ${printed}`, () => {
      const parsed = parseOne(`def t() = ${source}`);
      expect(parsed.kind === "def" && printSyntax(parsed.body)).toBe(printed);
    });
});
