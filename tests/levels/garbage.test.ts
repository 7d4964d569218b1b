import { describe, expect, test } from "vitest";
import { parseKernel } from "../../src/frontend/levels/kernel.ts";
import { parseLoop } from "../../src/frontend/levels/loop.ts";
import { parseNn } from "../../src/frontend/levels/nn.ts";
import { parseLevel } from "../../src/frontend/levels/parse_level.ts";
import { parseTensor } from "../../src/frontend/levels/tensor.ts";
import { verifyLevel } from "../../src/ir/level_program.ts";
import { printLevel } from "../../src/ir/print_level.ts";
import type { Checked } from "../../src/support/diagnostic.ts";
import { hasErrors } from "../../src/support/diagnostic.ts";
import { createRandom, type Random } from "../../src/support/random.ts";
import { stagesOf } from "./examples.ts";
import { allStages } from "./levels.ts";
import { wildKernelProgram } from "./random_kernels.ts";
import { createWild } from "./random_programs.ts";

/** A value, or an error that says where. */
function expectTotal<T>(result: Checked<T>, text: string): void {
  expect(result.value !== undefined || hasErrors(result.diagnostics)).toBe(true);
  expect(result.value !== undefined && hasErrors(result.diagnostics)).toBe(false);
  for (const { span } of result.diagnostics) {
    expect(span).toBeDefined();
    expect(span && span.start >= 0 && span.start <= span.end && span.end <= text.length).toBe(true);
  }
}

const snippets = [
  "(",
  ")",
  "[",
  "]",
  "{",
  "}",
  "%",
  ",",
  ";",
  ":",
  "=",
  "-",
  "*",
  "//",
  "`",
  '"',
  "if",
  "else",
  "for",
  "inf",
  "nan_f64",
  "1e999",
  "-1",
  "x",
  "declarations",
  "\n",
  "£",
  "\\",
  "trace",
  "&",
];

/** One small change: something gone, doubled, moved or put in. */
function mutated(text: string, random: Random): string {
  const at = random.integer(0, text.length);
  const length = random.integer(1, random.pick([1, 3, 40, 400]));
  const rest = text.slice(at + length);
  switch (random.integer(0, 5)) {
    case 0:
      return text.slice(0, at) + rest;
    case 1:
      return text.slice(0, at) + random.pick(snippets) + text.slice(at);
    case 2:
      return text.slice(0, at) + random.pick(snippets) + rest;
    case 3:
      return text.slice(0, at);
    case 4:
      return text.slice(0, at) + text.slice(at, at + length).repeat(2) + rest;
    default: {
      const from = random.integer(0, text.length);
      return text.slice(0, at) + text.slice(from, from + length) + rest;
    }
  }
}

describe("texts with seeded mistakes give a value or an error with its place, and never an exception", () => {
  const examples = allStages(stagesOf("custom-op")).map(({ at }) => printLevel(at));
  const wild = Array.from({ length: 12 }, (_, seed) => [
    printLevel({ level: "tensor", program: createWild(seed).tensorProgram() }),
    printLevel({ level: "loop", program: createWild(seed).loopProgram() }),
    printLevel({ level: "kernel", program: wildKernelProgram(createWild(seed)) }),
  ]).flat();

  test.each([
    ["examples", examples, 60],
    ["random programs", wild, 60],
  ] as const)("%s", (_, texts, times) => {
    let values = 0;
    texts.forEach((text, position) => {
      const random = createRandom(`mutation/${position}`);
      for (let i = 0; i < times; i++) {
        let broken = text;
        for (let k = random.integer(1, 3); k > 0; k--) broken = mutated(broken, random);
        const result = parseLevel(broken, "broken");
        expectTotal(result, broken);
        if (!result.value) continue;
        values++;
        // What parses can be verified, printed and read again.
        verifyLevel(result.value);
        expect(parseLevel(printLevel(result.value), "again").diagnostics).toEqual([]);
      }
    });
    console.log(`${values} of ${texts.length * times} mutated texts still parse`);
    expect(values).toBeGreaterThan(0);
    expect(values).toBeLessThan(texts.length * times);
  });
});

test.each([
  ["nothing", ""],
  ["no text of ours", "hello world"],
  ["an unknown level", "quern tensr 1"],
  ["another version", "quern loop 2\nprogram p\narena 0"],
  ["no name", "quern tensor 1"],
  ["no arena", "quern loop 1\nprogram p"],
  ["no memory", "quern kernel 1\nprogram p"],
  ["a loop text without end", "quern loop 1\nprogram p\narena 0\nnest n run -> y {"],
  ["parentheses without end", `quern tensor 1\nprogram p\ngroup y run {\n  y: f32[] = ${"(".repeat(100_000)}`],
  ["minus signs without end", `quern tensor 1\nprogram p\ngroup y run {\n  y: f32[] = ${"-".repeat(100_000)}1\n}`],
  ["brackets without end", `quern tensor 1\nprogram p\ngroup y run {\n  y: f32[] = ${"x[".repeat(100_000)}`],
  ["blocks without end", `quern loop 1\nprogram p\narena 0\nnest n run -> y {\n${"for i in 2 {\n".repeat(50_000)}`],
  ["lists without end", `quern nn 1\nprogram p\n%y = f(; a: ${"[".repeat(100_000)}`],
  ["a control character", "quern nn 1\u0000"],
  ["a bad escape", "quern nn 1\nprogram `\\q`"],
  ["declarations that do not parse", "quern nn 1\nprogram p\ndeclarations\nop op op"],
  ["a model among declarations", "quern nn 1\nprogram p\ndeclarations\nmodel m(x: f32[1]) -> y: f32[1] { x }"],
])("%s", (_, text) => {
  const parsers: readonly ((text: string, file: string) => Checked<unknown>)[] = [parseLevel, parseNn, parseTensor, parseLoop, parseKernel];
  for (const parse of parsers) {
    const result = parse(text, "broken");
    expectTotal(result, text);
    expect(result.value).toBeUndefined();
  }
});

test("one run reports mistakes in several places", () => {
  const text = `quern tensor 1
program p
inputs x
input x: f33[4]
input z: f32[4]
output y = y
group y run {
  y: f32[i in 4] = zz[i]
}
group w run {
  w: f32[i in 4] = z[i
}
`;
  const { diagnostics } = parseTensor(text, "p.qt");
  expect(diagnostics.map(({ code, span, help }) => [code, text.slice(span?.start, span?.end), help])).toEqual([
    ["syntax", "f33", undefined],
    ["unknown-tensor", "zz", "did you mean `z`?"],
    ["syntax", "}", undefined],
  ]);
});

test("errors in declarations point into the level's text", () => {
  const text = "quern nn 1\nprogram p\n\ndeclarations\n\nop same(x: [n]) -> y: [n] { y[i] = }\n";
  const { diagnostics } = parseNn(text, "p.qnn");
  expect(diagnostics.length).toBeGreaterThan(0);
  for (const { span } of diagnostics) expect(span?.start).toBeGreaterThan(text.indexOf("declarations"));
});
