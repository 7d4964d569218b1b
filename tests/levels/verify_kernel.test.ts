import { describe, expect, test } from "vitest";
import { verifyLevel } from "../../src/ir/level_program.ts";
import { verifyKernel } from "../../src/ir/verify_kernel.ts";
import { type Break, testCoverage, testVerifier } from "./broken.ts";
import { shaderBreaks } from "./broken_shaders.ts";
import { parsed } from "./levels.ts";

const text = `quern kernel 1
program p
memory weights 64 run 304 build 368

inputs x
output r = r

place k: f32[16] at 304 bytes 64
place kk: f32[16] at 0 bytes 64
place x: f32[16] at 64 bytes 64
place y: f32[16] at 128 bytes 64
place z: f32[4, 4] at 128 bytes 64
place n: u8[16] at 192 bytes 16
place s: f32[16] at 240 bytes 64
place r: f32[16] at 64 bytes 64

source k constant = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]

call build pack(k, kk) nest kk
call run main(x, kk, n, y) nest y
call run scale(z, s) nest s
call run scale(s, r) nest r

kernel pack(b0: f32, b1: f32 writes) {
  p: i32 = &b0
  q: i32 = &b1
  for i in 4 {
    store f32x4 b1[q] = load f32x4 b0[p]
    p = p + 16
    q = q + 16
  }
}

kernel main(b0: f32, b1: f32, b2: u8 writes, b3: f32 writes) {
  acc: f32x4 = splat(0.0)
  v: f32x4 = replace(v:f32x4, 0, 1.0)
  v = replace(replace(replace(v, 1, 2.0), 2, 3.0), 3, 4.0)
  for i in 4 {
    a: i32 = i * 16
    w: f32x4 = load f32x4 b0[&b0 + a]
    acc = multiply_add(w, load f32x4 splat b1[&b1 + a; 12], acc)
    if 1 < i {
      t: f32x4 = acc + v
    } else {
      t: f32x4 = acc
    }
    store f32x4 b3[&b3 + a] = if w < splat(0.0) then t else sqrt(t)
    store i32 b2[&b2 + i] = wrap:u8(i32(extract(t, 3)))
  }
}

kernel scale(b0: f32, b1: f32 writes) {
  for i in 16 {
    e: f32 = load f32 b0[&b0 + shift_left(i, 2)]
    g: f64 = host exp(f64(e))
    store f32 b1[&b1 + i * 4] = f32(g)
  }
}
`;

const breaks: readonly Break[] = [
  // Calls and memory.
  ["kernel-twice", "kernel scale(", "kernel pack("],
  ["unknown-kernel", "call build pack(", "call build copy("],
  ["argument-count", "main(x, kk, n, y)", "main(x, kk, n)"],
  ["argument-dtype", "main(x, kk, n, y)", "main(x, kk, s, y)"],
  ["unplaced", "main(x, kk, n, y)", "main(x, kk, n, q)"],
  ["unplaced", "output r = r", "output r = q"],
  ["placed-twice", "place n: u8[16] at 192 bytes 16", "place n: u8[16] at 192 bytes 16\nplace n: u8[16] at 208 bytes 16"],
  ["memory-size", "run 304 build 368", "run 369 build 368"],
  ["memory-bounds", "build 368", "build 360"],
  ["run-bounds", "run 304", "run 300"],
  ["offset-value", "s: f32[16] at 240", "s: f32[16] at 238"],
  ["placement-bytes", "n: u8[16] at 192 bytes 16", "n: u8[16] at 192 bytes 12"],
  ["input-twice", "inputs x", "inputs x, x"],
  ["output-twice", "output r = r", "output r = r\noutput r = s"],
  ["source-twice", "source k constant", "source k weight\nsource k constant"],
  ["constant-size", ", 15, 16]", ", 15]"],
  [
    "constant-value",
    "place n: u8[16] at 192 bytes 16",
    "place n: u8[16] at 192 bytes 16\nsource n constant = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.5]",
  ],
  ["read-before-write", "call run main(x, kk, n, y) nest y\n", ""],
  ["read-before-write", "main(x, kk, n, y)", "main(x, k, n, y)"],
  ["overwritten", "s: f32[16] at 240", "s: f32[16] at 0"],
  ["overwritten", "call run scale(s, r) nest r", "call run scale(s, r) nest r\ncall run scale(x, s) nest s"],
  ["memory-overlap", "r: f32[16] at 64", "r: f32[16] at 232"],
  ["memory-overlap", "n: u8[16] at 192", "n: u8[16] at 160"],
  // Bodies.
  ["parameter-twice", "kernel scale(b0: f32, b1: f32 writes)", "kernel scale(b0: f32, b1: f32, b1: f32 writes)"],
  ["store-type", "store f32x4 b1[q]", "store f32 b1[q]"],
  ["condition-type", "if 1 < i {", "if w < w {"],
  ["condition-type", "if w < splat(0.0) then t", "if i < 2 then t"],
  ["subgroup-place", "g: f64 = host exp(f64(e))", "e = subgroup sum e\n    g: f64 = host exp(f64(e))"],
  ["barrier-place", "g: f64 = host exp(f64(e))", "barrier\n    g: f64 = host exp(f64(e))"],
  ["loop-extent", "for i in 16 {", "for i in 0 {"],
  ["loop-name", "for i in 4 {\n    a: i32", "for acc in 4 {\n    i: i32 = acc\n    a: i32"],
  ["set-type", "acc: f32x4 = splat(0.0)", "acc: f32x4 = 0.0"],
  ["set-type", "t: f32x4 = acc\n", "t: f32 = 0.0\n"],
  ["constant-value", "a: i32 = i * 16", "a: i32 = i * 1.5_i32"],
  ["unknown-buffer", "p: i32 = &b0", "p: i32 = &b7"],
  ["unknown-buffer", "load f32x4 b0[p]", "load f32x4 b7:f32[p]"],
  ["operand-type", "i * 16", "i * 16.0"],
  ["operand-type", "multiply_add(w,", "multiply_add(e:f32,"],
  ["operand-type", "else sqrt(t)", "else sqrt(i32x4(t))"],
  ["operand-type", "host exp(f64(e))", "host exp(e)"],
  ["splat-type", "acc: f32x4 = splat(0.0)", "acc: f32x4 = splat:f32x4(0)"],
  ["splat-type", "load f32 b0[&b0", "load f32 splat b0[&b0"],
  ["lane-type", "extract(t, 3)", "extract(i, 3)"],
  ["lane-number", "extract(t, 3)", "extract(t, 4)"],
  ["convert-type", "i32(extract(t, 3))", "i32(i32(extract(t, 3)))"],
  ["wrap-type", "wrap:u8(i32(extract(t, 3)))", "wrap:u8(extract(t, 3))"],
  ["wrap-type", "wrap:u8(", "wrap:i32("],
  ["get-before-set", "b1[&b1 + a; 12], acc)", "b1[&b1 + a; 12], later:f32x4)"],
  ["get-before-set", "v = replace(replace(replace(v, 1, 2.0), 2, 3.0), 3, 4.0)", "v = replace(replace(v, 1, 2.0), 2, 3.0)"],
  ["get-before-set", "    } else {\n      t: f32x4 = acc\n    }", "    }"],
  ["get-type", "t: f32x4 = acc + v", "t: f32x4 = acc + v:i32x4"],
  ["no-instruction", "else sqrt(t)", "else exp(t)"],
  ["address-type", "load f32x4 b0[p]", "load f32x4 b0[1.0]"],
  ["access-type", "load f32 b0[&b0", "load i32 b0[&b0"],
  ["access-dtype", "load f32 b0[&b0", "load f32 b0:f16[&b0"],
  ["read-only", "b1: f32 writes) {\n  p:", "b1: f32) {\n  p:"],
  ["out-of-range", "p: i32 = &b0", "p: i32 = &b0 + 16"],
  ["out-of-range", "p = p + 16", "p = p + 20"],
  ["out-of-range", "b1[&b1 + a; 12]", "b1[&b1 + a; 16]"],
  ["out-of-range", "a: i32 = i * 16", "a: i32 = i * 16 - 4"],
  ["out-of-range", "shift_left(i, 2)", "shift_left(i, 3)"],
  // What no text can say: see below.
  ["type-extent", "", ""],
];

testVerifier(
  "verifyKernel refuses",
  text,
  breaks.filter(([, from]) => from !== ""),
);
const ofShaders = shaderBreaks.filter(([code]) => code === "shader-form");
testCoverage(["verify_kernel.ts", "verify_kernel_memory.ts", "verify_kernel_body.ts"], [...breaks, ...ofShaders]);

test("extents that no text gives", () => {
  const at = parsed(text);
  if (at.level !== "kernel") throw new Error("not kernel");
  const placements = at.program.placements.map((placement) => ({ ...placement, shape: [-4, -4] }));
  expect(verifyKernel({ ...at.program, placements }).map((found) => found.code)).toContain("type-extent");
});

describe("verifyKernel accepts", () => {
  test.each([
    ["an address outside that a branch guards", "t: f32x4 = acc + v", "t: f32x4 = load f32x4 b0[&b0 + i * 64]"],
    ["an address that only running tells", "store f32 b1[&b1 + i * 4]", "store f32 b1[&b1 + i32(e) * 64]"],
    ["a result in the place of an operand that dies", "s: f32[16] at 240", "s: f32[16] at 128"],
    ["the same kernel for several nests", "call run scale(s, r) nest r", "call run scale(s, r) nest r2"],
  ])("%s", (_, from, to) => {
    expect(verifyLevel(parsed(text.replace(from, to)))).toEqual([]);
  });
});
