/** The formatter: what it writes, and that it keeps meaning and comments and settles at once, for texts of every shape. */
import { describe, expect, it } from "vitest";
import { formatSource } from "../../src/frontend/format.ts";
import { parseSource } from "../../src/frontend/parse.ts";
import { printDeclaration } from "../../src/ir/print_declaration.ts";
import { createRandom } from "../../src/support/random.ts";
import { full } from "../support.ts";
import { commentsOf, disturb, meaningOf } from "./random_comments.ts";
import { randomDeclaration } from "./random_syntax.ts";
import { exampleTexts, libraryTexts } from "./support.ts";

function format(text: string): string {
  const { value, diagnostics } = formatSource(text, "test.qn");
  expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  return value ?? "";
}

/** What must hold of every text. */
function expectWellFormatted(text: string): void {
  const formatted = format(text);
  expect(meaningOf(formatted), text).toEqual(meaningOf(text));
  expect(commentsOf(formatted), text).toEqual(commentsOf(text));
  expect(format(formatted), text).toBe(formatted);
}

describe("formatting", () => {
  for (const { file, text } of [...libraryTexts(), ...exampleTexts()]) {
    it(`finds ${file} in order`, () => expect(format(text)).toBe(text));
    it(`keeps the meaning and the comments of ${file}, and settles at once`, () => {
      expectWellFormatted(text);
      const random = createRandom(file);
      for (let i = 0; i < (full ? 40 : 4); i++) expectWellFormatted(disturb(text, 12, random));
    });
  }

  it("does the same for random declarations with comments anywhere", () => {
    for (let seed = 0; seed < (full ? 3000 : 300); seed++) {
      const random = createRandom(`format ${seed}`);
      const text = Array.from({ length: random.integer(1, 3) }, () => printDeclaration(randomDeclaration(random, seed % 5))).join("\n\n");
      expectWellFormatted(disturb(text, 8, random));
    }
  });

  it("writes what printDeclaration writes where there is nothing of the author's", () => {
    for (let seed = 0; seed < 100; seed++) {
      const text = printDeclaration(randomDeclaration(createRandom(`canonical ${seed}`), seed % 5));
      const [declaration] = parseSource(text, "test.qn").value?.declarations ?? [];
      if (declaration && !/[[(,] ?\n|\{ \S.* \}$/.test(text)) expect(format(text)).toBe(`${text}\n`);
    }
  });

  it("gives the mistakes of a text that does not parse, and no text", () => {
    const { value, diagnostics } = formatSource("def f() = (1", "test.qn");
    expect(value).toBeUndefined();
    expect(diagnostics.map(({ code }) => code)).toEqual(["unclosed"]);
  });

  it("leaves an empty file empty, and comments alone as they are", () => {
    expect(format("")).toBe("");
    expect(format("\n\n")).toBe("");
    expect(format("# a\n\n\n\n# b  ")).toBe("# a\n\n# b\n");
  });
});

describe("the layout", () => {
  const cases: Record<string, readonly [string, string]> = {
    "comments between declarations, at line ends and inside bodies": [
      "# head\n\n\n\n# of f\n/// doc\ndef f(x)=x # end of f\n# of g\ndef g(x) = x\nmodel m(x:[n]) {\n\n# first\nlet a=x   # why\n\n\n# then\na\n# last\n}\n# tail",
      "# head\n\n# of f\n/// doc\ndef f(x) = x # end of f\n# of g\ndef g(x) = x\n\nmodel m(x: [n]) {\n  # first\n  let a = x # why\n\n  # then\n  a\n  # last\n}\n# tail\n",
    ],
    "a list with a comment takes a line for each item": [
      "model m(x: [n]) {\n  let a = [1, # one\n 2,3 # three\n]\n  a\n}",
      "model m(x: [n]) {\n  let a = [\n    1, # one\n    2,\n    3, # three\n  ]\n  a\n}\n",
    ],
    "a pipeline with a comment takes a line for each stage": [
      "model m(x: [n]) {\n  x |> f # one\n  |> g # two\n}",
      "model m(x: [n]) {\n  x\n    |> f # one\n    |> g # two\n}\n",
    ],
    "parameters with comments": [
      "op f(x: [n], # the tensor\n k: [m]; # the kernel\n a: int = 1 # the step\n) -> y: [n] { y[i] = x[i] }",
      "op f(\n  x: [n], # the tensor\n  k: [m]; # the kernel\n  a: int = 1 # the step\n) -> y: [n] { y[i] = x[i] }\n",
    ],
    "numbers, kept parentheses and computed members": [
      "def f(x, d) = (x.(d) // 1e-5) % (1.0) + ((x.d))",
      "def f(x, d) = (x.(d) // 1e-5) % 1.0 + x.d\n",
    ],
    "a long pipeline": [
      "model m(image: f32[1, 32, 32, 3]) -> f32[1, 10] {\n  image |> conv_relu(@conv1, filters: 32) |> conv_relu(@conv2, filters: 32) |> max_pool2d(window: [2, 2]) |> flatten |> softmax\n}",
      "model m(image: f32[1, 32, 32, 3]) -> f32[1, 10] {\n  image\n    |> conv_relu(@conv1, filters: 32)\n    |> conv_relu(@conv2, filters: 32)\n    |> max_pool2d(window: [2, 2])\n    |> flatten\n    |> softmax\n}\n",
    ],
    "a body on its head's line stays there, and one below stays below": [
      "op f(x: [n]) -> y: [n] {y[i]=x[i]}\nop g(x: [n]) -> y: [n] {\ny[i]=x[i]}",
      "op f(x: [n]) -> y: [n] { y[i] = x[i] }\n\nop g(x: [n]) -> y: [n] {\n  y[i] = x[i]\n}\n",
    ],
    "steps of a schedule": [
      "schedule s on wasm for conv {split ow by 4;unroll ow.i # small\nif t>2 {vectorize f} else if t == 1 { a }}",
      "schedule s on wasm for conv {\n  split ow by 4\n  unroll ow.i # small\n  if t > 2 {\n    vectorize f\n  } else if t == 1 {\n    a\n  }\n}\n",
    ],
  };
  for (const [name, [source, formatted]] of Object.entries(cases))
    it(name, () => {
      expect(format(source)).toBe(formatted);
      expectWellFormatted(source);
    });
});
