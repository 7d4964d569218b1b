/** The parser: how it groups, where lines end, and that it reports every mistake of any text and never throws. */
import { describe, expect, it } from "vitest";
import { lex } from "../../src/frontend/lexer.ts";
import { parseSource } from "../../src/frontend/parse.ts";
import type { Declaration, Syntax } from "../../src/ir/declaration.ts";
import { printSyntax } from "../../src/ir/print_declaration.ts";
import { createRandom } from "../../src/support/random.ts";
import { exampleTexts, libraryTexts, withoutSpans } from "./support.ts";

function declarationsOf(text: string): readonly Declaration[] {
  const { value, diagnostics } = parseSource(text, "test.qn");
  expect(diagnostics, text).toEqual([]);
  return value?.declarations ?? [];
}

function expression(text: string): Syntax {
  const [declaration] = declarationsOf(`def t() = ${text}`);
  return declaration?.kind === "def" ? declaration.body : expect.fail(text);
}

function codesOf(text: string): string[] {
  return parseSource(text, "test.qn").diagnostics.map(({ code }) => code);
}

describe("parsing", () => {
  for (const { file, text } of [...libraryTexts(), ...exampleTexts()])
    it(`reads all of ${file}`, () => {
      const keywords = text.match(/^(?:op|fn|model|rule|sketch|schedule|def) /gm) ?? [];
      expect(declarationsOf(text).length).toBe(keywords.length);
    });

  it("groups by binding strength", () => {
    const same: readonly (readonly [string, string])[] = [
      ["a + b * c", "a + (b * c)"],
      ["a - b - c", "(a - b) - c"],
      ["a or b and not c == d", "a or (b and (not (c == d)))"],
      ["-a.0 * b", "(-(a.0)) * b"],
      ["0..n + 1 == r", "(0..(n + 1)) == r"],
      ["x[i] * y[j] else 0 + 1", "x[i] * (y[j] else (0 + 1))"],
      ["sum(i) a * b + c", "(sum(i) (a * b)) + c"],
      ["first(k in n) x.(k)[i] + 1", "(first(k in n) (x.(k)[i])) + 1"],
      ["if a then b else c |> f", "if a then b else (c |> f)"],
      ["x |> f(a) |> g", "(x |> f(a)) |> g"],
      ["x + @w: [c] = ones + y", "x + (@w: [c] = (ones + y))"],
      ["if a then x[i] else y[i] else 0", "if a then (x[i]) else (y[i] else 0)"],
    ];
    for (const [plain, grouped] of same) expect(withoutSpans(expression(plain)), plain).toEqual(withoutSpans(expression(grouped)));
  });

  it("tells a reduction from a call by what follows it on the line", () => {
    expect(expression("sum(i) x[i]").kind).toBe("reduce");
    expect(expression("sum(i)\n").kind).toBe("call");
    expect(expression("max(a, b) - 1").kind).toBe("binary");
    expect(expression("if max(a, b) then 1 else 0").kind).toBe("if");
  });

  it("ends a line where a new one cannot go on with it", () => {
    const lines = (body: string) => {
      const [model] = declarationsOf(`model m(x: [n]) {\n${body}\n}`);
      return model?.kind === "model" ? model.body.map((statement) => statement.kind) : [];
    };
    expect(lines("let a = b\n-c")).toEqual(["let", "value"]);
    expect(lines("let a = b\n+ c")).toEqual(["let"]);
    expect(lines("let a = b\n|> c")).toEqual(["let"]);
    expect(lines("let a = b\n[c]")).toEqual(["let", "value"]);
    expect(lines("let a = b\n(c)")).toEqual(["let", "value"]);
    expect(lines("let a = (b\n-c)")).toEqual(["let"]);
    expect(lines("y[i] = b\n-c")).toEqual(["equation"]);
    expect(lines("a = b; b = c")).toEqual(["assign", "assign"]);
  });

  it("keeps comments apart, and `//` a division within a line", () => {
    expect(lex("a // b # c\n// d\n/// e\n  # f", "test.qn").comments.map(({ text }) => text)).toEqual(["# c", "// d", "# f"]);
    expect(printSyntax(expression("a // b # c\n"))).toBe("a // b");
    expect(printSyntax(expression("a //\n  # c\n  b"))).toBe("a // b");
    expect(declarationsOf("/// one\n///  two\n///\ndef f() = 1")[0]?.documentation).toBe("one\n two\n");
  });
});

describe("a text with mistakes", () => {
  it("gives the declarations that have none", () => {
    const { value, diagnostics } = parseSource(
      "def a() = 1\ndef b() = (\ndef c() = 3\nmodel d(x: [n]) { let a = }\ndef e() = 5",
      "test.qn",
    );
    expect(value?.declarations.map(({ name }) => name)).toEqual(["a", "c", "e"]);
    expect(diagnostics.length).toBe(2);
  });

  it("is reported as a whole, a mistake to a statement", () => {
    const lines = [
      "let a = (1",
      "let b = ]",
      "let = 3",
      "fine",
      "a * * b",
      "if c { let d = } else { x[ }",
      "for i of n { y( }",
      "require , 1",
    ];
    const { diagnostics } = parseSource(`model m(x: [n]) {\n${lines.join("\n")}\n}\n\nop o(x: [n] -> [n] { y[i] = }`, "test.qn");
    const found = new Set(diagnostics.map(({ span }) => `model m(x: [n]) {\n${lines.join("\n")}`.slice(0, span?.start).split("\n").length));
    for (const line of [2, 3, 4, 6, 7, 8, 9]) expect(found, `line ${line}`).toContain(line);
  });

  it("has stable codes", () => {
    expect(codesOf("def f() = (1")).toEqual(["unclosed"]);
    expect(codesOf("def f() = 1)")).toEqual(["unopened"]);
    expect(codesOf("def f() = g(a b)")).toEqual(["missing-comma"]);
    expect(codesOf("def f() = g(a = b)")).toEqual(["unexpected-token"]);
    expect(codesOf('def f() = "a')).toEqual(["unterminated-string"]);
    expect(codesOf("def f() = a & b")).toEqual(["bad-character"]);
    expect(codesOf("dfe f() = 1")).toEqual(["unknown-declaration"]);
    expect(codesOf("def f() =")).toEqual(["syntax"]);
    expect(codesOf("/// nothing")).toEqual(["misplaced-documentation"]);
    expect(codesOf("model m(@w) { x }")).toEqual(["misplaced-parameter"]);
    expect(codesOf("model m(x: [n]) { a b }")).toEqual(["missing-separator"]);
  });

  it("may nest as deep as it likes", () => {
    const units = [
      "(",
      "[",
      "{",
      "-",
      "not ",
      "if ",
      "x[0] else ",
      "sum(i) ",
      "@w: [c] = ",
      "a.(",
      "f(",
      "if a then b else ",
      "for i in a {",
      "...",
      "a + ",
      "x |> ",
    ];
    for (const unit of units)
      for (const count of [190, 600, 5000]) {
        expect(parseSource(`def f() = ${unit.repeat(count)}`, "test.qn").value).toBeDefined();
        parseSource(`model m(x: [n]) { ${unit.repeat(count)} }`, "test.qn");
      }
    expect(codesOf(`def f() = ${"(".repeat(250)}1${")".repeat(250)}`)).toEqual(["too-deep"]);
    expect(codesOf(`def f() = ${"1 + ".repeat(600)}1`)).toEqual(["too-deep"]);
    expect(codesOf(`def f() = ${"1 + ".repeat(400)}1`)).toEqual([]);
    expect(codesOf(`def f() = ${"(".repeat(150)}1${")".repeat(150)}`)).toEqual([]);
  });

  it("never makes the parser throw, whatever it is", () => {
    const pieces = [
      ..."abx01 \n\n(){}[]<>=|:;,.@+-*/%#\"'&é\r\t",
      " let ",
      " if ",
      " then ",
      " else ",
      "for ",
      " in ",
      "sum(",
      "///",
      " |> ",
      "...",
    ];
    const texts = [...libraryTexts(), ...exampleTexts()];
    const random = createRandom("garbage");
    for (let i = 0; i < 3000; i++) {
      const garbage = Array.from({ length: random.integer(1, 40) }, () => random.pick(pieces)).join("");
      const { text } = random.pick(texts);
      const at = random.integer(0, text.length);
      const damaged = text.slice(0, at) + random.pick([garbage, ""]) + text.slice(at + random.integer(0, 20));
      for (const source of [
        garbage,
        `${random.pick(["op f", "\nmodel m(x: [n]) {", "def f() ="])}${garbage}`,
        ...(i % 20 === 0 ? [damaged] : []),
      ])
        for (const { message, span, code } of parseSource(source, "test.qn").diagnostics) {
          expect(message).toMatch(/^[a-z`]/);
          expect(code).toMatch(/^[a-z]+(?:-[a-z]+)*$/);
          expect(span && span.start >= 0 && span.start <= source.length && span.end >= span.start).toBe(true);
        }
    }
  });
});
