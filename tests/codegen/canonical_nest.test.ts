/** Nests that differ in names alone are lowered once; nothing else may make two of them one. */
import { expect, test } from "vitest";
import { lowerToKernels } from "../../src/codegen/lower_to_kernel.ts";
import { variableIndex } from "../../src/ir/affine.ts";
import { canonicalNest } from "../../src/ir/canonical_nest.ts";
import type { Expr } from "../../src/ir/expr.ts";
import type { Nest, Statement } from "../../src/ir/loop.ts";
import type { Buffer } from "../../src/ir/tensor.ts";
import { compileExample } from "../support.ts";

const buffer = (name: string, more: Partial<Buffer> = {}): [string, Buffer] => [
  name,
  { name, dtype: "f32", shape: [8], role: { kind: "temporary" }, ...more },
];

/** `to[i] = from[i] + other[i]` */
function addition(to: string, from: string, other: string): Nest {
  const read = (tensor: string): Expr => ({ kind: "read", tensor, indices: [variableIndex("i")], dtype: "f32" });
  const value: Expr = { kind: "apply", function: "add", args: [read(from), read(other)], dtype: "f32" };
  const store: Statement = { kind: "store", buffer: to, indices: [variableIndex("i")], value };
  return { name: to, phase: "run", result: to, trace: [], body: { kind: "for", name: "i", extent: 8, mode: "serial", body: store } };
}

test("names of buffers do not matter, even odd ones", () => {
  const buffers = new Map([buffer("x"), buffer("y"), buffer("z"), buffer('a"buffer":"x'), buffer("b\\"), buffer("c")]);
  const one = canonicalNest(addition("x", "y", "z"), buffers);
  const other = canonicalNest(addition('a"buffer":"x', "b\\", "c"), buffers);
  expect(other.text).toBe(one.text);
  expect(one.names).toEqual(["x", "y", "z"]);
  expect(other.names).toEqual(['a"buffer":"x', "b\\", "c"]);
});

test.each<[string, Nest, Partial<Buffer>]>([
  ["one tensor read twice", addition("x", "y", "y"), {}],
  ["another shape", addition("x", "y", "z"), { shape: [9] }],
  ["a border", addition("x", "y", "z"), { halo: { before: [1], after: [0], fill: 0 } }],
  ["another type", addition("x", "y", "z"), { dtype: "i32" }],
  ["a place in memory that another has", addition("x", "y", "z"), { aliasOf: "x" }],
])("%s does", (_, nest, z) => {
  const plain = new Map([buffer("x"), buffer("y"), buffer("z")]);
  const changed = new Map([buffer("x"), buffer("y"), buffer("z", z)]);
  expect(canonicalNest(nest, changed).text).not.toBe(canonicalNest(addition("x", "y", "z"), plain).text);
});

test("every layer of a network with repeated blocks gets its own buffers", () => {
  const program = compileExample("resnet8").levels.loop();
  const { calls } = lowerToKernels(program);
  program.nests.forEach((nest, i) => {
    const alone = lowerToKernels({ ...program, nests: [nest] }).calls[0];
    expect(calls[i]?.arguments).toEqual(alone?.arguments);
  });
});
