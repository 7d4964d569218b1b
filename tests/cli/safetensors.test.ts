/** Safetensors files: there and back, and every way of being broken. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { formatSafetensors, parseSafetensors } from "../../src/cli/io/safetensors.ts";
import type { DType } from "../../src/ir/dtype.ts";
import { sharedFile } from "../support.ts";

/** A file by hand: any header, any data. */
function file(header: unknown, dataBytes = 0, announced?: bigint): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, announced ?? BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const problems = (bytes: Uint8Array) => parseSafetensors(bytes, "w").diagnostics.map((diagnostic) => diagnostic.message);
const f32 = (begin: number, end: number, shape = [(end - begin) / 4]) => ({ dtype: "F32", shape, data_offsets: [begin, end] });

describe("safetensors", () => {
  test("every dtype comes back as it was written", () => {
    const tensors = new Map<string, { type: { dtype: DType; shape: number[] }; values: number[] }>([
      ["a.f32", { type: { dtype: "f32", shape: [2, 1] }, values: [1.5, -0] }],
      ["b.f64", { type: { dtype: "f64", shape: [1] }, values: [0.1] }],
      ["c.f16", { type: { dtype: "f16", shape: [3] }, values: [1, -2.5, 65504] }],
      ["d.i8", { type: { dtype: "i8", shape: [1] }, values: [-128] }],
      ["e.u8", { type: { dtype: "u8", shape: [1, 1, 1] }, values: [255] }],
      ["f.i32", { type: { dtype: "i32", shape: [] }, values: [-7] }],
      ["g.i64", { type: { dtype: "i64", shape: [1] }, values: [Number.MAX_SAFE_INTEGER] }],
      ["h.bool", { type: { dtype: "bool", shape: [2] }, values: [0, 1] }],
      ["empty", { type: { dtype: "f32", shape: [0, 4] }, values: [] }],
    ]);
    const bytes = formatSafetensors(tensors, { source: "a test" });
    const { value, diagnostics } = parseSafetensors(bytes, "w");
    expect(diagnostics).toEqual([]);
    expect([...(value ?? [])]).toEqual(
      [...tensors].map(([name, { type, values }]) => [name, { ...type, values: Float64Array.from(values) }]),
    );
    const headerLength = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(headerLength % 8).toBe(0);
    expect(JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerLength))).__metadata__).toEqual({ source: "a test" });
  });

  test("BF16 is read", () => {
    const bytes = file({ x: { dtype: "BF16", shape: [1], data_offsets: [0, 2] } }, 2);
    bytes.set([0xc0, 0x3f], bytes.length - 2);
    expect(parseSafetensors(bytes, "w").value?.get("x")).toEqual({ dtype: "bf16", shape: [1], values: Float64Array.of(1.5) });
  });

  test("a file without tensors", () => {
    expect(parseSafetensors(file({}), "w")).toEqual({ value: new Map(), diagnostics: [] });
  });

  test("a damaged header", () => {
    expect(problems(new Uint8Array(7))).toEqual(["w: 7 bytes are too few for a safetensors file"]);
    expect(problems(file({}, 0, 2n ** 63n))).toEqual([
      "w: a header of 9223372036854775808 bytes is announced: this is no safetensors file",
    ]);
    expect(problems(file({}, 0, 100n))).toEqual(["w: the file is truncated inside its header: 100 bytes are announced and 2 are there"]);
    expect(problems(file("{ not json"))).toEqual(["w: the header is no JSON: this is no safetensors file, or it is damaged"]);
    expect(problems(file("[1]"))).toEqual(["w: the header is no JSON object"]);
    expect(problems(file("null"))).toEqual(["w: the header is no JSON object"]);
    expect(problems(file({ __metadata__: { a: 1 } }))).toEqual(["w: `__metadata__` is no object of texts"]);
    const entry = JSON.stringify(f32(0, 4));
    expect(problems(file(`{"a": ${entry}, "b": ${entry}, "\\u0061": ${entry}}`, 4))).toEqual(["w: the header names the tensor `a` twice"]);
  });

  test("a tensor's entry", () => {
    expect(problems(file({ a: 3 }))).toEqual(["w: the tensor `a` is no object with dtype, shape and data_offsets"]);
    expect(problems(file({ a: { ...f32(0, 4), dtype: "F8_E4M3" } }, 4))).toEqual([
      'w: the tensor `a` has the unknown dtype "F8_E4M3": known are F32, F16, BF16, F64, I8, U8, I32, I64, BOOL',
    ]);
    expect(problems(file({ a: { ...f32(0, 4), dtype: "toString" } }, 4))[0]).toContain("unknown dtype");
    for (const shape of ["x", [1.5], [-1], [null], [2 ** 30, 2 ** 30]]) {
      expect(problems(file({ a: { ...f32(0, 4), shape } }, 4))).toEqual([
        `w: the tensor \`a\` has no valid shape: ${JSON.stringify(shape)}`,
      ]);
    }
    for (const data_offsets of [undefined, [0], [0, 4, 8], [-4, 0], ["0", "4"]]) {
      expect(problems(file({ a: { ...f32(0, 4), data_offsets } }, 4))).toEqual([
        `w: the tensor \`a\` has no valid data_offsets: ${JSON.stringify(data_offsets)}`,
      ]);
    }
    expect(problems(file({ a: f32(0, 8, [3]) }, 8))).toEqual([
      "w: the tensor `a` is F32[3], which takes 12 bytes, and its data_offsets [0, 8] span 8",
    ]);
    expect(problems(file({ a: f32(0, 8, [1]) }, 8))).toEqual([
      "w: the tensor `a` is F32[1], which takes 4 bytes, and its data_offsets [0, 8] span 8",
    ]);
    expect(problems(file({ a: f32(8, 4, [1]) }, 8))[0]).toContain("span -4");
    const bool = file({ a: { dtype: "BOOL", shape: [1], data_offsets: [0, 1] } }, 1);
    bool[bool.length - 1] = 9;
    expect(problems(bool)).toEqual(["w: the tensor `a`: element 0 is 9, and a bool is 0 or 1"]);
  });

  test("tensors that do not lie end to end", () => {
    expect(problems(file({ a: f32(0, 8), b: f32(4, 12) }, 12))).toEqual([
      "w: the tensor `b` begins at byte 4 of the data, inside `a`, which ends at 8",
    ]);
    expect(problems(file({ a: f32(0, 4), b: f32(8, 12) }, 12))).toEqual([
      "w: bytes 4 to 8 of the data, before the tensor `b`, belong to no tensor",
    ]);
    expect(problems(file({ a: f32(0, 4) }, 6))).toEqual(["w: the last 2 bytes of the file belong to no tensor"]);
    expect(problems(file({ a: f32(0, 4), b: f32(4, 12) }, 10))).toEqual([
      "w: the file is truncated: the tensor `b` ends at byte 12 of the data and 10 bytes are there",
    ]);
  });

  test("several mistakes are all said", () => {
    expect(problems(file({ a: { ...f32(0, 4), dtype: "X" }, b: 1 }, 4))).toHaveLength(2);
  });

  test("no file makes it throw", () => {
    const bytes = formatSafetensors(new Map([["a", { type: { dtype: "f32" as const, shape: [3] }, values: [1, 2, 3] }]]));
    for (let i = 0; i < bytes.length; i++) {
      expect(parseSafetensors(bytes.subarray(0, i), "w").value).toBeUndefined();
      const flipped = bytes.slice();
      flipped[i] = (flipped[i] as number) ^ 0x15;
      expect(() => parseSafetensors(flipped, "w")).not.toThrow();
    }
  });

  const shared = sharedFile("models/mlperf-tiny/resnet8.safetensors");
  test.skipIf(!shared)("the published weights of ResNet-8", () => {
    const { value, diagnostics } = parseSafetensors(readFileSync(shared ?? ""), "w");
    expect(diagnostics).toEqual([]);
    expect(value?.get("conv2d.kernel")?.shape).toEqual([3, 3, 3, 16]);
    expect(value?.get("dense.kernel")?.shape).toEqual([64, 10]);
  });
});
