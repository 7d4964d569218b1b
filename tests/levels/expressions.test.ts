import { describe, expect, test } from "vitest";
import { printLevel } from "../../src/ir/print_level.ts";
import { parsed } from "./levels.ts";

const buffers = `quern tensor 1
program p

input a: f32[8]
input b: f32[8]
input n: i32[8]
input t: bool[8]
`;

/** The text of a value after it was read and printed. */
function reprinted(value: string): string {
  const text = printLevel(parsed(`${buffers}\ngroup y run {\n  y: f32[i in 8] = ${value}\n}\n`));
  return /= ([^\n]*)\n}/.exec(text)?.[1] ?? text;
}

test.each([
  "a[i] + b[i] * 2",
  "(a[i] + b[i]) * 2",
  "a[i] - b[i] - 1",
  "a[i] - (b[i] - 1)",
  "a[i] / b[i] / 2",
  "a[i] / (b[i] * 2)",
  "-a[i] * b[i]",
  "-(a[i] * b[i])",
  "--1",
  "-(1)",
  "-(inf)",
  "-inf",
  "-(nan_f64)",
  "-0",
  "a[i] + -1",
  "1e-7 + 1e+21 + 5e-324",
  "3_i32 + n[i] // 2_i32 % 3_i32",
  "true and not t[i] or a[i] < b[i]",
  "not (t[i] or t[i])",
  "(t[i] and t[i]) == t[i]",
  "(a[i] < b[i]) == t[i]",
  "if t[i] then a[i] else if t[i + 1] then b[i] else 0",
  "if t[i] then (if t[i] then 1 else 2) else 3",
  "(if t[i] then 1 else 2) + 3",
  "(a[i - 1] else 0) * b[i]",
  "a[i - 1] else b[i] else 0",
  "max(a[i - 1] else -inf, 0)",
  "sum(k in 8) a[k] * b[k]",
  "(sum(k in 8) a[k]) * b[i]",
  "sum(k in 8) a[k] * b[k] + 1",
  "1 + sum(k in 8) a[k]",
  "2 * (sum(k in 8) a[k])",
  "sum(k in 8) (a[k] + b[k])",
  "sum(k in 8 where k_test[0]:bool) a[k]".replace("k_test[0]:bool", "t[k]"),
  "sum(j in 2) max(k in 4) a[j*4 + k]",
  "sum() a[i]",
  "max(where t[i]) a[i]",
  "argmax(k in 8) a[k]",
  "argmax:i64(k in 8) a[k]",
  "f32(n[i]) + f32(t[i])",
  "i32(a[i]) + index(i*2 + 1)",
  "index((i // 4)*8 + i % 4 - 3)",
  "index(min(i, 3) + max(-i, n[i] - 1))",
  "index(-(i // 2)*3 + 0)".replace(" + 0", ""),
  "a:f64[i] + 1_f64",
  "add:f64(a[i], b[i])",
  "not:f32(a[i])",
  "a:i8 + 1_i8",
  "float_bits(a[i]) + bit_and(n[i], 7_i32)",
  "a[n[i]]",
])("`%s` is printed as it is written", (value) => {
  expect(reprinted(value)).toBe(value);
});

test.each([
  ["((a[i])) + (b[i])", "a[i] + b[i]"],
  ["(a[i] * b[i]) + 1", "a[i] * b[i] + 1"],
  ["not (a[i] < b[i])", "not a[i] < b[i]"],
  ["a[2*i]", "a[i*2]"],
  ["a[i + i]", "a[i*2]"],
  ["a[1 + i]", "a[i + 1]"],
  ["a[(i + 1)*2]", "a[i*2 + 2]"],
  ["0.10", "0.1"],
  ["1_f32", "1"],
  ["1_bool", "true"],
])("`%s` is printed as `%s`", (written, wanted) => {
  expect(reprinted(written)).toBe(wanted);
});

describe("names that are no plain words", () => {
  test("are quoted, and only they", () => {
    const text = `quern tensor 1
program \`a b\`

inputs \`in\`, inputs

input \`in\`: f32[] offset 0
input inputs: f32[] offset 16

group \`tick\\u0060\` run {
  \`tick\\u0060\`: f32[] = \`in\` + inputs + \`inf\` + \`block1/conv:0\`
}
`.replace("+ `inf` + `block1/conv:0`", "+ `inf`:f32 + `block1/conv:0`:f32");
    expect(printLevel(parsed(text))).toBe(text);
  });
});
