import { describe, expect, test } from "vitest";
import { verifyLevel } from "../../src/ir/level_program.ts";
import { verifyTensor } from "../../src/ir/verify_tensor.ts";
import { type Break, testCoverage, testVerifier } from "./broken.ts";
import { parsed } from "./levels.ts";

const text = `quern tensor 1
program p

inputs x, rows
output r = flat
output mask = mask

input x: f32[4, 4]
input rows: i32[4]
weight k: f32[4, 4] path "a.k" = he_normal
constant c: i32[2] = [1, 2]
derived kk: f32[4, 4]
temporary pad: f32[4, 4] halo before [1, 0] after [1, 0] fill 0
temporary s: f32[4, 4]
temporary g: f32[4, 4] overwrites s
temporary flat: f32[16] alias g
temporary mask: bool[4]
temporary both: f32[4, 8]
temporary left: f32[4, 4] halo before [0, 0] after [0, 4] fill 0 alias both
temporary right: f32[4, 4] halo before [0, 4] after [0, 0] fill 0 alias both

group kk build {
  kk: f32[i in 4, j in 4] = k[j, i] * 2
}

group pad run {
  pad: f32[i in 4, j in 4] = if x[i, j] > 0 then x[i, j] else f32(c[0])
}

group s run {
  s.sum: f32[i in 4, j in 4] = sum(q in 4, d in 3 where d < 4_i32:i32) pad[d + i - 1, q] * kk[q, j]
  s: f32[a in 4, b in 4] = max(s.sum[a, b], 0)
}

group left run {
  left: f32[i in 4, j in 4] = x[i, j] * 2
}

group right run {
  right: f32[i in 4, j in 4] = x[j, i]
}

group mask run {
  mask: bool[i in 4] = (x[i + 1, 0] else 0) < s[i, i]
}

group g run {
  g: f32[i in 4, j in 4] = s[i, j] + 1
}
`.replace("where d < 4_i32:i32", "where index(d) < 4_i32");

const breaks: readonly Break[] = [
  // Buffers and interface.
  ["defined-twice", "input rows:", "input x:"],
  ["constant-size", "= [1, 2]", "= [1]"],
  ["constant-value", "= [1, 2]", "= [1, nan]"],
  ["halo-rank", "before [1, 0]", "before [1]"],
  ["halo-place", "input x: f32[4, 4]", "input x: f32[4, 4] halo before [1, 1] after [1, 1] fill 0"],
  ["halo-place", "output mask = mask", "output mask = pad"],
  ["layout-order", "temporary mask: bool[4]", "temporary mask: bool[4] layout [1]"],
  ["layout-order", "temporary both: f32[4, 8]", "temporary both: f32[4, 8] layout [1, 1]"],
  ["layout-place", "input x: f32[4, 4]", "input x: f32[4, 4] layout [1, 0]"],
  ["layout-place", "temporary both: f32[4, 8]", "temporary both: f32[4, 8] layout [1, 0]"],
  ["layout-place", "temporary mask: bool[4]", "temporary mask: bool[4] layout [0]"],
  ["overwrites-target", "temporary s: f32[4, 4]", "temporary s: f32[4, 4] layout [1, 0]"],
  ["alias-target", "alias g", "alias nothing"],
  ["alias-target", "alias g", "alias flat"],
  ["alias-role", "alias g", "alias kk"],
  ["alias-type", "flat: f32[16]", "flat: f32[15]"],
  ["alias-type", "flat: f32[16]", "flat: i32[16]"],
  ["alias-halo", "alias g", "alias pad"],
  ["alias-part", "flat: f32[16]", "flat: f32[16] halo before [1] after [1] fill 0"],
  ["alias-part", "after [0, 4] fill 0", "after [0, 5] fill 0"],
  ["parts", "before [0, 4] after [0, 0]", "before [0, 0] after [0, 4]"],
  ["parts", "temporary left: f32[4, 4] halo before [0, 0] after [0, 4]", "temporary left: f32[4, 3] halo before [0, 0] after [0, 5]"],
  ["alias-offset", "alias g", "alias g offset 196"],
  ["offset-value", "temporary s: f32[4, 4]", "temporary s: f32[4, 4] offset 82"],
  ["offset-place", "derived kk: f32[4, 4]", "derived kk: f32[4, 4] offset 0"],
  ["arena-bounds", "temporary mask: bool[4]", "temporary mask: bool[4] offset 0"],
  ["input-twice", "inputs x, rows", "inputs x, rows, x"],
  ["output-twice", "output mask =", "output r ="],
  ["input-role", "inputs x, rows", "inputs x, rows, k"],
  ["input-role", "inputs x, rows", "inputs x"],
  ["unknown-output", "output r = flat", "output r = nothing"],
  // In place.
  ["overwrites-target", "overwrites s", "overwrites g"],
  ["overwrites-target", "overwrites s", "overwrites x"],
  ["overwrites-target", "overwrites s", "overwrites pad"],
  ["overwrites-target", "overwrites s", "overwrites left"],
  ["overwrites-target", "overwrites s", "overwrites nothing"],
  ["overwrites-target", "temporary both: f32[4, 8]", "temporary both: f32[4, 8]\ntemporary name: f32[16] alias s"],
  ["overwrites-twice", "temporary s: f32[4, 4]", "temporary s: f32[4, 4] overwrites s"],
  ["overwrites-offset", "overwrites s", "overwrites s offset 0"],
  ["in-place", "= s[i, j] + 1", "= s[j, i] + 1"],
  ["in-place", "= s[i, j] + 1", "= s[i, j] + (s[i - 1, j] else 0)"],
  ["in-place", "output mask = mask", "output mask = mask\noutput kept = s"],
  // Groups.
  ["group-twice", "group g run {", "group s run {"],
  ["group-empty", "  mask: bool[i in 4] = (x[i + 1, 0] else 0) < s[i, i]\n", ""],
  ["group-result", "group mask run", "group mosk run"],
  ["not-written", "group g run {\n  g: f32[i in 4, j in 4] = s[i, j] + 1\n}\n", ""],
  ["used-before-written", "(x[i + 1, 0] else 0) < s[i, i]", "(x[i + 1, 0] else 0) < g[i, i]"],
  ["result-type", "mask: bool[i in 4] =", "mask: bool[i in 5] ="],
  ["result-role", "group kk build", "group kk run"],
  ["alias-written", "temporary g: f32[4, 4] overwrites s", "temporary g: f32[4, 4] alias s"],
  ["normal-form", "max(s.sum[a, b], 0)", "max(s.sum[a, b], sum(z in 2) 1)"],
  ["normal-form", "bool[i in 4] = (x[i + 1, 0] else 0) < s[i, i]", "bool[i in 4] = argmax:bool(z in 2) x[i, z]"],
  ["group-form", "max(s.sum[a, b], 0)", "max(s.sum[b, a], 0)"],
  ["inner-name", "derived kk: f32[4, 4]\n", "derived kk: f32[4, 4]\nderived s.sum: f32[4, 4]\n"],
  ["build-reads-run", "k[j, i] * 2", "x[j, i] * 2"],
  ["compute-dtype", "s[i, j] + 1\n", "i32(s[i, j]) + 1_i32\n"],
  // Expressions.
  ["constant-value", "k[j, i] * 2", "k[j, i] * f32(2.5_i32)"],
  ["constant-value", "if x[i, j] > 0 then", "if 2_bool then"],
  ["condition-dtype", "if x[i, j] > 0 then", "if x[i, j] then"],
  ["condition-dtype", "where index(d) < 4_i32", "where index(d)"],
  ["branch-dtype", "else f32(c[0])", "else c[0]"],
  ["branch-dtype", "x[i + 1, 0] else 0)", "x[i + 1, 0] else 0_f64)"],
  ["index-count", "k[j, i] * 2", "k[j] * 2"],
  ["out-of-range", "k[j, i] * 2", "k[j + 1, i] * 2"],
  ["out-of-range", "k[j, i] * 2", "k[j // 2 + 3, i] * 2"],
  ["out-of-range", "k[j, i] * 2", "k[j, i - j + 8] * 2"],
  ["out-of-range", "k[j, i] * 2", "k[c[9], i] * 2"],
  ["index-dtype", "(x[i + 1, 0] else 0) <", "(x[x[0, 0], 0] else 0) <"],
  ["unknown-variable", "k[j, i] * 2", "k[j, z] * 2"],
  ["unknown-tensor", "k[j, i] * 2", "q:f32[j, i] * 2"],
  ["unknown-tensor", "k[j, i] * 2", "k[q[j], i] * 2"],
  ["read-dtype", "k[j, i] * 2", "f32(k:i32[j, i]) * 2"],
  ["argument-dtype", "k[j, i] * 2", "k[j, i] * 2_f64"],
  ["argument-dtype", "k[j, i] * 2", "bit_and:f32(k[j, i], 2)"],
  ["result-dtype", "k[j, i] * 2", "f32(mul:f64(k[j, i], 2))"],
  ["axis-repeated", "kk: f32[i in 4, j in 4] =", "kk: f32[i in 4, i in 4] ="],
  ["axis-repeated", "sum(q in 4, d in 3", "sum(q in 4, d in 3, i in 1"],
  ["reduce-dtype", "sum(q in 4, d in 3", "sum:f64(q in 4, d in 3"],
  // What no text can say: see below.
  ["type-extent", "", ""],
  ["halo-width", "", ""],
  ["index-value", "", ""],
  ["argument-count", "", ""],
];

testVerifier(
  "verifyTensor refuses",
  text,
  breaks.filter(([, from]) => from !== ""),
);
testCoverage(["verify_tensor.ts", "verify_buffers.ts", "verify_expr.ts", "verify_in_place.ts"], breaks);

test("what no text gives", () => {
  const at = parsed(text);
  if (at.level !== "tensor") throw new Error("not tensor");
  const { program } = at;
  const [x, ...others] = program.buffers;
  if (!x) throw new Error("no buffer");
  const codes = (changed: typeof program) => verifyTensor(changed).map((diagnostic) => diagnostic.code);
  expect(codes({ ...program, buffers: [{ ...x, shape: [4, -4] }, ...others] })).toContain("type-extent");
  const halo = { before: [1, -1], after: [0, 0], fill: 0 };
  expect(codes({ ...program, buffers: program.buffers.map((buffer) => (buffer.name === "pad" ? { ...buffer, halo } : buffer)) })).toContain(
    "halo-width",
  );
  const withValue = (value: (typeof program.groups)[number]["computes"][number]["value"]) =>
    codes({
      ...program,
      groups: program.groups.map((group) => ({
        ...group,
        computes: group.computes.map((compute) => (compute.name === "kk" ? { ...compute, value } : compute)),
      })),
    });
  expect(withValue({ kind: "index", index: { terms: [], constant: 0.5 } })).toContain("index-value");
  expect(withValue({ kind: "apply", function: "add", args: [], dtype: "f32" })).toContain("argument-count");
});

/** Programs that look suspicious and are right. */
describe("verifyTensor accepts", () => {
  test.each([
    ["a read outside that a choice guards", "if x[i, j] > 0 then x[i, j] else", "if x[i, j] > 0 then x[i + 3, j] else"],
    ["a read outside under a predicate", "pad[d + i - 1, q]", "pad[d + i + 7, q]"],
    ["an index that only interval arithmetic sees leave", "k[j, i] * 2", "k[j, (i + j) % 4] * 2"],
    ["a result in the place of an operand that dies", "s[i, j] + 1", "s[i, j] + s[i, j]"],
    ["a whole axis of extent 0", "input rows: i32[4]", "input rows: i32[0]"],
  ])("%s", (_, from, to) => {
    expect(verifyLevel(parsed(text.replace(from, to)))).toEqual([]);
  });
});

test("computes that were sound are looked at again where what they read has changed", () => {
  const at = parsed(text);
  if (at.level !== "tensor") throw new Error(at.level);
  const { program } = at;
  expect(verifyTensor(program)).toEqual([]);
  const smaller = program.buffers.map((buffer) => (buffer.name === "k" ? { ...buffer, shape: [4, 3] } : buffer));
  const codes = verifyTensor({ ...program, buffers: smaller }).map(({ code }) => code);
  expect(codes).toContain("out-of-range");
  expect(verifyTensor(program)).toEqual([]);
});
